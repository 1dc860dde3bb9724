"""Values as plain data, ready for JSON: what programs get from every door but Python's."""

from dataclasses import asdict, fields, is_dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from assistant.answering import Answer, Citation, Piece, Sentence
from assistant.errors import DocumentError
from assistant.grounding import Verdict
from assistant.retrieval import Hit
from assistant.sync import Plan, SyncReport

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Payload = dict[str, Any]
Value = TypeVar("Value")


def answer_payload(answer: Answer) -> Payload:
    """An answer; the headings of a citation are a list, outermost first."""
    return plain(replace(answer, citations=(), closest=())) | {
        "citations": [citation_payload(citation) for citation in answer.citations],
        "closest": [hit_payload(hit) for hit in answer.closest],
    }


def as_text(answer: Answer) -> str:
    """An answer for where nothing but its text is seen: remarks on sentences, then the notice."""
    text = answer.text
    if answer.sentences:
        text = "".join(remarked(sentence) for sentence in answer.sentences)
    return f"{text}\n\n{answer.notice}" if answer.notice else text


def remarked(sentence: Sentence) -> str:
    """A sentence as it stands in an answer's text, and behind it if and why it is unsupported."""
    marks = "".join(f"[{number}]" for number in sentence.citations)
    text = f"{sentence.lead}{sentence.text}{' ' * bool(marks)}{marks}"
    if sentence.verdict != "unsupported":
        return text
    return f"{text} (unsupported{': ' * bool(sentence.reason)}{sentence.reason})"


def citation_payload(citation: Citation) -> Payload:
    """A citation, and why its passage was found."""
    return plain(citation) | {"why": citation.why}


def piece_payload(piece: Piece) -> Payload:
    """A sentence of an answer on its way, with the citations that are new in it."""
    return plain(replace(piece, citations=())) | {
        "citations": [citation_payload(citation) for citation in piece.citations]
    }


def hit_payload(hit: Hit) -> Payload:
    """A hit: the passage's place and text, then why it was found."""
    payload = plain(hit)
    passage = payload.pop("passage")
    place = ("source", "title", "page", "page_end", "heading", "sheet", "row", "start", "end")
    del payload["id"]
    return {key: passage[key] for key in place} | {"text": hit.text} | payload | {"why": hit.why}


def verdict_payload(verdict: Verdict, *, sources: list[str]) -> Payload:
    """A verdict on a sentence; `sources` names the texts that it was judged by."""
    payload = plain(verdict)
    payload["text"], payload["verdict"] = payload.pop("sentence"), payload.pop("label")
    for support in payload["supports"]:
        support["source"] = sources[support["source"]]
    order = ("text", "verdict", "score", "reason", "start", "end", "supports")
    return {key: payload[key] for key in order}


def plan_payload(plan: Plan) -> Payload:
    """What a sync would do: the sources concerned, by what would become of them."""
    return {
        "folder": str(plan.folder),
        "rebuild": plan.rebuild,
        "added": [entry.source for entry in plan.added],
        "changed": [entry.source for entry in plan.changed],
        "moved": [{"from": old, "to": entry.source} for old, entry in plan.moved],
        "removed": list(plan.removed),
        "unchanged": plan.unchanged + len(plan.touched),
        "failed": [failure_payload(error) for error in plan.failed],
        "skipped": plan.skipped,
    }


def report_payload(report: SyncReport) -> Payload:
    """What a sync did: the counts, and the files that failed."""
    payload = plain(report)
    payload["failed"] = [failed._asdict() for failed in report.failed]
    return payload


def failure_payload(error: DocumentError) -> Payload:
    """A file that cannot be read."""
    return {
        "source": error.source,
        "kind": error.kind,
        "reason": error.reason,
        "remedy": error.remedy,
    }


def plain(value: "DataclassInstance") -> Payload:
    """Any of our frozen values, field by field, as JSON knows them."""
    payload: Payload = _jsonable(asdict(value))
    return payload


def restored(kind: type[Value], payload: Payload) -> Value:
    """The value that `plain` made plain; fields that it does not know are left aside.

    Raises:
        TypeError: A field that has no default is missing.
    """
    hints = _hints(kind)  # type: ignore[arg-type]
    known = {name: _restored(hints[name], payload[name]) for name in hints if name in payload}
    return kind(**known)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _restored(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    inner = get_args(kind)
    if NoneType in inner:
        return _restored(inner[0], value)
    if get_origin(kind) is tuple:
        return tuple(_restored(inner[0], item) for item in value)
    if is_dataclass(kind):
        return restored(kind, value)  # type: ignore[arg-type]
    if kind is date:
        return date.fromisoformat(value)
    return kind(*value) if isinstance(value, list) else value  # a named tuple


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value
