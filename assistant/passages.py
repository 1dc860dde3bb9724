"""A Document becomes Passages: token-budgeted, aligned to sentences, never torn in mid-row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from assistant.documents import Block, Document
from assistant.errors import SettingsError
from assistant.sentences import Span, sentence_spans
from assistant.tokens import LEAST_TOKENS, count_tokens, cut_to_budget

__all__ = ["Passage", "Span", "count_tokens", "sentence_spans", "split"]


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
        sentences: Where its sentences are in `document.text`; rows and lines of code count as
            sentences, headings do not.
        heading: The path of headings that all of it stands under, outermost first.
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

    @property
    def place(self) -> str:
        """Where in the document, for people; see `place`."""
        return place(self)


class Placed(Protocol):
    """What is somewhere in a document: a passage, a citation."""

    @property
    def title(self) -> str:
        """The document's title."""

    @property
    def heading(self) -> tuple[str, ...]:
        """The path of headings, outermost first."""

    @property
    def page(self) -> int | None:
        """The first page."""

    @property
    def page_end(self) -> int | None:
        """The last page."""

    @property
    def sheet(self) -> str | None:
        """The sheet."""

    @property
    def row(self) -> int | None:
        """The row."""


def place(item: Placed) -> str:
    """Where something is, for people: "pages 2-3, Terms", "sheet People, row 4".

    A heading that only says the title again is left out.
    """
    parts = []
    if item.page is not None:
        several = item.page_end is not None and item.page_end != item.page
        parts.append(f"pages {item.page}-{item.page_end}" if several else f"page {item.page}")
    if item.sheet is not None:
        parts.append(f"sheet {item.sheet}")
    if item.row is not None:
        parts.append(f"row {item.row}")
    headings = [heading for heading in item.heading if heading != item.title]
    return ", ".join([*parts, " > ".join(headings)] if headings else parts)


class _Piece(NamedTuple):
    """What is not torn: a sentence, a row, a heading, or a part of one that is over budget."""

    span: Span
    block: Block
    gap: int  # tokens of the white space before it, where there is much
    tokens: int  # its own with the white space before it

    @property
    def is_heading(self) -> bool:
        return self.block.kind == "heading"


def split(document: Document, *, max_tokens: int) -> list[Passage]:
    """Cut a document into passages of at most `max_tokens` cl100k_base tokens.

    In order, disjoint, and covering every character of the blocks that is not white space. A
    heading opens a passage; the passages of a section are of about equal size; small sections
    next to each other under one parent share a passage. A passage never mixes two sheets, and
    its blocks start on one page or on two that follow each other. A single sentence or row
    longer than the budget is cut inside (at white space where there is any), and a heading
    that leaves no room for the sentence after it is a passage without sentences.

    Raises:
        SettingsError: `max_tokens` is below 16.
        AssistantError: The bundled tokenizer or sentence data is missing.
    """
    if max_tokens < LEAST_TOKENS:
        raise SettingsError(f"max_tokens is {max_tokens}; it must be {LEAST_TOKENS} or more")
    text = document.text
    fitting = (
        fitted
        for section in _sections(_pieces(document, max_tokens), max_tokens)
        for group in _balanced(section, max_tokens)
        for fitted in _fitted(text, group, max_tokens)
    )
    return [
        _passage(document, position, pieces, tokens)
        for position, (pieces, tokens) in enumerate(fitting)
    ]


def _pieces(document: Document, max_tokens: int) -> Iterator[_Piece]:
    text, previous = document.text, 0
    for block in document.blocks:
        for whole in _block_spans(text, block):
            gap = count_tokens(text[previous : whole.start]) if whole.start - previous > 2 else 0
            tokens = count_tokens(text[previous : whole.end])
            # The white space before it may itself be the token too many.
            alone = tokens if tokens <= max_tokens else count_tokens(text[whole.start : whole.end])
            if alone <= max_tokens:
                yield _Piece(whole, block, gap, tokens)
            else:
                for span in cut_to_budget(text, whole, tokens=alone, max_tokens=max_tokens):
                    yield _Piece(span, block, gap, gap + count_tokens(text[span.start : span.end]))
                    gap = 0
            previous = whole.end


def _block_spans(text: str, block: Block) -> list[Span]:
    inner = text[block.start : block.end]
    if block.kind == "code":
        spans, start = [], block.start
        for line in inner.split("\n"):
            spans += _stripped(line, start)
            start += len(line) + 1
        return spans
    if block.kind in ("heading", "row"):
        return _stripped(inner, block.start)
    return [Span(block.start + start, block.start + end) for start, end in sentence_spans(inner)]


def _stripped(text: str, start: int) -> list[Span]:
    stripped = text.strip()
    start += len(text) - len(text.lstrip())
    return [Span(start, start + len(stripped))] if stripped else []


def _sections(pieces: Iterable[_Piece], max_tokens: int) -> list[list[_Piece]]:
    """What may share passages: one heading path's pieces, or several small ones' of one parent."""
    sections: list[list[_Piece]] = []
    for piece in pieces:
        last = sections[-1][-1] if sections else None
        if (
            last is not None
            and last.block.sheet == piece.block.sheet
            and (last.is_heading or _continues(last, piece))
        ):
            sections[-1].append(piece)
        else:
            sections.append([piece])
    joined: list[list[_Piece]] = []
    room = 0  # what the last of `joined` may still take in
    for section in sections:
        tokens = sum(piece.tokens for piece in section)
        small = tokens < max_tokens / 4
        shares = small and tokens <= room and _siblings(joined[-1][-1], section[-1])
        # Headings with nothing under them, at the end of a document or sheet.
        left_over = section[-1].is_heading and bool(joined)
        if shares or (left_over and joined[-1][-1].block.sheet == section[-1].block.sheet):
            joined[-1] += section
            room -= tokens
        else:
            joined.append(section)
            room = max_tokens - tokens if small else 0
    return joined


def _continues(last: _Piece, piece: _Piece) -> bool:
    return not piece.is_heading and piece.block.heading == last.block.heading


def _siblings(last: _Piece, piece: _Piece) -> bool:
    ours, theirs = last.block.heading, piece.block.heading
    return (
        last.block.sheet == piece.block.sheet
        and len(ours) == len(theirs)
        and ours[:-1] == theirs[:-1]
    )


def _balanced(section: Sequence[_Piece], max_tokens: int) -> list[list[_Piece]]:
    """Group a section's pieces so that the sum of the squares of unused budget is least.

    That makes the groups few and of about equal size, so that no orphan is left at the end.
    """
    chunks: list[list[_Piece]] = []
    sizes: list[int] = []
    for piece in section:
        # A heading is not parted from what follows; very short rows are taken together, which
        # keeps the search below to 32 steps for each.
        if (
            chunks
            and (chunks[-1][-1].is_heading or sizes[-1] < max_tokens // 32)
            and sizes[-1] + piece.tokens <= max_tokens
            and _near(chunks[-1][0], piece)
        ):
            chunks[-1].append(piece)
            sizes[-1] += piece.tokens
        else:
            chunks.append([piece])
            sizes.append(piece.tokens)
    best, begins = [0], [0]
    for end in range(1, len(chunks) + 1):
        least, begin, tokens = -1, end - 1, 0
        for first in range(end - 1, -1, -1):
            tokens += sizes[first]
            used = tokens - chunks[first][0].gap
            if first < end - 1 and (
                used > max_tokens or not _near(chunks[first][0], chunks[end - 1][-1])
            ):
                break
            cost = best[first] + (max_tokens - used) ** 2
            if least < 0 or cost < least:
                least, begin = cost, first
        best.append(least)
        begins.append(begin)
    groups: list[list[_Piece]] = []
    end = len(chunks)
    while end:
        groups.append([piece for chunk in chunks[begins[end] : end] for piece in chunk])
        end = begins[end]
    return groups[::-1]


def _near(first: _Piece, last: _Piece) -> bool:
    """Whether two pieces may share a passage and its page or pages still say where they are."""
    if first.block.page is None or last.block.page is None:
        return True
    return last.block.page - first.block.page <= 1


def _fitted(text: str, pieces: list[_Piece], max_tokens: int) -> Iterator[tuple[list[_Piece], int]]:
    """The pieces with their true count of tokens; halved in the rare case that it is too high."""
    tokens = count_tokens(text[pieces[0].span.start : pieces[-1].span.end])
    if tokens <= max_tokens:
        yield pieces, tokens
        return
    if len(pieces) > 1:
        halves = [pieces[: len(pieces) // 2], pieces[len(pieces) // 2 :]]
    else:
        piece = pieces[0]
        spans = cut_to_budget(text, piece.span, tokens=tokens, max_tokens=max_tokens)
        halves = [[piece._replace(span=span)] for span in spans]
    for half in halves:
        yield from _fitted(text, half, max_tokens)


def _passage(document: Document, position: int, pieces: list[_Piece], tokens: int) -> Passage:
    start, end = pieces[0].span.start, pieces[-1].span.end
    inside = [piece for piece in pieces if not piece.is_heading]
    blocks = [piece.block for piece in inside or pieces]
    heading = blocks[0].heading
    for block in blocks:
        while block.heading[: len(heading)] != heading:
            heading = heading[:-1]
    pages = [piece.block.page for piece in pieces if piece.block.page is not None]
    page_ends = [piece.block.page_end for piece in pieces if piece.block.page_end is not None]
    return Passage(
        source=document.source,
        title=document.title,
        position=position,
        start=start,
        end=end,
        text=document.text[start:end],
        sentences=tuple(piece.span for piece in inside),
        heading=heading,
        page=min(pages, default=None),
        page_end=max(page_ends, default=None),
        sheet=pieces[0].block.sheet,
        row=next((block.row for block in blocks if block.row is not None), None),
        tokens=tokens,
    )
