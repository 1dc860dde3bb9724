"""What is searched for a question, planned with a language model, and what else when that fails.

The model is asked only where it can help: for a follow-up, and for a question that asks for
several things. What it writes is a proposal: a query is taken only if it keeps what was asked
and brings in nothing that was not said; else the rules of `followups` hold.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from assistant.answering import Answer
from assistant.conversation.exchanges import MARKS, Exchange, Rarity
from assistant.conversation.fragments import ABOUT, LEAD
from assistant.conversation.phrases import AUXILIARIES, GENERIC, QUESTION_WORDS, VERBS, phrases
from assistant.conversation.questions import self_contained
from assistant.conversation.references import REQUEST, referred
from assistant.conversation.turn import Turn
from assistant.grounding.facts import NEGATIONS
from assistant.grounding.names import acronym_of, same_word
from assistant.grounding.words import Token, listed, stem, tokens
from assistant.models import Calls, Message
from assistant.prompts import render
from assistant.retrieval import Hit
from assistant.tokens import count_tokens

# What is searched beside the question itself, at most.
MOST_PARTS = 3
# Longer questions are searched as they are.
LONGEST_ASKED = 1000
# Characters of a query that a model wrote.
LONGEST_QUERY = 300
LONGEST_OTHER = 200
# Tokens of a reply: one line, and one with those of the parts.
LINE_TOKENS = 80
PARTS_TOKENS = 200
# Turns that the model sees, and the share of its context that they may take.
REACH = 6
SHARE = 0.25
# A model's own tokens may be more than those that are counted, by so much.
MARGIN = 1.3
# Titles of passages that came closest, and characters of each.
TITLES = 6
LONGEST_TITLE = 100
# Of the plain words of a question this share must be in its rewrite; its names and numbers all.
KEPT = 0.6
# Two words this much alike may be one, misspelt.
MISSPELT = 0.75

# "QUESTION: ...", or the tag in which the model saw the question, at the beginning of a line.
LABELLED = re.compile(
    r"^[\s>*#_`•–—-]*(?:\d+[.)]\s*)?[*_`]*(?:(?P<label>question|search)(?:\s*\d+)?[*_`]*\s*:[*_`]*"
    r"|<question>)(?P<text>.*?)(?:</question>\s*)?$",
    re.IGNORECASE,
)
AROUND = ' \t"“”„«»*_`'
# Nothing that is a mark, a tag, code, or an address.
FOREIGN = re.compile(r"[\[\]<>{}|*`#\\^~]|_{2}|:/|\bwww\.|\w@\w", re.IGNORECASE)

SPEAKER = re.compile(r"(?:user|assistant|system|answer)\s*:", re.IGNORECASE)

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
# Words that ask in a way of their own: a rewrite that drops one asks something else.
ASKED_WITH = frozenset(listed("who whose when where why how else"))
ORDINARY = GENERIC | VERBS
DENYING = frozenset(map(stem, NEGATIONS))


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
    splits = asks_several_things(query) or asks_several_things(question)
    if calls.left < 1 or not _helps(question, query, history, splits=splits):
        return ruled
    reply = PARTS_TOKENS if splits else LINE_TOKENS
    system = render("plan", folder=prompts)
    asked = _plain(question)
    frame = render("plan-question", folder=prompts, history="", question=asked)
    room = _room(calls, reply) - count_tokens(system) - count_tokens(frame)
    before = _told(history, most=min(room, int(SHARE * calls.model.context)))
    if room < 0 or (history and not before and not splits):
        return ruled
    user = render("plan-question", folder=prompts, history=before or "-", question=asked)
    written = calls.complete([Message("system", system), Message("user", user)], most_tokens=reply)
    told = [line.partition(": ")[2] for line in before.splitlines()]
    said = _content(" ".join((question, query, *told)))
    if history:
        earlier = {_words(line) for line in told}
        for line in _lines(written, "question"):
            # One that puts nothing in leaves the work to the rules.
            adds = bool(_content(line) - _content(question) - GENERIC)
            if adds and _words(line) not in earlier and _keeps(line, question, query, said):
                # The rules see to what it left out.
                query = self_contained(line, history, rarity=rarity)
                break
    if not (splits or asks_several_things(query)):
        return Searches(query)
    return Searches(query, _parts(written, query, said, rarity))


def asks_several_things(question: str) -> bool:
    """Whether a question looks as if it needs several look-ups."""
    return any(pattern.search(question) for pattern in SEVERAL)


def _helps(question: str, query: str, history: Sequence[Turn], *, splits: bool) -> bool:
    """Whether a model may know better than the rules do."""
    if not question.strip() or len(question) > LONGEST_ASKED:
        return False
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


def _room(calls: Calls, reply: int) -> int:
    """Tokens that a question to the model may have."""
    return int((calls.model.context - reply) / MARGIN)


def _told(history: Sequence[Turn], *, most: int) -> str:
    """The last turns, oldest first, in at most so many tokens: a line for each that was said."""
    kept: list[str] = []
    for turn in reversed(history[-REACH:]):
        answer = turn.answer
        resolved = answer.search_query if isinstance(answer, Answer) else ""
        refused = isinstance(answer, Answer) and answer.refused
        exchange = Exchange(resolved or turn.question, "" if refused else turn.text)
        lines = [f"User: {_plain(exchange.question)}"]
        if exchange.answer:
            lines.append(f"Assistant: {_plain(exchange.answer)}")
        costs = [count_tokens(line) + 1 for line in lines]
        if sum(costs) > most:
            lines, costs = lines[:1], costs[:1]
        if sum(costs) > most:
            break
        most -= sum(costs)
        kept = lines + kept
    return "\n".join(kept)


def _plain(text: str) -> str:
    """A text on one line, that can neither end a fence nor begin one."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.replace("<", "‹").replace(">", "›").split())


def _lines(written: str, label: str) -> Iterator[str]:
    """The usable lines of that label, without it; a reply that is one question needs none."""
    lines = [line for line in written.splitlines() if line.strip()]
    for line in lines:
        found = LABELLED.match(line)
        if found is None:
            text = line if label == "question" and len(lines) == 1 and line.endswith("?") else ""
        else:
            text = found["text"] if (found["label"] or "question").lower() == label else ""
        if query := _usable(text):
            yield query


def _usable(text: str) -> str:
    """What a model wrote as a query; empty if it is none."""
    line = " ".join(text.split()).strip(AROUND)
    if (
        len(line) > LONGEST_QUERY
        or SPEAKER.match(line)
        or not line.isprintable()
        or FOREIGN.search(line)
    ):
        return ""
    return line if any(token.content for token in tokens(line)) else ""


def _content(text: str) -> set[str]:
    return {token.stem for token in tokens(text) if token.content}


def _words(text: str) -> tuple[str, ...]:
    return tuple(token.stem for token in tokens(MARKS.sub("", text)) if token.kind != "mark")


def _denials(text: str) -> set[str]:
    return {
        "n't" if token.folded.endswith("n't") else token.stem
        for token in tokens(text)
        if token.stem in DENYING or token.folded.endswith("n't")
    }


def _said_before(line: str, said: set[str]) -> bool:
    """Whether a query brings in no more than a few words that any question may have."""
    content = [token for token in tokens(line) if token.content]
    new = [token for token in content if token.stem not in said]
    return len(new) <= max(1, len(content) // 4) and all(
        token.kind == "word" and token.stem in ORDINARY for token in new
    )


def _keeps(line: str, question: str, query: str, said: set[str]) -> bool:
    """Whether a rewrite asks what the question asks, in words that were said."""
    asked = LEAD.sub("", " ".join(question.split()))
    request = REQUEST.match(asked) or ABOUT.match(asked)
    body = asked[request.end() :] if request else asked
    opens = _words(line)[:1]
    asks = line.endswith("?") or (bool(opens) and opens[0] in _OPENING)
    if not asks and _words(asked)[:1] and _words(asked)[0] in _OPENING:
        return False
    words = {token.folded for token in tokens(line)}
    if not {t.folded for t in tokens(body)} & ASKED_WITH <= words:
        return False
    if _denials(line) - _denials(f"{question} {query}") or _denials(question) - _denials(line):
        return False
    written = _content(line)
    named = [phrase.stems for phrase in phrases(body) if phrase.named]
    numbers = {token.stem for token in tokens(body) if token.kind == "number"}
    if not numbers.union(*named) <= written:
        return False
    own = _content(body) - GENERIC
    return len(own & written) >= KEPT * len(own) and _said_before(line, said)


_OPENING = frozenset(map(stem, QUESTION_WORDS | AUXILIARIES))


def _parts(written: str, query: str, said: set[str], rarity: Rarity) -> tuple[str, ...]:
    """What the model would search beside the query, as far as it is usable."""
    about = _content(query)
    found: dict[frozenset[str], str] = {_key(query): ""}
    for line in _lines(written, "search"):
        part = referred(line, [Exchange(query, "")], rarity)
        fits = _content(part) & (about - GENERIC) and _said_before(part, said)
        if fits and not _denials(part) - _denials(query) and len(part) <= LONGEST_QUERY:
            found.setdefault(_key(part), part)
        if len(found) > MOST_PARTS:
            break
    return tuple(part for part in found.values() if part)


def _key(query: str) -> frozenset[str]:
    """What two queries have in common that ask the same."""
    return frozenset(
        token.stem for token in tokens(query) if token.content or token.folded in ASKED_WITH
    )


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
    titles = list(dict.fromkeys(_plain(hit.title)[:LONGEST_TITLE] for hit in hits))[:TITLES]
    system = render("search-again", folder=prompts)
    user = render(
        "search-again-question",
        folder=prompts,
        question=_plain(question),
        searched="\n".join(_plain(query)[:LONGEST_QUERY] for query in searched),
        titles="\n".join(titles) or "-",
    )
    if count_tokens(system) + count_tokens(user) > _room(calls, LINE_TOKENS):
        return None
    written = calls.complete(
        [Message("system", system), Message("user", user)], most_tokens=LINE_TOKENS
    )
    known = tokens(" ".join((question, *searched, *titles)))
    before = {_key(query) for query in (question, *searched)}
    for line in _lines(written, "search"):
        if len(line) <= LONGEST_OTHER and _key(line) not in before and _related(line, known):
            return line
    return None


def _related(line: str, known: Sequence[Token]) -> bool:
    """Whether a query is about what is known, and has no name or number of its own.

    A name is not its own that spells out an abbreviation, is one of known words, or corrects a
    known word's spelling.
    """
    content = [token for token in tokens(line) if token.content]
    known = [token for token in known if token.content]
    spelt = _spelt_out(content, known) | _spelt_out(known, content)
    related = False
    for place, token in enumerate(content):
        if any(token.stem == other.stem for other in known) or token.stem in spelt:
            related = related or token.stem not in GENERIC
            continue
        if token.kind == "number" or any(c.isdigit() for c in token.text):
            return False
        near = any(
            same_word(token.folded, other.folded)
            or SequenceMatcher(None, token.folded, other.folded).ratio() >= MISSPELT
            for other in known
            if other.kind == "word" and len(token.folded) > 3
        )
        if near:
            related = True
        elif token.capitalised and (place or not token.text[1:].islower()):
            return False
    return related


def _spelt_out(words: Sequence[Token], others: Sequence[Token]) -> set[str]:
    """The stems of neighbouring words whose initials are among the others, and of those."""
    found: set[str] = set()
    folded = [token.folded for token in words]
    for other in others:
        size = len(other.folded)
        if not other.text.isupper() or not 2 <= size <= 8:
            continue
        for start in range(len(words) - size + 1):
            if acronym_of(folded[start : start + size], other.folded):
                found |= {other.stem, *(token.stem for token in words[start : start + size])}
    return found
