"""Tables become rows that can each be read alone."""

import re
from collections.abc import Sequence
from typing import Literal

from assistant.documents.builder import Builder
from assistant.documents.cleaning import one_line

_NUMBER = re.compile(r"[-+(]?[\s$€£¥₽]*\d[\d\s.,:/%)-]*[%€$£¥₽]?")
_MOST_COLUMNS = 1000


def row_text(headers: Sequence[str], cells: Sequence[str]) -> str:
    """Write one row as "Header: value; Header: value"; empty cells are left out."""
    parts = []
    for column, cell in enumerate(cells):
        value = one_line(cell)
        if not value:
            continue
        header = headers[column].rstrip(" :") if column < len(headers) else ""
        parts.append(f"{header}: {value}" if header and header != value else value)
    return "; ".join(parts)


def looks_like_headers(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: different short words, and more rows follow."""
    if len(rows) < 2:
        return False
    first = [one_line(cell) for cell in rows[0]]
    named = [cell for cell in first if cell]
    wide = max(len(row) for row in rows[1:21])
    return (
        len(named) >= max(1, min(len(first), wide) - 1)
        and len(set(named)) == len(named)
        and (len(first) > 1 or wide > 1)
        and all(len(cell) <= 100 and not _NUMBER.fullmatch(cell) for cell in named)
    )


def add_table(
    builder: Builder,
    rows: Sequence[Sequence[str]],
    *,
    header_rows: int | Literal["guess"] = "guess",
    page: int | None = None,
) -> None:
    """Append a table, a block for each row.

    `header_rows` says how many rows at the top name the columns, "guess" to tell by looking.
    A table of one column is a list of paragraphs.
    """
    rows = [row[:_MOST_COLUMNS] for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        return
    if max(map(len, rows)) == 1:
        for row in rows:
            builder.add(row[0], page=page)
        return
    wanted = looks_like_headers(rows) if header_rows == "guess" else header_rows
    named = min(wanted, len(rows) - 1)
    headers: list[str] = []
    for row in rows[:named]:
        for column, cell in enumerate(row):
            name = one_line(cell)
            if column >= len(headers):
                headers.append(name)
            elif name and name not in headers[column]:
                headers[column] = f"{headers[column]} {name}".strip()
    for row in rows[named:]:
        builder.add(row_text(headers, row), kind="row", page=page)
