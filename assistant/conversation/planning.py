"""What is searched for a question, planned with a language model, and what else when that fails.

The model is asked only where it can help: for a follow-up, and for a question that asks for
several things. What it writes is a proposal: a query is taken only if it keeps what was asked
and brings in nothing that was not said; else the rules of `followups` hold.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from assistant.answering import Answer
from assistant.answering.orders import is_order
from assistant.answering.prompting import TOKENS_PER_TOKEN
from assistant.conversation.exchanges import Exchange
from assistant.conversation.focus import Rarity
from assistant.conversation.fragments import LEAD
from assistant.conversation.phrases import AUXILIARIES, GENERIC, QUESTION_WORDS, phrases
from assistant.conversation.pronouns import referred
from assistant.conversation.proposals import (
    LONGEST_QUERY,
    content_of,
    denials,
    essence,
    keeps,
    queries,
    related,
    said_before,
    wording,
)
from assistant.conversation.questions import self_contained
from assistant.conversation.turn import Turn
from assistant.fences import as_line
from assistant.grounding.words import listed, tokens
from assistant.models import Calls, Message
from assistant.prompts import render
from assistant.retrieval import Hit
from assistant.tokens import count_tokens

# What is searched beside the question itself, at most.
MOST_PARTS = 3
# Longer questions are searched as they are.
LONGEST_ASKED = 1000
# Characters of a query that is not the question's.
LONGEST_OTHER = 200
# Tokens of a reply: one line, and one with those of the parts.
LINE_TOKENS = 80
PARTS_TOKENS = 200
# Turns that the model sees, and the share of its context that they may take.
REACH = 6
SHARE = 0.25
# Titles of passages that came closest, and characters of each.
TITLES = 6
LONGEST_TITLE = 100

# What the prompts show where there is no turn, or no title.
NOTHING = "(none)"

# A question with one of these may lean on what was said, or go on with it.
LEANING = frozenset(
    listed("""
    it its he him his she her hers they them their theirs this that these those there one ones
    else other others another former latter same such either neither both so then also too again
    more instead earlier above previous previously mentioned he's she's it's that's they're we
    """)
)
ASKING = "|".join(sorted(w for w in QUESTION_WORDS | AUXILIARIES if "'" not in w))
ITEM = rf"(?!(?:{ASKING})\b)[\w’'-]+(?: [\w’'-]+){{0,2}}"
SEVERAL = (
    re.compile(rf"(?:\b(?:and|or|but|also|then)|[;?])\s+(?:{ASKING})\b", re.IGNORECASE),
    re.compile(rf"\b(?:{ASKING})\b[^?]*,\s+(?:{ASKING})\b", re.IGNORECASE),
    re.compile(
        r"\b(?:compar(?:e[sd]?|ing|isons?)|differ(?:s|ences?)?|contrast(?:s|ed)?|versus|vs|both|"
        r"respectively|each|in common|as well as|similarit(?:y|ies))\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\w(?:, {ITEM})+,? (?:and|or) \w", re.IGNORECASE),
)


@dataclass(frozen=True, slots=True)
class Searches:
    """What is searched for a question.

    Attributes:
        query: The question as it stands alone.
        parts: What is searched beside it, where it asks for several things; else empty.
    """

    query: str
    parts: tuple[str, ...] = ()


def plan_searches(
    question: str,
    history: Sequence[Turn],
    *,
    calls: Calls,
    rarity: Rarity,
    prompts: str = "",
) -> Searches:
    """What to search for a question, in the light of the turns before it.

    One call is made, at most, and none for a question that plainly stands alone and asks one
    thing, for a reply to a question back, or where the model's context is too small.

    Args:
        question: Any text.
        history: The turns before it, oldest first.
        calls: The model, and how often it may still be asked.
        rarity: BM25's idf of some words among the indexed texts.
        prompts: Folder of prompts that replace the built-in ones.

    Raises:
        ModelError: The model failed.
        PromptError: A prompt of the folder is wrong.
    """
    query = self_contained(question, history, rarity=rarity)
    ruled = Searches(query)
    if calls.left < 1 or not question.strip() or len(question) > LONGEST_ASKED:
        return ruled
    splits = asks_several_things(query) or asks_several_things(question)
    if not _helps(question, query, history, splits=splits):
        return ruled
    reply = PARTS_TOKENS if splits else LINE_TOKENS
    system = render("plan", folder=prompts)
    asked = as_line(question)
    frame = render("plan-question", folder=prompts, history="", question=asked)
    room = _room(calls, reply) - count_tokens(system) - count_tokens(frame)
    before = _told(history, most=min(room, int(SHARE * calls.model.context)))
    if room < 0 or (history and not before and not splits):
        return ruled
    user = render("plan-question", folder=prompts, history=before or NOTHING, question=asked)
    told = [line.partition(": ")[2] for line in before.splitlines()]
    earlier = {wording(line) for line in told}
    said = content_of(" ".join((question, query, *told)))

    def rewrite(written: str) -> str:
        for found in queries(written, "question") if history else ():
            line = LEAD.sub("", found)
            line = line[:1].upper() + line[1:]
            # One that puts nothing in leaves the work to the rules.
            adds = bool(content_of(line) - content_of(question) - GENERIC)
            if adds and wording(line) not in earlier and keeps(line, question, query, said):
                return line
        return ""

    def enough(written: str) -> bool:
        return bool(line := rewrite(written)) and not (splits or asks_several_things(line))

    written = _reply(calls, system, user, most_tokens=reply, enough=enough)
    if line := rewrite(written):
        # The rules see to what it left out.
        query = self_contained(line, history, rarity=rarity)
    if not (splits or asks_several_things(query)):
        return Searches(query)
    return Searches(query, _parts(written, query, said, rarity))


def asks_several_things(question: str) -> bool:
    """Whether a question looks as if it needs several look-ups."""
    return any(pattern.search(question) for pattern in SEVERAL)


def _helps(question: str, query: str, history: Sequence[Turn], *, splits: bool) -> bool:
    """Whether a model may know better than the rules do."""
    last = history[-1].answer if history else ""
    if isinstance(last, Answer) and last.choices:
        return False
    return splits or (bool(history) and not _alone(question, query))


def _alone(question: str, query: str) -> bool:
    """Whether a question plainly needs nothing of what was said before."""
    if query != question or LEAD.sub("", question).lstrip() != question.lstrip():
        return False
    words = {token.folded for token in tokens(question)}
    return not words & LEANING and any(phrase.named for phrase in phrases(question))


def _reply(
    calls: Calls, system: str, user: str, *, most_tokens: int, enough: Callable[[str], bool]
) -> str:
    """What the model replies, until the lines that it has ended are enough."""
    written = ""
    messages = [Message("system", system), Message("user", user)]
    with closing(calls.write(messages, most_tokens=most_tokens)) as pieces:  # type: ignore[type-var]
        for piece in pieces:
            written += piece or ""
            ended = written.rpartition("\n")[0]
            if piece and "\n" in piece and enough(ended):
                return ended
    return written


def _room(calls: Calls, reply: int) -> int:
    """Tokens that a question to the model may have."""
    return int((calls.model.context - reply) / TOKENS_PER_TOKEN)


def _told(history: Sequence[Turn], *, most: int) -> str:
    """The last turns, oldest first, in at most so many tokens: a line for each that was said."""
    kept: list[str] = []
    for turn in reversed(history[-REACH:]):
        answer = turn.answer
        resolved = answer.search_query if isinstance(answer, Answer) else ""
        refused = isinstance(answer, Answer) and answer.refused
        exchange = Exchange(resolved or turn.question, "" if refused else turn.borne_out)
        lines = [f"User: {as_line(exchange.question)}"]
        if exchange.answer:
            lines.append(f"Assistant: {as_line(exchange.answer)}")
        costs = [count_tokens(line) + 1 for line in lines]
        if sum(costs) > most:
            lines, costs = lines[:1], costs[:1]
        if sum(costs) > most:
            break
        most -= sum(costs)
        kept = lines + kept
    return "\n".join(kept)


def _parts(written: str, query: str, said: set[str], rarity: Rarity) -> tuple[str, ...]:
    """What the model would search beside the query, as far as it is usable."""
    about = content_of(query)
    found: dict[frozenset[str], str] = {essence(query): ""}
    for line in queries(written, "search"):
        part = referred(line, [Exchange(query, "")], rarity)
        fits = content_of(part) & (about - GENERIC) and said_before(part, said)
        if fits and not denials(part) - denials(query) and len(part) <= LONGEST_QUERY:
            found.setdefault(essence(part), part)
        if len(found) > MOST_PARTS:
            break
    return tuple(part for part in found.values() if part)


def search_again(
    question: str,
    searched: Sequence[str],
    hits: Sequence[Hit],
    *,
    calls: Calls,
    prompts: str = "",
) -> str | None:
    """Another query for a question of which too little was found; None if there is none.

    It may have other words than the question. It is searched, and nothing else is done with it:
    what is answered stays the question. One call is made, at most.

    Args:
        question: What is asked, as it stands alone.
        searched: What was searched for it.
        hits: What came closest, best first.
        calls: The model, and how often it may still be asked.
        prompts: Folder of prompts that replace the built-in ones.

    Raises:
        ModelError: The model failed.
        PromptError: A prompt of the folder is wrong.
    """
    if calls.left < 1 or not question.strip() or len(question) > LONGEST_ASKED:
        return None
    named = [as_line(hit.title)[:LONGEST_TITLE] for hit in hits if not is_order(hit.title)]
    titles = list(dict.fromkeys(named))[:TITLES]
    system = render("search-again", folder=prompts)
    user = render(
        "search-again-question",
        folder=prompts,
        question=as_line(question),
        searched="\n".join(as_line(query)[:LONGEST_QUERY] for query in searched),
        titles="\n".join(titles) or NOTHING,
    )
    if count_tokens(system) + count_tokens(user) > _room(calls, LINE_TOKENS):
        return None
    known = tokens(" ".join((question, *searched, *titles)))
    before = {essence(query) for query in (question, *searched)}

    def other(written: str) -> str:
        for line in queries(written, "search"):
            new = len(line) <= LONGEST_OTHER and essence(line) not in before
            if new and related(line, known):
                return line
        return ""

    written = _reply(
        calls, system, user, most_tokens=LINE_TOKENS, enough=lambda text: bool(other(text))
    )
    return other(written) or None
