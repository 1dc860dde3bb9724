"""What a question asks for, and whether a sentence has such a thing."""

import re
from collections.abc import Collection, Sequence
from typing import Literal

from assistant.grounding.words import CARDINALS, Token, listed, stem

Kind = Literal["time", "year", "span", "number", "name", "place", "reason", "meaning"]

# The first that fits is it.
ASKS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("year", re.compile(r"\b(?:what|which) year\b")),
    ("time", re.compile(r"\bwhen\b|\b(?:what|which) (?:date|day|month|time)\b")),
    ("span", re.compile(r"\bhow long\b")),
    (
        "number",
        re.compile(
            r"\bhow (?:many|much|old|far|big|large|tall|high|often|fast|deep|wide)\b"
            r"|\b(?:number|percentage|percent|population|share|amount|price|cost) of\b"
            r"|\bwhat (?:number|percentage|share|amount|price|cost)\b"
        ),
    ),
    ("name", re.compile(r"\bwho(?:m|se|['’]?s)?\b")),
    ("place", re.compile(r"\bwhere\b")),
    ("reason", re.compile(r"\bwhy\b|\b(?:reason|purpose|causes?|caused)\b")),
    ("meaning", re.compile(r"\b(?:mean|means|meaning|stands? for|definition|define)\b")),
)
ASKING = re.compile(
    r"\bhow\b|\bwhat\b|\bwhich\b|^(?:is|are|was|were|do|does|did|can|could|will|would|has|have|"
    r"should)\b"
)
# What a sentence must have to answer at all.
NEEDED = frozenset[Kind]({"time", "year", "span", "number", "name", "place"})
# What is told in a few words, so that one sentence mostly does.
BRIEF = NEEDED - {"place"}
MONTHS_AND_DAYS = frozenset(
    listed("""
    monday tuesday wednesday thursday friday saturday sunday january february march april may june
    july august september october november december
    """)
)
TIMES = MONTHS_AND_DAYS | frozenset(
    listed("""
    spring summer autumn fall winter today yesterday tomorrow century decade year month week
    noon midnight midday morning afternoon evening night dawn dusk sunrise sunset weekend weekday
    weekends weekdays daily weekly monthly yearly annually hourly
    """)
)
YEAR = re.compile(r"1[0-9]{3}|20[0-9]{2}")
UNIT = re.compile(
    r"year|month|week|day|hour|minute|second|decade|centur|mile|km|metre|meter|feet|foot|inch"
)
REASON = re.compile(
    r"because|due to|as a result|so that|in order to|caus|reason|purpose|result of", re.IGNORECASE
)
MEANING = re.compile(
    r"\b(?:is|are|was|were) (?:an?|the|any|one)\b|\bmeans?\b|refers? to|defined|stands? for|"
    r"meaning|known as|called|consists? of|includes?",
    re.IGNORECASE,
)
# Words by which a question says what kind of thing it asks for, and nothing of which.
SCAFFOLD = frozenset(
    map(
        stem,
        listed("""
        kind sort type name named called mean meaning stand happen way reason thing person people
        man woman exactly tell explain describe give list question answer long old far place day
        date year month time
        """),
    )
)


def kind_asked(question: str) -> Kind | None:
    """The kind of thing that an answer to the question would hold, if that is plain."""
    folded = question.casefold()
    return next((kind for kind, pattern in ASKS if pattern.search(folded)), None)


def asks(question: str) -> bool:
    """Whether it is a question, rather than some words to search for."""
    folded = question.casefold().strip()
    return kind_asked(question) is not None or ASKING.search(folded) is not None


def holds(kind: Kind, text: str, sentence: Sequence[Token], known: Collection[str]) -> bool:
    """Whether a sentence has such a thing, other than those that the question names itself.

    Args:
        kind: What is asked for.
        text: The sentence.
        sentence: Its tokens.
        known: The stems of the question.
    """
    if kind == "reason":
        return REASON.search(text) is not None
    if kind == "meaning":
        return MEANING.search(text) is not None
    new = [token for token in sentence if token.stem not in known]
    if kind in ("name", "place"):
        return any(
            token.capitalised
            and token.content
            and token.folded not in MONTHS_AND_DAYS
            and (kind == "name" or token is not sentence[0])
            for token in new
        )
    if kind == "year":
        return any(token.kind == "number" and YEAR.fullmatch(token.folded) for token in new)
    if any(token.kind == "number" or token.folded in CARDINALS for token in new):
        return kind != "span" or UNIT.search(text.casefold()) is not None
    return kind == "time" and any(token.folded in TIMES for token in new)
