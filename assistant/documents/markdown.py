"""Markdown, as a reader sees it rendered."""

import html
import re

from assistant.documents.builder import Builder
from assistant.documents.cleaning import one_line
from assistant.documents.days import day_of
from assistant.documents.encodings import decode
from assistant.documents.rows import add_table

_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})([^`]*)$")
_ITEM = re.compile(r"([ \t]*)(?:[-*+]|\d{1,9}[.)])(?:[ \t]+(?:\[[ xX]\][ \t]+)?(.*)|$)")
_QUOTE = re.compile(r" {0,3}(?:>[ \t]?)+")
_DELIMITER = re.compile(r":?-+:?")
_DEFINITION = re.compile(r" {0,3}\[([^\]\n]+)\]:[ \t]*(\S.*)?$")
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_CELL_BORDER = re.compile(r"(?<!\\)\|")

_CODE_SPAN = re.compile(r"\\([!-/:-@\[-`{-~])|(?<!`)(`+)(?!`)(.{1,1000}?)(?<!`)\2(?!`)", re.DOTALL)
_TARGET = r"\((?:[^()\n]|\([^()\n]*\))*\)"
_IMAGE = re.compile(rf"!\[([^\[\]]*)\](?:{_TARGET}|\[[^\[\]]*\])")
_LINK = re.compile(rf"\[([^\[\]]*)\](?:{_TARGET}|\[[^\[\]]*\])")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]+\]")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:|[\w.+-]+@)[^<>\s]+)>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--")
_MARKS = re.compile(r"\*+|_+|~~")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def read_markdown(data: bytes, builder: Builder) -> None:
    """Read Markdown: front matter, headings, lists, tables and code, without their marks."""
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    front = _FRONT_MATTER.match(text)
    if front:
        text = text[front.end() :]
        _read_front_matter(front[1], builder)
    _Markdown(builder).read(_without_comments(text).split("\n"))


def _read_front_matter(text: str, builder: Builder) -> None:
    for line in text.split("\n"):
        key, _, value = line.partition(":")
        value = value.strip().strip("\"'")
        if key.strip().lower() == "title":
            builder.call_it(value)
        elif key.strip().lower() == "date" and builder.date is None:
            builder.date = day_of(value)


def _without_comments(text: str) -> str:
    if "<!--" not in text:
        return text
    kept, code = [], False
    # Inside of fenced code a comment is text like any other.
    for part in re.split(r"(?m)^([ \t]*(?:```|~~~).*\n?)", text):
        if re.match(r"[ \t]*(?:```|~~~)", part):
            code = not code
            kept.append(part)
        else:
            kept.append(part if code else _COMMENT.sub("", part))
    return "".join(kept)


class _Markdown:
    """Reads Markdown line by line; `pending` holds the lines of the block at hand."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.pending: list[str] = []
        self.in_item = False

    def flush(self) -> None:
        if self.pending:
            text = plain_inline("\n".join(self.pending), self.builder)
            self.builder.add(text, kind="list-item" if self.in_item else "paragraph")
        self.pending = []
        self.in_item = False

    def read(self, lines: list[str]) -> None:
        position = 0
        after_item = False
        while position < len(lines):
            line = lines[position]
            position += 1
            quote = _QUOTE.match(line)
            if quote:
                line = line[quote.end() :]
            if not line.strip():
                after_item = self.in_item or (after_item and not self.pending)
                self.flush()
                continue
            fence = _FENCE.match(line)
            if fence:
                self.flush()
                position = self.read_code(lines, position, fence[1], quoted=bool(quote))
                continue
            indented = line.startswith(("    ", "\t"))
            if indented and not self.pending and not after_item:
                position = self.read_indented(lines, position - 1, quoted=bool(quote))
                continue
            if self.pending and not self.in_item and _UNDERLINE.match(line):
                heading = plain_inline(" ".join(self.pending), self.builder)
                self.pending = []
                self.builder.heading(heading, 1 if "=" in line else 2)
                continue
            if not indented:
                after_item = after_item and bool(_ITEM.match(line))
            if self.read_single(line):
                continue
            following = lines[position] if position < len(lines) else ""
            if "|" in line and _delimits(following):
                self.flush()
                position = self.read_table(lines, position - 1)
                continue
            self.pending.append(line.strip())
        self.flush()

    def read_single(self, line: str) -> bool:
        """Read a line that is a block of its own or begins one; False if it only goes on."""
        heading = _HEADING.match(line)
        if heading:
            self.flush()
            text = line[heading.end() :].strip()
            shorter = text.rstrip("#")
            if not shorter or shorter[-1] in " \t":
                text = shorter
            text = plain_inline(text, self.builder)
            self.builder.heading(text, len(heading[1]))
            return True
        if _RULE.match(line):
            self.flush()
            return True
        item = _ITEM.match(line)
        if item and (not self.pending or self.in_item or not line.lstrip()[0].isdigit()):
            self.flush()
            self.in_item = True
            self.pending = [item[2] or ""]
            return True
        definition = None if self.pending else _DEFINITION.match(line)
        if definition:
            if definition[1].startswith("^"):
                self.pending.append(definition[2] or "")
            return True
        return False

    def read_code(self, lines: list[str], position: int, fence: str, *, quoted: bool) -> int:
        closing = re.compile(rf"[ \t]*{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
        code = []
        while position < len(lines):
            line = lines[position]
            position += 1
            if quoted:
                line = line[match.end() :] if (match := _QUOTE.match(line)) else line
            if closing.match(line):
                break
            code.append(line)
        self.builder.add("\n".join(code), kind="code")
        return position

    def read_indented(self, lines: list[str], position: int, *, quoted: bool) -> int:
        code = []
        while position < len(lines):
            line = lines[position]
            if quoted:
                line = line[match.end() :] if (match := _QUOTE.match(line)) else line
            if line.strip() and not line.startswith(("    ", "\t")):
                break
            code.append(line[1:] if line.startswith("\t") else line[4:])
            position += 1
        self.builder.add("\n".join(code), kind="code")
        return position

    def read_table(self, lines: list[str], position: int) -> int:
        rows = [self.cells(lines[position])]
        position += 2
        while position < len(lines) and "|" in lines[position]:
            rows.append(self.cells(lines[position]))
            position += 1
        add_table(self.builder, rows, header_rows=1)
        return position

    def cells(self, line: str) -> list[str]:
        inner = line.strip().removeprefix("|")
        if inner.endswith("|") and not inner.endswith("\\|"):
            inner = inner[:-1]
        return [
            plain_inline(cell.replace("\\|", "|").strip(), self.builder)
            for cell in _CELL_BORDER.split(inner)
        ]


def _delimits(line: str) -> bool:
    cells = line.strip().strip("|").split("|")
    return all(_DELIMITER.fullmatch(cell.strip()) for cell in cells)


def plain_inline(text: str, builder: Builder) -> str:
    """Reduce the inline markup of Markdown to the text a reader sees, on one line."""
    if not re.search(r"[\\`*_~\[<&]", text):
        return one_line(text)
    held: list[str] = []

    def hold(value: str) -> str:
        """Put literal text out of reach of the steps that follow."""
        held.append(value)
        return (
            "\ue000" + "".join(chr(0xE010 + int(digit)) for digit in str(len(held) - 1)) + "\ue001"
        )

    text = re.sub("[\ue000-\ue0ff]", "", text)
    text = _CODE_SPAN.sub(lambda match: hold(match[1] or match[3].strip()), text)
    text = _AUTOLINK.sub(lambda match: hold(match[1].removeprefix("mailto:")), text)
    if _TAG.search(text):
        from assistant.documents.web import visible_inline

        text, hidden = visible_inline(text)
        builder.hidden += hidden
    else:
        text = html.unescape(text)
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    text = _FOOTNOTE.sub("", text)
    text = one_line(_without_emphasis(text))
    return re.sub(
        "\ue000([\ue010-\ue019]+)\ue001",
        lambda match: held[int("".join(str(ord(digit) - 0xE010) for digit in match[1]))],
        text,
    )


def _without_emphasis(text: str) -> str:
    """Remove the paired marks `*`, `_` and `~~`, in one pass over them."""
    openers: dict[str, list[tuple[int, int]]] = {"*": [], "_": [], "~": []}
    cuts: list[tuple[int, int]] = []
    for match in _MARKS.finditer(text):
        start, end = match.span()
        mark = text[start]
        before, after = text[start - 1 : start], text[end : end + 1]
        inside_word = mark == "_" and before.isalnum() and after.isalnum()
        while start < end and openers[mark] and before and not before.isspace() and not inside_word:
            if mark == "_" and after.isalnum():
                break
            left, right = openers[mark].pop()
            length = min(right - left, end - start)
            cuts += [(right - length, right), (start, start + length)]
            start += length
            if right - length > left:
                openers[mark].append((left, right - length))
        may_open = after and not after.isspace() and not (mark == "_" and before.isalnum())
        if start < end and may_open:
            openers[mark].append((start, end))
    pieces, position = [], 0
    for start, end in sorted(cuts):
        pieces.append(text[position:start])
        position = end
    return "".join([*pieces, text[position:]])
