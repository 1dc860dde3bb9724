"""Words that point back: pronouns, "the treaty", and questions that leave their subject out."""

import re
from collections.abc import Sequence
from itertools import pairwise

from assistant.conversation.exchanges import Exchange, with_addition, without_mark
from assistant.conversation.focus import Kind, Rarity, focus
from assistant.conversation.phrases import (
    AUXILIARIES,
    BE,
    GENERIC,
    QUESTION_WORDS,
    VERBS,
    Phrase,
    phrases,
)
from assistant.grounding.words import Token, fold, listed, stem, tokens

KINDS: dict[str, Kind] = {
    **dict.fromkeys(listed("it its"), "thing"),
    **dict.fromkeys(listed("he him his she her hers"), "person"),
    **dict.fromkeys(listed("they them their theirs"), "many"),
}
SHE = frozenset(listed("she her hers"))
POSSESSIVE = frozenset(listed("its his hers their theirs"))
CLAUSES = frozenset(
    listed(
        "and or but when if because what how that which who after before while where why like so "
        "by without"
    )
)
CONTRACTED = {"s": "is", "re": "are", "ve": "have", "d": "would", "ll": "will"}
SINGULAR = {"do": "does", "are": "is", "were": "was", "have": "has"}
EXPLETIVE = re.compile(
    r"\bit(?:['’]s| is| was| be| would be)? (?:not )?(?:\w+ly )?(?:true|possible|legal|illegal|"
    r"easy|hard|difficult|necessary|safe|common|important|likely|normal|rare|okay|ok|allowed|worth|"
    r"better|good|bad|fair|clear|known|said|believed|time)?\s?(?:to|that|for \w+ to|if|whether)\b"
    r"|\b(?:does|did|will|would) it (?:take|cost) to\b|\b(?:is|was) it (?:raining|snowing)\b",
    re.IGNORECASE,
)
THERE = re.compile(
    r"\b(?:is|are|was|were|be|been|exist|has|have|will|can|could|would|if|that|and|,)\s+there\b"
    r"|\bthere(?:['’]s|\s+(?:is|are|was|were|be|been|has|have|will|any|exists?))\b"
    r"|^\s*where\s+there\b",
    re.IGNORECASE,
)
ALONE = re.compile(
    r"\s*(?:$|[?!.,;)]|(?:is|are|was|were|do|does|did|has|have|can|will|mean|work|happen|affect|"
    r"so|a|an|the|still|in|with|to|from|for|as)\b)",
    re.IGNORECASE,
)
# What says something: "Did it say anything?"
VOICE = re.compile(
    r"\s+(?:also\s+|ever\s+|even\s+)?(?:say|says|said|tell|tells|told|mention|mentions|mentioned|"
    r"announce|announces|announced|claim|claims|claimed|deny|denies|denied|comment|commented|"
    r"publish|publishes|published|report|reports|reported|respond|responded)\b",
    re.IGNORECASE,
)
# What was said as a whole: "Who says so?".
SO = re.compile(
    r"\b(?:do|does|did|done|say|says|said|think|thinks|thought|is (?:that|it)) so\W*$",
    re.IGNORECASE,
)
# "How many days after the signing is that?": nothing that a phrase could stand for.
IS_THAT = re.compile(r"^\W*(?:how|what|which)\b.+\s(?:is|was)\s+(?:that|this)\W*$", re.IGNORECASE)
JUDGED = re.compile(r"\s+\w+\s*\?*\s*$")
LEADING = re.compile(
    r"(?:\b(?:about|of|like|to|do|did|does|is|was|are|were|for|with|than|after|before|from|on|in|at|"
    r"by|why|how|under|into|mean|and|know|explain|via|through|without|against|when|besides)"
    r"|^|[,;])\s*$",
    re.IGNORECASE,
)
TIMES = frozenset(
    listed("year month week day days century decade time point way case moment morning")
)


DONE = re.compile(r"\b(?:do|does|did|doing|done)\s+$", re.IGNORECASE)


def referred(question: str, said: list[Exchange], rarity: Rarity) -> str:
    """With what its pronouns mean."""
    own = phrases(question)
    marked = tokens(question)
    changes: list[tuple[int, int, str]] = []
    added: Phrase | None = None
    known: set[str] = set().union(*(phrase.stems for phrase in own)) if own else set()
    meant: set[str] = set()
    for index, token in enumerate(marked):
        found = _pronoun(question, marked, index)
        if found is None:
            continue
        kind, possessive = found
        # "Did she dismiss him?": two, of one kind.
        who = "she" if token.folded in SHE else kind
        if who in meant or _inside(question, own, token, kind=kind, possessive=possessive):
            continue
        phrase = focus(said, rarity, kind=kind, without=known)
        if phrase is None:
            continue
        if kind == "many":
            phrase = _joined(phrase, said)
        meant.add(who)
        if DONE.search(question[: token.start]) and not question[token.end :].strip(" ?!."):
            # "Why did he do that?": a phrase cannot stand for what was done.
            question = with_addition(question, phrase.bare)
            continue
        if own and IS_THAT.match(question) and token.folded in {"this", "that"}:
            added = phrase
            continue
        known |= phrase.stems
        text = _in_place(question, token, phrase, kind=kind, possessive=possessive)
        start = token.start
        before = marked[index - 1] if index else None
        if kind == "many" and not phrase.plural and before and before.folded in SINGULAR:
            verb = SINGULAR[before.folded]
            text = f"{verb.capitalize() if before.capitalised else verb} {text}"
            start = before.start
        changes.append((start, token.end, text))
    for start, end, text in reversed(changes):
        question = question[:start] + text + question[end:]
    return with_addition(question, added.bare) if added is not None else question


def _joined(phrase: Phrase, said: list[Exchange]) -> Phrase:
    """A phrase together with the one that "and" joins to it."""
    for exchange in reversed(said[-3:]):
        for text, found in ((exchange.question, exchange.asked), (exchange.answer, exchange.told)):
            for left, right in pairwise(found):
                if phrase in (left, right) and text[left.end : right.start] == " and ":
                    both = text[left.start : right.end]
                    return left._replace(
                        text=both,
                        end=right.end,
                        stems=left.stems | right.stems,
                        named=left.named and right.named,
                        plural=True,
                    )
    return phrase


def _pronoun(question: str, marked: Sequence[Token], index: int) -> tuple[Kind, bool] | None:
    """The kind of a pronoun that points back, and whether it is possessive."""
    token = marked[index]
    if token.kind != "word":
        return None
    if index and token.capitalised and marked[index - 1].text not in ".?!:,":
        return None  # "IT"; "She" of a title.
    word = token.text.lower().replace("’", "'").partition("'")[0]
    rest = question[token.end :]
    if word in KINDS:
        if word == "it":
            for match in EXPLETIVE.finditer(question):
                if match.start() <= token.start < match.end():
                    return None
        follow = marked[index + 1] if index + 1 < len(marked) else None
        possessive = word in POSSESSIVE or (
            word == "her" and follow is not None and follow.kind == "word" and follow.content
        )
        voice = KINDS[word] == "thing" and VOICE.match(rest) is not None
        return ("voice" if voice else KINDS[word]), possessive
    if word in {"this", "that", "these", "those"} and (
        ALONE.match(rest) or (index and marked[index - 1].folded in BE and JUDGED.match(rest))
    ):
        if word == "that" and not LEADING.search(question[: token.start]):
            return None
        return ("many" if word in {"these", "those"} else "thing"), False
    if word == "there" and not any(
        match.start() <= token.start < match.end() for match in THERE.finditer(question)
    ):
        return "place", False
    return None


def _inside(
    question: str, own: Sequence[Phrase], token: Token, *, kind: str, possessive: bool
) -> bool:
    """Whether the question itself holds what the pronoun means, before it."""
    before = [phrase for phrase in own if phrase.end <= token.start and not phrase.generic]
    if kind == "person":
        before = [phrase for phrase in before if phrase.named]
    if kind == "place":
        return any(phrase.named for phrase in before)
    if not before:
        return False
    if kind == "person" or possessive:
        return True
    between = question[before[0].end : token.start]
    if kind == "thing" and all(phrase.plural for phrase in before):
        return False
    return bool(re.search(r"[,;]", between)) or any(
        fold(word) in CLAUSES for word in between.split()
    )


def _in_place(question: str, token: Token, phrase: Phrase, *, kind: str, possessive: bool) -> str:
    """A phrase as it reads where a pronoun stood."""
    text = phrase.text
    if not phrase.named and text[:1].isupper():
        text = text[:1].lower() + text[1:]
    if text.lower().startswith("the ") and not text.startswith("The "):
        text = "the " + text[4:]
    ending = re.search(r"['’](\w+)$", token.text)
    if possessive:
        text += "'" if text.endswith("s") and phrase.plural else "'s"
    elif ending and ending.group(1) in CONTRACTED:
        text += " " + CONTRACTED[ending.group(1)]
    if kind == "place":
        text = "in " + text
    if not question[: token.start].strip():
        text = text[:1].upper() + text[1:]
    return text


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
            before is None or before.stem in SAID_THAT or not (_verbal(before) or _leads(before))
        ):
            continue
        points = points or not any(p.head == phrase.head and p.end < match.start() for p in own)
    if not points:
        return question
    if topic := TOPIC.search(said[-1].question):
        return with_addition(question, topic["what"].strip())
    subject = focus(said, rarity, kind="any", without=known)
    return question if subject is None else with_addition(question, subject.bare)


def _verbal(token: Token) -> bool:
    return token.stem in VERBS


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
