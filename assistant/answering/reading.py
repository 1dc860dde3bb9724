"""Reading hits with a question in mind: how well does each of their sentences fit it?"""

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.answering.headings import Standing, standings
from assistant.answering.kinds import BRIEF, NEEDED, SCAFFOLD, Kind, holds, kind_asked
from assistant.answering.likeness import likenesses
from assistant.answering.orders import about_orders, disarmed
from assistant.embedding.embedding import Vectors
from assistant.grounding import Evidence
from assistant.grounding.words import Token, tokens
from assistant.retrieval import Hit, Retrieval

# How many of the best passages are read for sentences.
PASSAGES_READ = 8
# What counts in a sentence's score beside its cosine with the question. Where a corpus was asked
# (fitted as confidence's tables are, to the sentences that people chose, then divided by what the
# cosine got): whether it answers, how well it matches with what stands around it, what the best
# passage's fused score of its document lacks to the best of all, and the place of its passage.
ANSWERING_WEIGHT = 0.50
AROUND_WEIGHT = 0.52
DOCUMENT_WEIGHT = 0.46
RANK_WEIGHT = 0.048
# And where one text was asked, whose sentences are mostly about the matter: the share of the
# question's words that it has (`evals.clapnq`), and that it holds the kind of thing asked for.
OVERLAP_WEIGHT = 0.15
KIND_BONUS = 0.05
# The first sentence of a document often says what the rest is about.
FIRST_BONUS = 0.12
FIRST_BONUS_IN_ONE_TEXT = 0.03
# Headings, terms and questions are no answers.
NO_STATEMENT_PENALTY = 1.0
# Sentences that lean on the one before, or are too short to say something.
LEANING_PENALTY = 0.02
SHORT_PENALTY = 0.16
SHORT_PENALTY_IN_ONE_TEXT = 0.05
SHORT_WORDS = 6
# What the sentence before, title and headings say counts less than what the sentence says.
AROUND = 0.7
# A word that is in every text, or in none, counts a little as well.
LEAST_WEIGHT = 0.5
# No text has it: what is as rare as that is unheard of.
NO_WORD = "qzjxqvkzqj"
# A question put to one named document of prose, of up to so many passages, is weighed by itself.
# Such a text is about the question's subject more often than not, so that likeness says less.
FEW_PASSAGES = 3

LEANING = re.compile(
    r"(?:he|she|it|they|this|that|these|those|his|her|its|their|such|but|and|so|however|"
    r"also|instead|moreover|therefore|thus)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        text: The question.
        stems: The stems of its content words, in order, each once.
        weights: How rare each of them is among the texts.
        kind: The kind of thing that an answer would hold, or None if that is not plain.
        subjects: The content words that say more than what kind of thing is asked for (all, if
            none does), each once.
        unheard: The stems of those words that no text has.
        names: The stems of those that are written as names are; the first word is not told.
    """

    text: str
    stems: tuple[str, ...]
    weights: tuple[float, ...]
    kind: Kind | None
    subjects: tuple[Token, ...]
    unheard: frozenset[str]
    names: frozenset[str]

    @classmethod
    def read(
        cls, text: str, *, rarity: Callable[[Collection[str]], dict[str, float]]
    ) -> "Question":
        """Take a question apart; `rarity` tells how rare each of some words is among the texts."""
        words = {token.stem: token for token in tokens(text) if token.content}
        rarities = rarity([NO_WORD, *(token.folded for token in words.values())])
        weights = {stem: rarities[token.folded] for stem, token in words.items()}
        subjects = tuple(
            token for stem, token in words.items() if stem not in SCAFFOLD and "'" not in stem
        )
        return cls(
            text=text,
            stems=tuple(words),
            weights=tuple(weights.values()),
            kind=kind_asked(text),
            subjects=subjects or tuple(words.values()),
            unheard=frozenset(s for s, weight in weights.items() if weight >= rarities[NO_WORD]),
            names=frozenset(s for s, token in words.items() if token.capitalised and token.start),
        )

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
        standings: What each sentence is, and what stands over it.
        cosines: Of the question with each sentence, or with the term or question that it explains
            or answers; 0 for what is no statement; shape (sentences,).
        overlaps: The share of the question's words that each sentence has, shape (sentences,).
        matches: The same of the question's subjects, with words that mean about the same, in the
            sentence or in the term or question that it explains or answers.
        around: The same with what stands around the sentence: the one before, title, headings.
        met: How well its best word matches each subject, shape (subjects,).
        holding: Whether each sentence is a statement that has the kind of thing asked for; any has
            where that is not plain.
        scores: By which sentences are chosen, shape (sentences,).
    """

    hit: Hit
    evidence: Evidence
    vectors: Vectors
    stems: tuple[frozenset[str], ...]
    standings: tuple[Standing, ...]
    cosines: Vectors
    overlaps: Vectors
    matches: Vectors
    around: Vectors
    met: Vectors
    holding: Vectors
    scores: Vectors

    @property
    def answering(self) -> Vectors:
        """The matches of the sentences that could answer; 0 for what lacks what is asked for."""
        return self.matches * self.holding

    def sentence(self, index: int) -> str:
        """The text of one of its sentences."""
        start, end = self.evidence.sentences[index]
        return self.evidence.text[start:end]

    def gap(self, index: int) -> str:
        """What stands between one of its sentences and the next."""
        return self.evidence.text[
            self.evidence.sentences[index].end : self.evidence.sentences[index + 1].start
        ]

    def joined(self, index: int) -> bool:
        """Whether nothing was left out between one of its sentences and the next."""
        end, start = self.evidence.sentences[index].end, self.evidence.sentences[index + 1].start
        return self.evidence.text[end:start] == self.hit.passage.text[end:start]


def one_text(retrieval: Retrieval) -> bool:
    """Whether the question was put to one short text of prose, named by whoever asked."""
    passages = [hit.passage for hit in retrieval.hits[:PASSAGES_READ]]
    return (
        retrieval.chosen
        and retrieval.searched <= FEW_PASSAGES
        and len({passage.source for passage in passages}) == 1
        and all(passage.row is None for passage in passages)
    )


def read(question: Question, retrieval: Retrieval) -> list[Reading]:
    """Read the best hits: how well does each of their sentences fit the question?"""
    best: dict[str, float] = {}
    for hit in retrieval.hits:
        best[hit.source] = max(hit.score, best.get(hit.source, 0.0))
    most = max(best.values(), default=0.0)
    alone = one_text(retrieval)
    known = frozenset(question.stems)
    quotable = about_orders(question.text)
    found = []
    for rank, hit in enumerate(retrieval.hits[:PASSAGES_READ]):
        evidence = Evidence.from_passage(hit.passage, vectors=retrieval.vectors[hit.id])
        # Orders to whoever answers are no answer, unless they are what is asked about.
        evidence = evidence if quotable else disarmed(evidence)
        vectors = evidence.vectors
        if vectors is not None and len(vectors):
            sentences = by_sentence(evidence)
            contents = [[token for token in words if token.content] for words in sentences]
            stands = standings(
                evidence, rows=hit.passage.row is not None, opening=not hit.passage.position
            )
            found.append((rank, hit, vectors, evidence, sentences, contents, stands))
    matching = _Matching(
        question,
        [
            *(words for *_, contents, _ in found for words in contents),
            *(_content(evidence.context) for *_, evidence, _, _, _ in found),
            *(_content(over) for *_, stands in found for over in {one.over for one in stands}),
        ],
    )
    readings = []
    for rank, hit, vectors, evidence, sentences, contents, stands in found:
        texts = [evidence.text[start:end] for start, end in evidence.sentences]
        stems = tuple(frozenset(token.stem for token in words) for words in contents)
        statements = np.array([stand.role == "statement" for stand in stands], bool)
        cosines = np.asarray(vectors @ retrieval.vector, np.float32)
        for place, stand in enumerate(stands):
            if stand.before:
                cosines[place] = cosines[place - 1 : place + 1].max()
            elif stand.asked:
                cosines[place] = max(cosines[place], hit.cosine)
        cosines *= statements
        overlaps = np.array([question.overlap(words) for words in stems], np.float32)
        matches, around, met = matching.of(contents, evidence.context, stands)
        pairs = list(zip(texts, sentences, strict=True))
        needed = question.kind if question.kind in NEEDED else None
        holding = statements * np.array(
            [needed is None or holds(needed, text, words, known) for text, words in pairs],
            np.float32,
        )
        scores = cosines.copy()
        if alone:
            scores += OVERLAP_WEIGHT * overlaps
            if question.kind in BRIEF:
                scores += KIND_BONUS * holding
            scores -= [LEANING_PENALTY * bool(LEANING.match(text)) for text in texts]
        else:
            scores += ANSWERING_WEIGHT * matches * holding + AROUND_WEIGHT * around
            scores -= DOCUMENT_WEIGHT * (most - best[hit.source]) + RANK_WEIGHT * rank
        if not hit.passage.position:
            scores[statements.argmax()] += FIRST_BONUS_IN_ONE_TEXT if alone else FIRST_BONUS
        penalty = SHORT_PENALTY_IN_ONE_TEXT if alone else SHORT_PENALTY
        scores -= [
            penalty * (text.count(" ") + 1 < SHORT_WORDS and not stand.answers)
            for text, stand in zip(texts, stands, strict=True)
        ]
        scores -= NO_STATEMENT_PENALTY * ~statements
        scores = scores.astype(np.float32)
        readings.append(
            Reading(
                hit,
                evidence,
                vectors,
                stems,
                tuple(stands),
                cosines,
                overlaps,
                matches,
                around,
                met,
                holding,
                scores,
            )
        )
    return readings


class _Matching:
    """How well sentences match the question's subjects, word by word."""

    def __init__(self, question: Question, runs: Sequence[Sequence[Token]]) -> None:
        """`runs` are the content words of all that will be compared."""
        weights = dict(zip(question.stems, question.weights, strict=True))
        counts = np.array(
            [max(weights[token.stem], LEAST_WEIGHT) for token in question.subjects], np.float32
        )
        self._weights = counts / max(1e-9, float(counts.sum()))
        found: dict[str, Token] = {}
        for words in runs:
            for token in words:
                # What has a capital anywhere may be a name everywhere.
                if token.folded not in found or token.text[0].isupper():
                    found[token.folded] = token
        self._places = {folded: place for place, folded in enumerate(found)}
        asked = [(token, token.stem not in question.unheard) for token in question.subjects]
        alike = likenesses(asked, list(found.values()))
        self._alike = np.concatenate([alike, np.zeros_like(alike, shape=(len(alike), 1))], axis=1)

    def of(
        self, sentences: Sequence[Sequence[Token]], context: str, stands: Sequence[Standing]
    ) -> tuple[Vectors, Vectors, Vectors]:
        """What `Reading` calls matches, around and met, of the content words of sentences."""
        headings = list(dict.fromkeys((context, *(stand.over for stand in stands))))
        runs = [
            [self._places[token.folded] for token in words]
            for words in (*map(_content, headings), *sentences)
        ]
        # Each run ends with a word that is like none, so that none is empty.
        places = [place for run in runs for place in (*run, -1)]
        starts = np.cumsum([0, *(len(run) + 1 for run in runs[:-1])])
        bests = np.maximum.reduceat(self._alike[:, places], starts, axis=1).T
        alone = np.array(bests[len(headings) :], np.float32)
        over = bests[[headings.index(stand.over) for stand in stands]]
        told = np.maximum(bests[0], over)
        before = np.zeros_like(alone)
        before[1:] = alone[:-1]
        follows = np.array([[stand.before, stand.asked] for stand in stands], np.float32)
        own = np.maximum(alone, np.maximum(follows[:, :1] * before, follows[:, 1:] * over))
        around = np.maximum(own, AROUND * np.maximum(before, told))
        return own @ self._weights, around @ self._weights, np.maximum(told, alone).max(axis=0)


def _content(text: str) -> list[Token]:
    return [token for token in tokens(text) if token.content]


def by_sentence(evidence: Evidence) -> list[list[Token]]:
    """The tokens of each sentence; `evidence.pieces` has them too, but looks for dates as well."""
    starts = [token.start for token in evidence.tokens]
    return [
        evidence.tokens[bisect_left(starts, start) : bisect_left(starts, end)]
        for start, end in evidence.sentences
    ]
