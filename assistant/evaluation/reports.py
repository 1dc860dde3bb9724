"""A run on disk: a header that says what was run, then a line a case, all of it JSON.

A report without texts keeps what is compared and nothing else: it is small, the same whenever the
answers are the same, and made to be committed as a baseline.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from assistant.errors import EvaluationError
from assistant.evaluation.cases import Case, dump, parse
from assistant.evaluation.running import Row, key_of, unusable
from assistant.evaluation.shapes import sound
from assistant.evaluation.statistics import Figure
from assistant.evaluation.summary import Part, Summary

# The first field of a header; another number is another format.
FORMAT = 1
# Of a figure in a file; what differs less differs by rounding.
DIGITS = 4

# What is not the same at the next run of the same, and is of no use to a comparison.
PASSING = ("made_at", "seconds", "threads", "git", "code")

Header = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A case in a report.

    Attributes:
        row: What came of it.
        case_key: Changes with the case; answers to another case cannot be compared.
        case: The case; None in a report without texts.
    """

    row: Row
    case_key: str
    case: Case | None = None

    @classmethod
    def of(cls, row: Row, case: Case) -> "Entry":
        """What came of this case."""
        return cls(row, key_of(case, ""), case)


@dataclass(frozen=True, slots=True)
class Report:
    """A run.

    Attributes:
        header: What was run, under which conditions, and its figures.
        entries: The cases, in the order of their file.
    """

    header: Header
    entries: tuple[Entry, ...]


def figures(found: Summary, *, tags: bool = True) -> Header:
    """The figures of a run as JSON knows them."""
    parts = {"overall": found.overall} | {
        name: half for name, half in found.halves.items() if half.cases
    }
    payload: Header = {name: part_payload(one) for name, one in parts.items()}
    if tags:
        payload["tags"] = {name: part_payload(one) for name, one in found.tags.items()}
    return payload


def part_payload(part: Part) -> Header:
    """The figures over some cases."""
    return {
        "cases": part.cases,
        "crashed": part.crashed,
        "unlabelled": part.unlabelled,
        "refusals": asdict(part.refusals),
        "figures": {name: _figure(one) for name, one in part.figures.items()},
        "latency": part.latency,
    }


def write(report: Report, path: str | Path, *, texts: bool = True) -> None:
    """Write a report, in place of an earlier one.

    Raises:
        EvaluationError: The file is something else, or cannot be written.
    """
    path = Path(path)
    require_replaceable(path, is_ours=is_report)
    header = {"eval": FORMAT} | (report.header if texts else _lasting(report.header))
    lines = [header, *(_line(entry, texts=texts) for entry in report.entries)]
    write_text(path, "".join(json.dumps(line) + "\n" for line in lines))


def read(path: str | Path) -> Report:
    """Read a report, with or without texts.

    Raises:
        EvaluationError: The file cannot be read, or is none; the message names the line.
    """
    path = Path(path)
    try:
        first, *lines = path.read_bytes().decode("ascii").splitlines() or [""]
    except OSError as error:
        raise unusable(path, error) from error
    except UnicodeDecodeError:
        first, lines = "", []
    header = _header(first)
    if header is None:
        raise EvaluationError(
            f"{path} is no report; name a file that `assistant eval --out` has written"
        )
    entries = []
    for number, line in enumerate(lines, start=2):
        try:
            entries.append(_entry(json.loads(line)))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise EvaluationError(
                f"{path}, line {number}: this is no row of a report; make the report anew"
            ) from error
    return Report(header, tuple(entries))


def is_report(start: str) -> bool:
    """Whether a file that begins like this is a report."""
    return start.startswith('{"eval": ')


def require_replaceable(path: Path, *, is_ours: Callable[[str], bool]) -> None:
    """See that a file may be written: there is none, or one of the same kind.

    Raises:
        EvaluationError: It is something else, or cannot be read, or its folder is not there.
    """
    try:
        with path.open("rb") as file:
            start = file.read(100).decode("utf-8", "replace")
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise EvaluationError(f"{path.parent} is no folder; create it first") from None
        return
    except OSError as error:
        raise unusable(path, error) from error
    if start and not is_ours(start):
        raise EvaluationError(f"{path} is there, and is no report; name another file")


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all.

    Raises:
        EvaluationError: It cannot be written.
    """
    beside = path.with_name(path.name + ".new")
    try:
        beside.write_text(text, encoding="utf-8", errors="backslashreplace")
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise unusable(path, error) from error


def _lasting(header: Header) -> Header:
    """What is the same at the next run of the same."""
    kept = {key: value for key, value in header.items() if key not in PASSING}
    kept["index"] = {key: value for key, value in header["index"].items() if key != "revision"}
    kept["figures"] = {
        name: {key: value for key, value in one.items() if key != "latency"}
        for name, one in header["figures"].items()
        if name != "tags"
    }
    return kept


def _line(entry: Entry, *, texts: bool) -> Header:
    row = asdict(entry.row)
    if not texts:
        for name in ("answer", "groundedness", "reasons", "seconds", "key"):
            del row[name]
        return {"case_key": entry.case_key} | _rounded(row)
    case = None if entry.case is None else json.loads(dump(entry.case))
    return {"case_key": entry.case_key, "case": case} | row


def _rounded(row: Header) -> Header:
    scores = {name: _round(score) for name, score in row["scores"].items() if score is not None}
    return row | {"confidence": _round(row["confidence"]), "scores": scores}


def _header(line: str) -> Header | None:
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) and header.get("eval") == FORMAT else None


def _entry(values: Any) -> Entry:
    """The entry of a line; as strict as whoever reads it further needs."""
    if not isinstance(values, dict):
        raise TypeError
    key, case = values.pop("case_key"), values.pop("case", None)
    row = Row.read(json.dumps({"key": "", "groundedness": [], "reasons": []} | values))
    if not (isinstance(key, str) and sound(row)):
        raise ValueError
    if case is None:
        return Entry(row, key)
    read_cases, problems = parse(json.dumps(case))
    if problems:
        raise ValueError(problems[0])
    return Entry(row, key, replace(read_cases[0], line=0))


def _figure(figure: Figure) -> Mapping[str, float | int | None]:
    return {
        "value": _round(figure.value),
        "cases": figure.cases,
        "low": _round(figure.low),
        "high": _round(figure.high),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def rows_of(entries: Iterable[Entry]) -> Sequence[Row]:
    """What came of each."""
    return [entry.row for entry in entries]
