"""A Document becomes Passages: token-budgeted, aligned to sentences, never torn in mid-row."""

from dataclasses import dataclass
from typing import NamedTuple

from assistant.documents import Document


class Span(NamedTuple):
    """A half-open range of character offsets (code points) in a document's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document, small enough to embed and to cite.

    Always: `document.text[passage.start:passage.end] == passage.text`, and every sentence span
    lies inside it.

    Attributes:
        source: The document's `source`.
        title: The document's title.
        position: 0-based place among the document's passages.
        start: Offset of its first character in `document.text`.
        end: Offset after its last character.
        text: The text between the two.
        sentences: Where its sentences are in `document.text`; rows count as sentences,
            headings do not.
        heading: The path of headings it stands under, outermost first.
        page: The 1-based page on which it starts, or None.
        page_end: The page on which it ends, or None.
        sheet: The sheet's name, for spreadsheets.
        row: The row of its first table row, for spreadsheets and CSV.
        tokens: Its length in cl100k_base tokens.
    """

    source: str
    title: str
    position: int
    start: int
    end: int
    text: str
    sentences: tuple[Span, ...]
    heading: tuple[str, ...] = ()
    page: int | None = None
    page_end: int | None = None
    sheet: str | None = None
    row: int | None = None
    tokens: int = 0

    @property
    def context(self) -> str:
        """What a reader has in mind on reaching the passage: title and headings, for embedding."""
        return " > ".join(dict.fromkeys((self.title, *self.heading)))


def split(document: Document, *, max_tokens: int) -> list[Passage]:
    """Cut a document into passages of at most `max_tokens` cl100k_base tokens.

    A single sentence longer than the budget is cut inside (at white space where there is any).
    """
    raise NotImplementedError


def sentence_spans(text: str) -> list[Span]:
    """Where the sentences of a text are: in order, disjoint, without surrounding white space."""
    raise NotImplementedError
