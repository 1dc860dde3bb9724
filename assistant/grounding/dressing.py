"""What models put around what they say: emphasis, bullets, headings, lead-ins, citation marks."""

import re

CITATION_MARK = re.compile(r"\[\d{1,4}(?:\s{0,3}[,;–-]\s{0,3}\d{1,4}){0,20}\]")
# At the beginning of a line: "- ", "2. ", "## ", "> ".
LIST_MARK = re.compile(r"^\s{0,12}(?:(?:[-*+•‣▪–]|\d{1,2}[.)]|#{1,6}|>)\s+){1,3}")
# **bold**, *x*, __x__, _x_, `code`: the marks, not what they enclose; "snake_case" and "5*3" stay.
EMPHASIS = re.compile(r"(?<![\w*_`])[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}(?![\w*_`])")
A_SOURCE = (
    r"(?:the |these |this |your )?(?:(?:provided|given|cited|above|following|available) )?"
    r"(?:overviews?|documents?|passages?|texts?|sources?|excerpts?|context|information)"
    r"(?: (?:provided|given|above|available|itself))?"
)
# "According to the overview, ...", "Yes, ...": said of the answer, not of the matter.
LEAD_IN = re.compile(
    rf"^\s*(?:(?:yes|no|sure|certainly|indeed|correct|well)\s{{0,3}}[,.!–—:-]\s+"
    r"|(?:according to|based on|as (?:stated|described|noted|mentioned) in|per|in) "
    rf"{A_SOURCE}\s{{0,3}},\s+"
    rf"|{A_SOURCE} (?:says?|states?|notes?|mentions?|indicates?|explains?) that\s+"
    rf"|(?:in (?:summary|short|brief|conclusion)|to summari[sz]e|overall)\s?[,:]\s+){{1,3}}",
    re.IGNORECASE,
)
HEADING = re.compile(r"^[ \t]{0,3}(?:#{1,6}[ \t].*|\*\*[^*\n]{1,200}\*\*:?[ \t]*)$", re.MULTILINE)


def without_marks(sentence: str) -> str:
    """A sentence with spaces in the place of citation marks, so that offsets stay."""
    return CITATION_MARK.sub(blank, sentence)


def undressed(sentence: str) -> str:
    """What a sentence says, with spaces in the place of what was put around it."""
    text = LIST_MARK.sub(blank, without_marks(sentence))
    return LEAD_IN.sub(blank, EMPHASIS.sub(blank, text))


def blank(match: re.Match[str]) -> str:
    """As many spaces as were matched."""
    return " " * len(match.group())
