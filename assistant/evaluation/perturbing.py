"""Rules that make of a sentence one that its source surely does not say."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from assistant.evaluation.perturbing_words import (
    COMPARATIVES,
    IDIOMS,
    INVENTED,
    MODALITY,
    MONTHS,
    SPELT,
    UNITS,
    WEEKDAYS,
)
from assistant.grounding.words import listed

NUMBER = re.compile(
    r"(?<![\w.,/-])(?<!-- )(?<!– )(?<!- )\d[\d,]*(?:\.\d+)?(?![\w/]|[.,]\d)(?! ?[-–/] ?\w)"
)
SPELT_NUMBER = re.compile(rf"\b(?:{'|'.join(SPELT[2:])})\b")
YEAR = re.compile(r"(?<![\w.,$£€-])(?:1[0-9]|20)\d\d(?![\w,]|\.\d)(?! ?[-–])")
MONTH = re.compile(
    rf"(?:(?<=\d )|(?<=in )|(?<=of )|(?<=since )|(?<=In ))(?:{'|'.join(MONTHS)})\b"
    rf"|\b(?:{'|'.join(MONTHS)})(?= \d)"
)
WEEKDAY = re.compile(rf"\b(?:{'|'.join(WEEKDAYS)})\b")
DAY = re.compile(
    rf"(?:(?<={' )|(?<='.join(MONTHS)} ))\d{{1,2}}\b|\b\d{{1,2}}(?= (?:{'|'.join(MONTHS)}))"
)
NAME = re.compile(r"[A-Z][a-zà-ÿ]{2,}(?: [A-Z][a-zà-ÿ]{2,})*")
# "At least 20" implies "at least 10", and so on: a new number must go the other way.
AT_LEAST = re.compile(r"(?:at least|more than|over|above|minimum of|exceeding)\W+$", re.IGNORECASE)
AT_MOST = re.compile(
    r"(?:at most|less than|fewer than|up to|under|below|within|maximum of)\W+$", re.IGNORECASE
)
AUXILIARY = (
    r"(?:is|are|was|were|has been|have been|had been|will|would|can|could|may|must|should|does|did)"
)
ADDED = re.compile(rf"\b({AUXILIARY})(?= (?!not\b|n't\b|only\b|either\b|no\b|to\b|also\b)[a-z])")
# A verb between a noun and its object: "covers the", "includes a".
FINITE = re.compile(
    r"(?<=[a-z] )(?P<verb>[a-z]{3,}(?:[^s\W]s))"
    r"(?= (?:the|a|an|its|their|his|her|several|all|some)\b)"
)
FINITE_VERBS = frozenset(
    listed(
        "includes contains covers takes makes gives holds says describes becomes plays "
        "provides requires allows uses gets leaves lets sees follows begins ends means shows "
        "tells stops brings comes joins claims calls expects serves produces regulates "
        "controls protects separates"
    )
)
REMOVED = (
    (re.compile(r"\b(do|does|did) (?:not|n't) "), r"\1 "),
    (
        re.compile(
            r"\b(is|are|was|were|has|have|had|will|would|could|may|must|should) "
            r"(?:not|n't) (?!only)"
        ),
        r"\1 ",
    ),
    (re.compile(r"\b(?:cannot|can not|can n't)\b"), "can"),
    (re.compile(r"\b(is|are|was|were|has|have|had) (?:never|no longer) "), r"\1 "),
    (re.compile(r"\bnever (?=[a-z]+ed\b)"), ""),
    (re.compile(r"\b(has|have|had|is|are|was|were) no (?=[a-z])"), r"\1 a "),
    (re.compile(r"\bwithout (?=[a-zA-Z])"), "with "),
)


class Perturbed(NamedTuple):
    """A sentence made false.

    Attributes:
        kind: What was changed.
        sentence: The result.
        changed: What was taken out and what was put in.
    """

    kind: str
    sentence: str
    changed: tuple[str, str]


def perturb(sentence: str, passage: str, *, names: Sequence[str] = ()) -> Iterator[Perturbed]:
    """At most one perturbation of each kind; two of names and numbers.

    Args:
        sentence: A sentence that the passage says.
        passage: Where it is from, title included.
        names: Of which one takes the place of another that the passage does not have; see
            `names_in`.
    """
    random = Random(hashlib.sha256(sentence.encode("utf-8", "surrogatepass")).digest())
    yield from swapped_numbers(sentence, passage, random)
    yield from swapped_names(sentence, passage, names, random)
    yield from swapped_dates(sentence, passage, random)
    yield from negations(sentence)
    yield from word_for_word(sentence, "unit", UNITS, random)
    yield from word_for_word(sentence, "comparative", COMPARATIVES, random)
    yield from modalities(sentence)


def names_in(texts: Iterable[str]) -> list[str]:
    """Names that stand inside of sentences, each once.

    A day or a month is none, nor is what stands in lower case elsewhere, such as "Office".
    """
    read = list(texts)
    plain = {word for text in read for word in re.findall(r"\b[a-zà-ÿ]+", text)}
    found = {
        match.group()
        for text in read
        for match in NAME.finditer(text)
        if match.start() > 1
        and text[match.start() - 1] == " "
        and text[match.start() - 2] not in ".?!:'`\"”“’"
        and not set(match.group().split()) & {*MONTHS, *WEEKDAYS, "The", "This", "That"}
        and not {word.casefold() for word in match.group().split()} <= plain
    }
    return sorted(found)


def invented(sentence: str) -> Perturbed:
    """A sentence that no text says, about a name in this one if there is any."""
    random = Random(hashlib.sha256(sentence.encode("utf-8", "surrogatepass")).digest())
    names = [match.group() for match in NAME.finditer(sentence) if match.start() > 0]
    made = random.choice(INVENTED).format(name=random.choice(names) if names else "The matter")
    return Perturbed("invented sentence", made, ("", made))


def replaced(kind: str, sentence: str, match: re.Match[str], new: str) -> Perturbed:
    """The sentence with one place changed."""
    text = sentence[: match.start()] + new + sentence[match.end() :]
    return Perturbed(kind, text, (match.group(), new.strip()))


def swapped_numbers(sentence: str, passage: str, random: Random) -> Iterator[Perturbed]:
    """A number that the passage does not have, and one that it has elsewhere."""
    found = [
        match
        for pattern in (NUMBER, SPELT_NUMBER)
        for match in pattern.finditer(sentence)
        if not YEAR.fullmatch(match.group())
        and not DAY.match(sentence, match.start())
        # "Apollo 11": a name; "[1]", "(2)": a mark
        and not re.search(r"(?:[A-Z][\w.]*|\bof|[\[(#№.])\s?$", sentence[: match.start()])
        and not re.search(r"\b(?:hundred|thousand|dozen)\s?$", sentence[: match.start()])
        and not re.match(r" ?(?:[.:)\]] ?\d|×|x |\*|\+|=|/)", sentence[match.end() :])
    ]
    if not found:
        return
    match = random.choice(found)
    digits = match.group()[0].isdigit()
    value = float(match.group().replace(",", "")) if digits else SPELT.index(match.group())
    before = sentence[: match.start()]
    larger = [value * 2, value + max(3, round(value * 0.5)), value * 10]
    smaller = [value / 2, value - max(3, round(value * 0.3))]
    candidates = larger if AT_LEAST.search(before) else larger + smaller
    candidates = smaller if AT_MOST.search(before) else candidates
    random.shuffle(candidates)
    present = {m.group().replace(",", "") for m in NUMBER.finditer(passage)}
    present |= set(re.findall(r"[a-z]+", passage.casefold()))
    for new in candidates:
        text = spelled(new, like=match.group())
        if text and text.replace(",", "") not in present and text != match.group():
            yield replaced("number", sentence, match, text)
            break
    others = [
        other.group()
        for other in NUMBER.finditer(passage)
        if digits
        and not YEAR.fullmatch(other.group())
        and other.group() not in sentence
        and ("." in other.group()) == ("." in match.group())
        and abs(len(other.group()) - len(match.group())) <= 1
        and not AT_LEAST.search(before)
        and not AT_MOST.search(before)
    ]
    if others:
        yield replaced("number", sentence, match, random.choice(others))


def spelled(value: float, *, like: str) -> str:
    """A number written as another is, or nothing where that cannot be."""
    if not like[0].isdigit():
        whole = round(value)
        return SPELT[whole] if 2 <= whole < len(SPELT) else ""
    if value <= 0:
        return ""
    if "." in like:
        return f"{value:.{len(like.partition('.')[2])}f}"
    return f"{round(value):,}" if "," in like else str(round(value))


def swapped_names(
    sentence: str, passage: str, names: Sequence[str], random: Random
) -> Iterator[Perturbed]:
    """A name in the place of another that means somebody or something else."""
    known = {word.casefold() for word in re.findall(r"[^\W\d_]+", f"{sentence} {passage}")}
    found = [
        match
        for match in NAME.finditer(sentence)
        if match.start() > 0
        and sentence[match.start() - 2 : match.start()] not in (". ", "? ", "' ", "` ")
        and not set(match.group().split()) & {*MONTHS, *WEEKDAYS}
        and match.group() in names
    ]
    if not found:
        return
    match = random.choice(found)
    fitting = [
        name
        for name in names
        if len(name.split()) == len(match.group().split())
        and not any(word.casefold() in known for word in name.split())
        # no word of one begins as the other does: America and American
        and not any(
            a[:4] == b[:4] for a in name.casefold().split() for b in passage.casefold().split()
        )
    ]
    if fitting:
        yield replaced("name", sentence, match, random.choice(fitting))


def swapped_dates(sentence: str, passage: str, random: Random) -> Iterator[Perturbed]:
    """Another year, month, weekday or day, half of the years from elsewhere in the passage."""
    found = [
        match for pattern in (YEAR, MONTH, WEEKDAY, DAY) for match in pattern.finditer(sentence)
    ]
    if not found:
        return
    match = random.choice(found)
    old = match.group()
    if old in MONTHS or old in WEEKDAYS:
        table = MONTHS if old in MONTHS else WEEKDAYS
        new = random.choice([word for word in table if word not in sentence and word != "May"])
    elif len(old) == 4:
        other = [
            y.group()
            for y in YEAR.finditer(passage)
            if y.group() not in sentence and abs(int(y.group()) - int(old)) < 60
        ]
        shifted = [str(int(old) + step) for step in (-11, -10, -4, -2, 2, 3, 5, 10)]
        shifted = [year for year in shifted if year not in passage]
        new = random.choice(other if other and random.random() < 0.5 else shifted)
    else:
        new = random.choice([str(n) for n in range(1, 29) if str(n) not in sentence])
    yield replaced("date", sentence, match, new)


def negations(sentence: str) -> Iterator[Perturbed]:
    """One "not" more, or one less."""
    for pattern, without in REMOVED:
        if pattern.search(sentence):
            text = pattern.sub(without, sentence, count=1)
            yield Perturbed("negation removed", text, ("not", ""))
            break
    else:
        match = ADDED.search(sentence)
        if match and not re.search(r"\b(?:no|not|never|n't|none|neither)\b", sentence):
            first, _, rest = match.group().partition(" ")
            yield replaced("negation added", sentence, match, f"{first} not {rest}".strip())
            return
    for match in FINITE.finditer(sentence):
        verb = match["verb"]
        if verb in FINITE_VERBS and not re.search(r"\bnot\b", sentence[: match.start()]):
            stem = verb[:-1]
            yield replaced("negation added", sentence, match, f"does not {stem}")
            return


def word_for_word(
    sentence: str, kind: str, table: dict[str, str], random: Random
) -> Iterator[Perturbed]:
    """One word of a table in the place of its counterpart."""
    found = []
    for old, new in table.items():
        pattern = rf"\b{re.escape(old)}\b" if old[0].isalpha() else re.escape(old)
        for match in re.finditer(pattern, sentence):
            around = sentence[max(0, match.start() - 12) : match.end() + 12].casefold()
            phrase = re.escape(old.casefold())
            idiom = any(i in around for i in IDIOMS if re.search(rf"\b{phrase}\b", i))
            if kind == "unit" and old.isalpha():
                # an amount must stand before it, or "for", "in" as in "thousands"
                counted = re.search(
                    rf"(?:\d|\b(?:{'|'.join(SPELT)}|several|few|many)) ?(?:\( ?)?$",
                    sentence[: match.start()],
                )
                idiom = not counted and old not in ("thousands", "hundreds", "million", "billion")
            if not idiom and new not in re.findall(r"\w+", sentence):
                found.append((match, new))
    if found:
        match, new = random.choice(found)
        yield replaced(kind, sentence, match, new)


def modalities(sentence: str) -> Iterator[Perturbed]:
    """What is possible made certain, what is required made possible, a limit made an amount."""
    for pattern, new in MODALITY:
        match = re.search(pattern, sentence)
        if match and not re.search(r"\bnot\b|n't", sentence[match.start() : match.start() + 24]):
            yield replaced("modality", sentence, match, new)
            return


# "On Monday, X." is said as "X on Monday."
MOVED = re.compile(
    r"^(?P<first>(?:On|In|At|During|Before|After) [^,.;]{3,40}), "
    r"(?P<rest>(?!and|but|or|who|which|where)[^;:“”\"]+?)(?P<stop> ?\.)$"
)
CONNECTIVE = re.compile(
    r"^(?:However|Also|Moreover|Therefore|Then|Thus|Furthermore|Besides|In addition) ?, (?=\w)"
)
BRACKETS = re.compile(r"^([^()]{20,}?) ?\([^()]*\)([^()]*)$")


def rearranged(sentence: str) -> str:
    """The same said with a phrase moved or left out, where a rule does it safely."""
    if match := MOVED.match(sentence):
        first, rest = match["first"], match["rest"]
        text = f"{rest} {first[0].lower()}{first[1:]}{match['stop']}"
    elif CONNECTIVE.match(sentence):
        text = CONNECTIVE.sub("", sentence)
    else:
        text = BRACKETS.sub(r"\1\2", sentence)
    return text[0].upper() + text[1:]
