"""Where a claim contradicts its source: amounts, dates, names, negations, modality, opposites."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise

from assistant.grounding.dates import agreement, compatible
from assistant.grounding.facts import CLAUSE_ENDS, REPORTING, Facts, Name
from assistant.grounding.names import same_name
from assistant.grounding.opposites import opposites
from assistant.grounding.quantities import Number, bears_out, same_kind
from assistant.grounding.words import Token, listed

# After these a lone capitalised word at the start of a sentence is taken for a name, unless it
# is a plural ("Workers may").
AUXILIARIES = REPORTING | frozenset(
    listed("is was has had will would may might did does can could must signed met led won")
)
# A claim is denied as a whole if this share of its words is.
MOST_OF_IT = 0.6
# Of two places that a word of the claim could come from, the one is chosen by so much.
CLEARLY_CLOSER = 1.3
# An opposite counts where its surroundings are this much alike (see `affinity`).
UNMISTAKABLE = 0.6


def conflicts(claim: Facts, source: Facts, *, beside: Sequence[Facts] = ()) -> Iterator[str]:
    """The contradictions between a claim and the passage that it aligns with, in words.

    Amounts and dates that a passage `beside` it bears out are no contradictions.
    """
    aligned = list(replacements(claim.tokens, source.tokens))
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
    yield from name_conflicts(claim, source, aligned)
    yield from speaker_conflicts(claim, source)
    yield from role_conflicts(claim, source)
    yield from negation_conflicts(claim, source)
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
            if not counted and closeness(rival)[0] < max(CLEARLY_CLOSER * best, 1.5):
                continue
        yield disagreement(limit(rival), limit(number))


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
        if any(compatible(date, other) for other in source.dates):
            continue
        rivals = [
            other
            for other in source.dates
            if any(
                a is not None and b is not None
                for a, b in zip(date.parts, other.parts, strict=True)
            )
        ]
        if rivals:
            best = max(rivals, key=lambda other: (agreement(date, other), -other.first))
            yield disagreement(best.text, date.text)


def name_conflicts(
    claim: Facts, source: Facts, aligned: Sequence[tuple[list[Token], list[Token]]]
) -> Iterator[str]:
    """A name that stands where the source, in the same words, has another."""
    claimed = name_starts(claim)
    sourced = name_starts(source)
    for said, written in aligned:
        names = [token for token in said if token.start in claimed]
        others = [token for token in written if token.start in sourced]
        if not names or not others:
            continue
        if same_name([t.folded for t in names], [t.folded for t in others]):
            continue
        yield disagreement(
            " ".join(token.text for token in others), " ".join(token.text for token in names)
        )


def name_starts(side: Facts) -> set[int]:
    """Where the words of its names start; one that opens a sentence counts before a verb only."""
    starts: set[int] = set()
    for name in side.names:
        after = name.first + len(name.words)
        verb = after < len(side.tokens) and side.tokens[after].folded in AUXILIARIES
        if not name.initial or len(name.words) > 1 or (verb and name.words[0][-1] != "s"):
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


def negation_conflicts(claim: Facts, source: Facts) -> Iterator[str]:
    """What one side denies and the other asserts.

    Denials of the same word are pairs; so are two that are left over in clauses that share
    words ("does not include X", "X is excluded").
    """
    heads = {denial.head for denial in claim.denials} & {d.head for d in source.denials}
    claimed = [denial for denial in claim.denials if denial.head not in heads]
    sourced = [denial for denial in source.denials if denial.head not in heads]
    for denial in list(claimed):
        partner = next((other for other in sourced if denial.clause & other.clause), None)
        if partner is not None:
            claimed.remove(denial)
            sourced.remove(partner)
    for denials, one, other, denier, silent in (
        (claimed, claim, source, "sentence", "source"),
        (sourced, source, claim, "source", "sentence"),
    ):
        for denial in denials:
            theirs = other.negated.get(denial.head)
            shared = denial.clause & other.negated.keys()
            if theirs is None or one.negated[denial.head] & theirs:
                continue
            if len(shared) < min(2, len(denial.clause)):
                continue
            word, about = one.tokens[denial.cue].text, head_text(one, denial.head)
            yield f'the {denier} says "{word}" of "{about}", the {silent} does not'
    # "Nobody believes that the mill will close" denies all of "the mill will close".
    if sourced and not claimed:
        denied = [
            stem for stem, mine in claim.negated.items() if source.negated.get(stem, mine) == {True}
        ]
        asserted = [stem for stem in denied if claim.negated[stem] == {False}]
        if asserted and len(asserted) >= MOST_OF_IT * len(claim.negated):
            word = source.tokens[sourced[0].cue].text
            yield f'the source says "{word}" of all this, the sentence does not'


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

    Nothing unless more than half of the claim's words stand in the source in the same order.
    """
    said = [token for token in claim if token.kind != "mark"]
    written = [token for token in source if token.kind != "mark"]
    matcher = SequenceMatcher(
        None, [token.stem for token in said], [token.stem for token in written], autojunk=False
    )
    codes = matcher.get_opcodes()
    same = sum(end - start for tag, start, end, _, _ in codes if tag == "equal")
    if not said or same < 0.5 * len(said):
        return
    for tag, first, last, start, end in codes:
        if tag == "replace" and last - first <= 3 and end - start <= 4:
            yield said[first:last], written[start:end]
