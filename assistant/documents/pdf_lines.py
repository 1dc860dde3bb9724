"""The visible lines of a PDF page, with where they stand, by PDFium.

PDFium is neither safe with threads nor with every hostile file: call it in a child process.
"""

import ctypes
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SMALLEST_POINTS = 2.0
_INVISIBLE, _CLIP = 3, 7  # text render modes that paint nothing
_WHITE = 250
_MOST_DEPTH = 8
_CELL_GAP = 0.9  # in font sizes; a space between words is a quarter to a half
_LINE = re.compile(r"([^\n\ufffe]+)(\n|\ufffe|$)")
_SPACES = re.compile(r"(?<=\S)[ \t]+(?=\S)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text; x grows to the right and y (of the baseline) upwards, in points.

    `cells` are its parts between wide gaps, each with its left edge: the cells of a row where
    it is one. `size` is that of the character in its middle.
    """

    text: str
    cells: tuple[tuple[float, str], ...]
    page: int
    left: float
    right: float
    y: float
    size: float


@dataclass(frozen=True, slots=True)
class Page:
    """What one page holds."""

    lines: list[Line]
    height: float
    hidden: int
    pictures: int


@dataclass(slots=True)
class _Painted:
    """An area painted before some text: with white, or with something else."""

    left: float
    bottom: float
    right: float
    top: float
    white: bool
    picture: bool

    def covers(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.bottom <= y <= self.top


def read_page(document: Any, number: int) -> Page:
    """Read the page of a `PdfDocument` with this 1-based number."""
    page = document[number - 1]
    try:
        hidden, pictures = remove_unseen(page)
        text_page = page.get_textpage()
        try:
            lines = list(_lines(text_page, number))
        finally:
            text_page.close()
        return Page(lines, page.get_height(), hidden, pictures)
    finally:
        page.close()


def remove_unseen(page: Any) -> tuple[int, int]:
    """Take text that a reader cannot see off a `PdfPage`.

    Returns how many characters it had, and how many pictures the page has.
    """
    unseen, pictures = _unseen_objects(page)
    return _remove(page, unseen) if unseen else 0, pictures


def _unseen_objects(page: Any) -> tuple[list[tuple[Any, Any]], int]:
    """The text objects that a reader cannot see, each with its form, and the number of pictures."""
    import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

    unseen: list[tuple[Any, Any]] = []
    painted: list[_Painted] = []
    pictures = 0
    stack: list[tuple[Any, Any, float, int]] = [
        (pdfium.FPDFPage_GetObject(page, index), None, 1.0, 0)
        for index in reversed(range(pdfium.FPDFPage_CountObjects(page)))
    ]
    while stack:
        item, form, scale, depth = stack.pop()
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            if not _is_seen(item, scale, painted):
                unseen.append((item, form))
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _MOST_DEPTH:
            inner = scale * _scale(item)
            for index in reversed(range(pdfium.FPDFFormObj_CountObjects(item))):
                stack.append((pdfium.FPDFFormObj_GetObject(item, index), item, inner, depth + 1))
        else:
            picture = kind == pdfium.FPDF_PAGEOBJ_IMAGE
            pictures += picture
            area = _painted_area(item, picture=picture, path=kind == pdfium.FPDF_PAGEOBJ_PATH)
            if area:
                painted.append(area)
    return unseen, pictures


def _painted_area(item: Any, *, picture: bool, path: bool) -> _Painted | None:
    import pypdfium2.raw as pdfium

    white = False
    if path:
        mode, stroke = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDFPath_GetDrawMode(item, mode, stroke)
        if mode.value == pdfium.FPDF_FILLMODE_NONE:
            return None
        white = _is_white(item)
    bounds = _bounds(item)
    return _Painted(*bounds, white=white, picture=picture) if bounds else None


def _is_seen(item: Any, scale: float, painted: list[_Painted]) -> bool:
    import pypdfium2.raw as pdfium

    size = ctypes.c_float()
    known = pdfium.FPDFTextObj_GetFontSize(item, size)
    if known and abs(size.value) * _scale(item) * scale < _SMALLEST_POINTS:
        return False
    mode = pdfium.FPDFTextObj_GetTextRenderMode(item)
    unpainted = mode in (_INVISIBLE, _CLIP)
    if not unpainted and not (mode in (0, 4) and _is_white(item)):
        return True
    bounds = _bounds(item)
    if bounds is None:
        return not unpainted
    x, y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    below = [area for area in painted if area.covers(x, y)]
    if unpainted:
        # Text recognition puts its text, unpainted, over the picture of the page.
        return any(area.picture for area in below)
    return bool(below) and not below[-1].white


def _remove(page: Any, unseen: list[tuple[Any, Any]]) -> int:
    """Take objects off a page; return how many characters they had."""
    import pypdfium2.raw as pdfium

    hidden = 0
    text_page = page.get_textpage()
    for item, _ in unseen:
        length = pdfium.FPDFTextObj_GetText(item, text_page, None, 0)
        buffer = (pdfium.FPDF_WCHAR * max(length, 1))()
        pdfium.FPDFTextObj_GetText(item, text_page, buffer, length)
        hidden += len(bytes(buffer).decode("utf-16-le", "ignore").strip("\0").strip())
    text_page.close()
    for item, form in unseen:
        if form is None:
            pdfium.FPDFPage_RemoveObject(page, item)
            pdfium.FPDFPageObj_Destroy(item)
        else:
            pdfium.FPDFFormObj_RemoveObject(form, item)
            pdfium.FPDFPageObj_Destroy(item)
    return hidden


def _is_white(item: Any) -> bool:
    import pypdfium2.raw as pdfium

    channels = [ctypes.c_uint() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetFillColor(item, *channels):
        return False
    red, green, blue, alpha = (channel.value for channel in channels)
    return min(red, green, blue) >= _WHITE or alpha < 8


def _bounds(item: Any) -> tuple[float, float, float, float] | None:
    import pypdfium2.raw as pdfium

    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top):
        return None
    return left.value, bottom.value, right.value, top.value


def _scale(item: Any) -> float:
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(item, matrix):
        return 1.0
    return math.sqrt(abs(matrix.a * matrix.d - matrix.b * matrix.c))


def _lines(text_page: Any, number: int) -> Iterator[Line]:
    import pypdfium2.raw as pdfium

    count = pdfium.FPDFText_CountChars(text_page)
    if count <= 0:
        return
    # Two units of UTF-16 for each character at most, and the NUL at the end.
    buffer = (ctypes.c_ushort * (2 * count + 1))()
    written = pdfium.FPDFText_GetText(text_page, 0, count, buffer)
    units = bytes(buffer)[: 2 * max(written - 1, 0)]
    places = _Places(text_page)
    for match in _LINE.finditer(units.decode("utf-16-le", "replace")):
        line = match[1].strip("\r \t\0")
        if not line:
            continue
        start = match.start() + match[1].index(line)
        first = pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, start)
        last = pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, start + len(line) - 1)
        left, y = places.origin(first)
        right = places.right_edge(last)
        size = places.font_size(places.painted((first + last) // 2, least=first))
        cells: tuple[tuple[float, str], ...] = ((left, line),)
        if last - first == len(line) - 1:
            cells = places.cells(line, first, left=left, gap=_CELL_GAP * size)
        # PDFium joins the halves of a broken word, with this in place of the hyphen.
        if match[2] == "\ufffe":
            line += "-"
            cells = (*cells[:-1], (cells[-1][0], f"{cells[-1][1]}-"))
        yield Line(line, cells, number, left, right, y, size)


class _Places:
    """Where the characters of a page are, asked for by the thousand: the buffers are shared."""

    def __init__(self, text_page: Any) -> None:
        import pypdfium2.raw as pdfium

        self.pdfium = pdfium
        self.text_page = text_page.raw
        self.numbers = [ctypes.c_double() for _ in range(4)]
        self.places = [ctypes.byref(number) for number in self.numbers]
        self.matrix = pdfium.FS_MATRIX()

    def origin(self, index: int) -> tuple[float, float]:
        self.pdfium.FPDFText_GetCharOrigin(self.text_page, index, *self.places[:2])
        return self.numbers[0].value, self.numbers[1].value

    def right_edge(self, index: int) -> float:
        self.pdfium.FPDFText_GetCharBox(self.text_page, index, *self.places)
        return self.numbers[1].value

    def painted(self, index: int, *, least: int) -> int:
        """This character or the one before it that is in the file: PDFium adds spaces, size 1."""
        while index > least and self.pdfium.FPDFText_IsGenerated(self.text_page, index) == 1:
            index -= 1
        return index

    def font_size(self, index: int) -> float:
        scale = 1.0
        if self.pdfium.FPDFText_GetMatrix(self.text_page, index, self.matrix):
            determinant = self.matrix.a * self.matrix.d - self.matrix.b * self.matrix.c
            scale = math.sqrt(abs(determinant)) or 1.0
        return abs(float(self.pdfium.FPDFText_GetFontSize(self.text_page, index))) * scale

    def cells(
        self, line: str, first: int, *, left: float, gap: float
    ) -> tuple[tuple[float, str], ...]:
        """The parts of a line, whose characters begin with `first`, between gaps so wide."""
        cells = []
        begin = 0
        for match in _SPACES.finditer(line):
            before = self.right_edge(first + match.start() - 1)
            after = self.origin(first + match.end())[0]
            if after - before > gap:
                cells.append((left, line[begin : match.start()]))
                begin, left = match.end(), after
        return (*cells, (left, line[begin:]))
