"""The application: every door on one address."""

import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from assistant import __version__
from assistant.assistant import Assistant
from assistant.errors import AssistantError
from assistant.server import api, library, login, mcp, openai
from assistant.server.access import Access
from assistant.server.entrance import AccessMiddleware
from assistant.server.limits import Limits
from assistant.server.metrics import Metrics, MetricsMiddleware
from assistant.server.readiness import Readiness
from assistant.server.responses import Json, documented, failure, problem
from assistant.server.security import Guard

logger = logging.getLogger(__name__)

TITLE = "Cited assistant"
DESCRIPTION = """\
Answers from a collection of documents, and from nothing else: every sentence is cited and checked
against its source, and what the documents do not say is refused.

Every error has the same body, `{"error": {"type", "message"}}`; the message says what to do, and
the type is a word for programs. Besides those that say the same as the status (`invalid_request`,
`not_found`, ...):

| type | status | meaning |
|---|---|---|
| `conversation` | 404 | there is no such conversation, or no such turn in it |
| `index_missing` | 409 | nothing has been synced yet |
| `index_locked` | 409 | another process is writing to the index; try again |
| `index_mismatch` | 409 | the index was built by another model, folder or chunking |
| `index_storage`, `index_corrupt` | 503 | the index cannot be used as it is |
| `document`, `corpus` | 409 | a file or a folder cannot be read |
| `upload` | 422 | what was sent is no upload |
| `embedding` | 503 | the embedding model cannot be used |
| `model_key` | 503 | the language model's key is missing or refused |
| `model_unknown` | 503 | its server has no model of that name |
| `model_name`, `model_package`, `model_file` | 503 | it cannot be loaded |
| `model_rejected` | 503 | its server refuses the request |
| `prompt` | 503 | a prompt file cannot be used |

A language model that is down, slow, busy or breaks off is no error: the documents' own sentences
stand in, and the answer's `notice` says so.
"""
# Facade calls at the same time; the rest wait for their turn. More would only share the same
# processors, but those that wait for a language model, or for a large upload, need none.
THREADS = 40
# What the page needs of Gradio; the rest of its routes (a proxy, its own login, recordings) are
# not there, nor is its way to fetch files from elsewhere. The first parts of a path, or all of it.
_PAGE = re.compile(
    r"/(?:theme\.css|favicon\.ico|manifest\.json|robots\.txt|config)?"
    r"|/(?:assets|static|svelte)/.*"
    r"|/gradio_api/(?:app_id|cancel|component_server/?|file[=/](?!https?:).*|heartbeat/.*|info|queue/.*|reset/?"
    r"|run/predict|startup-events|theme\.css|upload|upload_progress)",
    re.DOTALL,
)
# Routes that are not FastAPI's own, which alone leave their template in the request.
_PLAIN = ("/mcp", "/openapi.json")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def create_app(
    assistant: Assistant, *, access: Access, page: bool = True, host: str = "127.0.0.1"
) -> FastAPI:
    """The API, the page and MCP around one assistant, which the caller closes.

    Args:
        assistant: What answers.
        access: Who may ask.
        page: Serve the page, too.
        host: The address that the application will be served on; without users it decides which
            host names are answered to.
    """
    metrics, readiness = Metrics(), Readiness(assistant)
    assistant.watch = metrics.watched
    limits = Limits(writer=assistant.writer)
    route, mcp_running = mcp.mounted(assistant, limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(mcp_running())
            tasks = await stack.enter_async_context(anyio.create_task_group())
            tasks.start_soon(run_in_threadpool, readiness.warm_up)
            yield

    app = FastAPI(
        title=TITLE,
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # its page would load scripts from another host
        redoc_url=None,
        lifespan=lifespan,
        default_response_class=Json,
        responses=documented(422),
        redirect_slashes=False,
    )
    app.state.metrics = metrics
    for kind, answer in _HANDLERS.items():
        app.add_exception_handler(kind, answer)
    _add_health(app, assistant, metrics, readiness)
    for doors in (api, openai, library):
        app.include_router(doors.router(assistant, limits))
    app.router.routes.append(route)
    if access.demanded:
        app.include_router(login.router(access))
    app.add_middleware(AccessMiddleware, access=access)
    app.add_middleware(
        Guard,
        host=host,
        any_host=access.demanded,
        upload_bytes=assistant.settings.max_upload_bytes,
    )
    app.add_middleware(MetricsMiddleware, metrics=metrics, template=_template)
    app.openapi = lambda: _described(app, access)  # type: ignore[method-assign]
    if page:
        from assistant.server.page import mount  # loads Gradio, which takes seconds

        mount(app, assistant)
        app.router.routes[-1] = _PageRoute(app.router.routes[-1])
    return app


def _add_health(app: FastAPI, assistant: Assistant, metrics: Metrics, readiness: Readiness) -> None:
    @app.get("/healthz", summary="Whether the server is alive", tags=["health"])
    async def healthz() -> dict[str, str]:
        """Answers as soon as the server runs; asks nothing of the index."""
        return {"status": "alive"}

    @app.get(
        "/readyz",
        summary="Whether questions can be answered",
        tags=["health"],
        responses=documented(503),
    )
    def readyz() -> Response:
        """200 when the index is open and the model loaded; 503 with the reason until then."""
        reason = readiness.problem()
        return Json({"status": "ready"}) if reason is None else problem(503, reason)

    @app.get(
        "/metrics",
        summary="Figures for Prometheus",
        tags=["health"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    def figures() -> Response:
        """Requests, seconds, and what is indexed, in Prometheus' text format."""
        try:
            counts = assistant.counts()
        except AssistantError:
            documents = passages = 0
        else:
            documents, passages = counts.documents, counts.passages
        metrics.documents.set(documents)
        metrics.passages.set(passages)
        return metrics.text()


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, AssistantError)
    answer = failure(error)
    if answer.status_code >= 500:
        logger.error("%s %s: %s", request.method, request.scope["path"], error)
    return answer


async def _invalid(request: Request, error: Exception) -> Response:
    """Name the first field that is wrong, and what is wanted there."""
    assert isinstance(error, RequestValidationError)
    first, *others = error.errors()
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "json_invalid":
        message = f"the body is not valid JSON ({first.get('ctx', {}).get('error', 'malformed')})"
    else:
        wanted = first["msg"].removeprefix("Value error, ")
        message = f"{place}: {wanted[:1].lower()}{wanted[1:]}"
    if others:
        message += f" (and {len(others)} more)"
    return problem(422, message)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path, method = request.scope["path"], request.method
    headers = dict(error.headers or {})
    if error.status_code == 405:
        allowed = _allowed(request)
        headers["Allow"] = ", ".join(allowed)
        message = f"{path} does not know {method}; use {' or '.join(allowed)}"
    elif error.status_code == 404 and error.detail == "Not Found":
        message = f"there is nothing at {path}; see /openapi.json for what there is"
    elif error.status_code == 400:
        message = "the body cannot be read; send what /openapi.json describes"
    else:
        message = str(error.detail)
    return problem(error.status_code, message, headers=headers)


_HANDLERS: Mapping[type[Exception], Callable[[Request, Exception], Any]] = {
    AssistantError: _ours,
    RequestValidationError: _invalid,
    HTTPException: _http,
}


def _allowed(request: Request) -> list[str]:
    """The methods that the path knows."""
    routes = request.app.router.routes
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes
        )
    ]


class _PageRoute(BaseRoute):
    """The page, which is mounted at the root: only those paths that it needs."""

    def __init__(self, page: BaseRoute) -> None:
        self._page = page

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if not _PAGE.fullmatch(scope.get("path", "")):
            return Match.NONE, {}
        return self._page.matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["answered_by"] = "page"
        await self._page.handle(scope, receive, send)


def _template(scope: Scope) -> str:
    """What answered a request: the route's template, or a word for the rest."""
    if "answered_by" in scope:
        return str(scope["answered_by"])
    if scope["path"] in _PLAIN:
        return str(scope["path"])
    return getattr(scope.get("route"), "path", "none")


def _described(app: FastAPI, access: Access) -> dict[str, Any]:
    """The OpenAPI description; it says how to log in, where one has to."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        if access.demanded:
            schema.setdefault("components", {})["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            }
            schema["security"] = [{"token": []}, {"password": []}]
            for path in ("/healthz", "/readyz"):
                schema["paths"][path]["get"]["security"] = []
        app.openapi_schema = schema
    return app.openapi_schema
