"""What a sentence commits itself to: amounts, dates, names, speakers, negations, modality."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Literal

from assistant.grounding.dates import MONTHS, WEEKDAYS, Date, dates, indices
from assistant.grounding.quantities import CURRENCIES, Number, numbers
from assistant.grounding.words import ACRONYMS, STOP_WORDS, Token, listed

Modality = Literal["plain", "able", "possible", "planned", "certain", "obliged"]

NEGATIONS = frozenset(
    listed("""
    not no never neither nor none nobody nothing nowhere without cannot hardly scarcely barely
    lack lacks lacked lacking exclude excludes excluded excluding deny denies denied denying
    refuse refuses refused refusing fail fails failed failing absence absent omit omits omitted
    unable reject rejects rejected rejecting false untrue
    prohibit prohibits prohibited prohibition forbid forbids forbidden ban bans banned
    """)
)
# Two words that deny together: "turned down the plan", "leaves out aid".
DENYING_PHRASES = frozenset(
    (verb, word)
    for verbs, word in (
        ("turn turns turned turning vote voted votes strike strikes struck", "down"),
        ("vote voted votes voting", "against"),
        ("rule rules ruled leave leaves left", "out"),
        ("decline declines declined", "to"),
    )
    for verb in verbs.split()
)
LEVELS: dict[Modality, str] = {
    "able": "can could",
    "possible": "may might possibly perhaps maybe potentially",
    "planned": "expected expects expect planned plans plan intends intended intend hopes hope "
    "aims aimed proposed proposes supposed likely allegedly reportedly scheduled",
    "certain": "will shall certainly definitely",
    "obliged": "must required obliged obligated mandatory",
}
# Verbs among them count only before "to": "aimed at", "a plan for" say nothing of the kind.
BEFORE_TO = frozenset(listed("planned plans plan hopes hope aims aimed proposed proposes supposed"))
MODALS = {word: level for level, words in LEVELS.items() for word in words.split()}
CLAUSE_ENDS = frozenset(',;:()[]—–.!?"“”') | {"but", "although", "though", "while", "because"}
REPORTING = frozenset(
    listed("""
    said says say told stated states announced announces claimed claims argued argues warned warns
    added adds noted notes wrote writes declared declares insisted insists explained explains
    confirmed confirms suggested suggests
    """)
)
NOT_NAMES = frozenset(MONTHS) | frozenset(WEEKDAYS) | {"i"}
# Beyond this many content words a negation is not taken to reach.
REACH = 6


@dataclass(frozen=True, slots=True)
class Name:
    """Capitalised words in a row.

    Attributes:
        words: Them, folded.
        text: As written.
        first: Index of the first token.
        initial: Whether it opens the sentence and is a single word, so that its capital
            letter may mean nothing.
    """

    words: tuple[str, ...]
    text: str
    first: int
    initial: bool


@dataclass(frozen=True, slots=True)
class Denial:
    """A negation.

    Attributes:
        head: The stem that it bears on first.
        denied: Whether that is denied in the end: twice denied is not.
        cue: Index of the token that denies.
        clause: The content stems of its clause, its own among them.
    """

    head: str
    denied: bool
    cue: int
    clause: frozenset[str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What can be compared word for word between a claim and its source.

    Attributes:
        tokens: The tokens it was read from.
        dates: Dates and parts of dates.
        numbers: Amounts that are not dates.
        names: Capitalised sequences that are not months or weekdays.
        speakers: Those to whom "said", "according to" and the like give words.
        negated: For each content stem, whether each of its occurrences is denied.
        denials: The negations, in order.
        modality: How firmly a stem is asserted, where a modal word precedes it.
    """

    tokens: tuple[Token, ...]
    dates: tuple[Date, ...]
    numbers: tuple[Number, ...]
    names: tuple[Name, ...]
    speakers: tuple[Name, ...]
    negated: dict[str, set[bool]]
    denials: tuple[Denial, ...]
    modality: dict[str, set[Modality]]


def facts(tokens: Sequence[Token], *, proper: Set[str] = frozenset()) -> Facts:
    """Read the facts from the tokens of a sentence or of a few.

    `proper` are folded words known to be names, wherever they stand.
    """
    found_dates = dates(tokens)
    taken = indices(found_dates)
    names = find_names(tokens, proper=proper)
    negated, denials = find_negations(tokens)
    return Facts(
        tokens=tuple(tokens),
        dates=tuple(found_dates),
        numbers=tuple(numbers(tokens, taken=taken)),
        names=tuple(names),
        speakers=tuple(find_speakers(tokens, names)),
        negated=negated,
        denials=tuple(denials),
        modality=find_modality(tokens, taken=taken),
    )


def find_names(tokens: Sequence[Token], *, proper: Set[str] = frozenset()) -> list[Name]:
    """Runs of capitalised words; a capital after a full stop counts only within a run."""
    found = []
    index = 0
    while index < len(tokens):
        start = index
        while index < len(tokens) and is_name_word(tokens, index):
            index += 1
        if index == start:
            index += 1
            continue
        run = tokens[start:index]
        initial = opens_sentence(tokens, start)
        # NATO, PressTV, iPhone: not the capital of a sentence's beginning.
        acronym = any(letter.isupper() for letter in run[0].text[1:])
        found.append(
            Name(
                words=tuple(token.folded for token in run),
                text=" ".join(token.text for token in run),
                first=start,
                initial=initial and not acronym and run[0].folded not in proper,
            )
        )
    return found


def is_name_word(tokens: Sequence[Token], index: int) -> bool:
    """Whether a token can be part of a name."""
    token = tokens[index]
    if not token.capitalised or token.folded in NOT_NAMES or token.folded in CURRENCIES:
        return False
    # "I'm", "It's" are no names.
    return token.text in ACRONYMS or token.folded.partition("'")[0] not in STOP_WORDS | {"i"}


def opens_sentence(tokens: Sequence[Token], index: int) -> bool:
    """Whether a token is the first word of a sentence or of a quotation."""
    return index == 0 or tokens[index - 1].text in ".!?:\"“‘'«*#|•("


def find_speakers(tokens: Sequence[Token], names: Sequence[Name]) -> list[Name]:
    """The names that a reporting verb or "according to" makes the source of a statement."""
    ends = {name.first + len(name.words): name for name in names}
    starts = {name.first: name for name in names}
    found = []
    for index, token in enumerate(tokens):
        passive = index > 0 and tokens[index - 1].folded in {"was", "were", "been", "is", "are"}
        if token.folded in REPORTING and not passive:
            before = index
            while before > 0 and tokens[before - 1].folded in {
                "has",
                "have",
                "had",
                "also",
                "later",
            }:
                before -= 1
            speaker = ends.get(before) or starts.get(index + 1)
            if speaker is None and (after := titled(tokens, index + 1)) is not None:
                speaker = starts.get(after)
            if speaker is not None:
                found.append(speaker)
        elif token.folded == "according" and index + 2 < len(tokens):
            after = titled(tokens, index + 2)
            if after is not None and after in starts:
                found.append(starts[after])
    return found


def titled(tokens: Sequence[Token], index: int) -> int | None:
    """The index of a name after an article and up to two words of a title."""
    for offset in range(4):
        if index + offset >= len(tokens) or tokens[index + offset].kind == "mark":
            return None
        if is_name_word(tokens, index + offset):
            return index + offset
    return None


def find_negations(
    tokens: Sequence[Token],
) -> tuple[dict[str, set[bool]], list[Denial]]:
    """Which stems are denied (twice denied is not), and what each negation bears on first."""
    denied = [0] * len(tokens)
    found: list[tuple[int, int]] = []
    for index in range(len(tokens)):
        if not is_negation(tokens, index):
            continue
        reached = [
            position for position in clause_after(tokens, index) if tokens[position].content
        ][:REACH]
        if not reached:
            reached = [i for i in range(max(0, index - 3), index) if tokens[i].content][-1:]
        for position in reached:
            denied[position] += 1
        if reached:
            found.append((reached[0], index))
    denials = []
    for head, cue in found:
        clause = (*clause_before(tokens, cue), cue, *clause_after(tokens, cue))
        stems = frozenset(tokens[i].stem for i in clause if tokens[i].content)
        denials.append(Denial(tokens[head].stem, denied[head] % 2 == 1, cue, stems))
    negated: dict[str, set[bool]] = {}
    for token, times in zip(tokens, denied, strict=True):
        if token.content:
            negated.setdefault(token.stem, set()).add(times % 2 == 1)
    return negated, denials


def is_negation(tokens: Sequence[Token], index: int) -> bool:
    """Whether a token denies; "not only", "no less than" and "No. 5" do not."""
    token = tokens[index]
    if token.kind != "word":
        return False
    if token.folded.endswith("n't"):
        return True
    after = tokens[index + 1].folded if index + 1 < len(tokens) else ""
    if (token.folded, after) in DENYING_PHRASES:
        return True
    if token.folded not in NEGATIONS or in_title(tokens, index):
        return False
    if token.folded == "no" and quoted(tokens, index):
        return False
    if token.folded in {"no", "not"}:
        if after in {"less", "more", "fewer"} and token_is(tokens, index + 2, "than"):
            return False
        if after in {"only", "just", "merely", "least", "doubt"}:
            return False
        if after == "." and index + 2 < len(tokens) and tokens[index + 2].kind == "number":
            return False
    return True


def quoted(tokens: Sequence[Token], index: int) -> bool:
    """Whether a word stands alone between quotation marks: the crowd called "No"."""
    around = (*tokens[max(0, index - 1) : index], *tokens[index + 1 : index + 2])
    return len(around) == 2 and all(token.text in "\"'`“”‘’" for token in around)


def in_title(tokens: Sequence[Token], index: int) -> bool:
    """Whether a word is part of a capitalised title, such as "Never Say Never"."""
    if not tokens[index].capitalised:
        return False
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    return (following is not None and following.capitalised) or (
        not opens_sentence(tokens, index) and not tokens[index].text.isupper()
    )


def token_is(tokens: Sequence[Token], index: int, folded: str) -> bool:
    """Whether the token at an index exists and is this word."""
    return index < len(tokens) and tokens[index].folded == folded


def clause_after(tokens: Sequence[Token], index: int) -> range:
    """The indices from here to the end of the clause."""
    end = index + 1
    while end < len(tokens) and tokens[end].folded not in CLAUSE_ENDS:
        end += 1
    return range(index + 1, end)


def clause_before(tokens: Sequence[Token], index: int) -> range:
    """The indices from the start of the clause to here."""
    start = index
    while start > 0 and tokens[start - 1].folded not in CLAUSE_ENDS:
        start -= 1
    return range(start, index)


def find_modality(tokens: Sequence[Token], *, taken: frozenset[int]) -> dict[str, set[Modality]]:
    """How firmly each content stem is asserted: by the modal within four words before it."""
    found: dict[str, set[Modality]] = {}
    level: Modality = "plain"
    distance = 0
    for index, token in enumerate(tokens):
        if token.folded in CLAUSE_ENDS:
            level = "plain"
        elif index not in taken and is_modal(tokens, index):
            # "Will likely", "may be required": the less firm of two is what is claimed.
            modal = MODALS[token.folded]
            # "It could be caused by": a possibility, no ability.
            if token.folded == "could" and any(
                token_is(tokens, index + step, word) for step in (1, 2) for word in ("be", "have")
            ):
                modal = "possible"
            if level in ("plain", "certain"):
                level = modal
            distance = 0
        elif token.content:
            if token.kind == "word":
                found.setdefault(token.stem, set()).add(level if distance <= 3 else "plain")
            level = "plain"
        distance += 1
    return found


def is_modal(tokens: Sequence[Token], index: int) -> bool:
    """Whether a word says how firm a statement is; the month of May does not."""
    token = tokens[index]
    if token.folded not in MODALS or (token.folded == "may" and token.capitalised and index > 0):
        return False
    return token.folded not in BEFORE_TO or token_is(tokens, index + 1, "to")
