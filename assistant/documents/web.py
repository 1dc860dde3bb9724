"""HTML, as a reader sees it: without scripts, navigation and hidden text."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assistant.documents.builder import Builder
from assistant.documents.cleaning import one_line
from assistant.documents.days import day_of
from assistant.documents.document import BlockKind
from assistant.documents.encodings import declared_encoding, decode
from assistant.documents.rows import add_table

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_NEVER_TEXT = frozenset({
    "script", "style", "template", "head", "noscript", "iframe", "object", "embed", "svg",
    "canvas", "audio", "video", "map", "datalist", "select", "option", "button", "textarea",
    "input", "noframes", "frameset", "applet",
})  # fmt: skip
_ROUND_ABOUT = frozenset({"nav", "footer", "aside", "dialog"})
_ROUND_ABOUT_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "menu", "menubar"})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog",
    "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "main", "menu",
    "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "td",
    "th", "caption", "ul",
})  # fmt: skip
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCK_IN_CELL = ", ".join(
    f"{cell} {inner}"
    for cell in ("td", "th")
    for inner in "table h1 h2 h3 h4 ul ol pre blockquote article section p+p".split()  # noqa: SIM905
)
_MOST_SPANNED = 50
_DEEPEST = 3  # tables within tables that deep only arrange a page

_SELF_CLOSED = re.compile(
    r"<((?!(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)\b)[A-Za-z]\w*)"
    r"((?:\s[^<>]*)?)/>"
)
_DISPLAY_NONE = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))\b"
)
_SIMPLE_SELECTOR = re.compile(r"[\w.#-]+(?:[ >]+[\w.#-]+)*")
_LENGTH = re.compile(r"(-?[\d.]+)\s*(px|pt|em|rem|ex|%|vw|vh|in|cm|mm|pc)?\s*$")
_PIXELS = {"px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "ex": 8.0, "%": 0.16, "pc": 16.0}
_SMALLEST_PIXELS = 2 * 4 / 3  # below 2 pt nobody reads it
_NAMED_COLOURS = {
    "white": (255, 255, 255), "black": (0, 0, 0), "snow": (255, 250, 250),
    "ivory": (255, 255, 240), "ghostwhite": (248, 248, 255), "whitesmoke": (245, 245, 245),
    "red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0),
    "gray": (128, 128, 128), "grey": (128, 128, 128), "navy": (0, 0, 128),
}  # fmt: skip
_NO_BACKGROUND = ("", "none", "transparent", "inherit", "initial", "unset")
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Style:
    """What decides whether text can be seen; an unknown background hides nothing."""

    hidden: bool = False
    visible: bool = True
    colour: Colour | None = (0, 0, 0)
    background: Colour | None = (255, 255, 255)
    pixels: float = 16.0

    def shows(self) -> bool:
        if self.hidden or not self.visible or self.pixels < _SMALLEST_PIXELS:
            return False
        if self.colour is None or self.background is None:
            return True
        return max(abs(a - b) for a, b in zip(self.colour, self.background, strict=True)) > 8


def read_html(data: bytes, builder: Builder) -> None:
    """Read an HTML page: its title, headings, paragraphs, lists and tables."""
    add_html(decode(data, declared=declared_encoding(data)), builder, metadata=True)


def visible_inline(markup: str) -> tuple[str, int]:
    """The text of a fragment of HTML that can be seen, and how many characters cannot."""
    page = Builder()
    add_html(markup, page, everything=True)
    return page.text(), page.hidden


def add_html(
    markup: str, builder: Builder, *, metadata: bool = False, everything: bool = False
) -> None:
    """Append the visible text of a page; `everything` includes navigation and page footers."""
    from selectolax.lexbor import LexborHTMLParser

    # In XHTML an element may end where it begins, which HTML knows of a few elements only.
    if "<?xml" in markup[:200] or "/xhtml" in markup[:2000]:
        markup = _SELF_CLOSED.sub(r"<\1\2></\1>", markup)
    # Lone surrogates and NULs cannot be passed on to the parser.
    markup = re.sub("[\x00\ud800-\udfff]", "\ufffd", markup)
    tree = LexborHTMLParser(markup)
    if metadata:
        _read_metadata(tree, builder)
    root = tree.body or tree.root
    if root is None:
        return
    hidden_by_rule = _hidden_by_rules(tree)
    blocks_before, hidden_before = len(builder.blocks), builder.hidden
    _Walk(builder, hidden_by_rule, everything=everything).read(root)
    if len(builder.blocks) == blocks_before and not everything:
        builder.hidden = hidden_before
        _Walk(builder, hidden_by_rule, everything=True).read(root)


def _read_metadata(tree: "LexborHTMLParser", builder: Builder) -> None:
    title = tree.css_first("title")
    values: dict[str, str] = {}
    for meta in tree.css("meta[content]")[:200]:
        name = meta.attributes.get("property") or meta.attributes.get("name") or ""
        values.setdefault(name.lower(), meta.attributes.get("content") or "")
    builder.call_it(title.text() if title else "")
    builder.call_it(values.get("og:title", ""))
    for name in ("date", "article:published_time", "dc.date", "dcterms.date", "dcterms.created"):
        builder.date = builder.date or day_of(values.get(name))


def _hidden_by_rules(tree: "LexborHTMLParser") -> frozenset[int]:
    """The elements that style sheets in the page itself never display."""
    hidden: set[int] = set()
    for sheet in tree.css("style")[:50]:
        text = re.sub(r"/\*.*?\*/", "", (sheet.text() or "")[:200_000], flags=re.DOTALL)
        for selectors in _hiding_selectors(text):
            for selector in selectors.split(","):
                if _SIMPLE_SELECTOR.fullmatch(selector.strip()):
                    hidden.update(node.mem_id for node in tree.css(selector.strip()))
    return frozenset(hidden)


def _hiding_selectors(sheet: str) -> Iterator[str]:
    position = 0
    while (opening := sheet.find("{", position)) >= 0:
        selectors = sheet[position:opening].rpartition(";")[2].strip()
        depth, end = 1, opening + 1
        # What stands within @media or @supports holds for some readers only.
        for brace in re.compile("[{}]").finditer(sheet, opening + 1):
            depth += 1 if brace[0] == "{" else -1
            end = brace.end()
            if not depth:
                break
        else:
            return
        if not selectors.startswith("@") and _DISPLAY_NONE.search(
            sheet[opening + 1 : end - 1].lower()
        ):
            yield selectors
        position = end


class _Walk:
    """One pass over the nodes of a page, without recursion: pages can be nested very deeply."""

    def __init__(
        self, builder: Builder, hidden_by_rule: frozenset[int], *, everything: bool
    ) -> None:
        self.builder = builder
        self.hidden_by_rule = hidden_by_rule
        self.everything = everything
        self.inline: list[str] = []
        # For each open block, the innermost one that decides what its text is; and how many
        # blocks of a name are open. Both spare looking through thousands of open blocks.
        self.kinds: list[str] = []
        self.open: Counter[str] = Counter()

    def read(self, root: "LexborNode") -> None:
        stack: list[tuple[LexborNode | None, str, _Style]] = [(root, "", _Style())]
        while stack:
            node, closing, style = stack.pop()
            if node is None:
                self.close(closing)
                continue
            tag = node.tag or ""
            if tag == "-text":
                self.text(node.text_content or "", style)
                continue
            if tag == "br":
                self.inline.append("\n")
            if tag.startswith(("-", "!")) or self.left_out(node, tag):
                continue
            style = self.styled(node, style)
            if tag == "table" and style.shows() and (rows := self.data_table(node, style)):
                self.flush()
                add_table(self.builder, rows[0], header_rows=rows[1] or "guess")
                continue
            if tag in _BLOCKS:
                self.flush()
                self.kinds.append(tag if tag in _KINDS or not self.kinds else self.kinds[-1])
                self.open[tag] += 1
                stack.append((None, tag, style))
            child = node.last_child
            while child is not None:
                stack.append((child, "", style))
                child = child.prev
        self.flush()

    def left_out(self, node: "LexborNode", tag: str) -> bool:
        if tag in _NEVER_TEXT:
            return True
        if self.everything:
            return False
        inside = self.open["article"] or self.open["main"]
        role = (node.attributes.get("role") or "").lower()
        return (tag in _ROUND_ABOUT and not (inside and tag != "nav")) or role in _ROUND_ABOUT_ROLES

    def close(self, tag: str) -> None:
        self.flush()
        self.kinds.pop()
        self.open[tag] -= 1

    def text(self, text: str, style: _Style) -> None:
        if style.shows():
            self.inline.append(text if self.open["pre"] else re.sub(r"[ \t\n\r\f]+", " ", text))
        else:
            self.builder.hidden += len(one_line(text))

    def flush(self) -> None:
        text = "".join(self.inline)
        self.inline.clear()
        if not text or text.isspace():
            return
        tag = self.kinds[-1] if self.kinds else ""
        if tag in _HEADINGS:
            self.builder.heading(text, int(tag[1]))
        elif tag == "pre":
            self.builder.add(text, kind="code")
        else:
            lines = (one_line(line) for line in text.split("\n"))
            self.builder.add("\n".join(filter(None, lines)), kind=_KINDS.get(tag, "paragraph"))

    def styled(self, node: "LexborNode", style: _Style) -> _Style:
        attributes = node.attributes
        if not attributes:
            return style
        if node.mem_id in self.hidden_by_rule or "hidden" in attributes:
            style = replace(style, hidden=True)
        if colour := attributes.get("color"):
            style = replace(style, colour=_colour(colour))
        if background := attributes.get("bgcolor"):
            style = replace(style, background=_colour(background))
        if "background" in attributes:
            style = replace(style, background=None)
        for declaration in (attributes.get("style") or "").lower().split(";")[:100]:
            name, _, value = declaration.partition(":")
            value = value.replace("!important", "").strip()
            style = _declared(style, name.strip(), value)
        return style

    def data_table(self, table: "LexborNode", style: _Style) -> tuple[list[list[str]], int] | None:
        """The cells of a table and its number of header rows; None if it only arranges a page."""
        if (table.attributes.get("role") or "") == "presentation" or self.open["table"] >= _DEEPEST:
            return None
        if table.css_first(_BLOCK_IN_CELL):
            return None
        rows: list[list[str]] = []
        carried: dict[int, tuple[int, str]] = {}
        header_rows = 0
        for line in table.css("tr"):
            parent = line.parent
            row_style = self.styled(line, style)
            row: list[str] = []
            tags: list[str] = []
            cell = line.child
            while cell is not None:
                if cell.tag in ("td", "th"):
                    self.take_carried(row, carried)
                    tags.append(cell.tag)
                    text = self.cell_text(cell, row_style)
                    across, down = (_span(cell, name) for name in ("colspan", "rowspan"))
                    for _ in range(across):
                        if down > 1:
                            carried[len(row)] = (down - 1, text)
                        row.append(text if cell.tag == "th" or len(row) == 0 or across == 1 else "")
                        if cell.tag == "td":
                            text = ""
                cell = cell.next
            self.take_carried(row, carried)
            in_head = parent is not None and parent.tag == "thead"
            if len(rows) == header_rows and row and (in_head or set(tags) == {"th"}):
                header_rows += 1
            rows.append(row)
        if max(map(len, rows), default=0) < 2:
            return None
        caption = table.css_first("caption")
        if caption:
            self.flush()
            self.builder.add(self.cell_text(caption, style))
        return rows, header_rows

    def take_carried(self, row: list[str], carried: dict[int, tuple[int, str]]) -> None:
        while len(row) in carried:
            left, text = carried.pop(len(row))
            if left > 1:
                carried[len(row)] = (left - 1, text)
            row.append(text)

    def cell_text(self, cell: "LexborNode", style: _Style) -> str:
        inner = _Walk(Builder(), self.hidden_by_rule, everything=True)
        inner.builder.hidden = 0
        stack = [(cell, self.styled(cell, style))]
        while stack:
            node, style = stack.pop()
            tag = node.tag or ""
            if tag == "-text":
                inner.text(node.text_content or "", style)
            elif tag == "br" or tag in _BLOCKS:
                inner.inline.append(" ")
            if tag.startswith("-") or tag in _NEVER_TEXT:
                continue
            child = node.last_child
            while child is not None:
                stack.append((child, inner.styled(child, style) if child.tag != "-text" else style))
                child = child.prev
        self.builder.hidden += inner.builder.hidden
        return one_line("".join(inner.inline))


_KINDS: dict[str, BlockKind] = {
    **dict.fromkeys(_HEADINGS, "heading"),
    "li": "list-item",
    "pre": "code",
    "td": "paragraph",
    "th": "paragraph",
}


def _declared(style: _Style, name: str, value: str) -> _Style:
    """The style after one declaration of CSS."""
    match name:
        case "display" if value == "none":
            return replace(style, hidden=True)
        case "visibility":
            return replace(style, visible=value not in ("hidden", "collapse"))
        case "opacity" if (opacity := _number(value)) is not None and opacity < 0.05:
            return replace(style, hidden=True)
        case "font-size" if (pixels := _pixels(value, style.pixels)) is not None:
            return replace(style, pixels=pixels)
        case "color" if value == "transparent":
            return replace(style, hidden=True)
        case "color" if value != "inherit":
            return replace(style, colour=_colour(value))
        case "background" | "background-color" if value not in _NO_BACKGROUND:
            return replace(style, background=_colour(value))
        case "background-image":
            return replace(style, background=None)
        case "left" | "top" | "text-indent" if (
            pixels := _pixels(value, style.pixels)
        ) is not None and pixels <= -999:
            return replace(style, hidden=True)
    return style


def _number(value: str) -> float | None:
    try:
        return float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        return None


def _pixels(value: str, inherited: float) -> float | None:
    match = _LENGTH.match(value)
    if not match:
        return None
    try:
        number = float(match[1])
    except ValueError:
        return None
    if match[2] in ("em", "%", "ex"):
        return number * inherited * {"em": 1.0, "%": 0.01, "ex": 0.5}[match[2]]
    return number * _PIXELS.get(match[2] or "px", 16.0)


def _colour(value: str) -> Colour | None:
    """A colour of CSS; None when it is not known (then nothing is hidden by it)."""
    value = value.strip().lower()
    if value in _NAMED_COLOURS:
        return _NAMED_COLOURS[value]
    digits = value.removeprefix("#")
    if re.fullmatch(r"[0-9a-f]{3}", digits):
        digits = "".join(digit * 2 for digit in digits)
    if re.fullmatch(r"[0-9a-f]{6}", digits):
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    match = re.fullmatch(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*\)", value)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _span(cell: "LexborNode", name: str) -> int:
    value = cell.attributes.get(name) or ""
    return min(max(int(value), 1), _MOST_SPANNED) if re.fullmatch(r"\d{1,4}", value) else 1
