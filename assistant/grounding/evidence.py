"""A text that may support a claim, cut into sentences and ready to be compared."""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from assistant.embedding.embedding import Vectors
from assistant.grounding.dates import Date, dates, indices
from assistant.grounding.facts import Name, find_names, is_name_word, opens_sentence
from assistant.grounding.quantities import Number, numbers
from assistant.grounding.words import Token, tokens
from assistant.passages import Passage, Span

# A "sentence" of more tokens than this (a list, a page without full stops) is compared in pieces.
PIECE = 100
QUOTES_AND_DASHES = str.maketrans('“”„«»‘’‚‹›`"‐‑‒–—−', "''''''''''''------")
PEOPLE_AND_COUNTRY = ("ians", "ian", "ean", "ans", "ia", "an", "ese", "ish", "i", "a", "e")


class Piece(NamedTuple):
    """A sentence, or a part of a very long one.

    Attributes:
        sentence: Its place among the evidence's sentences.
        first: Index of its first token.
        last: Index after its last token.
        stems: The stems of its content words.
        pairs: Neighbouring content stems.
        roots: What its capitalised words share with the names of their people.
        numbers: Its amounts.
        dates: Its dates.
        row: Whether it is a row of a table, "Name: ...; Office: ...", that stands for itself.
    """

    sentence: int
    first: int
    last: int
    stems: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    roots: frozenset[str]
    numbers: tuple[Number, ...]
    dates: tuple[Date, ...]
    row: bool


@dataclass(frozen=True, eq=False)
class Evidence:
    """One source text. Reading it is done once, on first use, and kept with it.

    Attributes:
        text: The text; supports are given as offsets in it.
        sentences: Where its sentences are in `text`, in order.
        vectors: A vector for each sentence, shape (sentences, dimensions), or None.
        context: What the reader knows beside it (title, headings): names in it are not new,
            but it supports nothing by itself.
    """

    text: str
    sentences: tuple[Span, ...]
    vectors: Vectors | None = None
    context: str = ""

    @classmethod
    def from_passage(cls, passage: Passage, *, vectors: Vectors | None = None) -> "Evidence":
        """A passage as evidence; add `passage.start` to its offsets for those in the document."""
        spans = tuple(
            Span(start - passage.start, end - passage.start) for start, end in passage.sentences
        )
        return cls(passage.text, spans, vectors, passage.context)

    @cached_property
    def tokens(self) -> list[Token]:
        """The tokens of the whole text."""
        return tokens(self.text)

    @cached_property
    def known(self) -> frozenset[str]:
        """Every word of the text and its context, folded."""
        context = tokens(self.context)
        return frozenset(token.folded for token in (*self.tokens, *context))

    @cached_property
    def told(self) -> frozenset[str]:
        """The stems of the content words of the context."""
        return frozenset(token.stem for token in tokens(self.context) if token.content)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all its words and its context's."""
        return self.told | {token.stem for token in self.tokens}

    @cached_property
    def names(self) -> list[Name]:
        """The names in the text."""
        return find_names(self.tokens)

    @cached_property
    def proper(self) -> frozenset[str]:
        """The words that are surely names: with a capital within a sentence, never without one."""
        lower = {token.folded for token in self.tokens if not token.capitalised}
        return frozenset(
            token.folded
            for index, token in enumerate(self.tokens)
            if token.folded not in lower
            and is_name_word(self.tokens, index)
            and not opens_sentence(self.tokens, index)
        )

    @cached_property
    def pieces(self) -> list[Piece]:
        """The sentences, the very long ones cut."""
        starts = [token.start for token in self.tokens]
        found = []
        for sentence, (start, end) in enumerate(self.sentences):
            first, last = bisect_left(starts, start), bisect_left(starts, end)
            for begin in range(first, last, PIECE):
                found.append(self._piece(sentence, begin, min(begin + PIECE, last)))
        return found

    def _piece(self, sentence: int, first: int, last: int) -> Piece:
        sequence = self.tokens[first:last]
        content = [token for token in sequence if token.content]
        found = dates(sequence)
        stems = [token.stem for token in content]
        return Piece(
            sentence=sentence,
            first=first,
            last=last,
            stems=frozenset(stems),
            pairs=frozenset(pairwise(stems)),
            roots=frozenset(root(token.folded) for token in content if token.capitalised),
            numbers=tuple(numbers(sequence, taken=indices(found))),
            dates=tuple(found),
            row=sum(token.text == ":" for token in sequence) >= 2
            and any(token.text == ";" for token in sequence),
        )

    @cached_property
    def joined(self) -> str:
        """The tokens as one line, by which verbatim quotations are found."""
        return join(self.tokens)

    def find(self, quotation: list[Token]) -> Span | None:
        """Where the tokens stand in the text word for word, case apart in the first letter."""
        wanted = join(quotation)
        if len(wanted) <= 1:
            return None
        for first in {wanted[1].lower(), wanted[1].upper(), wanted[1]}:
            place = self.joined.find("\n" + first + wanted[2:])
            if place >= 0:
                index = self.joined.count("\n", 0, place)
                return Span(self.tokens[index].start, self.tokens[index + len(quotation) - 1].end)
        return None

    def similarities(self, vector: Vectors | None) -> Vectors | None:
        """The cosine of a claim's vector with each sentence's, or None without vectors."""
        if vector is None or self.vectors is None or not len(self.vectors):
            return None
        return np.asarray(self.vectors @ vector, dtype=np.float32)


def join(sequence: list[Token]) -> str:
    """Tokens on a line each, quotation marks and dashes made alike."""
    return "\n" + "".join(token.text.translate(QUOTES_AND_DASHES) + "\n" for token in sequence)


def root(word: str) -> str:
    """What a country and its people have in common: Russia, Russian; Iran, Iranians."""
    for ending in PEOPLE_AND_COUNTRY:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word
