"""Where a claim contradicts its source: amounts, dates, names, negations, modality, opposites."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from assistant.grounding.facts import Facts
from assistant.grounding.quantities import Date, Number, bears_out
from assistant.grounding.words import Token, stem

OPPOSITES: dict[str, frozenset[str]] = {}
for left, right in (
    ("more greater higher larger bigger", "less fewer lower smaller"),
    ("above over exceeding exceed exceeds", "below under beneath"),
    (
        "rise rises rose risen increase increased increasing grow grew growth gain climbed soared",
        "fall falls fell fallen decrease decreased decline declined drop dropped shrink shrank "
        "reduction reduced plunged",
    ),
    ("before prior earlier preceding", "after following later"),
    ("first earliest", "last latest final"),
    ("maximum most highest largest biggest", "minimum least lowest smallest"),
    ("include including", "exclude excluding"),
    ("accept approve approved support supported", "reject rejected oppose opposed"),
    ("allow permit permitted", "forbid forbids forbidden prohibit ban banned"),
    ("win won victory", "lose lost defeat"),
    ("begin began begins start started open opened", "end ended finish finished close closed"),
    ("strengthen strengthened", "weaken weakened"),
    ("import imported", "export exported"),
    ("buy bought purchase", "sell sold sale"),
    ("success succeeded successful", "failure failed unsuccessful"),
    ("ally allies friend", "enemy enemies rival"),
    ("north northern", "south southern"),
    ("east eastern", "west western"),
    ("public", "private"),
    ("all every each", "some few none"),
    ("always", "never sometimes seldom rarely"),
    ("most majority", "few minority"),
    ("legal lawful", "illegal unlawful"),
    ("positive", "negative"),
    ("possible", "impossible"),
    ("better best improve improved", "worse worst worsen worsened"),
    ("strong stronger", "weak weaker"),
    ("long longer", "short shorter"),
    ("fast faster quickly", "slow slower slowly"),
    ("old older", "young younger new newer"),
    ("early", "late"),
    ("male man men boy", "female woman women girl"),
    ("left", "right"),
    ("upper", "lower"),
    ("internal domestic", "external foreign"),
    ("full", "empty partial"),
    ("temporary", "permanent"),
    ("voluntary optional", "compulsory mandatory"),
    ("cheap cheaper", "expensive dearer"),
):
    lefts = frozenset(stem(word) for word in left.split())
    rights = frozenset(stem(word) for word in right.split())
    for word in lefts:
        OPPOSITES[word] = OPPOSITES.get(word, frozenset()) | rights
    for word in rights:
        OPPOSITES[word] = OPPOSITES.get(word, frozenset()) | lefts

# Two names for one thing, folded.
ALIASES = (
    frozenset({"us", "usa", "united states", "america", "american"}),
    frozenset({"uk", "united kingdom", "britain", "british", "great britain"}),
    frozenset({"eu", "european union"}),
    frozenset({"un", "united nations"}),
    frozenset({"ussr", "soviet union", "soviet"}),
)
DEMONYM_ENDINGS = frozenset({"n", "an", "ian", "ean", "ish", "ese", "i", "s", "es", "ns", "ians"})


def conflicts(claim: Facts, source: Facts) -> Iterator[str]:
    """The contradictions between a claim and the passage that it aligns with, in words."""
    aligned = list(replacements(claim.tokens, source.tokens))
    yield from amount_conflicts(claim, source)
    yield from date_conflicts(claim, source)
    yield from name_conflicts(claim, source, aligned)
    yield from speaker_conflicts(claim, source)
    yield from negation_conflicts(claim, source)
    yield from modality_conflicts(claim, source)
    yield from opposite_conflicts(claim, source, aligned)


def disagreement(source: str, sentence: str) -> str:
    """The reason, worded the same for every kind of conflict."""
    return f"the source says {source}, the sentence says {sentence}"


def amount_conflicts(claim: Facts, source: Facts) -> Iterator[str]:
    """Amounts of the claim against those of the same kind in the source."""
    for number in claim.numbers:
        rivals = [other for other in source.numbers if same_kind(number, other)]
        borne_out = any(
            bears_out(other, number) and comparable(number, other) for other in source.numbers
        )
        counted = [other for other in rivals if number.noun and other.noun == number.noun]
        if counted and not any(bears_out(other, number) for other in counted):
            borne_out, rivals = False, counted
        if borne_out or not rivals:
            continue
        rival = min(rivals, key=lambda other: (abs(other.value - number.value), other.first))
        said = number.text if number.bound == "=" else limit(number)
        yield disagreement(rival.text if rival.bound == "=" else limit(rival), said)


def limit(number: Number) -> str:
    """An amount with its limit in words."""
    words = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most", "~": "about"}
    return f"{words[number.bound]} {number.text}"


def same_kind(number: Number, other: Number) -> bool:
    """Whether two amounts measure the same thing, so that they must not differ."""
    if number.unit or other.unit:
        return number.unit == other.unit and number.unit != "ordinal"
    return number.noun is not None and number.noun == other.noun


def comparable(number: Number, other: Number) -> bool:
    """Whether one amount can stand for the other: the same unit, or one left unsaid."""
    return number.unit == other.unit or (number.unit is None) != (other.unit is None)


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


def compatible(date: Date, other: Date) -> bool:
    """Whether two dates share a part and differ in none."""
    pairs = [
        (a, b)
        for a, b in zip(date.parts, other.parts, strict=True)
        if a is not None and b is not None
    ]
    return bool(pairs) and all(a == b for a, b in pairs)


def agreement(date: Date, other: Date) -> int:
    """How many parts of two dates are equal."""
    return sum(a is not None and a == b for a, b in zip(date.parts, other.parts, strict=True))


def same_word(word: str, other: str) -> bool:
    """Whether two words of names are one: equal, or a country and its people."""
    if word == other:
        return True
    short, long = sorted((word, other), key=len)
    for cut in (0, 1):
        base = short[: len(short) - cut]
        if len(base) >= 3 and long.startswith(base) and long[len(base) :] in DEMONYM_ENDINGS:
            return True
    return False


def same_name(name: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two names can mean one thing: a shared word, an alias, or an acronym."""
    if any(same_word(word, another) for word in name for another in other):
        return True
    left, right = " ".join(name), " ".join(other)
    if any(left in group and right in group for group in ALIASES):
        return True
    return acronym_of(name, right) or acronym_of(other, left)


def acronym_of(words: Sequence[str], acronym: str) -> bool:
    """Whether the initials of some words spell the acronym."""
    return len(words) > 1 and "".join(word[0] for word in words) == acronym


def name_conflicts(
    claim: Facts, source: Facts, aligned: Sequence[tuple[list[Token], list[Token]]]
) -> Iterator[str]:
    """A name that stands where the source, in the same words, has another."""
    claimed = {claim.tokens[n.first + i].start for n in claim.names for i in range(len(n.words))}
    sourced = {source.tokens[n.first + i].start for n in source.names for i in range(len(n.words))}
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


def negation_conflicts(claim: Facts, source: Facts) -> Iterator[str]:
    """What one side denies and the other asserts."""
    for one, other, denied_by in ((claim, source, "sentence"), (source, claim, "source")):
        for head, cue in one.denials:
            mine = one.negated.get(head, set())
            theirs = other.negated.get(head)
            if theirs is None or mine & theirs or head not in claim.negated:
                continue
            word = one.tokens[cue].text
            about = next(t.text for t in one.tokens if t.stem == head and t.content)
            silent = "source" if denied_by == "sentence" else "sentence"
            yield f'the {denied_by} says "{word}" of "{about}", the {silent} does not'


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
            elif not firm and sourced <= {"certain", "obliged"}:
                yield f'the source holds "{word}" certain, the sentence only {level}'
            elif level == "obliged" and sourced == {"possible"}:
                yield f'the source holds "{word}" possible, the sentence required'


def head_text(claim: Facts, head: str) -> str:
    """The word of the claim that has this stem."""
    return next(token.text for token in claim.tokens if token.stem == head and token.content)


def opposite_conflicts(
    claim: Facts, source: Facts, aligned: Sequence[tuple[list[Token], list[Token]]]
) -> Iterator[str]:
    """A word where the source, in like surroundings, has its opposite."""
    seen: set[str] = set()
    for said, written in aligned:
        for token in said:
            for other in written:
                if other.stem in OPPOSITES.get(token.stem, ()) and token.stem not in seen:
                    seen.add(token.stem)
                    yield disagreement(f'"{other.text}"', f'"{token.text}"')
    stems = {token.stem for token in source.tokens}
    claimed = {token.stem for token in claim.tokens}
    for index, token in enumerate(claim.tokens):
        rivals = OPPOSITES.get(token.stem)
        if not rivals or token.stem in stems or token.stem in seen or rivals & claimed:
            continue
        around = neighbours(claim.tokens, index)
        for place, other in enumerate(source.tokens):
            if other.stem not in rivals or not around & neighbours(source.tokens, place):
                continue
            mine = claim.negated.get(token.stem, {False})
            theirs = source.negated.get(other.stem, {False})
            if mine & theirs:
                seen.add(token.stem)
                yield disagreement(f'"{other.text}"', f'"{token.text}"')
                break


def neighbours(tokens: Sequence[Token], index: int) -> set[str]:
    """The stems of the content words within four tokens."""
    return {
        token.stem
        for token in (*tokens[max(0, index - 4) : index], *tokens[index + 1 : index + 5])
        if token.content
    }


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
        if tag == "replace" and last - first <= 4 and end - start <= 6:
            yield said[first:last], written[start:end]
