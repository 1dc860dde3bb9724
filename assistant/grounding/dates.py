"""Dates of a text, whole or in part, and whether two can be one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from assistant.grounding.quantities import CURRENCIES, UNITS
from assistant.grounding.words import Token, listed, written

MONTHS = {
    word: number
    for number, words in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for word in words.split()
}
WEEKDAYS = {
    word: number
    for number, word in enumerate(
        listed("monday tuesday wednesday thursday friday saturday sunday")
    )
}
BEFORE_A_YEAR = frozenset(
    listed("in since by from until till during of year early late mid before after to and between")
)


@dataclass(frozen=True, slots=True)
class Date:
    """A date or a part of one; what is not said is None."""

    year: int | None
    month: int | None
    day: int | None
    weekday: int | None
    text: str
    first: int
    last: int

    @property
    def parts(self) -> tuple[int | None, ...]:
        """Year, month, day, weekday."""
        return (self.year, self.month, self.day, self.weekday)


def dates(tokens: Sequence[Token]) -> list[Date]:
    """The dates in a text, in order."""
    found: list[Date] = []
    index = 0
    while index < len(tokens):
        date = date_at(tokens, index)
        if date is None:
            index += 1
        else:
            found.append(date)
            index = date.last + 1
    return found


def indices(found: Sequence[Date]) -> frozenset[int]:
    """The indices of the tokens that dates are made of."""
    return frozenset(index for date in found for index in range(date.first, date.last + 1))


def date_at(tokens: Sequence[Token], index: int) -> Date | None:
    """The date that starts at this token, if one does."""
    token = tokens[index]
    following = tokens[index + 1 : index + 7]

    def made(
        length: int, year: int | None, month: int | None, day: int | None, weekday: int | None
    ) -> Date:
        last = index + length - 1
        return Date(year, month, day, weekday, written(tokens, index, last), index, last)

    if token.kind == "word":
        if token.folded in WEEKDAYS and token.capitalised:
            return made(1, None, None, None, WEEKDAYS[token.folded])
        month = month_of(token)
        if month is None:
            return None
        after = skip(following, {".", "th", "st", "nd", "rd"}, 0)
        if after < len(following) and (day := day_of(following[after])) is not None:
            end = skip(following, {"th", "st", "nd", "rd", ","}, after + 1)
            if end < len(following) and (year := year_of(following[end])) is not None:
                return made(end + 2, year, month, day, None)
            return made(after + 2, None, month, day, None)
        after = skip(following, {".", ",", "of"}, 0)
        if after < len(following) and (year := year_of(following[after])) is not None:
            return made(after + 2, year, month, None, None)
        # "may" and "march" are also a modal and a verb: alone they need a preposition.
        before = tokens[index - 1].folded if index else ""
        if month in (3, 5) and before not in BEFORE_A_YEAR | {"last", "next", "this", "on"}:
            return None
        return made(1, None, month, None, None)
    if token.kind != "number":
        return None
    if iso := iso_date(tokens, index):
        return made(5, *iso, None)
    day = day_of(token)
    after = skip(following, {"th", "st", "nd", "rd", "of"}, 0)
    if day is not None and after < len(following) and (month := month_of(following[after])):
        end = skip(following, {".", ",", "of"}, after + 1)
        if end < len(following) and (year := year_of(following[end])) is not None:
            return made(end + 2, year, month, day, None)
        return made(after + 2, None, month, day, None)
    year = year_of(token)
    if year is not None and stands_for_a_year(tokens, index):
        return made(1, year, None, None, None)
    return None


def skip(tokens: Sequence[Token], words: set[str], index: int) -> int:
    """The first index at or after `index` whose token is none of the words."""
    while index < len(tokens) and tokens[index].folded in words:
        index += 1
    return index


def month_of(token: Token) -> int | None:
    """The month that a token names."""
    return MONTHS.get(token.folded) if token.capitalised else None


def day_of(token: Token) -> int | None:
    """The day of a month that a token can be."""
    if token.kind == "number" and token.stem.isdigit() and len(token.text) <= 2:
        day = int(token.stem)
        return day if 1 <= day <= 31 else None
    return None


def year_of(token: Token) -> int | None:
    """The year that a token can be."""
    if token.kind == "number" and token.text.isdigit() and len(token.text) == 4:
        year = int(token.text)
        return year if 1000 <= year <= 2199 else None
    return None


def stands_for_a_year(tokens: Sequence[Token], index: int) -> bool:
    """Whether a bare four-digit number is a year and not a count."""
    before = tokens[index - 1].folded if index else ""
    if before in CURRENCIES:
        return False
    if before in BEFORE_A_YEAR or before in {"(", "-", "–", ","}:
        return True
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    if following is None or following.kind == "mark":
        return following is None or following.text not in "%°"
    return following.folded not in UNITS and following.folded not in CURRENCIES


def iso_date(tokens: Sequence[Token], index: int) -> tuple[int, int, int] | None:
    """Year, month and day of 2025-01-13, 13/01/2025 or 13-01-2025 (day first unless impossible)."""
    parts = tokens[index : index + 5]
    if len(parts) < 5 or parts[1].text not in "-/–" or parts[1].text != parts[3].text:
        return None
    if any(a.end != b.start for a, b in pairwise(parts)):
        return None
    numbers = [part.text for part in (parts[0], parts[2], parts[4])]
    if not all(n.isdigit() and n.isascii() and len(n) in (1, 2, 4) for n in numbers):
        return None
    first, middle, last = (int(n) for n in numbers)
    if len(numbers[0]) == 4:
        year, month, day = first, middle, last
    elif len(numbers[2]) == 4:
        year, month, day = last, middle, first
        if month > 12:
            month, day = day, month
    else:
        return None
    return (year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def compatible(date: Date, other: Date) -> bool:
    """Whether two dates share a part and differ in none."""
    pairs = [
        (a, b)
        for a, b in zip(date.parts, other.parts, strict=True)
        if a is not None and b is not None
    ]
    return bool(pairs) and all(a == b for a, b in pairs)


def includes(date: Date, other: Date) -> bool:
    """Whether a date says all that the other says."""
    return all(b is None or a == b for a, b in zip(date.parts, other.parts, strict=True))


def agreement(date: Date, other: Date) -> int:
    """How many parts of two dates are equal."""
    return sum(a is not None and a == b for a, b in zip(date.parts, other.parts, strict=True))
