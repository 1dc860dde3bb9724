"""Text of strangers, made fit to stand in HTML: escaped, and without what misleads the eye."""

import html
import re
from datetime import date

# Controls, and the marks that turn the reading direction round: in a name they only deceive.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def shown(text: str) -> str:
    """The text as HTML, quotes escaped too, so that it may be an attribute's value."""
    return html.escape(_SURROGATE.sub("\ufffd", _UNSEEN.sub("", text)))


def shown_name(text: str, most: int) -> str:
    """A title or file name on one line, as HTML; of a long one the middle is left out."""
    line = " ".join(_UNSEEN.sub("", text).split())
    if len(line) > most:
        line = f"{line[: most * 2 // 3]}…{line[-(most // 3) :]}"
    return shown(line)


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 document", "1,200 documents"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def day(when: date | None) -> str:
    """A day as in "23 Nov 2026"; nothing for None."""
    return f"{when.day} {when:%b %Y}" if when is not None else ""


def shortened(text: str, most: int) -> str:
    """The beginning of a text on one line; not escaped."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
