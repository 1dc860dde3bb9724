"""Where the amounts, dates and units of a claim contradict its source."""

from collections.abc import Iterator, Sequence

from assistant.grounding.dates import Date, agreement, compatible
from assistant.grounding.differences import (
    CLEARLY_CLOSER,
    Conflict,
    Difference,
    affinity,
    disagreement,
)
from assistant.grounding.facts import Facts, facts
from assistant.grounding.quantities import SCALES, UNITS, Number, bears_out, same_kind
from assistant.grounding.words import Token

# A claim of fewer words of content may be the same as a sentence by chance.
LONG_ENOUGH = 5


def amount_conflicts(claim: Facts, source: Facts) -> Iterator[Conflict]:
    """Amounts of the claim against those of the same kind in the source."""
    for number in claim.numbers:
        supporting = [other for other in source.numbers if bears_out(other, number)]
        rivals = [
            other
            for other in source.numbers
            if other not in supporting and (same_kind(number, other) or unit_swapped(number, other))
        ]
        if not rivals:
            continue

        def closeness(other: Number, number: Number = number) -> tuple[float, float]:
            near = affinity(claim.tokens, number.first, source.tokens, other.first)
            return (near, -abs(other.value - number.value))

        rival = max(rivals, key=closeness)
        if supporting:
            counted = number.noun and rival.noun == number.noun
            if counted and any(other.noun == number.noun for other in supporting):
                counted = None
            best = max(closeness(other)[0] for other in supporting)
            if closeness(rival)[0] < (best if counted else max(CLEARLY_CLOSER * best, 1.5)):
                continue
        said = claim.tokens[number.first : number.last + 1]
        yield disagreement(limit(rival), limit(number), said)


def counting_conflicts(claim: Facts, sources: Sequence[Facts]) -> Iterator[Conflict]:
    """Things counted that every source that counts them has another number of."""
    for number in claim.numbers:
        if number.noun is None:
            continue
        counts = [n for side in sources for n in side.numbers if n.noun == number.noun]
        if counts and not any(bears_out(other, number) for other in counts):
            said = claim.tokens[number.first : number.last + 1]
            yield disagreement(limit(counts[0]), limit(number), said)


def moved_conflicts(claim: Facts, sentence: Sequence[Token]) -> Iterator[Conflict]:
    """The one amount or date that a sentence, otherwise the claim, has another of.

    "In 1911 the mill burned down" against "The mill burned down in 1913".
    """
    stems = {token.stem for token in sentence if token.content}
    missing = [t for t in claim.tokens if t.content and t.stem not in stems]
    figures = figures_in(missing, claim)
    if len(figures) != 1 or len(missing) > len(figures_tokens(figures[0], claim)):
        return
    content = sum(token.content for token in claim.tokens)
    if content < LONG_ENOUGH:
        return
    source = facts(sentence)
    match figures[0]:
        case Number() as number:
            if any(bears_out(other, number) for other in source.numbers):
                return
            rivals = [
                other
                for other in source.numbers
                if same_kind(number, other) and not any(bears_out(other, n) for n in claim.numbers)
            ]
            if len(rivals) == 1:
                yield disagreement(limit(rivals[0]), limit(number), missing)
        case Date() as date:
            if any(compatible(other, date) for other in source.dates):
                return
            others = [d for d in source.dates if not any(compatible(d, c) for c in claim.dates)]
            if len(others) == 1 and kind_of(others[0]) == kind_of(date):
                yield disagreement(others[0].text, date.text, missing)


def figures_tokens(figure: Number | Date, side: Facts) -> Sequence[Token]:
    """The tokens of an amount or a date."""
    return side.tokens[figure.first : figure.last + 1]


def kind_of(date: Date) -> tuple[bool, ...]:
    """Which of its parts a date says."""
    return tuple(part is not None for part in date.parts)


def figure_conflicts(
    claim: Facts, sources: Sequence[Facts], aligned: Sequence[Difference]
) -> Iterator[Conflict]:
    """One amount or date where the source, in the same words, has one other."""
    for said, written, *_ in aligned:
        figures = figures_in(said, claim)
        others = [figure for side in sources for figure in figures_in(written, side)]
        if len(figures) != 1 or len(others) != 1:
            continue
        match figures[0], others[0]:
            case Number() as number, Number() as other if not bears_out(other, number):
                yield disagreement(limit(other), limit(number), said)
            case Date() as date, Date() as rival if not compatible(date, rival):
                yield disagreement(rival.text, date.text, said)


def figures_in(some: Sequence[Token], side: Facts) -> list[Number | Date]:
    """The amounts and dates of a side that have a token among some."""
    starts = {token.start for token in some if token.content}
    figures: list[Number | Date] = [*side.numbers, *side.dates]
    return [
        figure
        for figure in figures
        if any(token.start in starts for token in side.tokens[figure.first : figure.last + 1])
    ]


def unit_conflicts(aligned: Sequence[Difference]) -> Iterator[Conflict]:
    """One unit or scale where the source, in the same words, has another ("several years")."""
    for said, written, *_ in aligned:
        if len(said) != 1 or len(written) != 1:
            continue
        unit, other = measure(said[0].folded), measure(written[0].folded)
        if unit and other and unit != other:
            yield disagreement(f'"{written[0].text}"', f'"{said[0].text}"', said)


def measure(word: str) -> tuple[str, float] | None:
    """What a unit or a scale word stands for, or None for any other word."""
    if word in ("percent", "percentage"):
        return ("percent", 1)
    word = word.removesuffix("s") if word.removesuffix("s") in SCALES else word
    if word in SCALES:
        return ("scale", SCALES[word])
    return UNITS.get(word)


def unit_swapped(number: Number, other: Number) -> bool:
    """Whether two amounts have one figure and two units."""
    both = number.unit and other.unit and "ordinal" not in (number.unit, other.unit)
    return bool(both) and number.unit != other.unit and number.figure == other.figure


def limit(number: Number) -> str:
    """An amount with its limit in words."""
    words = {"=": "", ">": "more than ", ">=": "at least ", "<": "less than ", "<=": "at most "}
    return words.get(number.bound, "about ") + number.text


def date_conflicts(claim: Facts, source: Facts) -> Iterator[Conflict]:
    """Dates of the claim against those in the source that share a part."""
    for date in claim.dates:
        fitting = [other for other in source.dates if compatible(date, other)]
        rivals = [
            other
            for other in source.dates
            if other not in fitting
            and any(
                a is not None and b is not None
                for a, b in zip(date.parts, other.parts, strict=True)
            )
        ]
        if not rivals:
            continue

        def closeness(other: Date, date: Date = date) -> tuple[int, float]:
            near = affinity(claim.tokens, date.first, source.tokens, other.first)
            return (agreement(date, other), near)

        rival = max(rivals, key=closeness)
        if fitting:
            same, near = max(closeness(other) for other in fitting)
            parts, rival_near = closeness(rival)
            if parts < same or (parts == same and rival_near < max(CLEARLY_CLOSER * near, 1.5)):
                continue
        said = claim.tokens[date.first : date.last + 1]
        yield disagreement(rival.text, date.text, said)
