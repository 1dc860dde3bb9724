"""Values as plain data, ready for JSON: what programs get from every door but Python's."""

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.answering import Answer
from assistant.errors import DocumentError
from assistant.grounding import Verdict
from assistant.retrieval import Hit
from assistant.sync import Plan, SyncReport

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Payload = dict[str, Any]


def answer_payload(answer: Answer) -> Payload:
    """An answer; the headings of a citation are a list, outermost first."""
    payload = plain(answer)
    del payload["closest"]
    return payload


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


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value
