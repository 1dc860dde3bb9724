"""How alike a word of a question and a word of a text are: in form, or in what they mean."""

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.embedding import Vectors
from assistant.embedding.minilm import unit
from assistant.grounding.evidence import PEOPLE_AND_COUNTRY
from assistant.grounding.words import Token

TABLE = Path(__file__).parent / "words.npz"
"""Wordpieces with a vector each, made by `evals.word_table`."""

# Vectors of unrelated words have cosines up to the first; from the sum of both on, words mean
# about the same, and count nearly as much as a word that is there.
UNRELATED, RELATED = 0.25, 0.6
NEARLY = 0.9
# A misspelt word, or a country for its people, is as good as the word itself, but for doubt.
ALIKE = 0.95
LEAST_ROOT, LEAST_MISSPELT, TWO_ERRORS = 3, 4, 6


def likenesses(asked: Sequence[tuple[Token, bool]], found: Sequence[Token]) -> Vectors:
    """How alike words are, 0 to 1, shape (asked, found).

    Args:
        asked: Words of a question, and whether the texts know them: one that they do not know may
            be a misspelt one that they do.
        found: Words of texts.
    """
    if not asked or not found:
        return np.zeros((len(asked), len(found)), np.float32)
    cosines = (
        _vectors([token.folded for token, _ in asked])
        @ _vectors([token.folded for token in found]).T
    )
    alike: Vectors = NEARLY * np.clip((cosines - UNRELATED) / RELATED, 0, 1)
    stems = {token.stem for token, _ in asked}
    beginnings = {token.folded[:LEAST_ROOT] for token, _ in asked}
    for place, other in enumerate(found):
        if other.stem in stems:
            alike[[token.stem == other.stem for token, _ in asked], place] = 1
        elif other.folded[:LEAST_ROOT] in beginnings and other.capitalised:
            root = _root(other.folded)
            alike[[_root(token.folded) == root for token, _ in asked], place] = ALIKE
    for row, (token, known) in enumerate(asked):
        if not known and len(token.folded) >= LEAST_MISSPELT:
            for place, other in enumerate(found):
                if misspelt(token.folded, other.folded):
                    alike[row, place] = ALIKE
    return alike


@lru_cache(65536)
def misspelt(word: str, meant: str, *, most: int | None = None) -> bool:
    """Whether a word is another with an error of spelling, or two if it is long; or with `most`.

    An error is a letter too many or too few, another one, or two that changed places (the
    optimal string alignment distance); the first letter is right, as it mostly is.
    """
    if most is None:
        most = 2 if len(word) >= TWO_ERRORS else 1
        if len(word) < LEAST_MISSPELT:
            return False
    if word[0] != meant[:1] or abs(len(word) - len(meant)) > most:
        return False
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for i, letter in enumerate(word, start=1):
        above, row = row, [i]
        for j, other in enumerate(meant, start=1):
            errors = min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == meant[j - 2] and word[i - 2] == other:
                errors = min(errors, before[j - 2] + 1)
            row.append(errors)
        before = above
    return row[-1] <= most


@lru_cache(65536)
def _root(name: str) -> str:
    """What the name of a country and that of its people begin with."""
    for ending in PEOPLE_AND_COUNTRY:
        if name.endswith(ending) and len(name) - len(ending) >= LEAST_ROOT:
            return name[: -len(ending)]
    return name


def _vectors(words: Sequence[str]) -> Vectors:
    """A vector for each word, shape (words, dimensions); zeros for what has none."""
    table = _table()[1]
    pieces = [_pieces(word) for word in words]
    vectors: Vectors = table[[rows[0] for rows in pieces]].astype(np.float32) / np.float32(127)
    for place, rows in enumerate(pieces):
        if len(rows) > 1:
            vectors[place] = _joined(rows)
    return vectors


@lru_cache(16384)
def _joined(rows: tuple[int, ...]) -> Vectors:
    return unit(_table()[1][list(rows)].astype(np.float32).mean(axis=0))


@lru_cache(65536)
def _pieces(word: str) -> tuple[int, ...]:
    """The rows of its wordpieces, the longest first; that of nothing if it is not made of any."""
    places, table = _table()
    rows, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        for end in range(len(word), start, -1):
            if (place := places.get(mark + word[start:end])) is not None:
                rows.append(place)
                start = end
                break
        else:
            return (len(table) - 1,)
    return tuple(rows) or (len(table) - 1,)


@cache
def _table() -> tuple[dict[str, int], NDArray[Any]]:
    """The row of each wordpiece, and the rows, with one of zeros at the end."""
    with np.load(TABLE) as file:
        words, table = file["words"].tobytes().decode(), file["table"]
    places = {word: row for row, word in enumerate(words.split("\n"))}
    return places, np.concatenate([table, np.zeros_like(table[:1])])
