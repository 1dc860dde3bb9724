"""Who is let in, request by request: by cookie, token or password; and who is asking."""

import base64
import hashlib
import re
import secrets

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.server.access import BROWSER_COOKIE, SESSION_COOKIE, Access, TooManyAttemptsError
from assistant.server.responses import problem

_BROWSER_SECONDS = 400 * 24 * 3600  # as long as browsers keep a cookie
_BROWSER = re.compile(r"[A-Za-z0-9_-]{32}")
# Asked by machines that watch over the server, and by who is about to log in.
_FREE = ("/healthz", "/readyz", "/login", "/favicon.ico")


class AccessMiddleware:
    """Lets in who may come in, and sets `request.state.owner` for every request.

    It is "user:NAME" where one has to log in; else "browser:RANDOM", from a cookie that is set with
    the first page, or "" for programs.
    """

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        """Wrap an application."""
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        state = scope.setdefault("state", {})
        state["owner"] = ""
        if not self._access.demanded:
            state["owner"], send = _browser(scope, headers, send)
        elif scope["path"] not in _FREE:
            try:
                name = await self._name(scope, headers)
            except TooManyAttemptsError as error:
                await too_many(error)(scope, receive, send)
                return
            if name is None:
                await self._refuse(scope, headers, receive, send)
                return
            state["owner"] = f"user:{name}"
        await self._app(scope, receive, send)

    async def _name(self, scope: Scope, headers: Headers) -> str | None:
        kind, _, credentials = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._access.of_token(credentials.strip())
        if kind.lower() == "basic":
            name, colon, password = _decoded(credentials).partition(":")
            if not colon:
                return None
            return await run_in_threadpool(
                self._access.of_password, name, password, address=address_of(scope)
            )
        session = cookie_of(headers, SESSION_COOKIE)
        return self._access.of_session(session) if session else None

    async def _refuse(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "not authenticated"})
            return
        response: Response
        if scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", ""):
            # The page that was wanted, by its query alone: so it is one of ours.
            wanted = scope["query_string"].decode("latin-1") if scope["path"] == "/" else ""
            response = RedirectResponse(f"/login?{wanted}" if wanted else "/login", 303)
        else:
            # A browser would answer "Basic" to a page's own request with a dialogue of its own.
            from_page = "sec-fetch-mode" in headers
            response = problem(
                401,
                "say who you are: with a token (Authorization: Bearer TOKEN), with name and "
                "password (Basic), or in a browser at /login",
                headers={
                    "WWW-Authenticate": "Bearer" if from_page else 'Bearer, Basic realm="assistant"'
                },
            )
        await response(scope, receive, send)


def too_many(error: TooManyAttemptsError) -> Response:
    """The answer to who tries too many passwords."""
    return problem(
        429,
        f"too many failed attempts to log in; try again in {error.seconds} seconds",
        headers={"Retry-After": str(error.seconds)},
    )


def address_of(scope: Scope) -> str:
    """Where a request comes from."""
    client = scope.get("client")
    return client[0] if client else ""


def cookie_of(headers: Headers, name: str) -> str:
    """A cookie's value, or nothing."""
    return cookie_parser(headers.get("cookie", "")).get(name, "")


def _browser(scope: Scope, headers: Headers, send: Send) -> tuple[str, Send]:
    """The owner of a request from this browser; a page sets the cookie by which it is known."""
    browser = cookie_of(headers, BROWSER_COOKIE)
    if not _BROWSER.fullmatch(browser):
        browser = ""
    page = (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and "text/html" in headers.get("accept", "")
        and headers.get("sec-fetch-dest", "document") == "document"
    )
    if not page:
        return _owner(browser) if browser else "", send
    browser = browser or secrets.token_urlsafe(24)
    cookie = (
        f"{BROWSER_COOKIE}={browser}; Path=/; Max-Age={_BROWSER_SECONDS}; HttpOnly; SameSite=Strict"
    )

    async def with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return _owner(browser), with_cookie


def _owner(browser: str) -> str:
    """What is kept and shown of a browser's cookie, which is a secret by itself."""
    return f"browser:{hashlib.sha256(browser.encode()).hexdigest()[:32]}"


def _decoded(credentials: str) -> str:
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode()
    except ValueError:
        return ""
