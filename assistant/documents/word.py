"""Word documents (DOCX)."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assistant.documents.builder import Builder
from assistant.documents.days import day_of
from assistant.documents.rows import add_table

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# Deleted text, field codes, what older programs show instead, and properties.
_LEFT_OUT = frozenset(
    {f"{_W}{name}" for name in ("del", "moveFrom", "instrText", "delText", "rPr", "pPr", "tblPr")}
    | {f"{_MC}Fallback"}
)
_TINY_HALF_POINTS = 4
_MOST_SPANNED = 50


@dataclass(frozen=True, slots=True)
class _Style:
    """What a style says that matters here."""

    name: str = ""
    hidden: bool = False
    outline: int | None = None
    is_list: bool = False


def read_docx(data: bytes, builder: Builder) -> None:
    """Read a Word document in its order: headings, paragraphs, lists, tables, then footnotes.

    Running titles, tracked deletions and hidden, white or tiny text are left out.
    """
    import docx

    document = docx.Document(io.BytesIO(data))
    properties = document.core_properties
    builder.call_it(properties.title)
    builder.date = day_of(properties.created or properties.modified)
    reader = _Reader(builder, _styles(document.styles.element))
    reader.read(document.element.body)
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(("/footnotes", "/endnotes")):
            from docx.oxml.parser import parse_xml

            builder.under()
            reader.read_notes(parse_xml(relation.target_part.blob))


def _styles(element: Any) -> dict[str, _Style]:
    """The styles by their ids, each with what it takes from those it is based on."""
    found: dict[str, Any] = {}
    for style in element.iterchildren(f"{_W}style"):
        found[style.get(f"{_W}styleId") or ""] = style
    styles = {}
    for name, style in found.items():
        hidden, outline, is_list = False, None, False
        current, seen = style, set[str]()
        while current is not None:
            hidden = hidden or _hides(current.find(f"{_W}rPr"))
            properties = current.find(f"{_W}pPr")
            if properties is not None:
                is_list = is_list or properties.find(f"{_W}numPr") is not None
                outline = _outline(properties) if outline is None else outline
            based_on = _value(current, "basedOn")
            current = None if based_on is None or based_on in seen else found.get(based_on)
            seen.add(based_on or "")
        styles[name] = _Style((_value(style, "name") or "").lower(), hidden, outline, is_list)
    return styles


class _Reader:
    """Reads the elements of a document's body."""

    def __init__(self, builder: Builder, styles: dict[str, _Style]) -> None:
        self.builder = builder
        self.styles = styles

    def read(self, body: Any) -> None:
        stack = list(reversed(body))
        while stack:
            element = stack.pop()
            if element.tag == f"{_W}p":
                self.paragraph(element)
            elif element.tag == f"{_W}tbl":
                self.table(element)
            elif element.tag not in _LEFT_OUT and isinstance(element.tag, str):
                stack += reversed(element)  # a content control or tracked insertion

    def read_notes(self, notes: Any) -> None:
        for note in notes:
            if note.get(f"{_W}type") in (None, "normal"):
                self.builder.add(" ".join(self.text(line) for line in note.iter(f"{_W}p")))

    def paragraph(self, element: Any) -> None:
        properties = element.find(f"{_W}pPr")
        style = self.styles.get(_value(properties, "pStyle") or "", _Style())
        text = self.text(element, hidden=style.hidden)
        boxes = [box for box in element.iter(f"{_W}txbxContent") if not _in_fallback(box)]
        if re.match(r"toc( |\d|$)", style.name):
            return
        outline = _outline(properties) if properties is not None else None
        outline = style.outline if outline is None else outline
        heading = re.fullmatch(r"heading (\d)", style.name)
        numbered = properties is not None and properties.find(f"{_W}numPr") is not None
        if style.name == "title":
            self.builder.heading(text, 0)
        elif heading:
            self.builder.heading(text, int(heading[1]))
        elif outline is not None and outline < 9 and len(text) <= 300:
            self.builder.heading(text, outline + 1)
        elif numbered or style.is_list or style.name.startswith("list"):
            self.builder.add(text, kind="list-item")
        else:
            self.builder.add(text)
        for box in boxes:
            self.read(box)

    def text(self, element: Any, *, hidden: bool = False) -> str:
        """The visible text of a paragraph; that of its text boxes is not part of it."""
        parts = []
        shaded = element.find(f"{_W}pPr/{_W}shd") is not None or any(
            cell.find(f"{_W}tcPr/{_W}shd") is not None for cell in element.iterancestors(f"{_W}tc")
        )
        for run in _runs(element):
            text = "".join(_characters(run))
            properties = run.find(f"{_W}rPr")
            style = self.styles.get(_value(properties, "rStyle") or "", _Style())
            if hidden or style.hidden or _hides(properties, shaded=shaded):
                self.builder.hidden += len(text.strip())
            else:
                parts.append(text)
        return "".join(parts)

    def table(self, table: Any) -> None:
        rows: list[list[str]] = []
        header_rows = 0
        for line in table.iterchildren(f"{_W}tr"):
            properties = line.find(f"{_W}trPr")
            if properties is not None and properties.find(f"{_W}del") is not None:
                continue
            named = properties is not None and properties.find(f"{_W}tblHeader") is not None
            if named and header_rows == len(rows):
                header_rows += 1
            row: list[str] = []
            for cell in line.iter(f"{_W}tc"):
                if next(cell.iterancestors(f"{_W}tr")) is not line:
                    continue  # of a table within this one
                row += self.cell(cell, above=rows[-1] if rows else [], column=len(row))
            rows.append(row)
        add_table(self.builder, rows, header_rows=header_rows or "guess")

    def cell(self, cell: Any, *, above: list[str], column: int) -> list[str]:
        """The text of a cell, once for each column that it spans."""
        properties = cell.find(f"{_W}tcPr")
        span = _value(properties, "gridSpan") or "1"
        width = min(max(int(span), 1), _MOST_SPANNED) if span.isdigit() else 1
        merged = properties.find(f"{_W}vMerge") if properties is not None else None
        if merged is not None and merged.get(f"{_W}val") in (None, "continue"):
            return [*above[column : column + width], *[""] * width][:width]
        text = " ".join(filter(None, (self.text(line) for line in cell.iter(f"{_W}p"))))
        return [text, *[""] * (width - 1)]


def _runs(paragraph: Any) -> Iterator[Any]:
    """The runs of a paragraph, also those in links and tracked insertions."""
    stack = list(reversed(paragraph))
    while stack:
        element = stack.pop()
        if element.tag == f"{_W}r":
            yield element
        elif element.tag not in _LEFT_OUT and isinstance(element.tag, str):
            stack += reversed(element)


def _characters(run: Any) -> Iterator[str]:
    for element in run:
        match element.tag:
            case x if x == f"{_W}t":
                yield element.text or ""
            case x if x == f"{_W}tab":
                yield "\t"
            case x if x in (f"{_W}br", f"{_W}cr"):
                yield "\n"
            case x if x == f"{_W}noBreakHyphen":
                yield "-"


def _hides(properties: Any, *, shaded: bool = False) -> bool:
    """Whether the properties of a run make its text invisible: hidden, white or tiny."""
    if properties is None:
        return False
    for name in ("vanish", "webHidden"):
        switch = properties.find(f"{_W}{name}")
        if switch is not None and switch.get(f"{_W}val") not in ("0", "false", "off"):
            return True
    size = _value(properties, "sz") or ""
    if size.isdigit() and int(size) < _TINY_HALF_POINTS:
        return True
    colour = (_value(properties, "color") or "").upper()
    on_colour = shaded or any(
        properties.find(f"{_W}{name}") is not None for name in ("shd", "highlight")
    )
    return bool(re.fullmatch(r"F[A-F]F[A-F]F[A-F]", colour)) and not on_colour


def _in_fallback(element: Any) -> bool:
    return next(element.iterancestors(f"{_MC}Fallback"), None) is not None


def _outline(properties: Any) -> int | None:
    level = _value(properties, "outlineLvl") or ""
    return int(level) if level.isdigit() else None


def _value(parent: Any, name: str) -> str | None:
    """The `w:val` of a child element."""
    child = parent.find(f"{_W}{name}") if parent is not None else None
    value = child.get(f"{_W}val") if child is not None else None
    return value if isinstance(value, str) else None
