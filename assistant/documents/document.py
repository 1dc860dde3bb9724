"""What a document is once it has been read: its text, and where everything in it is."""

import datetime
import hashlib
from dataclasses import dataclass
from typing import Literal

from assistant.errors import DocumentError

BlockKind = Literal["heading", "paragraph", "list-item", "row", "code"]


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a document's text that must not be confused with its neighbours.

    Attributes:
        start: Offset of its first character in `Document.text` (code points).
        end: Offset after its last character.
        kind: What it is. A `row` is one row of a table, written so that it can be read alone
            ("Country: Iran; Joined: 2024"); a `heading` is never part of an answer.
        heading: The path of headings above it, outermost first (for a heading: its own included).
        page: The 1-based page on which it starts, or None where the format has no pages.
            Slides count as pages.
        page_end: The page on which it ends (None exactly when `page` is None).
        sheet: The sheet's name, for spreadsheets.
        row: The 1-based row in its sheet or file, for tables in spreadsheets and CSV.
    """

    start: int
    end: int
    kind: BlockKind = "paragraph"
    heading: tuple[str, ...] = ()
    page: int | None = None
    page_end: int | None = None
    sheet: str | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    r"""A document's text with the place of every part of it.

    Attributes:
        source: Its name: the POSIX path relative to the synced folder, or an id from a program.
        title: What to call it for a reader.
        text: All visible text. Lines end in "\n"; offsets everywhere count its code points.
        type: The format as a lower-case word: "txt", "md", "pdf", "docx", ...
        blocks: In order of `start`, not overlapping; only white space lies outside of them.
        date: The day it speaks of itself (its metadata), or the file's modification day.
        content_hash: SHA-256 of the file's bytes (of the text, for a document from a program), hex.
        hidden_characters: How many characters were left out because a reader would not see them.
    """

    source: str
    title: str
    text: str
    type: str
    blocks: tuple[Block, ...]
    date: datetime.date | None
    content_hash: str
    hidden_characters: int = 0

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        source: str,
        title: str | None = None,
        date: datetime.date | None = None,
    ) -> "Document":
        """Make a document from plain text held by a program.

        The title defaults to the source. Paragraphs (separated by blank lines) become blocks.

        Raises:
            DocumentError: The text holds nothing but white space, or the source is empty.
        """
        # Imported here because the builder makes blocks.
        from assistant.documents.builder import paragraph_spans
        from assistant.documents.cleaning import clean

        if not source:
            raise DocumentError(
                "''", kind="empty", reason="its source is empty", remedy="give it a name or id"
            )
        visible, hidden = clean(text)
        blocks = tuple(Block(start=start, end=end) for start, end in paragraph_spans(visible))
        if not blocks:
            raise DocumentError(
                source,
                kind="empty",
                reason="it holds no text",
                remedy="leave it out, or give it some text",
            )
        return cls(
            source=source,
            title=title or source,
            text=visible,
            type="txt",
            blocks=blocks,
            date=date,
            content_hash=text_hash(text),
            hidden_characters=hidden,
        )


def text_hash(text: str) -> str:
    """The SHA-256 of a text in UTF-8, as hex (lone surrogates survive)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
