"""A page of a PDF as a picture, and where on it some words are, by PDFium.

PDFium is neither safe with threads nor with every hostile file: call it in a child process.
"""

import base64
import ctypes
import io
import math
import re
import statistics
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from assistant.documents.failures import failure
from assistant.documents.pdf_lines import remove_unseen

MOST_PIXELS = 8_000_000
MOST_MARKS = 500
_LONGEST_SIDE = 16_000
_SHARES = 1 << 24  # of the page's width and height, as PDFium counts device units: whole numbers
_LEAST_LETTERS = 12  # of a quote that goes over the end of a page, on this side of it
_BESIDE = 300  # letters of footers or headers between such a part and the end of the page
_BREAKS = (0x0A, 0x0D, 0xFFFE, 0x02)  # the last two stand for a hyphen at the end of a line
_MARKER = (255, 236, 120)
_BY_CHANCE = 4
_HEADER = re.compile(r"(?:^|(?<=; ))[^:;]{1,100}: ")

Span = tuple[int, int]
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom; shares of the page


def draw(
    path: Path, number: int, *, quotes: Sequence[str], width: int, painted: bool
) -> dict[str, Any]:
    """A message with the picture of a page, counted from 1, and the marks of the quotes.

    It has no picture if the document has no such page.

    Raises:
        DocumentError: The file cannot be read.
    """
    import pypdfium2  # type: ignore[import-untyped]
    import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        kinds = {
            pdfium.FPDF_ERR_FILE: "unreadable",
            pdfium.FPDF_ERR_PASSWORD: "encrypted",
            pdfium.FPDF_ERR_SECURITY: "encrypted",
        }
        raise failure("", kinds.get(error.err_code, "corrupt")) from error
    pages = len(document)
    if not 1 <= number <= pages:
        return {"pages": pages}
    try:
        page = document[number - 1]
        picture = _picture(page, width)
        remove_unseen(page)
        text_page = page.get_textpage()
        marks = _marks(page, text_page, quotes, picture.size)
        text_page.close()
        page.close()
    except pypdfium2.PdfiumError as error:
        raise failure("", "corrupt", f"its page {number} is damaged") from error
    finally:
        document.close()
    if painted:
        _paint(picture, marks)
    data = io.BytesIO()
    # The quickest level but one: a page takes 15 ms, with the usual level 100.
    picture.save(data, "PNG", compress_level=1)
    return {
        "pages": pages,
        "png": base64.b64encode(data.getvalue()).decode("ascii"),
        "width": picture.width,
        "height": picture.height,
        "marks": [(left, top, right - left, bottom - top) for left, top, right, bottom in marks],
    }


def _picture(page: Any, width: int) -> Any:
    """The page as it is seen, so many pixels wide, or fewer if it would become too large."""
    across, down = (side if math.isfinite(side) and side > 0 else 1.0 for side in page.get_size())
    scale = min(
        width / across,
        math.sqrt(MOST_PIXELS / (across * down)),
        _LONGEST_SIDE / max(across, down),
    )
    # PDFium's size is rounded up, and should not be by what a division leaves.
    return page.render(scale=scale * (1 - 1e-9)).to_pil().convert("RGB")


def _paint(picture: Any, marks: Sequence[Rectangle]) -> None:
    """Lay a marker's colour over these places."""
    from PIL import Image, ImageChops

    for left, top, right, bottom in marks:
        corner = (int(left * picture.width), int(top * picture.height))
        end = (math.ceil(right * picture.width), math.ceil(bottom * picture.height))
        area = picture.crop((*corner, *end))
        picture.paste(ImageChops.multiply(area, Image.new("RGB", area.size, _MARKER)), corner)


def _marks(
    page: Any, text_page: Any, quotes: Sequence[str], size: tuple[int, int]
) -> list[Rectangle]:
    import pypdfium2.raw as pdfium

    wanted = [quote for quote in quotes if quote.strip()]
    if not wanted:
        return []
    characters = [
        pdfium.FPDFText_GetUnicode(text_page, index)
        for index in range(pdfium.FPDFText_CountChars(text_page))
    ]
    letters, places = folded(characters)

    def between(at: int) -> Sequence[int]:
        return characters[places[at - 1] + 1 : places[at]] if 0 < at < len(places) else _BREAKS

    def parted(at: int) -> bool:
        return bool(between(at))

    def broken(at: int) -> bool:
        return any(code in _BREAKS for code in between(at))

    marks: list[Rectangle] = []
    for quote in wanted:
        for start, end in find(quote, letters, parted=parted, broken=broken):
            first, last = places[start], places[end - 1]
            last = _with_closing_marks(characters, last)
            boxes = list(_boxes(page, text_page, first, last))
            marks += [mark for mark in _lines(boxes, size) if mark not in marks]
    return marks[:MOST_MARKS]


def folded(characters: Sequence[int]) -> tuple[str, list[int]]:
    """The letters and digits of some code points, and the index that each comes from.

    Case, accents, ligatures, white space, hyphens and quotation marks make no difference then.
    """
    letters: list[str] = []
    places: list[int] = []
    high = 0
    for index, code in enumerate(characters):
        if 0xD800 <= code < 0xDC00:  # half of a character, as UTF-16 has it
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00 if high else 0
        high = 0
        for letter in _fold(code):
            letters.append(letter)
            places.append(index)
    return "".join(letters), places


@lru_cache(maxsize=4096)
def _fold(code: int) -> str:
    character = chr(code) if code < 0x110000 else ""
    plain = unicodedata.normalize("NFKD", character).casefold()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", plain)))


def find(
    quote: str, letters: str, *, parted: Callable[[int], bool], broken: Callable[[int], bool]
) -> list[Span]:
    """Where a quote, or the part of it that is on this page, is among the page's letters.

    `parted` says whether a word begins with the letter of this number, `broken` whether a line
    does; both are true of the end of the page.
    """
    wanted = folded(list(map(ord, quote)))[0]
    values = folded(list(map(ord, _HEADER.sub("", quote))))[0]  # of a row "Country: Iran; ..."
    for key in filter(None, (wanted, values)):
        start = letters.find(key)
        # A few letters may be a part of other words by chance.
        while (
            start >= 0
            and len(key) < _LEAST_LETTERS
            and not (parted(start) and parted(start + len(key)))
        ):
            start = letters.find(key, start + 1)
        if start >= 0:
            return [(start, start + len(key))]
    if len(wanted) < _LEAST_LETTERS:
        return []
    # A part of it goes on up to the end of a line. What follows there, or what stands before the
    # other part, may have some of the same letters by chance.
    size = _longest(wanted, letters, from_start=True)
    start = letters.rfind(wanted[:size])
    ends = (end for end in range(start + size, start + size - _BY_CHANCE, -1) if broken(end))
    head = (start, next(ends, start))
    size = _longest(wanted, letters, from_start=False)
    end = letters.find(wanted[len(wanted) - size :]) + size
    starts = (start for start in range(end - size, end - size + _BY_CHANCE) if broken(start))
    tail = (next(starts, end), end)
    long, wide = head[1] - head[0], tail[1] - tail[0]
    # Broken by a footer, a note or a picture in between.
    if min(long, wide) > 0 and long + wide >= 0.9 * len(wanted):
        return [head, tail]
    # Gone on with on the next page, or begun on the one before.
    if long >= _LEAST_LETTERS and len(letters) - head[1] <= _BESIDE:
        return [head]
    if wide >= _LEAST_LETTERS and tail[0] <= _BESIDE:
        return [tail]
    return []


def _longest(wanted: str, letters: str, *, from_start: bool) -> int:
    """How much of a text's start, or end, is in another."""
    least, most = 0, len(wanted)
    while least < most:
        middle = (least + most + 1) // 2
        part = wanted[:middle] if from_start else wanted[len(wanted) - middle :]
        if part in letters:
            least = middle
        else:
            most = middle - 1
    return least


def _with_closing_marks(characters: Sequence[int], last: int) -> int:
    """The full stop and quotation marks after the last letter belong to the sentence."""
    for index in range(last + 1, min(last + 4, len(characters))):
        if not unicodedata.category(chr(min(characters[index], 0x10FFFF))).startswith("P"):
            return index - 1
    return min(last + 3, len(characters) - 1)


def _boxes(page: Any, text_page: Any, first: int, last: int) -> Iterator[Rectangle]:
    """Where the characters from `first` to `last` are, as a reader sees the page."""
    import pypdfium2.raw as pdfium

    loose = pdfium.FS_RECTF()
    edges = [ctypes.c_double() for _ in range(4)]
    x, y = ctypes.c_int(), ctypes.c_int()
    for index in range(first, last + 1):
        if not pdfium.FPDFText_GetCharBox(text_page, index, *edges):
            continue
        left, right, bottom, top = (edge.value for edge in edges)
        size = float(pdfium.FPDFText_GetFontSize(text_page, index))
        # As high as the line, where the font says how high that is.
        if pdfium.FPDFText_GetLooseCharBox(text_page, index, loose):
            high = max(loose.right - loose.left, loose.top - loose.bottom)
            if right > left and top > bottom and high < 3 * max(size, right - left, top - bottom):
                left, right = min(left, loose.left), max(right, loose.right)
                bottom, top = min(bottom, loose.bottom), max(top, loose.top)
        corners = []
        for across, up in ((left, bottom), (right, top)):
            pdfium.FPDF_PageToDevice(page, 0, 0, _SHARES, _SHARES, 0, across, up, x, y)
            corners.append((x.value / _SHARES, y.value / _SHARES))
        (x1, y1), (x2, y2) = corners
        box = (
            max(0.0, min(x1, x2)),
            max(0.0, min(y1, y2)),
            min(1.0, max(x1, x2)),
            min(1.0, max(y1, y2)),
        )
        if box[0] < box[2] and box[1] < box[3]:
            yield box


def _lines(boxes: Sequence[Rectangle], size: tuple[int, int]) -> list[Rectangle]:
    """One rectangle for each line of text that the characters stand in."""
    width, height = size
    across = [abs(b[0] + b[2] - a[0] - a[2]) * width for a, b in pairwise(boxes)]
    down = [abs(b[1] + b[3] - a[1] - a[3]) * height for a, b in pairwise(boxes)]
    upright = not across or statistics.median(across) >= statistics.median(down)
    low, high = (1, 3) if upright else (0, 2)
    lines: list[Rectangle] = []
    for box in boxes:
        if lines:
            line = lines[-1]
            shared = min(line[high], box[high]) - max(line[low], box[low])
            if shared >= 0.5 * min(line[high] - line[low], box[high] - box[low]):
                lines[-1] = (
                    min(line[0], box[0]),
                    min(line[1], box[1]),
                    max(line[2], box[2]),
                    max(line[3], box[3]),
                )
                continue
        lines.append(box)
    return lines
