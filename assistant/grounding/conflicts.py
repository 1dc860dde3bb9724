"""Where a claim contradicts its source: amounts, dates, names, negations, modality, opposites."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise

from assistant.grounding.dates import Date, agreement, compatible
from assistant.grounding.facts import CLAUSE_ENDS, REPORTING, Denial, Facts, Name
from assistant.grounding.names import same_name
from assistant.grounding.opposites import opposites
from assistant.grounding.quantities import SCALES, UNITS, Number, bears_out, same_kind
from assistant.grounding.words import Token, listed

# After these a lone capitalised word at the start of a sentence is taken for a name, unless it
# is a plural ("Workers may").
AUXILIARIES = REPORTING | frozenset(
    listed("is was has had will would may might did does can could must signed met led won")
)
# This share of the other words of a clause shows that the source speaks of the same matter.
NEARLY_ALL = 0.7
# So many equal words around a difference show that it stands in the same place.
FOLLOWED = 5
# A claim is denied as a whole if this share of its words is.
MOST_OF_IT = 0.6
# Of two places that a word of the claim could come from, the one is chosen by so much.
CLEARLY_CLOSER = 1.3
# An opposite counts where its surroundings are this much alike (see `affinity`).
UNMISTAKABLE = 0.6


def conflicts(
    claim: Facts,
    source: Facts,
    *,
    sentences: Sequence[Sequence[Token]] = (),
    beside: Sequence[Facts] = (),
) -> Iterator[str]:
    """The contradictions between a claim and the passage that it aligns with, in words.

    `sentences` are those of the source, where it has more than one, each to be compared with
    the claim word for word. Amounts and dates that a passage `beside` it bears out are no
    contradictions.
    """
    aligned = [
        pair
        for sentence in sentences or [source.tokens]
        for pair in replacements(claim.tokens, sentence)
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
    yield from figure_conflicts(claim, source, aligned)
    yield from unit_conflicts(aligned)
    yield from name_conflicts(claim, source, aligned)
    yield from speaker_conflicts(claim, source)
    yield from role_conflicts(claim, source)
    yield from negation_conflicts(claim, source, beside)
    yield from modality_conflicts(claim, source)
    yield from opposite_conflicts(claim, source, aligned)


def disagreement(source: str, sentence: str) -> str:
    """The reason, worded the same for every kind of conflict."""
    return f"the source says {source}, the sentence says {sentence}"


def amount_conflicts(claim: Facts, source: Facts) -> Iterator[str]:
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
        yield disagreement(limit(rival), limit(number))


def figure_conflicts(
    claim: Facts, source: Facts, aligned: Sequence[tuple[list[Token], list[Token]]]
) -> Iterator[str]:
    """One amount or date where the source, in the same words, has one other."""
    for said, written in aligned:
        figures, others = figures_in(said, claim), figures_in(written, source)
        if len(figures) != 1 or len(others) != 1:
            continue
        match figures[0], others[0]:
            case Number() as number, Number() as other if not bears_out(other, number):
                yield disagreement(limit(other), limit(number))
            case Date() as date, Date() as rival if not compatible(date, rival):
                yield disagreement(rival.text, date.text)


def figures_in(some: Sequence[Token], side: Facts) -> list[Number | Date]:
    """The amounts and dates of a side that have a token among some."""
    starts = {token.start for token in some}
    figures: list[Number | Date] = [*side.numbers, *side.dates]
    return [
        figure
        for figure in figures
        if any(token.start in starts for token in side.tokens[figure.first : figure.last + 1])
    ]


def unit_conflicts(aligned: Sequence[tuple[list[Token], list[Token]]]) -> Iterator[str]:
    """One unit or scale where the source, in the same words, has another ("several years")."""
    for said, written in aligned:
        if len(said) != 1 or len(written) != 1:
            continue
        unit, other = measure(said[0].folded), measure(written[0].folded)
        if unit and other and unit != other:
            yield disagreement(f'"{written[0].text}"', f'"{said[0].text}"')


def measure(word: str) -> tuple[str, float] | None:
    """What a unit or a scale word stands for, or None for any other word."""
    if word in ("percent", "percentage"):
        return ("percent", 1)
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


def date_conflicts(claim: Facts, source: Facts) -> Iterator[str]:
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
        yield disagreement(rival.text, date.text)


def name_conflicts(
    claim: Facts, source: Facts, aligned: Sequence[tuple[list[Token], list[Token]]]
) -> Iterator[str]:
    """A name that stands where the source, in the same words, has another."""
    certain_claimed, certain_sourced = name_starts(claim), name_starts(source)
    claimed, sourced = name_starts(claim, sure=False), name_starts(source, sure=False)
    for said, written in aligned:
        names = [token for token in said if token.start in claimed]
        others = [token for token in written if token.start in sourced]
        if not names or not others:
            continue
        sure = any(t.start in certain_claimed for t in names)
        if not sure and not any(t.start in certain_sourced for t in others):
            continue
        if same_name([t.folded for t in names], [t.folded for t in others]):
            continue
        yield disagreement(
            " ".join(token.text for token in others), " ".join(token.text for token in names)
        )


def name_starts(side: Facts, *, sure: bool = True) -> set[int]:
    """Where the words of its names start.

    If they are to be sure, a lone one that opens a sentence counts before a verb only.
    """
    starts: set[int] = set()
    for name in side.names:
        after = name.first + len(name.words)
        verb = after < len(side.tokens) and side.tokens[after].folded in AUXILIARIES
        certain = not name.initial or len(name.words) > 1 or (verb and name.words[0][-1] != "s")
        if certain or not sure:
            starts.update(token.start for token in side.tokens[name.first : after])
    return starts


def speaker_conflicts(claim: Facts, source: Facts) -> Iterator[str]:
    """Words given to one speaker that the source gives to another."""
    if not claim.speakers or not source.speakers:
        return
    for speaker in claim.speakers:
        if not any(same_name(speaker.words, other.words) for other in source.speakers):
            yield (
                f"the source gives these words to {source.speakers[0].text}, "
                f"the sentence to {speaker.text}"
            )


def role_conflicts(claim: Facts, source: Facts) -> Iterator[str]:
    """Two names that have changed places around the word that joins them.

    "A supplies B" against "B supplies A"; "B is supplied by A" says the same as the first.
    """
    for left, right in pairwise(claim.names):
        if left.words == right.words:
            continue
        said = between(claim.tokens, left, right)
        if said is None:
            continue
        stems, passive = said
        agreeing, opposing = False, ""
        for first in source.names:
            for second in source.names:
                if first.first >= second.first:
                    continue
                straight = same_name(left.words, first.words) and same_name(
                    right.words, second.words
                )
                swapped = same_name(left.words, second.words) and same_name(
                    right.words, first.words
                )
                if straight == swapped:
                    continue
                written = between(source.tokens, first, second)
                # The same word must join them: half of what stands between, or more.
                if written is None or 2 * len(stems & written[0]) < max(
                    len(stems), len(written[0])
                ):
                    continue
                if swapped == (passive != written[1]):
                    agreeing = True
                else:
                    opposing = (
                        f"in the source {first.text} and {second.text} have each other's place"
                    )
        if opposing and not agreeing:
            yield opposing


def between(tokens: Sequence[Token], left: Name, right: Name) -> tuple[set[str], bool] | None:
    """The content stems from one name to the next, and whether "by" makes the second the doer.

    None where the two stand side by side as equals ("A and B"), or too far apart to tell.
    """
    middle = tokens[left.first + len(left.words) : right.first]
    if not middle or len(middle) > 12 or any(token.text in ".;" for token in middle):
        return None
    folded = [token.folded for token in middle]
    stems = {token.stem for token in middle if token.content and token.kind == "word"}
    if not stems or {"and", "or", "with", ","} & set(folded):
        return None
    return stems, "by" in folded[-3:]


def negation_conflicts(claim: Facts, source: Facts, beside: Sequence[Facts]) -> Iterator[str]:
    """What one side denies and the other asserts.

    Denials of the same word are pairs; so are two that are left over in clauses that share
    words ("does not include X", "X is excluded").
    """
    heads = {denial.head for denial in claim.denials} & {d.head for d in source.denials}
    claimed = [denial for denial in claim.denials if denial.head not in heads]
    sourced = [denial for denial in source.denials if denial.head not in heads]
    for denial in list(claimed):
        partner = next((other for other in sourced if one_matter(denial, other)), None)
        if partner is not None:
            claimed.remove(denial)
            sourced.remove(partner)
    for denials, one, other, denier, silent in (
        (claimed, claim, source, "sentence", "source"),
        (sourced, source, claim, "source", "sentence"),
    ):
        for denial in denials:
            for side in (other, *(beside if other is source else ())):
                theirs = side.negated.get(denial.head)
                if theirs is not None:
                    break
            shared = denial.clause & side.negated.keys()
            if theirs is None or denial.denied in theirs:
                continue
            if len(shared) < min(2, len(denial.clause)):
                continue
            word, about = one.tokens[denial.cue].text, head_text(one, denial.head)
            yield f'the {denier} says "{word}" of "{about}", the {silent} does not'
    # A denial in words that the source has, without the one denied and without any "not".
    for denial in claimed:
        rest = denial.clause - {denial.head}
        found = sum(any(stem in side.negated for side in (source, *beside)) for stem in rest)
        if (
            len(rest) >= 2
            and found >= NEARLY_ALL * len(rest)
            and denial.head not in source.negated
            and not any(side.denials for side in (source, *beside))
        ):
            word, about = claim.tokens[denial.cue].text, head_text(claim, denial.head)
            yield f'the sentence says "{word}" of "{about}", the source does not'
    # "Nobody believes that the mill will close" denies all of "the mill will close".
    if sourced and not claimed:
        denied = [
            stem for stem, mine in claim.negated.items() if source.negated.get(stem, mine) == {True}
        ]
        asserted = [stem for stem in denied if claim.negated[stem] == {False}]
        if asserted and len(asserted) >= MOST_OF_IT * len(claim.negated):
            word = source.tokens[sourced[0].cue].text
            yield f'the source says "{word}" of all this, the sentence does not'


def one_matter(denial: Denial, other: Denial) -> bool:
    """Whether two denials share half of the words of the shorter clause."""
    shared = len(denial.clause & other.clause)
    return 2 * shared >= min(len(denial.clause), len(other.clause))


def modality_conflicts(claim: Facts, source: Facts) -> Iterator[str]:
    """What the source holds possible or planned and the claim certain, or the reverse."""
    for head, levels in claim.modality.items():
        sourced = source.modality.get(head)
        if sourced is None or levels & sourced:
            continue
        word = head_text(claim, head)
        for level in sorted(levels):
            firm = level in ("plain", "certain", "obliged")
            if firm and not sourced & {"plain", "certain", "obliged"}:
                words = "possible" if "possible" in sourced else "planned"
                yield f'the source holds "{word}" only {words}, the sentence certain'
            elif level == "possible" and sourced <= {"certain", "obliged"}:
                yield f'the source holds "{word}" certain, the sentence only possible'
            elif level == "obliged" and sourced == {"possible"}:
                yield f'the source holds "{word}" possible, the sentence required'


def head_text(side: Facts, head: str) -> str:
    """The first word that has this stem."""
    return next(token.text for token in side.tokens if token.stem == head and token.content)


def opposite_conflicts(
    claim: Facts, source: Facts, aligned: Sequence[tuple[list[Token], list[Token]]]
) -> Iterator[str]:
    """A word where the source, in like surroundings, has its opposite."""
    seen: set[str] = set()
    for said, written in aligned:
        for token in said:
            for other in written:
                if other.stem in opposites().get(token.stem, ()) and token.stem not in seen:
                    seen.add(token.stem)
                    yield disagreement(f'"{other.text}"', f'"{token.text}"')
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
            yield disagreement(f'"{word}"', f'"{token.text}"')


def affinity(claim: Sequence[Token], index: int, source: Sequence[Token], place: int) -> float:
    """How alike the surroundings of two words are: shared content stems, the nearer the more.

    What stands before counts half as much again: in English that is mostly the subject.
    """
    mine, theirs = surroundings(claim, index), surroundings(source, place)
    total = 0.0
    for stemmed, distance in mine.items():
        other = theirs.get(stemmed)
        if other is not None:
            total += (1.5 if distance < 0 else 1.0) / (1 + abs(distance - other))
    return total


def surroundings(tokens: Sequence[Token], index: int) -> dict[str, int]:
    """The content stems around a token in its clause, with how many words away each is."""
    found: dict[str, int] = {}
    for step in (1, -1):
        distance, position = 0, index + step
        while 0 <= position < len(tokens) and abs(distance) < 5:
            token = tokens[position]
            if token.text in ",;:.()" or token.folded in CLAUSE_ENDS:
                break
            if token.content:
                distance += step
                found.setdefault(token.stem, distance)
            position += step
    return found


def replacements(
    claim: Sequence[Token], source: Sequence[Token]
) -> Iterator[tuple[list[Token], list[Token]]]:
    """Where a claim that follows its source word for word departs from it: (said, written).

    Only between stretches of at least `FOLLOWED` equal words, or where at least half of the
    claim stands in the source in the same order.
    """
    said = [token for token in claim if token.kind != "mark"]
    written = [token for token in source if token.kind != "mark"]
    matcher = SequenceMatcher(
        None, [token.stem for token in said], [token.stem for token in written], autojunk=False
    )
    codes = matcher.get_opcodes()
    same = sum(last - first for tag, first, last, _, _ in codes if tag == "equal")
    for place, (tag, first, last, start, end) in enumerate(codes):
        around = (*codes[max(0, place - 1) : place], *codes[place + 1 : place + 2])
        followed = sum(code[2] - code[1] for code in around if code[0] == "equal")
        if tag != "replace" or (followed < FOLLOWED and 2 * same < len(said)):
            continue
        # Where one of the two begins or ends, what is next to the common words is compared.
        length = min(last - first, end - start)
        if first == 0 or start == 0:
            first, start = last - length, end - length
        elif last == len(said) or end == len(written):
            last, end = first + length, start + length
        if last - first <= 3 and end - start <= 4:
            yield said[first:last], written[start:end]
