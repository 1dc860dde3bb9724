"""How well sentences match a question, word by word."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from assistant.answering.headings import Standing
from assistant.answering.kinds import bears_number
from assistant.answering.likeness import likenesses
from assistant.answering.question import Question
from assistant.embedding.embedding import Vectors
from assistant.grounding.words import Token, tokens

# What the sentence before, title and headings say counts less than what the sentence says; what
# is said elsewhere in the passage, less still, and only for names.
AROUND = 0.7
ELSEWHERE = 0.5
# A word that is in every text, or in none, counts a little as well.
LEAST_WEIGHT = 0.5
# A number counts what stands up to so many tokens after it, or, if less surely, before it.
AFTER_NUMBER, BEFORE_NUMBER, IF_BEFORE = 7, 5, 0.7
# How sure it is that a number counts the right thing: any number at all, and one that counts that,
# but not what qualifies it ("paying customers").
ANY_NUMBER, UNQUALIFIED = 0.3, 0.4
# A sentence that lacks a number of the question, as all around it does, is about another thing.
OTHER_NUMBER = 0.4


class Match(NamedTuple):
    """How well the sentences of a passage match, 0 to 1, each of shape (sentences,) but `met`.

    Attributes:
        own: The share of the question's subjects that each sentence has, weighted by rarity; in
            other words that mean about the same, or in the term or question right before it.
        around: The same with what stands around it: the sentence before, title, headings.
        asked: How well the least met of the question's names, times the share of its other
            subjects, are met around each sentence: a text about the same people and things mostly
            has the names, and answers another question.
        met: How well its best word matches each subject, shape (subjects,).
    """

    own: Vectors
    around: Vectors
    asked: Vectors
    met: Vectors


class Matching:
    """Compares the words of a question with those of texts, each pair of words once."""

    def __init__(self, question: Question, runs: Sequence[Sequence[Token]]) -> None:
        """`runs` are the content words of all that will be compared."""
        weights = dict(zip(question.stems, question.weights, strict=True))
        self._weights = np.array(
            [max(weights[token.stem], LEAST_WEIGHT) for token in question.subjects], np.float32
        )
        self._named = np.array([token.stem in question.names for token in question.subjects], bool)
        self._known = frozenset(question.stems)
        self._numbers = question.numbers
        found: dict[str, Token] = {}
        for words in runs:
            for token in words:
                # What has a capital anywhere may be a name everywhere.
                if token.folded not in found or token.text[0].isupper():
                    found[token.folded] = token
        self._places = {folded: place for place, folded in enumerate(found)}
        self._alike, self._counted = (
            likenesses([(t, t.stem not in question.unheard) for t in words], list(found.values()))
            for words in (question.subjects, question.counted)
        )
        # A word that is like none, with which each run ends, so that none is empty.
        self._alike = np.pad(self._alike, ((0, 0), (0, 1)))

    def match(
        self, sentences: Sequence[Sequence[Token]], context: str, stands: Sequence[Standing]
    ) -> Match:
        """How well the sentences of a passage match.

        Args:
            sentences: Their content words.
            context: The passage's title and headings.
            stands: What stands over each sentence.
        """
        headings = list(dict.fromkeys((context, *(stand.over for stand in stands))))
        runs = [
            [self._places[token.folded] for token in words]
            for words in (*map(content, headings), *sentences)
        ]
        places = [place for run in runs for place in (*run, -1)]
        starts = np.cumsum([0, *(len(run) + 1 for run in runs[:-1])])
        bests = np.ascontiguousarray(np.maximum.reduceat(self._alike[:, places], starts, axis=1).T)
        alone = bests[len(headings) :]
        over = bests[[headings.index(stand.over) for stand in stands]]
        told = np.maximum(bests[0], over)
        before = np.zeros_like(alone)
        before[1:] = alone[:-1]
        led = np.array([stand.before for stand in stands], bool)[:, None]
        asked = np.array([stand.asked for stand in stands], bool)[:, None]
        own = np.maximum(alone, np.maximum(led * before, asked * over))
        around = np.maximum(own, AROUND * np.maximum(before, told))
        met = np.maximum(told, alone).max(axis=0)
        reached = np.maximum(around, ELSEWHERE * met)[:, self._named].min(axis=1, initial=1.0)
        rest = reached
        if not self._named.all():
            rest = reached * self._share(around, ~self._named)
        return Match(self._share(own), self._share(around), rest, met)

    def counts(self, sentence: Sequence[Token]) -> float:
        """How surely a number of a sentence counts what the question asks for, 0 to 1."""
        places = [self._places.get(token.folded) if token.content else None for token in sentence]

        def alike(row: int, first: int, last: int) -> float:
            found = [place for place in places[max(0, first) : last] if place is not None]
            return float(self._counted[row, found].max()) if found else 0.0

        numbers = [
            place for place, token in enumerate(sentence) if bears_number(token, self._known)
        ]
        if not numbers:
            return 0.0
        best = max(
            max(
                alike(0, place + 1, place + 1 + AFTER_NUMBER),
                IF_BEFORE * alike(0, place - BEFORE_NUMBER, place),
            )
            for place in numbers
        )
        rows = range(1, len(self._counted))
        qualified = min((alike(row, 0, len(sentence)) for row in rows), default=1.0)
        return max(ANY_NUMBER, best * (UNQUALIFIED + (1 - UNQUALIFIED) * qualified))

    def numbered(
        self, sentences: Sequence[Sequence[Token]], context: str, stands: Sequence[Standing]
    ) -> list[float]:
        """Whether each sentence has the question's numbers, itself or around it; 1, or less."""
        told = {token.stem for token in tokens(context)}
        found, before = [], set[str]()
        for words, stand in zip(sentences, stands, strict=True):
            own = {token.stem for token in words}
            around = told | before | own | {token.stem for token in tokens(stand.over)}
            found.append(1.0 if self._numbers <= around else OTHER_NUMBER)
            before = own
        return found

    def _share(self, matches: Vectors, which: slice | Vectors = slice(None)) -> Vectors:
        """The weighted mean of some subjects' matches; 0 if there are none."""
        weights = self._weights[which]
        # No matrix product: on some processors that warns of lanes that nobody reads.
        shares: Vectors = (matches[:, which] * weights).sum(axis=1) / max(
            1e-9, float(weights.sum())
        )
        return shares


def content(text: str) -> list[Token]:
    """The content words and numbers of a text."""
    return [token for token in tokens(text) if token.content]
