"""What a question asks for, and whether a sentence has such a thing."""

import re
from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import Literal, get_args

from assistant.grounding.words import CARDINALS, Token, listed, stem, tokens

Kind = Literal[
    "time",
    "year",
    "span",
    "age",
    "money",
    "length",
    "weight",
    "speed",
    "frequency",
    "number",
    "name",
    "place",
    "reason",
    "meaning",
]

PAYING = r"(?:cost|costs|pay|pays|paid|charged?|price|earn|earns|spen[dt]|fined?|fee|worth)"
PRICE = r"(?:price|cost|fee|fare|salary|wage|fine|penalty|rent|deposit|budget)"
# The first that fits is it.
ASKS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("year", re.compile(r"\b(?:what|which) year\b")),
    ("age", re.compile(r"\bhow old\b|\b(?:what|which|at what) age\b")),
    ("frequency", re.compile(r"\bhow (?:often|frequently)\b")),
    ("weight", re.compile(r"\bhow heavy\b|\bhow much (?:do|does|did)\b.*\bweigh\b")),
    ("speed", re.compile(r"\bhow fast\b|\b(?:what|which|at what) speed\b|\bspeed limit\b")),
    ("money", re.compile(rf"\bhow much\b.*\b{PAYING}\b")),
    ("length", re.compile(r"\bhow (?:big|large|far|tall|high|deep|wide|thick)\b")),
    ("span", re.compile(r"\bhow long\b")),
    ("number", re.compile(r"\bhow (?:many|much)\b")),
    ("time", re.compile(r"\bwhen\b|\b(?:what|which) (?:date|day|month|time)\b")),
    (
        "money",
        re.compile(
            rf"\bwh(?:at|ich) {PRICE}\b|\bwhat(?: i|['’]?)s (?:the|a) {PRICE}\b"
            rf"|\b{PRICE}s? (?:of|for)\b|\bwhat (?:do|does|did|will|would)\b.*\bcost\b"
        ),
    ),
    (
        "number",
        re.compile(
            r"\b(?:number|percentage|percent|population|share|amount) of\b"
            r"|\bwhat (?:number|percentage|share|amount)\b"
        ),
    ),
    ("name", re.compile(r"\bwho(?:m|se|['’]?s)?\b|\bname of\b")),
    ("place", re.compile(r"\bwhere\b")),
    ("reason", re.compile(r"\bwhy\b|\b(?:reason|purpose|causes?|caused)\b")),
    ("meaning", re.compile(r"\b(?:mean|means|meaning|stands? for|definition|define)\b")),
)
ASKING = re.compile(
    r"\bhow\b|\bwhat\b|\bwhich\b|^(?:is|are|was|were|do|does|did|can|could|will|would|has|have|"
    r"should)\b"
)
# What a sentence must have to answer at all.
NEEDED = frozenset[Kind](get_args(Kind)) - {"reason", "meaning"}
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
# What must stand beside a number, or instead of one.
UNIT_WORDS: dict[Kind, str] = {
    "span": r"year|month|week|day|night|hour|minute|second|decade|centur|until|mile|km|metre|"
    r"meter|feet|foot|inch",
    "age": r"\byears? old\b|\byear-old\b|\baged?\b|\bborn\b|\bdates? from\b|\bbuilt\b|"
    r"\bsince\b|\bunder\b|\bover\b|\bfrom the age\b",
    "money": r"[£$€¥]|\b(?:pounds?|euros?|dollars?|crowns?|pence|cents?|francs?|marks|yen|"
    r"rupees?|roubles?|rubles?|free|nothing|eur|usd|gbp)\b|\b(?:price|cost|fee|fare)s?:",
    "length": r"\b(?:km|kilomet\w+|met(?:re|er)s?|cm|centim\w+|mm|millim\w+|miles?|feet|foot|"
    r"ft|inch\w*|acres?|hectares?|square|cubic|lit(?:re|er)s?|[kmgt]b|gigabytes?|tons?|"
    r"tonnes?|hours?|minutes?)\b|\d\s?m\b",
    "weight": r"\b(?:kg|kilo\w*|grams?|g|tons?|tonnes?|pounds?|lbs?|ounces?|oz|weigh\w*|size)"
    r"\b",
    "speed": r"\bknots?\b|/[hs]\b|\bmph\b|\b(?:per|an?) (?:second|minute|hour)\b|"
    r"\bspeed of \d|\b[kmg]bit",
    "frequency": r"\b(?:every|each|once|twice|times|daily|weekly|monthly|yearly|annually|hourly|"
    r"always|never|regularly)\b|\b(?:per|an?) (?:day|night|week|month|year)\b|"
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days\b",
}
UNITS = {kind: re.compile(words, re.IGNORECASE) for kind, words in UNIT_WORDS.items()}
WITHOUT_NUMBER = re.compile(r"\b(?:free|nothing)\b", re.IGNORECASE)
REASON = re.compile(
    r"because|due to|owing to|as a result|so that|in order to|caus|reason|purpose|result of|"
    r"\bsince\b|\bas (?:it|he|she|they|the|its|his|her|their|no|there)\b|\bfor fear\b|\bafter\b",
    re.IGNORECASE,
)
MEANING = re.compile(
    r"\b(?:is|are|was|were) (?:an?|the|any|one)\b|\bmeans?\b|refers? to|defined|stands? for|"
    r"meaning|known as|called|consists? of|includes?|(?-i:\([A-Z]{2,}\)|\b[A-Z]{2,} \()",
    re.IGNORECASE,
)
# A row of a table: the names of its columns are no names.
ROW = re.compile(r"[^:;.]{1,40}: .*; [^:;.]{1,40}: ", re.DOTALL)
COUNTED = re.compile(r"\bhow many\s+(.+)", re.IGNORECASE)
PLURALS = frozenset({"people", "men", "women", "children", "staff", "fish", "feet"})
# Who did it, where that is told without a name: "dug by two brothers".
DOER = re.compile(r"\bby (?:an?|two|three|four|five|several|some|his|her|its|their|local)\b")
# Words by which a question says what kind of thing it asks for, and nothing of which.
SCAFFOLD = frozenset(
    map(
        stem,
        listed("""
        kind sort type name named called mean meaning stand happen way reason thing person people
        man woman exactly tell explain describe give list question answer long old far cold hot warm
        place day date year month time
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
    if kind in UNITS and not UNITS[kind].search(text):
        return False
    if kind == "frequency" or (kind == "money" and WITHOUT_NUMBER.search(text)):
        return True
    new = [token for token in sentence if token.stem not in known]
    if kind == "name" and DOER.search(text):
        return True
    if kind in ("name", "place"):
        if ROW.match(text):
            columns = _columns(sentence)
            new = [token for token in new if token not in columns]
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
        return True
    return kind == "time" and any(token.folded in TIMES for token in new)


def counted(question: str) -> tuple[Token, ...]:
    """What is to be counted by a question of how many: the word for it, then what qualifies it."""
    found = COUNTED.search(question)
    if found is None:
        return ()
    phrase = list(takewhile(lambda token: token.content, tokens(found[1])))
    for place, token in enumerate(phrase):
        if token.folded.endswith("s") or token.folded in PLURALS:
            return (token, *phrase[:place])
    return tuple(phrase[::-1])


def bears_number(token: Token, known: Collection[str]) -> bool:
    """Whether a token is a number that may count something, other than those of the question."""
    if token.stem in known:
        return False
    if token.kind == "number":
        return YEAR.fullmatch(token.folded) is None
    return token.folded in CARDINALS


def _columns(row: Sequence[Token]) -> set[Token]:
    """The words of a row that name its columns."""
    found: set[Token] = set()
    name: list[Token] | None = []
    for token in row:
        if token.text == ";":
            name = []
        elif token.text == ":" and name is not None:
            found.update(name)
            name = None
        elif name is not None:
            name.append(token)
    return found
