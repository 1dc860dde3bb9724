"""Reading hits with a question in mind: how well does each of their sentences fit it?"""

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assistant.answering.orders import about_orders, disarmed
from assistant.embedding.embedding import Vectors
from assistant.grounding import Evidence
from assistant.grounding.words import CARDINALS, Token, listed, tokens
from assistant.retrieval import Hit, Retrieval

# How many of the best passages are read for sentences.
PASSAGES_READ = 8
# Share of the question's words (weighted by their rarity) in the score of a sentence, beside its
# cosine with the question. evals/clapnq.py prints what others give.
OVERLAP_WEIGHT = 0.15
# How much the place of its document among the hits counts: what its best passage's fused score
# lacks to the best of all.
DOCUMENT_WEIGHT = 0.5
# The first sentence of a document often says what the rest is about.
FIRST_BONUS = 0.03
# A sentence that holds the kind of thing asked for: a number, a time, a name.
KIND_BONUS = 0.05
# Sentences that lean on the one before, or are too short to say something.
LEANING_PENALTY = 0.02
SHORT_PENALTY = 0.05
SHORT_WORDS = 6

LEANING = re.compile(
    r"(?:he|she|it|they|this|that|these|those|his|her|its|their|such|but|and|so|however|"
    r"also|instead|moreover|therefore|thus)\b",
    re.IGNORECASE,
)

Kind = Literal["number", "time", "name"]

ASKS = (
    ("time", re.compile(r"\b(?:when|since when|(?:what|which) (?:year|date|day|month|time))\b")),
    (
        "number",
        re.compile(
            r"\bhow (?:many|much|long|old|far|big|large|tall|high|often)\b"
            r"|\bwhat (?:number|percentage|share|amount|price|cost)\b"
        ),
    ),
    ("name", re.compile(r"\b(?:who|whom|whose)\b")),
)
TIMES = frozenset(
    listed("""
    monday tuesday wednesday thursday friday saturday sunday january february march april may june
    july august september october november december spring summer autumn fall winter today yesterday
    tomorrow century decade year month week
    """)
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        text: The question.
        stems: The stems of its content words, in order, each once.
        weights: How rare each of them is among the texts.
        kind: The kind of thing that an answer would hold, or None if that is not plain.
    """

    text: str
    stems: tuple[str, ...]
    weights: tuple[float, ...]
    kind: Kind | None

    @classmethod
    def read(
        cls, text: str, *, rarity: Callable[[Collection[str]], dict[str, float]]
    ) -> "Question":
        """Take a question apart; `rarity` tells how rare each of some words is among the texts."""
        words = {token.stem: token.folded for token in tokens(text) if token.content}
        rarities = rarity(list(words.values()))
        weights = tuple(rarities[word] for word in words.values())
        return cls(text, tuple(words), weights, kind_asked(text))

    def overlap(self, stems: Collection[str]) -> float:
        """The share of the question's words that are among `stems`, weighted; 0 for none."""
        total = sum(self.weights)
        if not total:
            return 0.0
        pairs = zip(self.stems, self.weights, strict=True)
        return sum(weight for stem, weight in pairs if stem in stems) / total


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A hit, read: its sentences, and how well each fits the question.

    Attributes:
        hit: The hit.
        evidence: Its passage as the check wants it.
        vectors: Its sentences' vectors, shape (sentences, dimensions).
        stems: The stems of each sentence's content words.
        cosines: Of the question with each sentence, shape (sentences,).
        overlaps: The share of the question's words that each sentence has, shape (sentences,).
        scores: By which sentences are chosen, shape (sentences,).
    """

    hit: Hit
    evidence: Evidence
    vectors: Vectors
    stems: tuple[frozenset[str], ...]
    cosines: Vectors
    overlaps: Vectors
    scores: Vectors

    def sentence(self, index: int) -> str:
        """The text of one of its sentences."""
        start, end = self.evidence.sentences[index]
        return self.evidence.text[start:end]


def kind_asked(question: str) -> Kind | None:
    """The kind of thing that an answer to the question would hold, if that is plain."""
    folded = question.casefold()
    for kind, pattern in ASKS:
        if pattern.search(folded):
            return kind  # type: ignore[return-value]
    return None


def holds(kind: Kind, sentence: Sequence[Token], known: Collection[str]) -> bool:
    """Whether a sentence has such a thing, other than those that the question names itself."""
    for place, token in enumerate(sentence):
        if token.stem in known:
            continue
        number = token.kind == "number" or token.folded in CARDINALS
        if kind == "number" and number:
            return True
        if kind == "time" and (number or token.folded in TIMES):
            return True
        if kind == "name" and place and token.capitalised and token.content:
            return True
    return False


def read(question: Question, retrieval: Retrieval) -> list[Reading]:
    """Read the best hits: how well does each of their sentences fit the question?"""
    best: dict[str, float] = {}
    for hit in retrieval.hits:
        best[hit.source] = max(hit.score, best.get(hit.source, 0.0))
    most = max(best.values(), default=0.0)
    quotable = about_orders(question.text)
    readings = []
    for hit in retrieval.hits[:PASSAGES_READ]:
        evidence = Evidence.from_passage(hit.passage, vectors=retrieval.vectors[hit.id])
        # Orders to whoever answers are no answer, unless they are what is asked about.
        evidence = evidence if quotable else disarmed(evidence)
        vectors = evidence.vectors
        if vectors is None or not len(vectors):
            continue
        sentences = by_sentence(evidence)
        stems = tuple(frozenset(t.stem for t in tokens if t.content) for tokens in sentences)
        cosines = np.asarray(vectors @ retrieval.vector, np.float32)
        overlaps = np.array([question.overlap(words) for words in stems], np.float32)
        scores = cosines + np.float32(OVERLAP_WEIGHT) * overlaps
        scores -= np.float32(DOCUMENT_WEIGHT * (most - best[hit.source]))
        for index, sentence in enumerate(sentences):
            start, end = evidence.sentences[index]
            opens = index == 0 and not hit.passage.position
            scores[index] += _adjustment(question, evidence.text[start:end], sentence, opens=opens)
        readings.append(Reading(hit, evidence, vectors, stems, cosines, overlaps, scores))
    return readings


def by_sentence(evidence: Evidence) -> list[list[Token]]:
    """The tokens of each sentence; `evidence.pieces` has them too, but looks for dates as well."""
    starts = [token.start for token in evidence.tokens]
    return [
        evidence.tokens[bisect_left(starts, start) : bisect_left(starts, end)]
        for start, end in evidence.sentences
    ]


def _adjustment(question: Question, text: str, sentence: list[Token], *, opens: bool) -> float:
    """What speaks for or against a sentence beside its likeness to the question.

    `opens` says that it is the first of its document.
    """
    total = 0.0
    if opens:
        total += FIRST_BONUS
    elif LEANING.match(text):
        total -= LEANING_PENALTY
    if text.count(" ") + 1 < SHORT_WORDS:
        total -= SHORT_PENALTY
    if question.kind is not None and holds(question.kind, sentence, question.stems):
        total += KIND_BONUS
    return total
