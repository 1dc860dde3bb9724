"""Plain text: paragraphs, and the few headings that it shows beyond doubt."""

import re
from typing import NamedTuple

from assistant.documents.builder import Builder, paragraph_spans
from assistant.documents.cleaning import clean
from assistant.documents.encodings import decode

_LONGEST_HEADING = 80
_MOST_TITLE_WORDS = 12
# So many lines in capitals may follow one another as headings: a title, an author, a chapter.
_MOST_IN_A_ROW = 3
_UNDERLINED = re.compile(
    r"(?:={3,}[ \t]*\n(?=.*\n=))?(?P<title>.+)\n(?P<line>={3,}|-{3,})[ \t]*(?:\n|\Z)"
)
# A sentence ends, or columns are apart.
_NO_HEADING = re.compile(r"[.,;!…]\Z|\t| {3}")
# A lead-in, "STATUS: OPEN", "TOTAL DUE: 5".
_LABEL = re.compile(r":\Z|\A\S+:|:\s*\W?\d")


class _Heading(NamedTuple):
    start: int
    end: int  # after its underline
    text: str
    level: int


def read_text(data: bytes, builder: Builder) -> None:
    """Read plain text: paragraphs are separated by blank lines, its line breaks stay.

    A heading is a short line that is underlined with === or ---, or that stands alone in
    capitals above text that does not; the underline is left out. So is the first line, if it
    stands alone and does not end as a sentence does: it is the title.
    """
    text, hidden = clean(decode(data))
    builder.hidden += hidden
    done = 0
    for heading in _headings(text):
        before = text[done : heading.start]
        if before.strip():
            builder.paragraphs(before.strip("\n"))
        builder.heading(heading.text, heading.level)
        done = heading.end
    builder.paragraphs(text[done:].strip("\n") if done else text)


def _headings(text: str) -> list[_Heading]:
    """The headings, in order; each has text below it."""
    found: list[_Heading] = []
    room = 0  # how many lines in capitals may be headings of what stands below
    last = len(text.rstrip())
    for start, end in reversed(paragraph_spans(text)):
        paragraph = text[start:end]
        underlined = _UNDERLINED.match(paragraph)
        if underlined and start + underlined.end() < last and _is_underlined(underlined):
            level = 1 if underlined["line"].startswith("=") else 2
            title = underlined["title"].strip()
            found.append(_Heading(start, start + underlined.end(), title, level))
            room = _MOST_IN_A_ROW
        elif room and (_is_in_capitals(paragraph) or (not start and _is_title(paragraph))):
            found.append(_Heading(start, end, paragraph, 1))
            room -= 1
        else:
            room = 0 if paragraph.isupper() else _MOST_IN_A_ROW
    return found[::-1]


def _is_underlined(match: re.Match[str]) -> bool:
    title = match["title"].strip()
    return _may_be_heading(title) and 2 * len(match["line"]) >= len(title)


def _is_in_capitals(paragraph: str) -> bool:
    return paragraph.isupper() and _stands_alone(paragraph)


def _is_title(paragraph: str) -> bool:
    few = len(paragraph.split()) <= _MOST_TITLE_WORDS
    return few and paragraph[-1] not in "?。！？)]”\"'" and _stands_alone(paragraph)


def _stands_alone(paragraph: str) -> bool:
    """Whether it is one line, mostly of letters, that neither ends a sentence nor begins one."""
    letters = sum(character.isalpha() for character in paragraph)
    digits = sum(character.isdigit() for character in paragraph)
    return (
        "\n" not in paragraph
        and letters > max(2, digits)
        and _may_be_heading(paragraph)
        and not _LABEL.search(paragraph)
    )


def _may_be_heading(line: str) -> bool:
    return (
        len(line) <= _LONGEST_HEADING
        and any(character.isalpha() for character in line)
        and not _NO_HEADING.search(line)
    )
