"""Gradio's scripts and styles, packed once and kept by browsers, and told of before they ask."""

import gzip
import mimetypes
from functools import lru_cache
from pathlib import Path

import gradio
from fastapi import FastAPI, HTTPException, Request, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASSETS = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
# Their names hold their content's hash.
LASTING = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
# The page needs these, and would ask for them one after the other.
AT_ONCE = ("core-*.js", "Blocks-*.js", "Blocks-*.css", "HTML-*.js", "HTML-*.css")


def serve_assets(app: FastAPI) -> None:
    """Serve Gradio's own files in its place, which packs each one anew for every request."""
    names = frozenset(path.name for path in ASSETS.iterdir() if path.is_file())

    @app.get("/assets/{name}", include_in_schema=False)
    def asset(name: str, request: Request) -> Response:
        if name not in names:
            raise HTTPException(404)
        return packed(request, _content(name), mimetypes.guess_type(name)[0] or "text/plain")


def packed(request: Request, content: tuple[bytes, bytes], kind: str) -> Response:
    """A lasting answer, gzipped for whoever takes that; `content` is plain and gzipped."""
    plain, small = content
    if "gzip" in request.headers.get("accept-encoding", "") and len(small) < len(plain):
        return Response(small, media_type=kind, headers={**LASTING, "Content-Encoding": "gzip"})
    return Response(plain, media_type=kind, headers=LASTING)


@lru_cache(maxsize=256)
def _content(name: str) -> tuple[bytes, bytes]:
    plain = (ASSETS / name).read_bytes()
    return plain, gzip.compress(plain, 9)


class Preloads:
    """Tells browsers with the page itself which files it needs."""

    def __init__(self, app: ASGIApp, *, styles: tuple[str, ...]) -> None:
        """Wrap an application; `styles` are further style sheets of the page."""
        self._app = app
        links = [f"<{style}>; rel=preload; as=style" for style in styles]
        for path in (path for pattern in AT_ONCE for path in sorted(ASSETS.glob(pattern))):
            kind = "modulepreload" if path.suffix == ".js" else "preload; as=style"
            links.append(f"</assets/{path.name}>; rel={kind}; crossorigin")
        self._links = ", ".join(links)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def linked(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(scope=message)["Link"] = self._links
            await send(message)

        page = scope["type"] == "http" and scope["path"] == "/"
        await self._app(scope, receive, linked if page else send)
