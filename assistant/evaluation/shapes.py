"""Rows and answers that come from a file: whether they have the shape that we write."""

from collections.abc import Mapping
from typing import Any

from assistant.evaluation.running import Row

MISSING = (int, type(None))
PLACE: dict[str, Any] = {
    "source": str,
    "title": str,
    "heading": [str],
    "page": MISSING,
    "page_end": MISSING,
    "sheet": (str, type(None)),
    "row": MISSING,
}
# What a page shows of an answer; there is more in it.
ANSWER: dict[str, Any] = {
    "text": str,
    "search_query": str,
    "searches": [str],
    "choices": [str],
    "notice": str,
    "sentences": [{"text": str, "verdict": str, "reason": str, "citations": [int]}],
    "citations": [PLACE | {"number": int, "quote": str, "passage": str}],
    "closest": [PLACE | {"text": str}],
}


def fits(value: Any, shape: Any) -> bool:
    """Whether a value of JSON has a shape: a type or several, a list of one, or fields."""
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
    if isinstance(shape, Mapping):
        return isinstance(value, dict) and all(
            name in value and fits(value[name], inner) for name, inner in shape.items()
        )
    return isinstance(value, shape) and not isinstance(value, bool)


def sound(row: Row) -> bool:
    """Whether a row that was read can be summed up, compared and shown."""
    texts = [row.id, row.key, row.cluster, row.error, *row.tags, *row.reasons]
    return (
        all(isinstance(text, str) for text in texts)
        and row.half in (0, 1)
        and all(
            truth is None or truth is True or truth is False
            for truth in (row.answerable, row.refused)
        )
        and (row.confidence is None or _between(row.confidence, 0, 1))
        and _between(row.seconds, 0, 1e9)
        and isinstance(row.scores, dict)
        and all(score is None or _between(score, -1.01, 1.01) for score in row.scores.values())
        and (row.answer is None or fits(row.answer, ANSWER))
    )


def _between(value: Any, least: float, most: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and least <= value <= most  # nothing is with NaN
