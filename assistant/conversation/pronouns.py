"""Pronouns that point back, and what they mean."""

import re
from collections.abc import Sequence
from itertools import pairwise

from assistant.conversation.exchanges import Exchange, with_addition
from assistant.conversation.focus import Kind, Rarity, focus
from assistant.conversation.phrases import BE, Phrase, phrases
from assistant.grounding.words import Token, fold, listed, tokens

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
