"""What is judged: sentences with the passages that they rest on, of the seeds and of CLAPNQ."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from assistant.documents import read_documents
from assistant.embedding import Embedding
from assistant.embedding.embedding import Vectors
from assistant.errors import DocumentError
from assistant.grounding import Evidence
from assistant.passages import split
from assistant.sentences import Span, sentence_spans
from assistant.settings import Settings
from evals import half
from evals.perturbations.rules import names_in, perturb, rearranged

CASES = Path(__file__).parent.parent / "cases"
SEEDS = Path(__file__).parent.parent.parent / "seeds"


class Trial(NamedTuple):
    """A sentence to be judged.

    Attributes:
        kind: How it was perturbed, or what kind of honest sentence it is.
        sentence: It.
        rests: Places, in the corpus, of the passages that it rests on; none for what is absent.
        key: What its half is told by.
        changed: What was taken out and what was put in.
    """

    kind: str
    sentence: str
    rests: tuple[int, ...]
    key: str
    changed: tuple[str, str] = ("", "")

    @property
    def half(self) -> int:
        """0 for tuning, 1 for reporting."""
        return half(self.key)


@dataclass(frozen=True)
class Corpus:
    """Passages that can be evidence, and what is to be judged by them."""

    name: str
    evidence: list[Evidence]
    vectors: Vectors | None
    trials: list[Trial]

    def eight(self, trial: Trial, vector: Vectors | None) -> list[Evidence]:
        """The passages that a trial rests on, and as many of the most similar as make eight."""
        if vector is None or self.vectors is None:
            order = list(range(len(self.evidence)))
        else:
            order = [int(place) for place in np.argsort(-(self.vectors @ vector))]
        if trial.kind == "from elsewhere":  # then the others may be where it is from
            order = []
        others = [place for place in order if place not in trial.rests]
        return [self.evidence[place] for place in (*trial.rests, *others)[:8]]


class Source(NamedTuple):
    """A passage before it is encoded."""

    text: str
    context: str
    sentences: tuple[Span, ...]


def encoded(
    sources: Sequence[Source], embedding: Embedding | None
) -> tuple[list[Evidence], Vectors | None]:
    """The sources as evidence, with vectors if there is a model."""
    if embedding is None:
        return [Evidence(s.text, s.sentences, None, s.context) for s in sources], None
    codes = embedding.encode([s.text for s in sources], [s.sentences for s in sources])
    evidence = [
        Evidence(s.text, s.sentences, code.sentences, s.context)
        for s, code in zip(sources, codes, strict=True)
    ]
    return evidence, np.stack([code.vector for code in codes])


def seeds(embedding: Embedding | None) -> Corpus:
    """The shipped documents with what was written by hand for them."""
    settings = Settings()
    sources = []
    files = [(path, path.name) for path in sorted(SEEDS.iterdir())]
    for document in read_documents(files, settings=settings):
        if isinstance(document, DocumentError):
            raise document
        for passage in split(document, max_tokens=settings.chunk_tokens):
            start = passage.start
            spans = tuple(Span(a - start, b - start) for a, b in passage.sentences)
            sources.append(Source(passage.text, passage.context, spans))
    evidence, vectors = encoded(sources, embedding)
    return Corpus("seeds", evidence, vectors, [*seed_trials(sources)])


def seed_trials(sources: Sequence[Source]) -> Iterator[Trial]:
    """Perturbed and untouched sentences, and the two files of cases."""
    seen = set()
    for place, source in enumerate(sources):
        for start, end in source.sentences:
            sentence = " ".join(source.text[start:end].split())
            if sentence in seen or not prose(sentence):
                continue
            seen.add(sentence)
            yield from of_sentence(sentence, source, place, sentence, names=())
    for row in rows("paraphrases.jsonl"):
        rests = [
            next(
                place
                for place, source in enumerate(sources)
                if says in " ".join(source.text.split())
            )
            for says in row["says"]
        ]
        key = row["says"][0]
        yield Trial("paraphrase", row["text"], tuple(dict.fromkeys(rests)), key)
    for row in rows("absent.jsonl"):
        yield Trial("absent", row["text"], (), row["text"])


def rows(name: str) -> list[dict[str, str]]:
    """The lines of a file of cases."""
    return [json.loads(line) for line in (CASES / name).read_text("utf-8").splitlines()]


def clapnq(folder: Path, embedding: Embedding | None) -> Corpus:
    """CLAPNQ's answerable questions: each passage, its sentences and its human answers."""
    lines = (folder / "clapnq_dev_answerable.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    sources = []
    for question in questions:
        passage = question["passages"][0]
        spans = tuple(sentence_spans(passage["text"]))
        sources.append(Source(passage["text"], passage["title"], spans))
    evidence, vectors = encoded(sources, embedding)
    return Corpus("clapnq", evidence, vectors, [*clapnq_trials(questions, sources)])


def clapnq_trials(
    questions: Sequence[Mapping[str, Any]], sources: Sequence[Source]
) -> Iterator[Trial]:
    """Perturbed and untouched sentences, human answers, and what other passages say."""
    names = names_in(source.text for source in sources)
    for place, (question, source) in enumerate(zip(questions, sources, strict=True)):
        key = question["id"]
        selected = question["output"][0]["selected_sentences"]
        for sentence in dict.fromkeys(map(str.strip, selected)):
            if prose(sentence):
                yield from of_sentence(sentence, source, place, key, names=names)
        for sentence in answer_sentences(question):
            verbatim = letters(sentence) in letters(source.text)
            kind = "human answer, verbatim" if verbatim else "human answer, reworded"
            yield Trial(kind, sentence, (place,), key)
            if not verbatim and prose(sentence):
                for made in perturb(sentence, f"{source.context} {source.text}", names=names):
                    yield Trial(made.kind, made.sentence, (place,), key, made.changed)
        yield Trial("from elsewhere", akin(source, sources), (place,), key)


def akin(source: Source, others: Sequence[Source]) -> str:
    """The sentence about something else that shares the most words with a source."""
    words = set(re.findall(r"[a-z]{4,}", source.text.casefold()))
    sentences = [
        other.text[start:end]
        for other in others
        if other.context.casefold() not in f"{source.context} {source.text}".casefold()
        for start, end in other.sentences
        if prose(other.text[start:end])
    ]

    def shared(sentence: str) -> float:
        mine = set(re.findall(r"[a-z]{4,}", sentence.casefold()))
        return len(mine & words) / (2 + len(mine))

    return max(sentences, key=shared)


def answer_sentences(question: Mapping[str, Any]) -> Iterator[str]:
    """The sentences of the human answers, each once; headless bits of a list are left out."""
    seen = set()
    for output in question["output"]:
        for start, end in sentence_spans(output["answer"]):
            sentence = output["answer"][start:end]
            if sentence not in seen and prose(sentence):
                seen.add(sentence)
                yield sentence


def of_sentence(
    sentence: str, source: Source, place: int, key: str, *, names: Sequence[str]
) -> Iterator[Trial]:
    """A sentence of a source: as it is, rearranged, and perturbed."""
    yield Trial("untouched", sentence, (place,), key)
    for text in dict.fromkeys((rearranged(sentence), detached(sentence))):
        if text != sentence:
            yield Trial("rearranged", text, (place,), key)
    for made in perturb(sentence, f"{source.context} {source.text}", names=names):
        yield Trial(made.kind, made.sentence, (place,), key, made.changed)


def prose(sentence: str) -> bool:
    """Whether this is a sentence and no heading, row or fragment."""
    words = sentence.split()
    return 6 <= len(words) <= 60 and sentence.rstrip("'\" )”`").endswith((".", "!"))


def letters(text: str) -> str:
    """A text without its spaces, marks and cases."""
    return re.sub(r"[\W_]+", "", text).casefold()


def detached(text: str) -> str:
    """CLAPNQ's text, in which tokens were set apart, as people write it."""
    text = re.sub(r" ([,.;:?!)%]|'s\b|n't\b|')", r"\1", text)
    return re.sub(
        r"`` ?| ?''", '"', text.replace("( ", "(").replace(" -- ", "–").replace(" - ", "-")
    )
