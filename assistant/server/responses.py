"""What every route answers with: JSON, streams of events, and errors in one shape."""

import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import anyio
import anyio.to_thread
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, StreamingResponse

from assistant.errors import (
    AssistantError,
    ConversationError,
    CorpusError,
    DocumentError,
    EmbeddingError,
    IndexLockedError,
    IndexMismatchError,
    IndexMissingError,
    IndexStorageError,
    SettingsError,
    UploadError,
)
from assistant.payloads import Payload

logger = logging.getLogger(__name__)

# The first class that an error is of decides. 409: the caller can make it right (sync, wait) and
# ask again; 503: whoever runs the server has to.
STATUSES: dict[type[AssistantError], int] = {
    ConversationError: 404,
    SettingsError: 422,
    UploadError: 422,
    DocumentError: 409,
    CorpusError: 409,
    IndexMissingError: 409,
    IndexLockedError: 409,
    IndexMismatchError: 409,
    IndexStorageError: 503,
    EmbeddingError: 503,
}
# `UploadError.kind` and `DocumentError.kind`, where they say more than the class does.
KINDS = {"too-large": 413, "too-many": 413, "unsupported": 415}
UNEXPECTED = "an unexpected error; it is in the server's log"


class ErrorDetail(BaseModel):
    """What went wrong: a stable word for programs, and a sentence for people."""

    type: str
    message: str


class ErrorBody(BaseModel):
    """The body of every answer whose status is 400 or more."""

    error: ErrorDetail


_MEANINGS = {
    400: "The request cannot be understood.",
    401: "Say who you are: a bearer token, or name and password.",
    403: "The request comes from another site.",
    404: "There is no such thing.",
    405: "The path does not know this method.",
    409: "The index is not in a state for this: nothing synced yet, or being written to.",
    413: "The request is too large.",
    415: "The type of what was sent is not read.",
    421: "The server does not answer to this host name.",
    422: "A field is missing or not usable; the message names it and what is wanted.",
    429: "Too many failed attempts to log in.",
    500: "An unexpected error; it is in the server's log.",
    503: "The index or the model cannot be used now.",
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route or router: these errors, and those that any route may answer."""
    always = (400, 401, 403, 421, 500, 503)
    return {
        status: {"model": ErrorBody, "description": _MEANINGS[status]}
        for status in sorted({*always, *statuses})
    }


def in_json(errors: Mapping[int | str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """What `documented` gives, for a route that otherwise answers with something else than JSON."""
    body = {"schema": {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}}
    return {
        status: {"description": error["description"], "content": {"application/json": body}}
        for status, error in errors.items()
    }


def described_events(*names: str, example: str | None = None) -> dict[str, Any]:
    """The `content=` of a stream of events of these names (OpenAPI 3.2's `itemSchema`).

    Args:
        names: The events; none for a stream whose events have no names.
        example: A whole stream.
    """
    properties: dict[str, Any] = {
        "data": {"type": "string", "contentMediaType": "application/json"}
    }
    if names:
        properties["event"] = {"type": "string", "enum": list(names)}
    item = {"type": "object", "required": list(properties), "properties": properties}
    shown = {} if example is None else {"example": example}
    return {"text/event-stream": {"itemSchema": item, **shown}}


class Json(JSONResponse):
    """JSON in ASCII: a lone surrogate, which no encoding knows, is written as an escape."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes; numbers that JSON does not know are an error."""
        return to_json(content).encode("ascii")


def to_json(content: Any) -> str:
    """One line of ASCII."""
    return json.dumps(content, allow_nan=False, separators=(",", ":"))


def problem(
    status: int, message: str, *, kind: str | None = None, headers: Mapping[str, str] | None = None
) -> Json:
    """An error that is none of ours: `kind` is by default the status's own name."""
    return Json(_body(kind or _KIND.get(status, "error"), message), status, headers)


_KIND = {
    400: "bad_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_type",
    421: "wrong_host",
    422: "invalid_request",
    429: "too_many_attempts",
    500: "internal_error",
    503: "unavailable",
}


def failure(error: AssistantError) -> Json:
    """One of our errors with its status; the message says what to do."""
    return Json(_body(type(error).__name__, str(error)), status_of(error))


def status_of(error: AssistantError) -> int:
    """The HTTP status of one of our errors."""
    kind = KINDS.get(getattr(error, "kind", ""))
    if kind is not None:
        return kind
    return next((status for known, status in STATUSES.items() if isinstance(error, known)), 500)


def _body(kind: str, message: str) -> Payload:
    return {"error": {"type": kind, "message": message}}


def stream_events(
    events: Iterator[tuple[str, Payload | str]],
    *,
    error_event: str = "error",
    limiter: anyio.CapacityLimiter | None = None,
) -> StreamingResponse:
    """Server-sent events from a blocking iterator, which is closed when the client goes away.

    Call it in a thread (a plain `def` route): the first event is waited for here, so that an error
    before it is raised and gets a status. A later error becomes a last event. No thread is held
    between two events.

    Args:
        events: (name of the event, its data). An empty name leaves the name out; data that is a
            string is sent as it is, and must be one line.
        error_event: The name of the event that tells an error.
        limiter: How many such iterators are at work at the same time; by default, as many as
            there are threads.
    """
    first = next(events, None)
    return StreamingResponse(
        _told(first, events, error_event, limiter),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _told(
    event: tuple[str, Payload | str] | None,
    events: Iterator[tuple[str, Payload | str]],
    error_event: str,
    limiter: anyio.CapacityLimiter | None,
) -> AsyncIterator[bytes]:
    try:
        while event is not None:
            yield _event(*event)
            event = await anyio.to_thread.run_sync(next, events, None, limiter=limiter)
    except AssistantError as error:
        yield _event(error_event, _body(type(error).__name__, str(error)))
    except Exception:
        logger.exception("a stream of events failed")
        yield _event(error_event, _body("internal_error", UNEXPECTED))
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(close)


def _event(name: str, data: Payload | str) -> bytes:
    text = data if isinstance(data, str) else to_json(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode("ascii")
