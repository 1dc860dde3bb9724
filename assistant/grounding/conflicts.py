"""Where a claim contradicts its source: amounts, dates, names, negations, modality, opposites."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from assistant.grounding.dates import compatible
from assistant.grounding.denials import modality_conflicts, negation_conflicts, small_word_conflicts
from assistant.grounding.differences import (
    CLEARLY_CLOSER,
    Conflict,
    Difference,
    affinity,
    conflict,
    differences,
    disagreement,
)
from assistant.grounding.facts import Facts
from assistant.grounding.figures import (
    amount_conflicts,
    counting_conflicts,
    date_conflicts,
    figure_conflicts,
    moved_conflicts,
    unit_conflicts,
)
from assistant.grounding.opposites import contrary, opposites
from assistant.grounding.quantities import bears_out
from assistant.grounding.roles import name_conflicts, role_conflicts, speaker_conflicts
from assistant.grounding.words import Token

# An opposite counts where its surroundings are this much alike (see `affinity`).
UNMISTAKABLE = 0.6


def conflicts(
    claim: Facts,
    source: Facts,
    *,
    sentences: Sequence[Sequence[Token]] = (),
    beside: Sequence[Facts] = (),
    further: Sequence[Facts] = (),
) -> Iterator[Conflict]:
    """The contradictions between a claim and the passage that it aligns with, in words.

    `sentences` are those of the source, where it has more than one, and of what else supports
    the claim, each to be compared with it word for word. Amounts and dates that a passage
    `beside` it bears out are no contradictions, unless a sentence is the claim but for them; what
    is denied may be so in a `further` passage.
    """
    aligned = [
        difference
        for sentence in sentences or [source.tokens]
        for difference in differences(claim.tokens, sentence)
    ]
    numbers = [
        number
        for number in claim.numbers
        if not any(bears_out(other, number) for side in beside for other in side.numbers)
    ]
    dates = [
        date
        for date in claim.dates
        if not any(compatible(date, other) for side in beside for other in side.dates)
    ]
    yield from amount_conflicts(replace(claim, numbers=tuple(numbers)), source)
    yield from date_conflicts(replace(claim, dates=tuple(dates)), source)
    yield from counting_conflicts(claim, (source, *beside, *further))
    yield from figure_conflicts(claim, (source, *beside, *further), aligned)
    for sentence in sentences or [source.tokens]:
        yield from moved_conflicts(claim, sentence)
    yield from unit_conflicts(aligned)
    yield from name_conflicts(claim, source, aligned)
    yield from speaker_conflicts(claim, source)
    yield from role_conflicts(claim, source)
    yield from negation_conflicts(claim, source, (*beside, *further))
    yield from modality_conflicts(claim, source)
    yield from small_word_conflicts(claim, (source, *beside, *further), aligned)
    yield from opposite_conflicts(claim, source, aligned)
    for sentence in sentences or [source.tokens]:
        yield from comparison_conflicts(claim, sentence)


def comparison_conflicts(claim: Facts, source: Sequence[Token]) -> Iterator[Conflict]:
    """Two things compared that have changed places: "coal gave more than wind", or less."""
    mine, theirs = compared(claim.tokens), compared(source)
    if mine is None or theirs is None or mine.word != theirs.word:
        return
    if mine.right & theirs.left and mine.left & theirs.right and not mine.right & theirs.right:
        said = [token for token in claim.tokens if token.stem in mine.right]
        yield conflict("the source compares the two the other way round", said)


class Compared(NamedTuple):
    """What is compared with what: the stems before and after "more ... than"."""

    word: str
    left: frozenset[str]
    right: frozenset[str]


def compared(tokens: Sequence[Token]) -> Compared | None:
    """The two sides of a comparison, if there is one and no more."""
    places = [place for place, token in enumerate(tokens) if token.folded == "than"]
    if len(places) != 1:
        return None
    (place,) = places
    before, after = tokens[:place], tokens[place + 1 : place + 5]
    words = [
        t.folded for t in before if t.folded in {"more", "less", "fewer"} or t.folded[-2:] == "er"
    ]
    if not words or (after and after[0].kind == "number"):
        return None
    left, right = (frozenset(t.stem for t in side if t.content) for side in (before, after))
    return Compared(words[-1], left - right, right - left)


def opposite_conflicts(
    claim: Facts, source: Facts, aligned: Sequence[Difference]
) -> Iterator[Conflict]:
    """A word where the source, in like surroundings, has its opposite."""
    seen: set[str] = set()
    for said, written, *_ in aligned:
        for token in said:
            for other in written:
                opposed = other.stem in opposites().get(token.stem, ())
                if (opposed or contrary(token.stem, other.stem)) and token.stem not in seen:
                    seen.add(token.stem)
                    yield disagreement(f'"{other.text}"', f'"{token.text}"', said)
    for index, token in enumerate(claim.tokens):
        rivals = opposites().get(token.stem)
        if not rivals or token.stem in seen:
            continue
        same = opposite = 0.0
        word = ""
        for place, other in enumerate(source.tokens):
            if other.stem in (token.stem, "re" + token.stem):
                same = max(same, affinity(claim.tokens, index, source.tokens, place))
            elif other.stem in rivals:
                near = affinity(claim.tokens, index, source.tokens, place)
                mine = claim.negated.get(token.stem, {False})
                theirs = source.negated.get(other.stem, {False})
                if near > opposite and mine & theirs:
                    opposite, word = near, other.text
        # "Reopens" says "opens" too.
        present = any(other.stem in (token.stem, "re" + token.stem) for other in source.tokens)
        if opposite > (CLEARLY_CLOSER * same if present else UNMISTAKABLE):
            seen.add(token.stem)
            yield disagreement(f'"{word}"', f'"{token.text}"', [token])
