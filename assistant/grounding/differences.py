"""How two texts differ word by word, and how a contradiction between them is told."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from assistant.grounding.facts import CLAUSE_ENDS, is_negation
from assistant.grounding.words import Token

# So many equal words around a difference show that it stands in the same place.
FOLLOWED = 5
# At either end of a sentence, what differs by more words than these says something else.
TOO_UNEVEN = 3
# Of two places that a word of the claim could come from, the one is chosen by so much.
CLEARLY_CLOSER = 1.3


class Conflict(NamedTuple):
    """A contradiction.

    Attributes:
        reason: It in words.
        stems: What the claim has in the wrong place: another passage clears it of the
            contradiction only if it has these.
    """

    reason: str
    stems: frozenset[str]


def conflict(reason: str, said: Sequence[Token]) -> Conflict:
    """A contradiction about some tokens of the claim."""
    return Conflict(reason, frozenset(token.stem for token in said if token.content))


def disagreement(source: str, sentence: str, said: Sequence[Token]) -> Conflict:
    """The conflict of two things that stand in each other's place, worded alike for all kinds."""
    return conflict(f"the source says {source}, the sentence says {sentence}", said)


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


class Difference(NamedTuple):
    """Where a claim that follows its source word for word departs from it.

    Attributes:
        said: The tokens of the claim, marks left out.
        written: Those of the source in their place.
        alike: The share of the claim's words that stand in the source in the same order.
        balance: How many more negations the claim has than the source.
    """

    said: list[Token]
    written: list[Token]
    alike: float
    balance: int


def differences(claim: Sequence[Token], source: Sequence[Token]) -> Iterator[Difference]:
    """Where a claim that follows its source word for word departs from it.

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
    balance = negations(claim) - negations(source)
    for place, (tag, first, last, start, end) in enumerate(codes):
        around = (*codes[max(0, place - 1) : place], *codes[place + 1 : place + 2])
        followed = sum(code[2] - code[1] for code in around if code[0] == "equal")
        if tag == "equal" or (followed < FOLLOWED and 2 * same < len(said)):
            continue
        mine, theirs = said[first:last], written[start:end]
        # Where one of the two begins or ends, what is next to the common words is compared.
        at_the_end = last == len(said) or end == len(written)
        if (first == 0 or start == 0 or at_the_end) and abs(len(mine) - len(theirs)) > TOO_UNEVEN:
            continue
        if first == 0 or start == 0:
            length = min(len(mine), len(theirs))
            mine, theirs = mine[len(mine) - length :], theirs[len(theirs) - length :]
        elif at_the_end:
            length = min(len(mine), len(theirs))
            mine, theirs = mine[: length + leading(mine)], theirs[: length + leading(theirs)]
        if len(mine) <= 3 and len(theirs) <= 4:
            yield Difference(mine, theirs, same / len(said), balance)


def negations(sequence: Sequence[Token]) -> int:
    """How many words of a sequence deny."""
    return sum(is_negation(sequence, index) for index in range(len(sequence)))


def leading(sequence: Sequence[Token]) -> int:
    """How many words without content a sequence starts with."""
    count = 0
    while count < len(sequence) and not sequence[count].content:
        count += 1
    return count
