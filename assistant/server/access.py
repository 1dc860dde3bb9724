"""Who asks: nobody in particular on this machine, or a user with a password or a token."""

import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Self

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "assistant_browser"


@dataclass(frozen=True)
class Access:
    """Who may use the server."""

    @classmethod
    def open(cls) -> Self:
        """Everybody who reaches it."""
        return cls()


class AccessMiddleware:
    """Sets `request.state.owner` for every request."""

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        cookie: SimpleCookie = SimpleCookie()
        try:
            cookie.load(headers.get("cookie", ""))
        except CookieError:
            cookie = SimpleCookie()
        browser = cookie[COOKIE].value if COOKIE in cookie else ""
        made = not browser and "text/html" in headers.get("accept", "")
        if made:
            browser = secrets.token_urlsafe(24)
        scope.setdefault("state", {})["owner"] = f"browser:{browser}" if browser else ""

        async def with_cookie(message: Message) -> None:
            if made and message["type"] == "http.response.start":
                MutableHeaders(scope=message).append(
                    "set-cookie", f"{COOKIE}={browser}; Path=/; HttpOnly; SameSite=Strict"
                )
            await send(message)

        await self._app(scope, receive, with_cookie)
