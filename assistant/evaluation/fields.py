"""The fields of a line of an eval set: values of JSON, checked strictly."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Earlier:
    """A turn of the conversation before the question.

    Attributes:
        question: What was asked.
        answer: What was answered; None for whatever the assistant answers to it.
    """

    question: str
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A stretch of a document that holds the answer.

    Attributes:
        source: The document.
        quote: Its words, verbatim but for white space.
    """

    source: str
    quote: str


class WrongError(Exception):
    """A value is not what its field wants."""


def kind(value: Any) -> str:
    """What a value of JSON is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
    return names[type(value)]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise WrongError(f"{name} is {kind(value)}; it must be a text")
    return value


def _said(value: Any, name: str) -> str:
    if not _text(value, name).strip():
        raise WrongError(f"{name} is empty")
    return value  # type: ignore[no-any-return]


def _truth(value: Any, name: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise WrongError(f"{name} is {kind(value)}; it must be true, false, or null for unknown")
    return value


def _items(value: Any, name: str) -> list[tuple[Any, str]]:
    if not isinstance(value, list):
        raise WrongError(f"{name} is {kind(value)}; it must be a list")
    return [(item, f"{name} {number}") for number, item in enumerate(value, start=1)]


def _texts(value: Any, name: str) -> tuple[str, ...]:
    return tuple(_said(item, place) for item, place in _items(value, name))


def _answers(value: Any, name: str) -> tuple[tuple[str, ...], ...]:
    found = []
    for item, place in _items(value, name):
        parts = _texts(item, place) if isinstance(item, list) else (_said(item, place),)
        if not parts:
            raise WrongError(f"{place} is empty; it needs a part that the text must have")
        found.append(parts)
    return tuple(found)


def _object(
    value: Any, name: str, *, needs: tuple[str, ...], may: tuple[str, ...] = ()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongError(f"{name} is {kind(value)}; it must be an object with {', '.join(needs)}")
    for key in value:
        if key not in needs + may:
            raise WrongError(f"{name}: `{key}` is no field of it; known: {', '.join(needs + may)}")
    for key in needs:
        if key not in value:
            raise WrongError(f"{name}: `{key}` is missing")
    return value


def _history(value: Any, name: str) -> tuple[Earlier, ...]:
    turns = []
    for item, place in _items(value, name):
        turn = _object(item, place, needs=("question",), may=("answer",))
        question = _said(turn["question"], f"{place}: `question`")
        answer = turn.get("answer")
        turns.append(
            Earlier(question, None if answer is None else _text(answer, f"{place}: `answer`"))
        )
    return tuple(turns)


def _evidence(value: Any, name: str) -> tuple[Evidence, ...]:
    found = []
    for item, place in _items(value, name):
        entry = _object(item, place, needs=("source", "quote"))
        found.append(Evidence(**{key: _said(entry[key], f"{place}: `{key}`") for key in entry}))
    return tuple(found)


FIELDS: dict[str, Callable[[Any, str], Any]] = {
    "id": _said,
    "question": _said,
    "history": _history,
    "answerable": _truth,
    "answers": _answers,
    "references": _texts,
    "choices": _texts,
    "sources": _texts,
    "evidence": _evidence,
    "tags": _texts,
    "group": _text,
    "comment": _text,
    "rating": _text,
    "answer": _text,
}
