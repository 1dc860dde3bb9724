"""What every route answers with: JSON, streams of events, and errors in one shape."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import anyio
import anyio.to_thread
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, StreamingResponse

from assistant.errors import (
    AssistantError,
    ConversationError,
    CorpusError,
    DocumentError,
    EmbeddingError,
    IndexCorruptError,
    IndexLockedError,
    IndexMismatchError,
    IndexMissingError,
    IndexStorageError,
    ModelError,
    PromptError,
    SettingsError,
    UploadError,
)
from assistant.payloads import Payload

logger = logging.getLogger(__name__)

# Of each error its status, and the word for programs; the first class that it is of decides.
# 409: the caller can make it right (sync, wait) and ask again; 503: whoever runs the server has to.
ERRORS: dict[type[AssistantError], tuple[int, str]] = {
    ConversationError: (404, "conversation"),
    SettingsError: (422, "invalid_request"),
    UploadError: (422, "upload"),
    DocumentError: (409, "document"),
    CorpusError: (409, "corpus"),
    IndexMissingError: (409, "index_missing"),
    IndexLockedError: (409, "index_locked"),
    IndexMismatchError: (409, "index_mismatch"),
    IndexCorruptError: (503, "index_corrupt"),
    IndexStorageError: (503, "index_storage"),
    EmbeddingError: (503, "embedding"),
    ModelError: (503, "model"),
    PromptError: (503, "prompt"),
}
# `UploadError.kind` and `DocumentError.kind`, where they say more than the class does.
KINDS = {
    "too-large": (413, "too_large"),
    "too-many": (413, "too_many"),
    "unsupported": (415, "unsupported_type"),
}
UNEXPECTED = "an unexpected error; it is in the server's log"


class ErrorDetail(BaseModel):
    """What went wrong: a stable word for programs, and a sentence for people."""

    type: str = Field(
        description="A word in snake_case, such as `invalid_request`, `index_missing`, "
        "`conversation` or `model_key`; the description of the whole lists them."
    )
    message: str = Field(description="What happened, to which thing, and what to do.")


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
    503: "The index or a model cannot be used now; whoever runs the server is told why.",
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
    status, kind = status_and_type(error)
    return Json(_body(kind, str(error)), status)


def status_and_type(error: AssistantError) -> tuple[int, str]:
    """The HTTP status of one of our errors, and its word for programs."""
    if isinstance(error, ModelError):
        status, kind = ERRORS[ModelError]
        return status, f"{kind}_{'unknown' if error.kind == 'model' else error.kind}"
    special = KINDS.get(getattr(error, "kind", ""))
    known = (found for kind, found in ERRORS.items() if isinstance(error, kind))
    return special or next(known, (500, "internal_error"))


def _body(kind: str, message: str) -> Payload:
    return {"error": {"type": kind, "message": message}}


# One event of a stream: its name and its data. None is a moment in which there is nothing to tell,
# and a connection that is closed is noticed.
Told = tuple[str, Payload | str] | None


def failed_event(error: Exception) -> tuple[str, Payload | str]:
    """The last event of a stream that failed."""
    if isinstance(error, AssistantError):
        return "error", _body(status_and_type(error)[1], str(error))
    return "error", _body("internal_error", UNEXPECTED)


def stream_events(
    events: Iterator[Told],
    *,
    first: Told = None,
    failed: Callable[[Exception], tuple[str, Payload | str]] = failed_event,
    limiter: anyio.CapacityLimiter | None = None,
) -> StreamingResponse:
    """Server-sent events from a blocking iterator, which is closed when the client goes away.

    No thread is held between two events. Where `first` is not given, call it in a thread (a plain
    `def` route): the first event is waited for here, so that an error before it is raised and
    gets a status. A later error becomes a last event.

    Args:
        events: (name of the event, its data), or None. An empty name leaves the name out; data
            that is a string is sent as it is, and must be one line.
        first: The first event, which is not among the events any more.
        failed: The event that tells an error.
        limiter: How many such iterators are at work at the same time; by default, as many as
            there are threads.
    """
    if first is None:
        first = next((event for event in events if event is not None), None)
    return StreamingResponse(
        _told(first, events, failed, limiter),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _told(
    event: Told,
    events: Iterator[Told],
    failed: Callable[[Exception], tuple[str, Payload | str]],
    limiter: anyio.CapacityLimiter | None,
) -> AsyncIterator[bytes]:
    ended = ("ended", "")
    try:
        while event is not ended:
            if event is not None:
                yield _event(*event)
            event = await anyio.to_thread.run_sync(next, events, ended, limiter=limiter)
    except AssistantError as error:
        yield _event(*failed(error))
    except Exception as error:
        logger.exception("a stream of events failed")
        yield _event(*failed(error))
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(close)


def _event(name: str, data: Payload | str) -> bytes:
    text = data if isinstance(data, str) else to_json(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode("ascii")
