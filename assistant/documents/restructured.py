"""reStructuredText."""

import re

from assistant.documents.builder import Builder
from assistant.documents.cleaning import one_line
from assistant.documents.days import day_of
from assistant.documents.encodings import decode
from assistant.documents.rows import add_table

_UNDERLINE = re.compile(r"([!-/:-@\[-`{-~])\1+[ \t]*$")
_ITEM = re.compile(r"([ \t]*)(?:[-*+•]|(?:\d{1,9}|#|[a-zA-Z])[.)]|\((?:\d{1,9}|#)\))[ \t]+(?=\S)")
_FIELD = re.compile(r":([^:\n]+):(?:[ \t]+(.*))?$")
_EXPLICIT = re.compile(r"\.\.(?:[ \t]+(.*))?$")
_DIRECTIVE = re.compile(r"(?:\|[^|]*\|[ \t]*)?([\w:.+-]+)::(?:[ \t]+(.*))?$")
_NOTE = re.compile(r"\[[^\]]*\][ \t]+(.*)$")
_SIMPLE_BORDER = re.compile(r"=+(?:[ \t]+=+)+[ \t]*$")
_GRID_BORDER = re.compile(r"\+(?:[-=]+\+)+[ \t]*$")
_CODE = frozenset({"code", "code-block", "sourcecode", "literalinclude", "parsed-literal"})
_PROSE = frozenset({
    "note", "warning", "tip", "hint", "important", "caution", "danger", "attention", "error",
    "admonition", "topic", "sidebar", "epigraph", "pull-quote", "highlights", "compound",
    "container", "rubric", "versionadded", "versionchanged", "deprecated", "seealso", "only",
    "class", "figure", "list-table", "csv-table", "table",
})  # fmt: skip
_LITERAL = re.compile(r"``(.+?)``")
_ROLE = re.compile(r":[\w:+.-]+:`([^`]*)`|`([^`]*)`:[\w:+.-]+:")
_LINK = re.compile(r"`([^`<]*?)[ \t]*<[^`>]*>`__?|`([^`]*)`(?:__?)?")
_REFERENCE = re.compile(r"(?<![\w`])([A-Za-z0-9][\w.-]*[A-Za-z0-9]|[A-Za-z0-9])__?(?!\w)")
_NOTE_MARK = re.compile(r"[ \t]?\[(?:\d+|#[\w-]*|\*)\]_")
_SUBSTITUTION = re.compile(r"\|([^|\s][^|]*)\|(?:__?)?")
_EMPHASIS = re.compile(r"(?<![\w*])(\*\*?)(?=[^\s*])([^*]+)(?<=[^\s*])\1(?![\w*])")


def read_rst(data: bytes, builder: Builder) -> None:
    """Read reStructuredText: titles, paragraphs, lists, tables and literal blocks."""
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    _Reader(builder).read([line.expandtabs(8).rstrip() for line in text.split("\n")])


class _Reader:
    """Reads lines; a block is what stands between blank lines or changes of indentation."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.adornments: list[tuple[str, bool]] = []

    def read(self, lines: list[str]) -> None:
        position = 0
        literal_next = False
        while position < len(lines):
            if not lines[position]:
                position += 1
                continue
            if literal_next and lines[position].startswith(" "):
                position = self.literal(lines, position)
                literal_next = False
                continue
            literal_next = False
            after = (
                self.title(lines, position)
                or self.explicit(lines, position)
                or self.table(lines, position)
                or self.field(lines, position)
            )
            if after:
                position = after
                continue
            position, literal_next = self.paragraph(lines, position)

    def title(self, lines: list[str], position: int) -> int:
        """Read a title with its line below, or also above; return where it ends, or 0."""
        line = lines[position]
        following = [*lines[position + 1 : position + 3], "", ""]
        over = bool(_UNDERLINE.match(line)) and bool(following[0].strip())
        if over and _UNDERLINE.match(following[1]) and following[1][0] == line[0]:
            self.add_title(following[0].strip(), (line[0], True))
            return position + 3
        if _UNDERLINE.match(line):
            return position + 1 if len(line) >= 4 and not following[0] else 0
        under = _UNDERLINE.match(following[0])
        if under and not line.startswith(" ") and len(following[0]) >= min(len(line), 4):
            self.add_title(line.strip(), (following[0][0], False))
            return position + 2
        return 0

    def add_title(self, text: str, adornment: tuple[str, bool]) -> None:
        if adornment not in self.adornments:
            self.adornments.append(adornment)
        self.builder.heading(plain_inline(text), self.adornments.index(adornment) + 1)

    def explicit(self, lines: list[str], position: int) -> int:
        """Read a directive, comment, footnote or target; return where it ends, or 0."""
        match = _EXPLICIT.match(lines[position])
        if not match:
            return 0
        end = _end_of_indented(lines, position + 1)
        content = match[1] or ""
        body = lines[position + 1 : end]
        note, directive = _NOTE.match(content), _DIRECTIVE.match(content)
        if note:
            self.builder.add(plain_inline(" ".join([note[1], *body])))
        elif directive and directive[1] in _CODE:
            self.builder.add("\n".join(_dedented(_without_options(body))), kind="code")
        elif directive and directive[1] in _PROSE:
            inner = _dedented(_without_options(body))
            if directive[1] == "list-table":
                self.list_table(inner)
            elif directive[1] == "csv-table":
                self.csv_table(inner, body)
            else:
                if directive[2] and directive[1] != "figure":
                    self.builder.add(plain_inline(directive[2]))
                self.read_inner(inner)
        return end

    def read_inner(self, lines: list[str]) -> None:
        """Read the body of a directive; titles in it are paragraphs."""
        for paragraph in "\n".join(lines).split("\n\n"):
            item = _ITEM.match(paragraph)
            text = paragraph[item.end() :] if item else paragraph
            self.builder.add(plain_inline(text), kind="list-item" if item else "paragraph")

    def list_table(self, lines: list[str]) -> None:
        rows: list[list[str]] = []
        for line in lines:
            first = re.match(r"[*-][ \t]+[*-](?:[ \t]+(.*))?$", line)
            other = re.match(r"[ \t]+[*-](?:[ \t]+(.*))?$", line)
            if first:
                rows.append([first[1] or ""])
            elif other and rows:
                rows[-1].append(other[1] or "")
            elif rows and line.strip():
                rows[-1][-1] += " " + line.strip()
        add_table(self.builder, [[plain_inline(cell) for cell in row] for row in rows])

    def csv_table(self, lines: list[str], body: list[str]) -> None:
        import csv

        headers = [line.partition(":header:")[2] for line in body if ":header:" in line]
        rows = list(csv.reader([*headers, *lines], skipinitialspace=True))
        add_table(self.builder, rows, header_rows=1 if headers else "guess")

    def table(self, lines: list[str], position: int) -> int:
        """Read a grid or simple table; return where it ends, or 0."""
        if _GRID_BORDER.match(lines[position]):
            end = position
            while end < len(lines) and lines[end][:1] in ("+", "|"):
                end += 1
            self.grid(lines[position:end])
            return end
        if _SIMPLE_BORDER.match(lines[position]):
            borders = [position]
            end = position + 1
            while end < len(lines) and (lines[end] or len(borders) < 2):
                if _SIMPLE_BORDER.match(lines[end]):
                    borders.append(end)
                end += 1
            self.simple(lines[position : borders[-1] + 1])
            return max(borders[-1] + 1, position + 1)
        return 0

    def grid(self, lines: list[str]) -> None:
        rows: list[list[str]] = []
        headers = 0
        open_row: list[str] = []
        for line in lines:
            if line.startswith("+"):
                if open_row:
                    rows.append([plain_inline(cell) for cell in open_row])
                open_row = []
                headers = len(rows) if "=" in line and not headers else headers
                continue
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) != len(open_row):
                open_row = [*open_row, *[""] * (len(cells) - len(open_row))]
            for column, cell in enumerate(cells):
                open_row[column] += f" {cell}"
        add_table(self.builder, rows, header_rows=headers or "guess")

    def simple(self, lines: list[str]) -> None:
        starts = [match.start() for match in re.finditer(r"=+", lines[0])]
        bounds = [*zip(starts, [*starts[1:], None], strict=True)]
        rows: list[list[str]] = []
        headers = 0
        for number, line in enumerate(lines):
            if _SIMPLE_BORDER.match(line):
                headers = len(rows) if 0 < number < len(lines) - 1 and not headers else headers
            elif line.strip() and not re.fullmatch(r"-+(?:[ \t]+-+)*", line):
                cells = [line[start:end].strip() for start, end in bounds]
                if rows and not cells[0] and len(rows) > headers:
                    rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], cells, strict=True)]
                else:
                    rows.append(cells)
        inline = [[plain_inline(cell) for cell in row] for row in rows]
        add_table(self.builder, inline, header_rows=headers or "guess")

    def field(self, lines: list[str], position: int) -> int:
        """Read a field such as `:date: 2025-01-17`; return where it ends, or 0."""
        match = _FIELD.match(lines[position])
        if not match:
            return 0
        end = _end_of_indented(lines, position + 1)
        name = match[1].strip()
        value = one_line(" ".join([match[2] or "", *lines[position + 1 : end]]))
        if name.lower() == "date" and self.builder.date is None:
            self.builder.date = day_of(value)
        if value:
            self.builder.add(f"{name}: {plain_inline(value)}")
        return end

    def paragraph(self, lines: list[str], position: int) -> tuple[int, bool]:
        """Read a paragraph or list item; say also whether literal text is to follow."""
        item = _ITEM.match(lines[position])
        first = lines[position][item.end() :] if item else lines[position].strip()
        collected = [first]
        position += 1
        while position < len(lines) and lines[position]:
            if _ITEM.match(lines[position]) and (item or lines[position].lstrip()[0] in "-*+•"):
                break
            collected.append(lines[position].strip())
            position += 1
        text = " ".join(collected)
        literal = text.endswith("::")
        if literal:
            text = text[:-2].rstrip() + ("" if text[:-2].endswith(" ") else ":")
        if text.strip(": "):
            self.builder.add(plain_inline(text), kind="list-item" if item else "paragraph")
        return position, literal

    def literal(self, lines: list[str], position: int) -> int:
        end = _end_of_indented(lines, position)
        self.builder.add("\n".join(_dedented(lines[position:end])), kind="code")
        return end


def plain_inline(text: str) -> str:
    """Reduce inline markup to the text a reader sees."""
    text = one_line(text)
    if not re.search(r"[`*_|\\]", text):
        return text
    parts = _LITERAL.split(text)
    # The odd ones are literal.
    return "".join(part if odd % 2 else _plain(part) for odd, part in enumerate(parts))


def _plain(text: str) -> str:
    text = _ROLE.sub(lambda match: _link_text(match[1] or match[2] or ""), text)
    text = _LINK.sub(lambda match: match[1] or match[2] or "", text)
    text = _NOTE_MARK.sub("", text)
    text = _SUBSTITUTION.sub(r"\1", text)
    text = _REFERENCE.sub(r"\1", text)
    text = _EMPHASIS.sub(r"\2", text)
    return re.sub(r"\\(.)", lambda match: match[1].strip(), text)


def _link_text(text: str) -> str:
    return text.partition(" <")[0] if text.endswith(">") else text.removeprefix("~")


def _end_of_indented(lines: list[str], position: int) -> int:
    end = position
    while position < len(lines) and (not lines[position] or lines[position].startswith(" ")):
        position += 1
        if lines[position - 1]:
            end = position
    return end


def _without_options(lines: list[str]) -> list[str]:
    start = 0
    while start < len(lines) and _FIELD.match(lines[start].strip()):
        start += 1
    return lines[start:]


def _dedented(lines: list[str]) -> list[str]:
    depth = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    return [line[depth:] for line in lines]
