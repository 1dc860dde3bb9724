"""JSON: objects become rows that can be read alone."""

import json
from collections.abc import Iterator
from typing import Any

from assistant.documents.builder import Builder
from assistant.documents.cleaning import one_line
from assistant.documents.days import day_of
from assistant.documents.encodings import decode

_LONG = 300  # a longer text, or one of several lines, stands by itself
_MOST_LEAVES = 40  # an object with more is taken apart


def read_json(data: bytes, builder: Builder) -> None:
    """Read a JSON file."""
    try:
        value = json.loads(decode(data))
    except (ValueError, RecursionError) as error:
        detail = one_line(str(error))[:100]
        raise builder.failure("corrupt", f"it is not valid JSON ({detail})") from error
    if isinstance(value, dict):
        builder.call_it(value.get("title") or value.get("name"))
        builder.date = day_of(value.get("date"))
    _add(value, builder)


def read_json_lines(data: bytes, builder: Builder) -> None:
    """Read a file of one JSON value a line."""
    for number, line in enumerate(decode(data).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise builder.failure("corrupt", f"line {number} is not valid JSON") from error
        _add_object(value, builder, row=number)


def _add(value: Any, builder: Builder) -> None:
    """Append a value; large objects and lists of objects are taken apart, without recursion."""
    stack: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while stack:
        path, value = stack.pop()
        builder.under(*path)
        if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            for number, item in enumerate(value, start=1):
                _add_object(item, builder, row=number)
            continue
        if isinstance(value, dict):
            parts = [(key, item) for key, item in value.items() if _is_large(item)]
            rest = {key: item for key, item in value.items() if not _is_large(item)}
            stack += [((*path, str(key)), item) for key, item in reversed(parts)]
            value = rest
        _add_object(value, builder, row=None)


def _is_large(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(item, dict | list) for item in value)
    return isinstance(value, dict) and sum(1 for _ in _leaves(value)) > _MOST_LEAVES


def _add_object(value: Any, builder: Builder, *, row: int | None) -> None:
    """Append one value as a row of its short parts, and a paragraph for each long text."""
    short, long = [], []
    for path, text in _leaves(value):
        if len(text) > _LONG or "\n" in text.strip():
            long.append(text)
        elif text.strip():
            short.append(f"{path}: {one_line(text)}" if path else one_line(text))
    builder.add("; ".join(short), kind="row", row=row)
    for text in long:
        builder.add(text, row=row)


def _leaves(value: Any) -> Iterator[tuple[str, str]]:
    """The simple values within a value, each with the names that lead to it."""
    stack = [("", value)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            named = [(f"{path}.{key}" if path else str(key), item) for key, item in value.items()]
            stack += reversed(named)
        elif isinstance(value, list):
            if any(isinstance(item, dict | list) for item in value):
                stack += [(path, item) for item in reversed(value)]
            else:
                yield path, ", ".join(map(_written, value))
        else:
            yield path, _written(value)


def _written(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
    return json.dumps(value)
