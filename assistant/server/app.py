"""The application: every door on one address."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from importlib.util import find_spec

from fastapi import FastAPI, Request, Response

from assistant import __version__
from assistant.assistant import Assistant
from assistant.errors import AssistantError
from assistant.server.access import Access, AccessMiddleware
from assistant.server.responses import Json, failure

TITLE = "Cited assistant"


def create_app(assistant: Assistant, *, access: Access, page: bool = True) -> FastAPI:
    """The API, the page and MCP around one assistant, which the caller closes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if (mcp := getattr(app.state, "mcp", None)) is not None:
                await stack.enter_async_context(mcp.session_manager.run())
            yield

    app = FastAPI(
        title=TITLE,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        default_response_class=Json,
    )

    @app.exception_handler(AssistantError)
    async def ours(request: Request, error: AssistantError) -> Response:
        return failure(error)

    for name in ("api", "openai", "library"):
        if find_spec(f"assistant.server.{name}"):
            app.include_router(import_module(f"assistant.server.{name}").router(assistant))
    app.add_middleware(AccessMiddleware, access=access)
    if page and find_spec("assistant.server.page"):
        return import_module("assistant.server.page").mount(app, assistant)  # type: ignore[no-any-return]
    return app
