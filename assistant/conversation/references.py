"""What is only half named ("the treaty", "that device"), and questions that name no subject."""

import re
from collections.abc import Sequence

from assistant.conversation.exchanges import Exchange, with_addition, without_mark
from assistant.conversation.focus import Kind, Rarity, focus
from assistant.conversation.phrases import (
    AUXILIARIES,
    GENERIC,
    QUESTION_WORDS,
    VERBS,
    Phrase,
    phrases,
)
from assistant.conversation.pronouns import LEADING
from assistant.grounding.words import Token, fold, listed, stem, tokens

TIMES = frozenset(
    listed("year month week day days century decade time point way case moment morning")
)
REQUEST = re.compile(
    r"^(?:(?:yes|no|ok(?:ay)?|sure|please|thanks?|thank you|well|and|now|interesting|also|so|then|"
    r"great)\b[\s,.!]*)*(?:(?:can|could|would|will) you (?:please |also )*"
    r"(?:tell me|explain|give me|talk)(?: me)?(?: a (?:little )?bit)?"
    r"(?: more| some| something)?(?: about)?"
    r"|(?:please )?(?:tell|let) me (?:know )?(?:(?:some)?(?:thing)?(?:more)? ?)?(?:about|of)?"
    r"|i(?:['’]d| would|['’]m| am)? ?(?:like|love|want|wish|prefer|interested)(?: to)?"
    r"(?: (?:know|hear|learn))?(?: more)?(?: about| in)?)\s+",
    re.IGNORECASE,
)


# Words whose full name was said, and what is all too short.

CLASSES = frozenset(
    stem(word)
    for word in listed("""
    company firm brand film movie documentary show series book novel song album band team club
    country city holiday festival treaty agreement pact organization organisation tribe tool
    software app technique
    """)
)
# Opens what tells which one is meant.
SAID_WHICH = re.compile(
    r"\s+(?:of|that|which|who|whose|where|when|for|in|between|from|to|used|made|called|named|known|"
    r"with|on|about|against|at|by)\b"
)
OTHERS = re.compile(
    r"\b(?:another one|the (?:other )?ones?|(?:the|any|what|which|some) others|either|both|latter|"
    r"former)\b(?! of)",
    re.IGNORECASE,
)
DEFINITE = re.compile(
    r"\b(?P<which>the|this|that|these|those|such an?|said)\s+"
    r"(?P<noun>[^\W\d_]+(?:-\w+)?)\b(?!['’-])",
    re.IGNORECASE,
)


def named_in_full(question: str, said: list[Exchange], rarity: Rarity) -> str:
    """With the full name of "the treaty", "this holiday"."""
    own = phrases(question)
    for match in DEFINITE.finditer(question):
        which, noun = match["which"].lower(), match["noun"]
        head = stem(fold(noun))
        if (head in GENERIC and head not in CLASSES) or noun.lower() in TIMES:
            continue
        phrase = next((p for p in own if p.end == match.end() and head in p.stems), None)
        if phrase is None or len(phrase.stems) > 1 or phrase.named:
            continue
        rest = question[match.end() :]
        if which == "the" and head not in CLASSES and SAID_WHICH.match(rest):
            continue
        if which == "that" and not LEADING.search(question[: match.start()]):
            continue
        fuller = _fuller(phrase, said)
        others = set().union(*(p.stems for p in own)) - {head}
        if fuller is not None and not (fuller.stems - {head}) <= others:
            text = (
                fuller.text
                if fuller.text != fuller.bare or (fuller.named and fuller.head != head)
                else f"the {fuller.bare}"
            )
            if not question[: match.start()].strip():
                text = text[:1].upper() + text[1:]
            return question[: match.start()] + text + question[match.end() :]
        if head in CLASSES and not re.match(r"\s+\w+ed\b", rest):
            if which == "the" and not any(head in exchange.stems for exchange in said[-2:]):
                continue
            kind: Kind = "many" if phrase.plural else "thing"
            subject = focus(said, rarity, kind=kind, without=set().union(*(p.stems for p in own)))
            if subject is not None and subject.named:
                return f"{question[: match.end()]} ({subject.bare}){rest}"
    return _half_named(question, own, said, rarity)


# "That subject", where "that" is no conjunction: what is said to be so comes after these.
SAID_THAT = frozenset(
    stem(word)
    for word in listed("""
    say says said tell told think thought believe claim mean meant ensure show shown report find
    found suggest know known prove argue agree hope fear deny announce mention state fact idea
    claim true sure so explain expect confirm
    """)
)
# A question of more phrases says what it needs.
MOST_PHRASES = 2
HALF_NAMED = re.compile(
    r"\b(?P<which>that|this|these|those|such an?|the same)\s+"
    r"(?P<noun>[^\W\d_]+(?:-\w+)?)\b(?!['’-])",
    re.IGNORECASE,
)
# What the last question was about: "What did she say about paying for trade?"; or what was put in.
TOPIC = re.compile(
    r"(?:\b(?:about(?! to\b)|regarding|concerning) |\()(?P<what>(?:[\w’'-]+ ?){1,6})\W*$",
    re.IGNORECASE,
)
# Asks for one more thing of what was spoken about.
IS_THERE = re.compile(
    r"^\W*(?:and |but )?(?:is|are|was|were|will|has|have) there (?:be(?:en)? )?(?:an? |any )?"
    r"[^\W\d_]+(?: [^\W\d_]+)?(?: (?:yet|already|too|as well|now|also|left))?\W*$",
    re.IGNORECASE,
)


def _half_named(question: str, own: Sequence[Phrase], said: list[Exchange], rarity: Rarity) -> str:
    """With the subject, where "that device" or "the same discount" point back at some of it."""
    known = frozenset().union(*(phrase.stems for phrase in own))
    if sum(not phrase.generic for phrase in own) > MOST_PHRASES:
        return question  # It says enough.
    points = IS_THERE.match(question) is not None and not any(phrase.named for phrase in own)
    for match in HALF_NAMED.finditer(question):
        which, noun = match["which"].lower(), match["noun"]
        if noun.lower() in TIMES:
            continue
        phrase = next((p for p in own if p.end == match.end()), None)
        if phrase is None or phrase.named or (which.startswith("such") and phrase.generic):
            continue
        before = next((t for t in reversed(tokens(question[: match.start()]))), None)
        if which == "that" and (
            before is None
            or before.stem in SAID_THAT
            or not (before.stem in VERBS or _leads(before))
        ):
            continue
        points = points or not any(p.head == phrase.head and p.end < match.start() for p in own)
    if not points:
        return question
    if topic := TOPIC.search(said[-1].question):
        return with_addition(question, topic["what"].strip())
    subject = focus(said, rarity, kind="any", without=known)
    return question if subject is None else with_addition(question, subject.bare)


def _leads(token: Token) -> bool:
    return LEADING.search(token.text) is not None or token.folded in AUXILIARIES


def _fuller(mention: Phrase, said: list[Exchange]) -> Phrase | None:
    """The latest longer phrase of the same head; a name before others."""
    for exchange in reversed(said[-4:]):
        found = [
            phrase
            for phrase in (*exchange.asked, *exchange.told)
            if phrase.head == mention.head
            and len(phrase.stems) > 1
            and phrase.plural == mention.plural
            and (phrase.named or mention.head not in CLASSES)
            and not phrase.text.lower().startswith(("a ", "an "))
        ]
        if found:
            return max(found, key=lambda phrase: phrase.named)
    return None


# Held in a state, so that nothing but a state is what such a question leaves out.
OFFICES = frozenset(
    stem(word)
    for word in listed("""
    president king queen emperor minister ambassador spokesman spokeswoman spokesperson government
    parliament army capital population currency
    """)
)


# Every thing has its own: "the price" is that of what was spoken about.
RELATIONAL = frozenset(
    stem(word)
    for word in listed("""
    age author background budget colour color composition content cost deadline duration fee height
    length location market meaning origin owner price reason salary scope shape size speed status
    structure title value weight width
    """)
)
CLAUSE = re.compile(
    r"\b(?:said|says?|told|claim(?:s|ed)?|think|thought|believed?|announced) that\b", re.IGNORECASE
)


# How the names of states of more than one word begin.
COMPOUND = frozenset(listed("The United New South North Saudi Great Sri Costa El San Czech"))


def _state(subject: Phrase, said: list[Exchange]) -> str:
    """The name of a state or place in a phrase, as one says "of France" or "in Paris"; or empty."""
    name = subject.bare.rpartition(" of ")[2]
    text = f"{said[-1].question} {said[-1].answer}"
    placed = re.search(rf"\b(?:of|in) (?:the )?{re.escape(name)}\b", text)
    known = len(name.split()) == 1 or name.split()[0] in COMPOUND
    return name if subject.named and placed and known and not name.isupper() else ""


def about_the_subject(question: str, said: list[Exchange], rarity: Rarity) -> str:
    """With the subject, where a question names none and goes on with the last answer."""
    own = phrases(question)
    if not any(token.folded in QUESTION_WORDS | AUXILIARIES for token in tokens(question)) and not (
        REQUEST.match(question)
    ):
        return question  # "Thanks", a list of words.
    content = [phrase for phrase in own if not phrase.generic]
    if any(phrase.named for phrase in content) or len(content) > 2 or CLAUSE.search(question):
        return question
    known = set().union(*(phrase.stems for phrase in own)) if own else set()
    subject = focus(said, rarity, kind="any", without=known)
    if subject is None or subject.stems & known:
        return question
    if any(phrase.stems & OFFICES for phrase in content):
        state = _state(subject, said)
        return with_addition(question, state) if state else question
    request = REQUEST.match(question)
    ends = bool(content) and not without_mark(question)[0][content[-1].end :].strip()
    short = len(content) == 1 and len(content[0].stems) < 3 and ends
    definite = short and content[0].text.lower().startswith("the ")
    definite = definite and " of " not in content[0].text
    # "The drawbacks" are those of something; "the bridge" is another one, unless it was spoken of.
    definite = definite and (
        content[0].plural
        or content[0].head in RELATIONAL
        or bool(content[0].stems & said[-1].stems)
    )
    continues = (
        short
        and bool(content[0].stems & said[-1].stems)
        and not content[0].text.lower().startswith(("a ", "an "))
    )
    if not content or definite or (request and continues) or OTHERS.search(question):
        return with_addition(question, subject.bare)
    return question
