"""PDF files: the lines of the pages are put together into headings, paragraphs, lists and rows."""

import re
import statistics
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from assistant.documents.builder import Builder
from assistant.documents.days import day_of
from assistant.documents.document import BlockKind
from assistant.documents.pdf_lines import Line, Page, read_page
from assistant.documents.rows import add_table

_EDGE_LINES = 3  # at the top and at the bottom of a page, where running titles are
_HEADING_SCALE = 1.12  # times the size of the body text
_LONGEST_HEADING = 200
_SYMBOL = re.compile(r"[•◦▪‣·●○■□–—*-]\s+(?=\S)")
_BULLET = re.compile(r"(?:[•◦▪‣·●○■□–—*-]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)])\s+(?=\S)")
_SENTENCE_END = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*$")
_COMPOUND = re.compile(r"[^\W\d_]+-[^\W\d_]+")
_BROKEN_WORD = re.compile(r"[^\W\d_]{2,}[-\u00ad\u2010]$")


@dataclass(slots=True)
class _Piece:
    """Lines that belong together."""

    kind: BlockKind
    lines: list[Line] = field(default_factory=list)


def read_pdf(data: bytes, builder: Builder) -> None:
    """Read a PDF: what is visible on its pages, without running titles and page numbers."""
    import pypdfium2  # type: ignore[import-untyped]
    import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise builder.failure("encrypted") from error
        raise builder.failure("corrupt") from error
    try:
        metadata = document.get_metadata_dict()
        builder.call_it(metadata.get("Title"))
        builder.date = day_of(metadata.get("CreationDate")) or day_of(metadata.get("ModDate"))
        pages = [read_page(document, number) for number in range(1, len(document) + 1)]
    finally:
        document.close()
    builder.hidden += sum(page.hidden for page in pages)
    lines = _without_running_titles(pages)
    if not lines and any(page.pictures for page in pages):
        raise builder.failure("no-text-layer")
    _add(lines, builder)


def _without_running_titles(pages: list[Page]) -> list[Line]:
    """All lines but those that stand at the edge of most pages, numbers in them aside."""
    if len(pages) < 3:
        return [line for page in pages for line in page.lines]
    seen: Counter[tuple[str, int]] = Counter()
    edges: list[dict[int, tuple[str, int]]] = []
    for page in pages:
        by_height = sorted(range(len(page.lines)), key=lambda index: -page.lines[index].y)
        edge = {*by_height[:_EDGE_LINES], *by_height[-_EDGE_LINES:]}
        keys = {
            index: (
                re.sub(r"\d+|\b[ivxlc]+\b", "#", page.lines[index].text.lower()),
                round(page.lines[index].y / 4),
            )
            for index in edge
        }
        edges.append(keys)
        seen.update(set(keys.values()))
    # Left and right pages may have different ones.
    often = max(3, len(pages) * 0.4) if len(pages) > 4 else len(pages)
    return [
        line
        for page, keys in zip(pages, edges, strict=True)
        for index, line in enumerate(page.lines)
        if seen.get(keys.get(index, ("", 0)), 0) < often
    ]


def _add(lines: list[Line], builder: Builder) -> None:
    if not lines:
        return
    sizes = Counter[float]()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    body = sizes.most_common(1)[0][0]
    larger = sorted({round(line.size, 1) for line in lines if _is_large(line, body)}, reverse=True)
    levels = {size: min(level, 6) for level, size in enumerate(larger, start=1)}
    spacing = _line_spacing(lines, body)
    words = {word for line in lines for word in _COMPOUND.findall(line.text)}
    for piece in _pieces(lines, body=body, spacing=spacing):
        first, last = piece.lines[0].page, piece.lines[-1].page
        if piece.kind == "row":
            add_table(
                builder, [[text for _, text in line.cells] for line in piece.lines], page=first
            )
            continue
        text = _joined([line.text for line in piece.lines], words)
        if piece.kind == "heading" and len(text) <= _LONGEST_HEADING:
            builder.heading(text, levels[round(piece.lines[0].size, 1)], page=first)
        elif piece.kind == "list-item":
            builder.add(_SYMBOL.sub("", text, count=1), kind="list-item", page=first, page_end=last)
        else:
            builder.add(text, page=first, page_end=last)


def _is_large(line: Line, body: float) -> bool:
    return line.size >= body * _HEADING_SCALE and any(map(str.isalpha, line.text))


def _line_spacing(lines: list[Line], body: float) -> float:
    """The usual distance between the lines of body text."""
    gaps = [
        above.y - below.y
        for above, below in pairwise(lines)
        if above.page == below.page and 0.5 * body < above.y - below.y < 4 * body
    ]
    return statistics.median_low(gaps) if gaps else 1.2 * body


def _pieces(lines: list[Line], *, body: float, spacing: float) -> list[_Piece]:
    pieces: list[_Piece] = []
    right_edge = max(line.right for line in lines)
    for index, line in enumerate(lines):
        following = lines[index + 1] if index + 1 < len(lines) else None
        piece = pieces[-1] if pieces else None
        last = piece.lines[-1] if piece else None
        kind: BlockKind = "paragraph"
        if len(line.cells) > 1 and not _BULLET.match(line.text):
            if piece and last and piece.kind == "row" and _same_table(last, line, spacing):
                piece.lines.append(line)
                continue
            if following and _same_table(line, following, spacing):
                kind = "row"
        if kind != "row" and _SYMBOL.match(line.text):
            kind = "list-item"
        elif kind != "row" and _is_large(line, body):
            kind = "heading"
        elif kind != "row" and _BULLET.match(line.text):
            kind = "list-item"
        if (
            piece is not None
            and last is not None
            and _goes_on(piece, last, line, kind, spacing=spacing, right_edge=right_edge)
        ):
            piece.lines.append(line)
        else:
            pieces.append(_Piece(kind, [line]))
    return pieces


def _same_table(above: Line, below: Line, spacing: float) -> bool:
    """Whether two lines are rows of one table: close, and with cells at the same places."""
    if above.page != below.page or not 0 < above.y - below.y < 3.5 * spacing:
        return False
    if min(len(above.cells), len(below.cells)) < 2:
        return False
    aligned = sum(
        1 for left, _ in below.cells if any(abs(left - other) < 3 for other, _ in above.cells)
    )
    return aligned >= 2 or (
        aligned == 1 and len(above.cells) == len(below.cells) and len(above.cells) > 2
    )


def _goes_on(
    piece: _Piece, last: Line, line: Line, kind: BlockKind, *, spacing: float, right_edge: float
) -> bool:
    """Whether a line goes on with the piece before it."""
    if kind in ("row", "list-item") or piece.kind == "row":
        return False
    if (kind == "heading") != (piece.kind == "heading"):
        return False
    if abs(last.size - line.size) > 0.08 * max(last.size, line.size):
        return False
    down = last.y - line.y
    if kind == "heading":
        return last.page == line.page and 0 < down <= 1.6 * line.size
    if last.page != line.page or down < -2 * spacing:
        # On the next page, or at the top of the next column: only in mid-sentence.
        full = last.right > right_edge - 0.15 * (right_edge - last.left)
        return not _SENTENCE_END.search(last.text) and (full or line.text[0].islower())
    if not -0.5 * line.size <= down <= max(1.35 * spacing, 1.35 * line.size):
        return False
    indented = line.left > piece.lines[0].left + 0.8 * line.size
    if piece.kind == "paragraph" and len(piece.lines) > 1:
        indented = line.left > last.left + 0.8 * line.size
    short = last.right < right_edge - 0.2 * (right_edge - last.left)
    ended = bool(_SENTENCE_END.search(last.text))
    return not (ended and (short or (indented and piece.kind == "paragraph")))


def _joined(lines: list[str], compounds: set[str]) -> str:
    """Join lines by spaces; a word that was broken at the end of a line becomes whole again."""
    text = lines[0]
    for line in lines[1:]:
        if not _BROKEN_WORD.search(text, max(0, len(text) - 60)):
            text = f"{text} {line}"
            continue
        start = re.split(r"[^\w-]", text[-60:-1])[-1]
        rest = re.match(r"[^\W\d_]*", line)
        # A word written with this hyphen elsewhere keeps it, and so does a name ("Franco-German").
        kept = not line[0].islower() or f"{start}-{rest[0] if rest else ''}" in compounds
        text = (text if kept else text[:-1]) + line
    return text
