"""Parsers append blocks to a Builder, which keeps the text, the offsets and the headings."""

import datetime
import re
from dataclasses import dataclass, field

from assistant.documents.cleaning import clean, one_line
from assistant.documents.document import Block, BlockKind
from assistant.documents.failures import failure
from assistant.errors import DocumentError

_SEPARATOR = re.compile(r"\n\s*\n")
_JUNK_TITLE = re.compile(
    r"(?i)\s*(untitled|title|document ?\d*|word document|powerpoint presentation|presentation ?\d*"
    r"|microsoft (word|powerpoint|excel) - .*|slide 1|\(anonymous\)|unspecified|unknown)?\s*"
)


@dataclass(slots=True)
class Builder:
    """Collects what a parser finds, in reading order.

    Attributes:
        source: The document's name, for error messages.
        title: What the file calls itself, or empty.
        date: The day it says it was made, or None.
        hidden: Characters left out so far because a reader would not see them.
        blocks: The blocks so far.
    """

    source: str = ""
    title: str = ""
    date: datetime.date | None = None
    hidden: int = 0
    blocks: list[Block] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _length: int = 0
    _headings: list[tuple[int, str]] = field(default_factory=list)
    _path: tuple[str, ...] = ()

    def add(
        self,
        text: str,
        *,
        kind: BlockKind = "paragraph",
        page: int | None = None,
        page_end: int | None = None,
        sheet: str | None = None,
        row: int | None = None,
    ) -> None:
        """Append one block, cleaned; a text of nothing but white space is none."""
        text, hidden = clean(text)
        self.hidden += hidden
        text = text.strip("\n").rstrip() if kind == "code" else text.strip()
        if not text.strip():
            return
        if self.blocks:
            together = kind in ("row", "list-item") and self.blocks[-1].kind == kind
            gap = "\n" if together else "\n\n"
            self._parts.append(gap)
            self._length += len(gap)
        # Indented code starts with white space, which lies outside of its block.
        start = self._length + len(text) - len(text.lstrip())
        self._parts.append(text)
        self._length += len(text)
        self.blocks.append(
            Block(
                start=start,
                end=self._length,
                kind=kind,
                heading=self._path,
                page=page,
                page_end=page if page_end is None else page_end,
                sheet=sheet,
                row=row,
            )
        )

    def heading(self, text: str, level: int, *, page: int | None = None) -> None:
        """Append a heading; it stands above all that follows, up to one of its level or higher."""
        text, hidden = clean(text)
        text = one_line(text)
        self.hidden += hidden
        if not text:
            return
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._headings.append((level, text))
        self._path = tuple(name for _, name in self._headings)
        self.add(text, kind="heading", page=page)

    def under(self, *path: str) -> None:
        """What follows stands under these names, which are not part of the text themselves."""
        names = (one_line(clean(name)[0]) for name in path)
        self._headings = list(enumerate(filter(None, names)))
        self._path = tuple(name for _, name in self._headings)

    def paragraphs(self, text: str) -> None:
        """Append plain text, a block for each paragraph; the white space between them stays."""
        text, hidden = clean(text)
        self.hidden += hidden
        if self.blocks:
            self._parts.append("\n\n")
            self._length += 2
        for start, end in paragraph_spans(text):
            self.blocks.append(
                Block(start=self._length + start, end=self._length + end, heading=self._path)
            )
        self._parts.append(text)
        self._length += len(text)

    def failure(
        self, kind: str, reason: str | None = None, remedy: str | None = None
    ) -> DocumentError:
        """Make the error to raise when the file cannot be read."""
        return failure(self.source, kind, reason, remedy)

    def call_it(self, title: object) -> None:
        """Take a title from metadata, unless it is one that a program made up or there is one."""
        if isinstance(title, str) and not self.title and not _JUNK_TITLE.fullmatch(title):
            self.title = one_line(clean(title)[0])

    def best_title(self, default: str) -> str:
        """The title the file gives itself, or its first heading, or the default."""
        if self.title:
            return self.title
        first = next((block for block in self.blocks if block.kind == "heading"), None)
        return first.heading[-1] if first and first.heading else default

    def text(self) -> str:
        """The whole text, to which the offsets of the blocks refer."""
        return "".join(self._parts)


def paragraph_spans(text: str) -> list[tuple[int, int]]:
    """Where the paragraphs of a text are: separated by blank lines, without white space around."""
    spans = []
    start = 0
    for end, after in [*(match.span() for match in _SEPARATOR.finditer(text)), (len(text),) * 2]:
        paragraph = text[start:end]
        stripped = paragraph.strip()
        if stripped:
            offset = start + len(paragraph) - len(paragraph.lstrip())
            spans.append((offset, offset + len(stripped)))
        start = after
    return spans
