"""Hits become an Answer: the fewest verbatim sentences that answer, or a refusal."""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from assistant.embedding.embedding import Vectors
from assistant.grounding import Evidence, Label, ground
from assistant.grounding.words import tokens
from assistant.prompts import render
from assistant.retrieval import Hit, Retrieval

# How many of the best passages are read for sentences.
PASSAGES_READ = 8
# Share of the question's words (weighted by their rarity) in the score of a sentence, beside its
# cosine with the question. evals/clapnq.py prints what others give.
OVERLAP_WEIGHT = 0.15
# How much the place of its passage among the hits counts: what its fused score lacks to the best.
PASSAGE_WEIGHT = 0.5
# The first sentence of a document's section often says what the rest is about.
FIRST_BONUS = 0.03
# Sentences that lean on the one before, or too short to say something.
LEANING_PENALTY = 0.03
SHORT_PENALTY = 0.1
SHORT_WORDS = 6
# A further sentence must score at least this share of the first one's.
LEAST_SHARE = 0.6
# Sentences closer to one already chosen than this say the same again.
SAME = 0.9

LEANING = re.compile(
    r"(?:he|she|it|they|this|that|these|those|his|her|its|their|such|but|and|so|however|"
    r"also|instead|moreover|therefore|thus)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence of an answer comes from; enough to find the place again later.

    Attributes:
        number: By which the answer's text refers to it, from 1.
        source: The document's source.
        title: The document's title.
        quote: The words cited; `document.text[start:end]` is the same.
        start: Offset of the quote in the document's text.
        end: Offset after its last character.
        page: The page on which it starts, or None.
        page_end: The page on which it ends, or None.
        heading: The path of headings it stands under, outermost first.
        sheet: The sheet, for spreadsheets.
        row: The row, for tables.
        content_hash: SHA-256 of the file when it was indexed, hex: tells whether it has changed.
    """

    number: int
    source: str
    title: str
    quote: str
    start: int
    end: int
    page: int | None
    page_end: int | None
    heading: tuple[str, ...]
    sheet: str | None
    row: int | None
    content_hash: str

    @property
    def place(self) -> str:
        """Where in the document, for people: "page 2", "sheet People, row 4", "A > B"."""
        parts = []
        if self.page is not None:
            several = self.page_end is not None and self.page_end != self.page
            parts.append(f"pages {self.page}-{self.page_end}" if several else f"page {self.page}")
        if self.sheet is not None:
            parts.append(f"sheet {self.sheet}")
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.heading:
            parts.append(" > ".join(self.heading))
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer.

    Attributes:
        text: The sentence, without citation marks.
        verdict: What the check against the cited text found.
        citations: Numbers of the citations that bear it out.
        reason: What is wrong with it, in words; empty when quoted or supported.
    """

    text: str
    verdict: Label
    citations: tuple[int, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of which every sentence is cited and checked, or a refusal.

    Attributes:
        question: As it was asked.
        search_query: What was searched.
        text: The sentences with their marks "[1]"; or, for a refusal, what was searched.
        refused: Whether the documents do not say; there are no sentences and citations then.
        confidence: The probability that the documents hold the answer, 0 to 1.
        sentences: In reading order.
        citations: In order of number.
        model: What wrote it: "extractive", or a language model's name.
        timings: Seconds spent, by step: "retrieve", "answer", "total".
        closest: For a refusal, what came closest, best first; not an answer.
    """

    question: str
    search_query: str
    text: str
    refused: bool
    confidence: float
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    model: str
    timings: dict[str, float]
    closest: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A hit, read: its sentences, and how well each fits the question.

    Attributes:
        hit: The hit.
        evidence: Its passage as the check wants it.
        vectors: Its sentences' vectors, shape (sentences, dimensions).
        cosines: Of the question with each sentence, shape (sentences,).
        overlaps: The share of the question's words that each sentence has, shape (sentences,).
        scores: By which sentences are chosen, shape (sentences,).
    """

    hit: Hit
    evidence: Evidence
    vectors: Vectors
    cosines: Vectors
    overlaps: Vectors
    scores: Vectors

    def sentence(self, index: int) -> str:
        """The text of one of its sentences."""
        start, end = self.evidence.sentences[index]
        return self.evidence.text[start:end]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the stems of its content words in order, and how telling each is."""

    text: str
    stems: tuple[str, ...]
    weights: tuple[float, ...]

    @classmethod
    def read(cls, text: str, *, rarity: Callable[[Sequence[str]], dict[str, float]]) -> "Question":
        """Take a question apart; `rarity` tells how rare each of some words is among the texts."""
        words = {token.stem: token.folded for token in tokens(text) if token.content}
        rarities = rarity(list(words.values()))
        return cls(text, tuple(words), tuple(rarities[word] for word in words.values()))

    def overlap(self, stems: Collection[str]) -> float:
        """The share of the question's words that are among `stems`, weighted; 0 for none."""
        total = sum(self.weights)
        if not total:
            return 0.0
        pairs = zip(self.stems, self.weights, strict=True)
        return sum(weight for stem, weight in pairs if stem in stems) / total


def answer(
    question: str,
    retrieval: Retrieval,
    *,
    rarity: Callable[[Sequence[str]], dict[str, float]],
    scope: Callable[[], str],
    threshold: float,
    most_sentences: int,
    prompts: str = "",
) -> Answer:
    """Answer from what was retrieved, in the documents' own sentences, or refuse.

    Args:
        question: As it was asked.
        retrieval: What was found for it; sentence vectors from the embedded model.
        rarity: How rare each of some words is among the indexed texts.
        scope: What was searched, for a refusal: "12 documents"; empty for an empty index.
        threshold: The least confidence that is not a refusal.
        most_sentences: The most sentences of an answer.
        prompts: Folder of prompts that replace the built-in ones.
    """
    asked = Question.read(retrieval.query, rarity=rarity)
    readings = read(asked, retrieval)
    confidence = probability(signals(asked, readings))
    if confidence < threshold or not readings:
        searched = scope()
        text = (
            render("refusal", folder=prompts, query=retrieval.query, scope=searched)
            if searched
            else render("refusal-empty", folder=prompts, query=retrieval.query)
        )
        return Answer(
            question=question,
            search_query=retrieval.query,
            text=text,
            refused=True,
            confidence=round(confidence, 4),
            sentences=(),
            citations=(),
            model="extractive",
            timings={},
            closest=retrieval.hits[:3],
        )
    chosen = arrange(choose(readings, most=most_sentences))
    citations, sentences, marked = [], [], []
    for number, (reading, index) in enumerate(chosen, start=1):
        text = reading.sentence(index)
        verdict = ground(text, [reading.evidence], vector=reading.vectors[index])
        citations.append(_citation(number, reading, index))
        sentences.append(Sentence(_line(text), verdict.label, (number,), verdict.reason))
        marked.append(f"{_line(text)} [{number}]")
    return Answer(
        question=question,
        search_query=retrieval.query,
        text=" ".join(marked),
        refused=False,
        confidence=round(confidence, 4),
        sentences=tuple(sentences),
        citations=tuple(citations),
        model="extractive",
        timings={},
    )


def read(question: Question, retrieval: Retrieval) -> list[Reading]:
    """Read the best hits: how well does each of their sentences fit the question?"""
    readings = []
    best = retrieval.hits[0].score if retrieval.hits else 0.0
    for hit in retrieval.hits[:PASSAGES_READ]:
        vectors = retrieval.vectors[hit.id]
        if vectors is None or not len(vectors):
            continue
        evidence = Evidence.from_passage(hit.passage, vectors=vectors)
        stems: list[set[str]] = [set() for _ in evidence.sentences]
        for piece in evidence.pieces:
            stems[piece.sentence] |= piece.stems
        cosines = np.asarray(vectors @ retrieval.vector, np.float32)
        overlaps = np.array([question.overlap(words) for words in stems], np.float32)
        scores = cosines + np.float32(OVERLAP_WEIGHT) * overlaps
        scores -= np.float32(PASSAGE_WEIGHT * (best - hit.score))
        for index, (start, end) in enumerate(evidence.sentences):
            text = evidence.text[start:end]
            if index == 0:
                scores[index] += FIRST_BONUS
            elif LEANING.match(text):
                scores[index] -= LEANING_PENALTY
            if text.count(" ") + 1 < SHORT_WORDS:
                scores[index] -= SHORT_PENALTY
        readings.append(Reading(hit, evidence, vectors, cosines, overlaps, scores))
    return readings


def choose(readings: Sequence[Reading], *, most: int) -> list[tuple[Reading, int]]:
    """The best sentences, best first: none that repeats another, none far worse than the first."""
    ranked = sorted(
        ((reading, index) for reading in readings for index in range(len(reading.scores))),
        key=lambda pair: -pair[0].scores[pair[1]],
    )
    chosen: list[tuple[Reading, int]] = []
    for reading, index in ranked:
        if len(chosen) == most:
            break
        if chosen:
            first, at = chosen[0]
            if reading.scores[index] < LEAST_SHARE * first.scores[at]:
                break
            vector = reading.vectors[index]
            if any(float(other.vectors[i] @ vector) > SAME for other, i in chosen):
                continue
        chosen.append((reading, index))
    return chosen


def arrange(chosen: Sequence[tuple[Reading, int]]) -> list[tuple[Reading, int]]:
    """Put sentences in reading order: document by document, the best sentence's first."""
    order = {
        source: place
        for place, source in enumerate(dict.fromkeys(reading.hit.source for reading, _ in chosen))
    }
    return sorted(
        chosen,
        key=lambda pair: (
            order[pair[0].hit.source],
            pair[0].hit.passage.start + pair[0].evidence.sentences[pair[1]].start,
        ),
    )


def _line(text: str) -> str:
    """A sentence on one line, whatever its line breaks in the source."""
    return " ".join(text.split())


def _citation(number: int, reading: Reading, index: int) -> Citation:
    passage = reading.hit.passage
    start, end = passage.sentences[index]
    return Citation(
        number=number,
        source=passage.source,
        title=passage.title,
        quote=reading.sentence(index),
        start=start,
        end=end,
        page=passage.page,
        page_end=passage.page_end,
        heading=passage.heading,
        sheet=passage.sheet,
        row=passage.row,
        content_hash=reading.hit.content_hash,
    )


# Confidence: is the answer in the documents?

# How many of the best passages speak for or against it.
WITNESSES = 3
# Fitted by evals/clapnq.py on one half of its questions; the figures are for the other half.
COEFFICIENTS = {
    "bias": -7.0,
    "passage": 4.0,
    "sentence": 4.0,
    "sentences": 2.0,
    "coverage": 1.5,
    "overlap": 0.5,
    "pairs": 0.5,
}


def signals(question: Question, readings: Sequence[Reading]) -> dict[str, float]:
    """What speaks for the answer being there, each about 0 to 1.

    `passage` is the best passage's cosine with the question, `sentence` the best sentence's,
    `sentences` the mean of the best three; `coverage` the share of the question's words in one
    passage with its title and headings, `overlap` in one sentence, and `pairs` the share of its
    neighbouring words that are neighbours in a passage. All are 0 where nothing was found.
    """
    witnesses = readings[:WITNESSES]
    if not witnesses:
        return dict.fromkeys((name for name in COEFFICIENTS if name != "bias"), 0.0)
    cosines = np.sort(np.concatenate([reading.cosines for reading in witnesses]))[::-1]
    asked = set(pairwise(question.stems))
    coverage, pairs = 0.0, 0.0
    for reading in witnesses:
        content = [token.stem for token in reading.evidence.tokens if token.content]
        context = [token.stem for token in tokens(reading.evidence.context)]
        coverage = max(coverage, question.overlap({*content, *context}))
        found = set(pairwise(content)) | set(pairwise(context))
        pairs = max(pairs, len(asked & found) / len(asked) if asked else coverage)
    return {
        "passage": max(reading.hit.cosine for reading in witnesses),
        "sentence": float(cosines[0]),
        "sentences": float(cosines[:3].mean()),
        "coverage": coverage,
        "overlap": max(float(reading.overlaps.max()) for reading in witnesses),
        "pairs": pairs,
    }


def probability(values: Mapping[str, float]) -> float:
    """The signals as a probability that the documents hold the answer."""
    total = COEFFICIENTS["bias"] + sum(COEFFICIENTS[k] * value for k, value in values.items())
    return 1 / (1 + math.exp(-total))
