"""What a language model proposes to search: read strictly, and judged by what was said.

A model is told to write lines such as "QUESTION: ...". It may write anything: what comes through
is a query on one line, without marks, tags or addresses, and close to what was said and asked.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal

from assistant.conversation.exchanges import MARKS
from assistant.conversation.fragments import ABOUT, LEAD
from assistant.conversation.phrases import AUXILIARIES, GENERIC, QUESTION_WORDS, VERBS, phrases
from assistant.conversation.references import REQUEST
from assistant.grounding.names import acronym_of, same_word
from assistant.grounding.words import Token, listed, stem, tokens

# Characters of a query that a model wrote.
LONGEST_QUERY = 300
# Lines of a reply that are looked at.
MOST_LINES = 40
# Of the plain words of a question this share must be in its rewrite; its names and numbers all.
KEPT = 0.6
# Two words this much alike may be one, misspelt; those with fewer letters are two.
MISSPELT = 0.8
SHORT = 4
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
# Words that ask in a way of their own: a rewrite that drops one asks something else.
ASKED_WITH = frozenset(listed("who whose when where why how else"))
ORDINARY = GENERIC | VERBS
DENYING = frozenset(
    listed("not no never neither nor none nobody nothing nowhere without cannot hardly")
)
OPENING = frozenset(map(stem, QUESTION_WORDS | AUXILIARIES))


def queries(written: str, label: Literal["question", "search"]) -> Iterator[str]:
    """The usable lines of that label, without it; a reply that is one question needs none."""
    lines = [line for line in written.splitlines() if line.strip()]
    for line in lines[:MOST_LINES]:
        if len(line) > 2 * LONGEST_QUERY:
            continue
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


def content_of(text: str) -> set[str]:
    """The stems of a text's content words."""
    return {token.stem for token in tokens(text) if token.content}


def wording(text: str) -> tuple[str, ...]:
    """The stems of all its words, in order."""
    return tuple(token.stem for token in tokens(MARKS.sub("", text)) if token.kind != "mark")


def denials(text: str) -> set[str]:
    """The words by which it denies."""
    return {
        "not" if token.folded.endswith("n't") else token.folded
        for token in tokens(text)
        if token.folded in DENYING or token.folded.endswith("n't")
    }


def essence(query: str) -> frozenset[str]:
    """What two queries have in common that ask the same."""
    return frozenset(
        token.stem for token in tokens(query) if token.content or token.folded in ASKED_WITH
    )


def said_before(line: str, said: set[str]) -> bool:
    """Whether a query brings in no more than a few words that any question may have."""
    content = [token for token in tokens(line) if token.content]
    new = [token for token in content if token.stem not in said]
    return len(new) <= max(1, len(content) // 4) and all(
        token.kind == "word" and token.stem in ORDINARY for token in new
    )


def keeps(line: str, question: str, query: str, said: set[str]) -> bool:
    """Whether a rewrite asks what the question asks, in words that were said."""
    asked = LEAD.sub("", " ".join(question.split()))
    request = REQUEST.match(asked) or ABOUT.match(asked)
    body = asked[request.end() :] if request else asked
    opens = wording(line)[:1]
    asks = line.endswith("?") or (bool(opens) and opens[0] in OPENING)
    if not asks and wording(asked)[:1] and wording(asked)[0] in OPENING:
        return False
    words = {token.folded for token in tokens(line)}
    if not {t.folded for t in tokens(body)} & ASKED_WITH <= words:
        return False
    if denials(line) - denials(f"{question} {query}") or denials(question) - denials(line):
        return False
    written = content_of(line)
    named = [phrase.stems for phrase in phrases(body) if phrase.named]
    numbers = {token.stem for token in tokens(body) if token.kind == "number"}
    if not numbers.union(*named) <= written:
        return False
    own = content_of(body) - GENERIC
    return len(own & written) >= KEPT * len(own) and said_before(line, said)


def related(line: str, known: Sequence[Token]) -> bool:
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
        if any(c.isdigit() for c in token.stem):
            return False
        if any(_one_word(token.folded, other.folded) for other in known):
            related = True
        elif token.capitalised and (place or not token.text[1:].islower()):
            return False
    return related


def _one_word(word: str, other: str) -> bool:
    """Whether two words are one, in two forms or misspelt."""
    if min(len(word), len(other)) < SHORT or abs(len(word) - len(other)) > SHORT:
        return False
    return same_word(word, other) or SequenceMatcher(None, word, other).ratio() >= MISSPELT


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
