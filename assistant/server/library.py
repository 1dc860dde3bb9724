"""The HTTP API for the documents: what is indexed, its pages, uploads, removal and sync."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Literal
from urllib.parse import parse_qsl

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from assistant.assistant import Assistant
from assistant.documents.pictures import NARROWEST, WIDEST
from assistant.errors import UploadError
from assistant.payloads import Payload, plain, plan_payload, report_payload
from assistant.server import library_shapes as shapes
from assistant.server.api import operation_id
from assistant.server.limits import Limits
from assistant.server.receiving import Received
from assistant.server.responses import (
    Json,
    described_events,
    documented,
    failure,
    in_json,
    problem,
    stream_events,
)
from assistant.server.working import working
from assistant.sync import Progress, Step
from assistant.uploads import UploadReport

MOST_LISTED = 1000
LONGEST_TEXT = 1_000_000  # characters in one answer
# All of a request's address has to fit into 64 KiB.
MOST_QUOTES = 10
LONGEST_QUOTE = 4_000


def router(assistant: Assistant, limits: Limits) -> APIRouter:
    """All routes, around one assistant."""
    routes = APIRouter(
        prefix="/v1", default_response_class=Json, generate_unique_id_function=operation_id
    )
    _documents(routes, assistant, limits)
    _changes(routes, assistant)
    _syncing(routes, assistant)
    return routes


class Png(Response):
    """A picture."""

    media_type = "image/png"


_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {
                    "files": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "string", "format": "binary"},
                    }
                },
            }
        }
    },
}


def _given(request: Request, name: str) -> list[str]:
    """A parameter's values, byte for byte: a file name need not be UTF-8 (PEP 383)."""
    pairs = parse_qsl(request.url.query, keep_blank_values=True, errors="surrogateescape")
    return [value for key, value in pairs if key == name]


def _one_source(
    request: Request,
    source: Annotated[str, Query(min_length=1, description="The document's source.")],
) -> str:
    return _given(request, "source")[-1]


def _sources(
    request: Request,
    source: Annotated[
        list[str],
        Query(min_length=1, max_length=MOST_LISTED, description="A document's source; repeatable."),
    ],
) -> list[str]:
    return _given(request, "source")


Source = Annotated[str, Depends(_one_source)]
Sources = Annotated[list[str], Depends(_sources)]
Offset = Annotated[int, Query(ge=0, description="How many to leave out first.")]


def _documents(routes: APIRouter, assistant: Assistant, limits: Limits) -> None:
    @routes.get(
        "/documents",
        tags=["Documents"],
        summary="List documents",
        response_model=shapes.DocumentList,
        responses=documented(409, 422),
    )
    def list_documents(
        text: Annotated[
            str,
            Query(
                max_length=1000, description="Only those with all these words in title or source."
            ),
        ] = "",
        type: Annotated[
            list[str] | None, Query(description="Only these formats; repeatable.")
        ] = None,
        origin: Annotated[
            Literal["folder", "program"] | None,
            Query(description="Only files of the synced folder, or what was added and uploaded."),
        ] = None,
        limit: Annotated[int, Query(ge=0, le=MOST_LISTED, description="The most to list.")] = 100,
        offset: Offset = 0,
    ) -> Response:
        """What is indexed, and which files could not be read."""
        status = assistant.status()
        words, types = text.split(), {name.lower().removeprefix(".") for name in type or ()}
        found = [
            document
            for document in status.documents
            if document.has(words)
            and (not types or document.type in types)
            and origin in (None, document.origin)
        ]
        return Json(
            {
                "total": len(found),
                "documents": [plain(line) for line in found[offset : offset + limit]],
                "counts": plain(status.counts),
                "failures": [plain(failed) for failed in status.failures],
                "folder": status.manifest.folder,
                "synced_at": status.manifest.synced_at,
                "problem": status.problem,
            }
        )

    @routes.get(
        "/documents/text",
        tags=["Documents"],
        summary="Read a document",
        response_model=shapes.DocumentText,
        responses=documented(404, 409, 422),
    )
    def get_document_text(
        source: Source,
        offset: Offset = 0,
        limit: Annotated[
            int, Query(ge=0, le=LONGEST_TEXT, description="The most characters.")
        ] = LONGEST_TEXT,
    ) -> Response:
        """A document's text as it was indexed; citations count its characters."""
        document = assistant.document(source)
        if document is None:
            return _no_document()
        return Json(
            {
                "source": document.source,
                "title": document.title,
                "type": document.type,
                "date": document.date and document.date.isoformat(),
                "content_hash": document.content_hash,
                "hidden_characters": document.hidden_characters,
                "pages": max((block.page_end or 0 for block in document.blocks), default=0) or None,
                "length": len(document.text),
                "offset": offset,
                "text": document.text[offset : offset + limit],
            }
        )

    @routes.get(
        "/documents/page",
        tags=["Documents"],
        summary="Look at a page",
        response_class=Png,
        responses={
            200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
            **in_json(documented(404, 409, 413, 415, 422)),
        },
    )
    async def get_document_page(
        source: Source,
        page: Annotated[int, Query(ge=1, description="The page, from 1.")],
        quote: Annotated[
            list[Annotated[str, Field(max_length=LONGEST_QUOTE)]] | None,
            Query(max_length=MOST_QUOTES, description="Words to mark; repeatable."),
        ] = None,
        width: Annotated[int, Query(ge=NARROWEST, le=WIDEST, description="In pixels.")] = 1000,
    ) -> Response:
        """A page of a PDF as a picture, with the words of quotes marked on it."""
        draw = partial(
            assistant.page_picture, source, page, quotes=quote or (), width=width, painted=True
        )
        picture = await run_sync(draw, limiter=limits.drawing)
        if picture is None:
            return problem(
                404,
                "there is no picture of that: it is no page of a PDF in the index, or the file "
                "has changed since it was indexed; sync, and see /v1/documents",
            )
        return Png(picture.png)


def _changes(routes: APIRouter, assistant: Assistant) -> None:
    @routes.post(
        "/documents",
        tags=["Documents"],
        summary="Upload documents",
        response_model=shapes.UploadReportShape,
        responses={
            200: {"content": described_events("progress", "report", "error")},
            **documented(409, 413, 415, 422),
        },
        openapi_extra={"requestBody": _FORM},
    )
    async def upload_documents(request: Request) -> Response:
        """Index files sent as the parts of a form; each has its own result in `files`.

        A document's source is `uploads/NAME`; one of that name that was uploaded before is
        replaced. Where `text/event-stream` is accepted, the answer comes as server-sent events:
        `progress` (`phase`, `done`, `total`, `name`), and at last `report`; or `error`. What has
        been sent is indexed to the end, even if nobody waits for the answer.
        """
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
            return problem(415, "send the files as multipart/form-data, each as a part")
        try:
            received = await Received.receive(
                request.stream(), content_type=content_type, settings=assistant.settings
            )
        except UploadError as error:
            refusal = failure(error)
            refusal.headers["connection"] = "close"  # the rest of the body is not waited for
            return refusal
        if not received.files:
            received.remove()
            return problem(422, "no part of the form is a file; give each part a file name")

        def work(progress: Progress) -> Payload:
            try:
                return _upload_payload(assistant.upload(received.files, progress=progress))
            finally:
                received.remove()

        try:
            return await run_in_threadpool(_answer, request, work)
        except BaseException:  # the client went away before the work began
            received.remove()
            raise

    @routes.delete(
        "/documents",
        tags=["Documents"],
        summary="Remove documents",
        response_model=shapes.Removed,
        responses=documented(404, 409, 422),
    )
    def remove_documents(sources: Sources) -> Response:
        """Take documents that were uploaded, or added by a program, out of the index.

        A file of the synced folder cannot be removed here: delete it in the folder, and sync.
        """
        removed = assistant.remove(sources)
        return Json({"removed": removed}) if removed else _no_document()


def _syncing(routes: APIRouter, assistant: Assistant) -> None:
    @routes.get(
        "/sync",
        tags=["Documents"],
        summary="See what a sync would do",
        response_model=shapes.PlanShape,
        responses=documented(409, 422),
    )
    def plan_sync(
        *,
        rebuild: Annotated[bool, Query(description="As in the sync.")] = False,
        allow_empty: Annotated[bool, Query(description="As in the sync.")] = False,
    ) -> Response:
        """The plan of a sync of the index's folder; nothing is touched."""
        return Json(plan_payload(assistant.plan(rebuild=rebuild, allow_empty=allow_empty)))

    @routes.post(
        "/sync",
        tags=["Documents"],
        summary="Sync the folder",
        response_model=shapes.ReportShape,
        responses={
            200: {"content": described_events("progress", "report", "error")},
            **documented(409, 422),
        },
    )
    def sync_folder(request: Request, options: shapes.SyncOptions | None = None) -> Response:
        """Bring the index in step with its folder, which only the server's settings name.

        Where `text/event-stream` is accepted, the answer comes as server-sent events: `progress`
        (`phase`, `done`, `total`, `name`), and at last `report`; or `error`. The sync goes on to
        its end, even if nobody waits for the answer.
        """
        wanted = options or shapes.SyncOptions()

        def work(progress: Progress) -> Payload:
            return report_payload(
                assistant.sync(
                    rebuild=wanted.rebuild, allow_empty=wanted.allow_empty, progress=progress
                )
            )

        return _answer(request, work)


def _no_document() -> Json:
    return problem(404, "there is no document of that source; see /v1/documents")


def _upload_payload(report: UploadReport) -> Payload:
    files = [
        {
            "name": file.name,
            "source": file.source,
            "failed": None if file.failed is None else file.failed._asdict(),
        }
        for file in report.files
    ]
    return report_payload(report) | {"files": files}


def _answer(request: Request, work: Callable[[Progress], Payload]) -> Response:
    """What the work gives, or, where these are accepted, the events of it."""
    accepted = request.headers.get("accept", "")
    if accepted.partition(";")[0].strip() == "text/event-stream":
        return stream_events(_told(work))
    return Json(work(lambda step: None))


def _told(work: Callable[[Progress], Payload]) -> Iterator[tuple[str, Payload]]:
    """The events of some work."""
    for last in working(work):
        yield ("progress", plain(last)) if isinstance(last, Step) else ("report", last)
