"""Sentences of a document that give orders to whoever answers from it (prompt injection).

A document is there to be quoted, not to be obeyed. Sentences that speak to a language model, or
that say what an answer must be, are kept from it and are not given as an answer themselves,
unless the question is about such things. The rules are few and can be read; what slips past them
still meets the fences of the prompt and the check of what the model writes.
"""

import base64
import codecs
import contextlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from assistant.answering.order_rules import (
    COMMANDS,
    MARKS,
    OTHER_LANGUAGES,
    OTHER_SCRIPTS,
    RULES,
    TOPICS,
)
from assistant.grounding import Evidence
from assistant.sentences import Span

LEFT_OUT = "[…]"

# Cyrillic and Greek letters that look like Latin ones, once folded.
_LOOKALIKES = str.maketrans("аеорсухіјѕԁһкмтвнгипαεοριντυκχη", "aeopcyxijsdhkmtbhrunaeopivtukxn")
_LEET = str.maketrans("013457@$!|", "oieastasil")
_IN_A_WORD = re.compile(r"[a-z][013457@$!|]+[a-z]|\b[013457@$!|]+[a-z]{2}")
_APART = re.compile(r"(?:\b\w[ .\-_*·]+){10,}\w\b")
_CODED = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){20,}")
# Common English words, shifted by thirteen letters, and from the last letter to the first.
_SHIFTED = re.compile(r"\b(?:gur|naq|nyy|lbhe|jvgu|vafgehpgvbaf|nafjre|rirel)\b")
_REVERSED = re.compile(r"\b(?:eht|htiw|ruoy|yreve|rewsna|snoitcurtsni)\b")
_SPACES = re.compile(r"[^\S\n]+")
_QUOTES = str.maketrans("‘’“”„«»–—−يكى", '\'\'"""""---یکی')
_WORD = re.compile(r"\w+")
_RULES = tuple((words, re.compile("|".join(patterns))) for words, patterns in RULES)
_MARKS = re.compile("|".join(MARKS))
_OTHER_BEGINNINGS, _OTHER_LANGUAGES = OTHER_LANGUAGES[0], re.compile("|".join(OTHER_LANGUAGES[1]))
_OTHER_SCRIPTS = re.compile("|".join(OTHER_SCRIPTS))
_SPEAKER = re.compile(r"\n[ #*_]*(?:system|user|human|assistant) ?:\s*$")
_COMMANDS = re.compile("|".join(COMMANDS))
_TOPICS = re.compile("|".join(TOPICS))


@lru_cache(maxsize=8192)
def is_order(sentence: str) -> bool:
    """Whether a sentence gives an order to a language model, or says what answers must be.

    Disguises are looked through: letters of other scripts, digits for letters, letters set apart,
    rot13, base64, hexadecimal numbers, text from right to left.
    """
    plain = _folded(sentence)
    return _ordered(plain) or any(_ordered(text) for text in _undisguised(sentence, plain))


def about_orders(question: str) -> bool:
    """Whether a question is about orders to language models, so that they may be quoted."""
    folded = _folded(question)
    return _TOPICS.search(folded) is not None or is_order(question)


def orders(text: str, sentences: Sequence[Span]) -> frozenset[int]:
    """Which of a text's sentences are orders.

    Beside one that is plainly an order, other commands ("Say ...") belong to it, and what stands
    below a heading that tells who speaks ("Assistant:").

    Args:
        text: The text.
        sentences: Where its sentences are; offsets into the text.
    """
    plain = {index for index, span in enumerate(sentences) if is_order(text[span.start : span.end])}
    if not plain:
        return frozenset()
    return frozenset(
        index
        for index, span in enumerate(sentences)
        if index in plain
        or _COMMANDS.match(_folded(text[span.start : span.end]))
        or _SPEAKER.search(_folded(text[max(0, span.start - 60) : span.start]))
    )


def without_orders(text: str, sentences: Sequence[Span]) -> str:
    """A text in which "[…]" stands for each order, in headings between sentences, too."""
    parts: list[str] = []
    end = 0
    for start, stop in _ordering(text, sentences):
        parts += [text[end:start], LEFT_OUT]
        end = stop
    return "".join([*parts, text[end:]])


def disarmed(evidence: Evidence) -> Evidence:
    """Evidence in which blanks stand for orders: they are no answer, and bear nothing out.

    Its offsets stay as they were; its sentences and vectors are those that are left.
    """
    text, sentences, vectors = evidence.text, evidence.sentences, evidence.vectors
    ordering = _ordering(text, sentences)
    if not ordering:
        return evidence
    for start, end in ordering:
        text = text[:start] + re.sub(r"\S", " ", text[start:end]) + text[end:]
    kept = [place for place, span in enumerate(sentences) if span not in ordering]
    return Evidence(
        text,
        tuple(sentences[place] for place in kept),
        None if vectors is None else vectors[kept],
        evidence.context,
    )


def _ordering(text: str, sentences: Sequence[Span]) -> list[Span]:
    """Where the orders are, and the headings between sentences that are orders; in order."""
    found = [Span(*sentences[place]) for place in orders(text, sentences)]
    edges = (0, *(edge for span in sentences for edge in span), len(text))
    for end, start in zip(edges[::2], edges[1::2], strict=True):
        for line in re.finditer(r"[^\s\n][^\n]*", text[end:start]):
            if is_order(line[0]):
                found.append(Span(end + line.start(), end + line.end()))
    return sorted(found)


def _ordered(folded: str) -> bool:
    if _MARKS.search(folded):
        return True
    line = folded.replace("\n", " ")
    words = set(_WORD.findall(line))
    if any(not known.isdisjoint(words) and pattern.search(line) for known, pattern in _RULES):
        return True
    beginnings = (word[:5] for word in words)
    if not _OTHER_BEGINNINGS.isdisjoint(beginnings) and _OTHER_LANGUAGES.search(line):
        return True
    return not line.isascii() and _OTHER_SCRIPTS.search(line) is not None


def _folded(text: str) -> str:
    """A text in lower case, without accents and invisible marks, blanks one each.

    Line breaks stay: what begins a line may be a role.
    """
    if not text.isascii():
        characters = unicodedata.normalize("NFKD", text).translate(_QUOTES)
        text = "".join(c for c in characters if unicodedata.category(c) not in ("Mn", "Cf"))
    return _SPACES.sub(" ", text.casefold()).strip()


def _undisguised(sentence: str, folded: str) -> Iterator[str]:
    """What a sentence may say in disguise, folded."""
    if not folded.isascii() and re.search("[a-z]", folded):
        yield folded.translate(_LOOKALIKES)
    if _IN_A_WORD.search(folded):
        yield folded.translate(_LEET)
    if _APART.search(folded):
        yield _together(sentence)
    if _SHIFTED.search(folded):
        yield codecs.encode(folded, "rot13")
    if _REVERSED.search(folded):
        yield folded[::-1]
    for found in _CODED.finditer(sentence):
        text = found[0].rstrip("=").replace("-", "+").replace("_", "/")
        with contextlib.suppress(ValueError):
            yield _folded(base64.b64decode(text + "=" * (-len(text) % 4)).decode())
    for found in _HEX.finditer(sentence):
        with contextlib.suppress(ValueError):
            yield _folded(bytes.fromhex(re.sub("[ :]", "", found[0])).decode())


def _together(spelled: str) -> str:
    """Words whose letters stand apart; the words do so further, or by another mark."""
    words = re.split(r"[ ]{2,}|\s*[|/]\s*|(?<=\w)[.\-_*·]?[ ](?=\w[.\-_*·])", spelled)
    return _folded(" ".join(re.sub(r"(?<=\b\w)[ .\-_*·]+(?=\w\b)", "", word) for word in words))
