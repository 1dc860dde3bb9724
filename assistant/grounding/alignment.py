"""Where in the evidence the words of a claim are: windows of sentences, and what they cover."""

from collections.abc import Mapping, Sequence, Set
from itertools import pairwise
from typing import NamedTuple

from assistant.embedding.embedding import Vectors
from assistant.grounding.dates import Date, includes
from assistant.grounding.evidence import Evidence, Piece, root
from assistant.grounding.facts import Facts, facts
from assistant.grounding.quantities import Number, bears_out
from assistant.grounding.words import Token

# A window of more sentences must cover more to be preferred.
COST_OF_A_SENTENCE = 0.04
# A second source sentence is added to the best window if it covers this share of the claim.
WORTH_ADDING = 0.06


class Claim(NamedTuple):
    """A sentence made ready: its terms in order, each with its weight, and its facts.

    `numbers` and `dates` come with the bits of the terms that they are written in.
    """

    tokens: list[Token]
    terms: list[str]
    weights: list[float]
    roots: list[str | None]
    pairs: list[tuple[str, str]]
    facts: Facts
    numbers: list[tuple[Number, int]]
    dates: list[tuple[Date, int]]
    known: Set[str]


class Window(NamedTuple):
    """One to three sentences in a row of one source, and which of the claim's terms they hold."""

    source: int
    pieces: tuple[Piece, ...]
    mask: int
    coverage: float
    similarity: float

    @property
    def rank(self) -> tuple[float, int, int]:
        """Best first when sorted."""
        cost = COST_OF_A_SENTENCE * (len(self.pieces) - 1)
        return (-(self.coverage + 0.5 * self.similarity - cost), self.source, self.pieces[0].first)


def make_claim(
    sequence: list[Token],
    *,
    weights: Mapping[str, float] | None = None,
    proper: Set[str] = frozenset(),
    known: Set[str] = frozenset(),
) -> Claim:
    """Read a sentence: its content terms, how telling each is, and its facts.

    `proper` are words that the evidence shows to be names; `known` the stems of names that the
    sentence before has.
    """
    given = weights or {}
    terms: dict[str, float] = {}
    roots: dict[str, str | None] = {}
    for index, token in enumerate(sequence):
        if token.content and token.stem not in terms:
            terms[token.stem] = given.get(token.stem) or telling(token, initial=index == 0)
            roots[token.stem] = root(token.folded) if token.capitalised else None
    content = [token.stem for token in sequence if token.content]
    found = facts(sequence, proper=proper)
    places = {term: place for place, term in enumerate(terms)}

    def bits(first: int, last: int) -> int:
        stems = {token.stem for token in sequence[first : last + 1] if token.content}
        return sum(1 << places[stem] for stem in stems)

    return Claim(
        tokens=sequence,
        terms=list(terms),
        weights=list(terms.values()),
        roots=list(roots.values()),
        pairs=list(pairwise(content)),
        facts=found,
        numbers=[(number, bits(number.first, number.last)) for number in found.numbers],
        known=known,
        dates=[(date, bits(date.first, date.last)) for date in found.dates],
    )


def telling(token: Token, *, initial: bool) -> float:
    """How much a word says, guessed from its form: numbers and names most, long words more."""
    if token.kind == "number":
        return 2.0
    if token.capitalised and not initial:
        return 1.8
    return 0.8 + 0.07 * min(len(token.folded), 10)


def windows(claim: Claim, evidence: Sequence[Evidence], vector: Vectors | None) -> list[Window]:
    """Every run of one to three sentences, with what it covers of the claim."""
    total = sum(claim.weights)
    found = []
    for source, item in enumerate(evidence):
        similarities = item.similarities(vector)
        pieces = item.pieces
        told = told_by(claim, item)
        masks = [mask_of(claim, piece) for piece in pieces]
        masks = [mask | told if mask & ~told else mask for mask in masks]
        for first in range(len(pieces)):
            mask, similarity = 0, 0.0
            for last in range(first, min(first + 3, len(pieces))):
                if last > first and (
                    not masks[last] & ~mask or pieces[first].row or pieces[last].row
                ):
                    break
                mask |= masks[last]
                if similarities is not None:
                    similarity = max(similarity, float(similarities[pieces[last].sentence]))
                found.append(
                    Window(
                        source,
                        tuple(pieces[first : last + 1]),
                        mask,
                        weight_of(claim, mask) / total,
                        similarity,
                    )
                )
    return found


def told_by(claim: Claim, item: Evidence) -> int:
    """The terms of the claim that the title or the sentence before tells, as bits.

    A passage need not repeat them: under "The Halden Museum", "the east wing" is of that.
    """
    return sum(
        1 << bit for bit, term in enumerate(claim.terms) if term in item.told or term in claim.known
    )


def mask_of(claim: Claim, piece: Piece) -> int:
    """The terms of the claim that a piece holds, as bits.

    An amount or a date that the piece gives in another form counts with all its words.
    """
    mask = 0
    for bit, (term, people) in enumerate(zip(claim.terms, claim.roots, strict=True)):
        if term in piece.stems or (people is not None and people in piece.roots):
            mask |= 1 << bit
    for number, bits in claim.numbers:
        if bits & ~mask and any(bears_out(other, number) for other in piece.numbers):
            mask |= bits
    for date, bits in claim.dates:
        if bits & ~mask and any(includes(other, date) for other in piece.dates):
            mask |= bits
    return mask


def weight_of(claim: Claim, mask: int) -> float:
    """The weight of the terms in a mask."""
    return sum(weight for bit, weight in enumerate(claim.weights) if mask >> bit & 1)


def widen(claim: Claim, best: Window, ranked: Sequence[Window]) -> list[Window]:
    """The best window and up to two single sentences, of any source, that add the most to it."""
    total = sum(claim.weights)
    chosen, mask = [best], best.mask
    singles = [window for window in ranked if len(window.pieces) == 1]
    for _ in range(2):
        gains = [(weight_of(claim, w.mask & ~mask), -i) for i, w in enumerate(singles)]
        gain, place = max(gains, default=(0.0, 0))
        if gain < WORTH_ADDING * total:
            break
        chosen.append(singles[-place])
        mask |= chosen[-1].mask
    return chosen


def window_tokens(window: Window, evidence: Sequence[Evidence]) -> list[Token]:
    """The tokens of a window."""
    return evidence[window.source].tokens[window.pieces[0].first : window.pieces[-1].last]
