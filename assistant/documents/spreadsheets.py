"""Workbooks and separated values: a block for each row."""

import csv
import datetime
import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from xml.parsers import expat

from assistant.documents.builder import Builder
from assistant.documents.encodings import decode
from assistant.documents.rows import looks_like_headers, row_text

_ROWS_TO_LOOK_AT = 30
_DEFAULT_NAMES = ("sheet", "tabelle", "feuil", "hoja", "лист", "table")


def read_workbook(data: bytes, builder: Builder) -> None:
    """Read the visible sheets of an XLSX or ODS workbook."""
    from python_calamine import CalamineWorkbook, PasswordError

    _check_ods(data, builder)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError as error:
        raise builder.failure("encrypted") from error
    for sheet in workbook.sheets_metadata:
        if "WorkSheet" not in str(sheet.typ):
            continue
        content = workbook.get_sheet_by_name(sheet.name)
        if not content.width:
            continue
        first_row = (content.start or (0, 0))[0] + 1
        rows = (
            (number, [_written(cell) for cell in row])
            for number, row in enumerate(content.iter_rows(), start=first_row)
        )
        if not str(sheet.visible).endswith(".Visible"):
            builder.hidden += sum(len(cell) for _, row in rows for cell in row)
            continue
        plain_name = sheet.name.strip().lower().rstrip("0123456789 ") in _DEFAULT_NAMES
        builder.under(*([] if plain_name else [sheet.name]))
        _add_rows(builder, rows, sheet=sheet.name)


def _check_ods(data: bytes, builder: Builder) -> None:
    """Look whether an ODS file is encrypted or cut off: Calamine reads a cut off one for ever."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if "content.xml" not in names:
            return
        if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read(
            "META-INF/manifest.xml"
        ):
            raise builder.failure("encrypted")
        with archive.open("content.xml") as content:
            expat.ParserCreate().ParseFile(content)


def read_commas(data: bytes, builder: Builder) -> None:
    """Read separated values; the separator is told by looking."""
    text = decode(data)
    sample = "\n".join(text[:100_000].splitlines()[:_ROWS_TO_LOOK_AT])
    _add_separated(text, builder, delimiter=max(",;\t|", key=lambda it: _regularity(sample, it)))


def read_tabs(data: bytes, builder: Builder) -> None:
    """Read values separated by tabs."""
    _add_separated(decode(data), builder, delimiter="\t")


def _add_separated(text: str, builder: Builder, *, delimiter: str) -> None:
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    _add_rows(builder, enumerate(reader, start=1), sheet=None)


def _regularity(sample: str, delimiter: str) -> tuple[float, int]:
    """How much a sample looks like separated by it: the share of rows of the commonest width."""
    csv.field_size_limit(2**31 - 1)
    widths = Counter(len(row) for row in csv.reader(sample.splitlines(), delimiter=delimiter))
    widths.pop(0, None)
    wide = {width: count for width, count in widths.items() if width > 1}
    if not wide:
        return 0.0, 0
    width, count = max(wide.items(), key=lambda item: item[1])
    return count / widths.total(), width


def _add_rows(
    builder: Builder, rows: Iterable[tuple[int, Sequence[str]]], *, sheet: str | None
) -> None:
    """Append rows; those above the row that names the columns are paragraphs."""
    filled = ((number, row) for number, row in rows if any(cell.strip() for cell in row))
    first: list[tuple[int, Sequence[str]]] = []
    for item in filled:
        first.append(item)
        if len(first) == _ROWS_TO_LOOK_AT:
            break
    width = max((_width(row) for _, row in first), default=0)
    headers: Sequence[str] = ()
    body = 0
    for position, (_, row) in enumerate(first[:10]):
        if _width(row) < min(2, width):
            continue  # a title above the table
        if looks_like_headers([row for _, row in first[position:]]):
            headers, body = row, position + 1
        break
    if body:
        for number, row in first[: body - 1]:
            builder.add(row_text((), row), sheet=sheet, row=number)
    for number, row in first[body:]:
        builder.add(row_text(headers, row), kind="row", sheet=sheet, row=number)
    for number, row in filled:
        builder.add(row_text(headers, row), kind="row", sheet=sheet, row=number)


def _width(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _written(value: object) -> str:
    """A cell as a person would write it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.15g}" if abs(value) < 1e15 else f"{value:.0f}"
        case datetime.datetime():
            midnight = value.time() == datetime.time()
            return f"{value:%Y-%m-%d}" if midnight else f"{value:%Y-%m-%d %H:%M}"
        case datetime.time():
            return f"{value:%H:%M}" if not value.second else f"{value:%H:%M:%S}"
    return str(value)
