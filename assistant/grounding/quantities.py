"""Numbers of a text: what they amount to, and whether one bears out another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.grounding.words import CARDINALS, Token, listed, written

Bound = Literal["=", "~", ">", ">=", "<", "<="]

SCALES = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "dozen": 12.0,
    "k": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "bn": 1e9,
    "tn": 1e12,
}
LETTER_SCALES = frozenset({"k", "m", "mn", "bn", "tn"})

CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen", "₽": "roubles"} | {
    word: name
    for name, words in {
        "dollars": "dollar dollars usd",
        "euros": "euro euros eur",
        # A weight or a currency: told apart by nothing, so they are one unit.
        "pounds": "pound pounds gbp sterling lb lbs",
        "yen": "yen jpy",
        "roubles": "rouble roubles ruble rubles rub",
        "rials": "rial rials irr",
        "yuan": "yuan renminbi cny rmb",
        "rupees": "rupee rupees inr",
        "francs": "franc francs chf",
        "cents": "cent cents",
    }.items()
    for word in words.split()
}

# What is measured, and how many of its smallest unit one of these is.
MEASURES: dict[str, dict[str, float]] = {
    "seconds": {
        "second seconds": 1,
        "minute minutes": 60,
        "hour hours hr hrs": 3600,
        "day days": 86_400,
        "week weeks": 604_800,
    },
    "months": {
        "month months": 1,
        "year years": 12,
        "decade decades": 120,
        "century centuries": 1200,
    },
    "metres": {
        "mm millimetre millimetres millimeter millimeters": 0.001,
        "cm centimetre centimetres centimeter centimeters": 0.01,
        "metre metres meter meters m": 1,
        "km kilometre kilometres kilometer kilometers": 1000,
    },
    "feet": {"foot feet ft": 1, "yard yards": 3, "mile miles mi": 5280},
    "grams": {"mg": 0.001, "gram grams": 1, "kg kilogram kilograms kilo kilos": 1000}
    # "Ton" and "tonne" are written for each other more often than told apart.
    | {"tonne tonnes ton tons": 1e6},
    "ounces": {"ounce ounces oz": 1},
    "litres": {"ml millilitre millilitres": 0.001, "litre litres liter liters": 1},
    "watts": {"kw kilowatt kilowatts": 1e3, "mw megawatt megawatts": 1e6}
    | {"gw gigawatt gigawatts": 1e9},
    "bytes": {"kb kilobyte kilobytes": 1e3, "mb megabyte megabytes": 1e6}
    | {"gb gigabyte gigabytes": 1e9, "tb terabyte terabytes": 1e12},
    "metres^2": {"hectare hectares ha": 10_000},
    "feet^2": {"acre acres": 43_560},
    "degrees": {"degree degrees": 1},
}
UNITS = {
    word: (dimension, factor)
    for dimension, table in MEASURES.items()
    for words, factor in table.items()
    for word in words.split()
}

SQUARES = {"square": 2, "sq": 2, "cubic": 3}

ORDINALS = {
    word: value
    for value, word in enumerate(
        listed("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"),
        start=1,
    )
}

# The words before a number that say it is a limit. "Over" is too often "during".
LIMITS: dict[Bound, str] = {
    ">=": "no fewer than, no less than, not less than, a minimum of, at least",
    "<=": "no more than, not more than, a maximum of, at most, up to, capped at, limited to, "
    "as many as, as much as, a limit of",
    ">": "more than, greater than, higher than, longer than, exceeding, above",
    "<": "less than, fewer than, lower than, shorter than, below, under",
    # "Within 50 kilometres" may be said as "no more than", and as "in".
    "~": "within, about, around, approximately, roughly, nearly, almost, some, over, circa",
}
BOUNDS_BEFORE: dict[tuple[str, ...], Bound] = {
    tuple(phrase.split()): bound
    for bound, phrases in LIMITS.items()
    for phrase in phrases.split(", ")
}
BOUNDS_AFTER: dict[tuple[str, ...], Bound] = {
    ("or", "more"): ">=",
    ("or", "less"): "<=",
    ("or", "fewer"): "<=",
}


@dataclass(frozen=True, slots=True)
class Number:
    """An amount: "at least $1.5 million" is value 1500000, unit dollars, bound >=.

    Attributes:
        value: In the smallest unit of its dimension, scale words multiplied in.
        figure: The same before its unit is counted in: 20 for "20 years".
        unit: The dimension or currency, `percent`, `ordinal`, or None.
        noun: The stem of the word counted, or None.
        bound: Whether it is the amount itself (=), about it (~), or a limit.
        text: As written, with its unit.
        first: Index of its first token.
        last: Index of its last token.
    """

    value: float
    figure: float
    unit: str | None
    noun: str | None
    bound: Bound
    text: str
    first: int
    last: int


def bears_out(source: Number, claim: Number) -> bool:
    """Whether a source that gives one amount supports a claim that gives the other.

    A limit supports only the same limit, "at least 20" is not "20"; but 23 supports "more than 20".
    """
    if not comparable(source, claim):
        return False
    value, wanted = source.value, claim.value
    if source.unit != claim.unit:
        value, wanted = source.figure, claim.figure
    equal = math.isclose(value, wanted, rel_tol=1e-6) or rounds_to(value, wanted)
    if claim.bound == "~":
        rounder = significant_digits(claim.figure) < significant_digits(source.figure)
        near = rounder and math.isclose(value, wanted, rel_tol=0.1)
        return equal or (source.bound == "=" and near)
    if source.bound == "~" or source.bound == claim.bound:
        return equal
    if source.bound == "=" and same_kind(source, claim):
        if claim.bound in (">", ">="):
            return wanted < value <= 1.5 * wanted
        if claim.bound in ("<", "<="):
            return wanted / 1.5 <= value < wanted
    return False


def significant_digits(figure: float) -> int:
    """How exactly a figure is given: 1,500 with two digits."""
    return len(f"{figure:.12f}".replace(".", "").strip("0"))


def same_kind(number: Number, other: Number) -> bool:
    """Whether two amounts measure the same thing, so that they must not differ."""
    if number.unit or other.unit:
        return number.unit == other.unit and number.unit != "ordinal"
    return number.noun == other.noun


def comparable(number: Number, other: Number) -> bool:
    """Whether one amount can stand for the other: the same unit, or one left unsaid."""
    if number.unit == other.unit:
        return True
    return (number.unit is None and number.noun is None) or (
        other.unit is None and other.noun is None
    )


def rounds_to(value: float, rounded: float) -> bool:
    """Whether a large amount, rounded to two or more digits, is the other: 1,512,000 and 1.5m."""
    if rounded < 1e5 or not math.isfinite(value) or value == 0:
        return False
    digits = significant_digits(rounded)
    return digits >= 2 and float(f"{value:.{digits - 1}e}") == rounded


def numbers(tokens: Sequence[Token], *, taken: frozenset[int] = frozenset()) -> list[Number]:
    """The amounts in a text, in order; tokens at the `taken` indices belong to dates."""
    found: list[Number] = []
    index = 0
    while index < len(tokens):
        free = index not in taken and not in_a_name(tokens, index)
        number = number_at(tokens, index) if free else None
        if number is None:
            index += 1
        else:
            found.append(number)
            index = number.last + 1
    return found


def in_a_name(tokens: Sequence[Token], index: int) -> bool:
    """Whether a number is a part of a name and no amount: Covid-19, interleukin-2, 2018-19."""
    if index < 2 or tokens[index].kind != "number":
        return False
    word, hyphen = tokens[index - 2], tokens[index - 1]
    joined = word.end == hyphen.start and hyphen.end == tokens[index].start
    year = word.kind == "number" and len(word.text) == 4 and len(tokens[index].text) == 2
    return joined and hyphen.text in "-‑–/" and (word.kind == "word" or year)


def number_at(tokens: Sequence[Token], index: int) -> Number | None:
    """The amount that starts at this token, if one does."""
    token = tokens[index]
    if token.folded in ORDINALS and token.kind == "word":
        value = ORDINALS[token.folded]
        return Number(value, value, "ordinal", None, "=", token.text, index, index)
    figure, last = amount(tokens, index)
    if figure is None:
        return None
    unit: str | None = None
    factor = 1.0
    noun: str | None = None
    end = last
    before = tokens[index - 1].folded if index else ""
    following = next_word(tokens, last)
    after = tokens[following] if following is not None else None
    if before in CURRENCIES:
        unit = CURRENCIES[before]
    elif after is not None:
        if after.text == "%" or after.folded in {"percent", "percentage", "pc"}:
            unit, end = "percent", following or last
        elif after.folded == "per" and token_text(tokens, (following or 0) + 1) == "cent":
            unit, end = "percent", (following or 0) + 1
        elif after.start == tokens[last].end and after.folded in {"st", "nd", "rd", "th"}:
            unit, end = "ordinal", following or last
        elif after.folded in CURRENCIES:
            unit, end = CURRENCIES[after.folded], following or last
        elif after.folded in UNITS:
            (unit, factor), end = UNITS[after.folded], following or last
        elif (
            after.folded in SQUARES
            and (square := token_text(tokens, (following or 0) + 1)) in UNITS
        ):
            unit, factor = UNITS[square]
            power = SQUARES[after.folded]
            unit, factor, end = f"{unit}^{power}", factor**power, (following or 0) + 1
        elif after.content and after.kind == "word" and not after.capitalised:
            noun, end = after.stem, following or last
    # A lone "one" is a pronoun more often than a number.
    if token.folded == "one" and last == index and unit is None:
        return None
    start = index - 1 if before in CURRENCIES else index
    return Number(
        value=figure * factor,
        figure=figure,
        unit=unit,
        noun=noun,
        bound=bound_of(tokens, start, end),
        text=written(tokens, start, last if noun else end),
        first=start,
        last=last if noun else end,
    )


def amount(tokens: Sequence[Token], index: int) -> tuple[float | None, int]:
    """The value that starts at this token, scale words included, and its last token's index."""
    total = 0.0
    current: float | None = None
    last = index - 1
    while index < len(tokens):
        token = tokens[index]
        word = token.folded
        if token.kind == "number" and current is None and total == 0:
            try:
                current = float(token.stem)
            except ValueError:
                return None, index
        elif word in CARDINALS and (
            current is None
            or current % 100 == 0
            or (current % 100 >= 20 and current % 10 == 0 and CARDINALS[word] < 10)
        ):
            current = (current or 0) + CARDINALS[word]
        elif (
            word in SCALES
            and current is not None
            and (word not in LETTER_SCALES or token.start == tokens[index - 1].end)
        ):
            if word == "hundred" or word == "dozen":
                current *= SCALES[word]
            else:
                total, current = total + current * SCALES[word], 0.0
        elif word in {"and", "-", "‑"} and last >= 0 and current is not None:
            joined = token_text(tokens, index + 1)
            previous = tokens[index - 1].folded
            hyphen_joins = word != "and" and (
                (joined in SCALES and joined not in LETTER_SCALES)
                or (joined in CARDINALS and previous in CARDINALS)
            )
            and_joins = word == "and" and previous in SCALES and joined in CARDINALS
            if not (hyphen_joins or and_joins):
                break
            index += 1
            continue
        else:
            break
        last = index
        index += 1
    if current is None:
        return None, last
    return total + current, last


def next_word(tokens: Sequence[Token], index: int) -> int | None:
    """The index of the token after this one, a hyphen passed over."""
    index += 1
    if index < len(tokens) and tokens[index].text in {"-", "‑"}:
        index += 1
    return index if index < len(tokens) else None


def token_text(tokens: Sequence[Token], index: int) -> str:
    """The folded token at an index, or nothing past the end."""
    return tokens[index].folded if index < len(tokens) else ""


def bound_of(tokens: Sequence[Token], first: int, last: int) -> Bound:
    """Whether the words around an amount make it a limit or a rough figure."""
    # "It can reach a length of 20 metres" is up to 20 metres.
    reach = [token.folded for token in tokens[max(0, first - 6) : first]]
    if "reach" in reach[1:] and reach[reach.index("reach") - 1] in {"can", "could", "may", "might"}:
        return "<="
    before = tuple(token.folded for token in tokens[max(0, first - 3) : first])
    for length in (3, 2, 1):
        if before[-length:] in BOUNDS_BEFORE:
            return BOUNDS_BEFORE[before[-length:]]
    after = tuple(token.folded for token in tokens[last + 1 : last + 3])
    return BOUNDS_AFTER.get(after, "=")
