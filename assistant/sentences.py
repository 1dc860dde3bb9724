"""Where the sentences of a text are.

The decisions follow Punkt (Kiss and Strunk 2006, "Unsupervised Multilingual Sentence Boundary
Detection"), with the parameters trained on English that ship inside llama-index-core. They are
read and applied here because nltk takes a second to import, and since 3.10.3 refuses data files
that have hard links, which is how some installers place them. Punkt's 36 collocations are left
out: they are artefacts of the newspaper it was trained on ("1998. Who").
"""

import re
from functools import lru_cache
from typing import NamedTuple

from assistant.bundled import bundled


class Span(NamedTuple):
    """A half-open range of character offsets (code points) in a document's text."""

    start: int
    end: int


# Stand between sentences that are written without a space between them.
_WIDE = "。！？｡．︒။።"
# End a sentence whatever the word before, when white space follows.
_CLEAR = "!?‼‽⁇⁈⁉؟۔।॥։܀។៕᙮᠃᠉"
# Belong to the sentence that they follow: closing quotes (in some languages the opening ones of
# others), brackets, footnote numbers.
_CLOSING = "\"'”’“‘»«›‹)]}」』】）》〉］｝〕〗⁰¹²³⁴⁵⁶⁷⁸⁹"

# Possessive throughout: whatever matches is consumed, so a line of a million dots costs one pass.
_CANDIDATE = re.compile(
    rf"(?P<mark>[.…{_CLEAR}{_WIDE}][.…{_CLEAR}{_WIDE}{re.escape(_CLOSING)}]*+"
    r"(?:\[\d{1,4}(?:[,–-][ ]?\d{1,4}){0,9}+\]){0,9}+"
    r"(?:[ ](?:''|[)\]”])(?=\s|\Z)){0,3}+)"  # text in which tokens were set apart: no . '' She
    # a blank line, a form feed, or a line that starts as a list's item does
    r"|(?P<line>[\f\u2029]|(?:\r\n?+|[\n\u2028])(?=[^\S\r\n\u2028]*+"
    r"(?:[\r\n\u2028]|(?:[-*+•‣◦▪●·–—]|\d{1,2}[.)])[^\S\r\n])))"
)
_NEXT_WORD = re.compile(r"\s*+[\"'“”‘’«»‹›„(\[{¿¡*_–—-]*+(?P<first>\S?)(?P<rest>[\w'’-]{0,30})")
_LAST_TOKEN = re.compile(r"[^\s()\[\]{}\"'“”‘’«»„;:,!?@*_]*\Z")
_NOT_WHITE = re.compile(r"\S")

_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")  # U.A.E, z.B, Ph.D
_LIST_MARK = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,4}|[^\W\d_]|[ivx]{1,5}|[IVX]{1,5}")
_NUMERAL = re.compile(r"\w{0,3}\d\w*|[IVXLC]{2,}")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What the training newspaper did not teach. Punkt's own lists stay as they are.
_MORE_ABBREVIATIONS = _words(
    "al approx apt assn assoc blvd capt cf cpl dept dist e.g est ext gov govt hon hrs i.e incl "
    "intl lbs mt mts pres pvt rev sgt sp spp subsp supt tel univ viz"
)
_ALSO_WORDS = _words("ill ore wash wed")  # abbreviations only with a capital
_ABBREVIATED_BEFORE_NUMBERS = _words(
    "app apr art arts ca ch chap ed eds eq eqs etc fig figs jul jun mar max min mon no nos op p "
    "para pp pt ref refs res sat sec secs sun tab thu vol vols"
)
_NEVER_LAST = _words(
    "adm capt cf col cpl dr e.g gen gov hon i.e lt maj messrs mr mrs ms pres prof rep reps rev "
    "sen sgt supt viz vs"
)
_MORE_STARTERS = _words(
    "a after all also an another any as at because before by during each every for from he her "
    "here his how i in it its my no not on one our she that the their then there these they this "
    "those to we what when where which while who why with you your"
)


class _Punkt(NamedTuple):
    abbreviations: frozenset[str]
    starters: frozenset[str]  # words that, with a capital, start a sentence
    words: frozenset[str]  # words seen in lower case


@lru_cache(maxsize=1)
def _punkt() -> _Punkt:
    folder = bundled("nltk_cache/tokenizers/punkt_tab/english")
    abbreviations, starters = (
        frozenset((folder / name).read_text(encoding="utf-8").split("\n")) - {""}
        for name in ("abbrev_types.txt", "sent_starters.txt")
    )
    lower, inner_capital = 16 + 32 + 64, 4  # flags of nltk.tokenize.punkt
    contexts = {}
    for line in (folder / "ortho_context.tab").read_text(encoding="utf-8").split("\n"):
        word, tab, flags = line.partition("\t")
        if tab:
            contexts[word] = int(flags)
    return _Punkt(
        abbreviations | _MORE_ABBREVIATIONS,
        starters
        | _MORE_STARTERS
        | {word for word, seen in contexts.items() if seen & lower and not seen & inner_capital},
        frozenset(word for word, seen in contexts.items() if seen & lower),
    )


def sentence_spans(text: str) -> list[Span]:
    """Where the sentences of a text are: in order, disjoint, without surrounding white space.

    Every character that is not white space lies in one of them. A blank line, and a new line
    that starts like a list's item, always end a sentence; any other line's end does not.
    Time is linear in the length of the text.
    """
    spans: list[Span] = []
    first = _NOT_WHITE.search(text)
    start = first.start() if first else len(text)
    for candidate in _CANDIDATE.finditer(text):
        if candidate.start() < start:
            continue  # in the white space before the sentence, or the mark that starts it
        if candidate["mark"] is None:
            end = start + len(text[start : candidate.start()].rstrip())
        elif _ends_sentence(text, start, candidate):
            end = candidate.end()
        else:
            continue
        if end > start:
            spans.append(Span(start, end))
        following = _NOT_WHITE.search(text, candidate.end())
        start = following.start() if following else len(text)
    if start < len(text):
        spans.append(Span(start, start + len(text[start:].rstrip())))
    return spans


def _ends_sentence(text: str, start: int, candidate: re.Match[str]) -> bool:
    """Whether the sentence begun at `start` ends with this full stop or other mark."""
    mark, end = candidate.group(), candidate.end()
    if any(character in _WIDE for character in mark):
        after = text[end : end + 1]
        quoted_on = mark[-1] in "」』" and "\u3040" <= after <= "\u309f"  # 「…。」と
        return not quoted_on and not (mark == "．" and after.isdigit())
    if end < len(text) and not text[end].isspace():
        return False
    following = _NEXT_WORD.match(text, end)
    if following is None or not following["first"]:
        return True
    first, word = following["first"], following["first"] + following["rest"]
    if first in ".…,;:?!)":
        return False
    lower = first.islower() and word == word.lower()  # "iPhone" may start a sentence
    closed = mark[-1] in _CLOSING
    if closed and lower:
        return False  # "No." he said
    if any(character in _CLEAR for character in mark):
        return True
    if mark.startswith(("..", "…")):
        return not lower
    return _ends_with_period(text, start, candidate.start(), following, lower=lower)


def _ends_with_period(
    text: str, start: int, period: int, following: re.Match[str], *, lower: bool
) -> bool:
    """Whether a single full stop ends the sentence, and not only an abbreviation or a number."""
    punkt = _punkt()
    found = _LAST_TOKEN.search(text, max(start, period - 40), period)
    token = found.group() if found else ""
    if not token:
        return not lower  # ". . ." or a stop after a space or a bracket
    if period - len(token) <= start + 1 and _LIST_MARK.fullmatch(token):
        return False  # "1. First", "(a). Second"
    kind = token.lower()
    initial = len(token) == 1 and token.isalpha()
    abbreviation = (
        kind in punkt.abbreviations
        or kind.rpartition("-")[2] in punkt.abbreviations
        or _DOTTED.fullmatch(token) is not None
    ) and not (kind in _ALSO_WORDS and token == kind)
    word = following["first"] + following["rest"]
    if lower:
        # An unknown abbreviation, unless the word before is an ordinary one.
        ordinary = kind in punkt.words and kind not in _ABBREVIATED_BEFORE_NUMBERS
        return ordinary and not abbreviation and not initial
    if kind in _ABBREVIATED_BEFORE_NUMBERS and _NUMERAL.fullmatch(word):
        return False
    if word[0].isdigit():
        return not abbreviation
    if not word[0].isupper():
        return not abbreviation and not initial
    if kind in _NEVER_LAST:
        return False
    if initial:
        next_initial = len(word) == 1 and text[following.end() : following.end() + 1] == "."
        return word.lower() in punkt.starters and not next_initial
    return not abbreviation or word.lower() in punkt.starters
