"""What holds for every request and answer, whoever asks: hosts, origins, sizes and headers."""

import base64
import ipaddress
import logging
import re
import secrets
import socket
from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.server.responses import UNEXPECTED, problem

logger = logging.getLogger(__name__)

# For bodies other than uploads; the longest that a caller of the API has reason to send is a long
# conversation. Forms have parts around the files, hence the room beside an upload's own limit.
LONGEST_BODY = 10_000_000
ROOM_FOR_FORM = 1_000_000
UPLOADS = ("/v1/documents", "/gradio_api/upload")

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # Tells other sites nothing; "no-referrer" would also take the origin from our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Gradio makes functions of its event handlers' code, hence 'unsafe-eval', and sets style
# attributes. Its scripts in the page carry the nonce, so that no other inline script runs.
_PAGE = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
# Gradio's page describes itself to search engines and social networks, with addresses of theirs.
_OUTSIDE = re.compile(
    r"<meta\b[^>]*\b(?:property|name)=[\"'](?:og|twitter):[^>]*>"
    r"|<link\b[^>]*\bhref=[\"']?(?:https?:)?//[^>]*>"
    r"|<script\b[^>]*\bsrc=[\"']?(?:https?:)?//[^>]*>\s*</script>",
    re.IGNORECASE,
)
_SCRIPT = re.compile(r"<script\b", re.IGNORECASE)

# A link from elsewhere comes without our SameSite=Strict cookies; loading the page once more from
# here comes with them. The cookie that does come along ends it after one time, in any browser.
_AGAIN = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta http-equiv="refresh" content="0"><title>Opening</title>
<p><a href="">Open the page</a></p></html>"""
_ONCE = "assistant_once"


def form_policy(style: str) -> str:
    """The policy of a small page of our own: its form, and this style sheet inline."""
    allowed = base64.b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )


def loopback(host: str) -> bool:
    """Whether a server on this host is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses what no user of ours sends, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, *, host: str, any_host: bool, upload_bytes: int) -> None:
        """Wrap an application.

        Args:
            app: What answers.
            host: The address that the server listens on.
            any_host: Answer to every host name; else to those of `host` alone, so that a page
                elsewhere cannot reach the server by pointing its own name here.
            upload_bytes: The most that an upload's files may have together.
        """
        self._app = app
        self._loopback = loopback(host)
        self._any_host = any_host
        self._upload_bytes = upload_bytes
        # On loopback none of them is answered to, and asking for one may ask a name server.
        names = set() if self._loopback else {host, socket.gethostname(), socket.getfqdn()}
        self._names = {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
            return
        answer = _Answer(scope, receive, send, limit=self._limit(scope))
        if refusal is not None:
            await refusal(scope, receive, answer.send)
        elif _from_elsewhere(headers):
            await _again()(scope, receive, answer.send)
        elif answer.too_long(headers.get("content-length", "")):
            await answer.refuse_length()
        else:
            await self._answer(_uncompressed(scope), answer)

    async def _answer(self, scope: Scope, answer: "_Answer") -> None:
        try:
            await self._app(scope, answer.receive, answer.send)
        except ClientDisconnect:
            return
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if not answer.started:
                await problem(500, UNEXPECTED)(scope, answer.receive, answer.send)
            elif not answer.finished:
                raise  # the connection is closed, which tells that the answer is not whole

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if not self._any_host and not self._answers_to(host):
            wanted = "localhost or 127.0.0.1" if self._loopback else "its address or its own name"
            return problem(
                421, f"this server does not answer to the host {host!r}; ask for {wanted}"
            )
        site = headers.get("sec-fetch-site")
        navigation = headers.get("sec-fetch-mode") == "navigate" and scope.get("method") == "GET"
        if site == "cross-site" and not navigation:
            return problem(403, "requests that come from another site's page are not answered")
        origin = headers.get("origin")
        changes = scope.get("method") not in ("GET", "HEAD", "OPTIONS")  # a WebSocket does, too
        if changes and origin is not None and origin.partition("://")[2].lower() != host.lower():
            return problem(403, f"requests from the site {origin!r} may not change anything here")
        return None

    def _answers_to(self, host: str) -> bool:
        name = _without_port(host).lower()
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            if self._loopback:
                return name == "localhost"
            # Names without a dot and those in .local are given by the network here, not by a
            # stranger's name server.
            return name in self._names or name.endswith(".local") or "." not in name != ""
        return address.is_loopback or not self._loopback

    def _limit(self, scope: Scope) -> int:
        if scope["path"].startswith(UPLOADS):
            return self._upload_bytes + ROOM_FOR_FORM
        return LONGEST_BODY


class _Answer:
    """One answer on its way out: counts what is read for it, and completes what is sent."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, limit: int) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._read = 0
        self._refused = False
        self._page: Message | None = None  # the start of a page of Gradio's, held back
        self._parts: list[bytes] = []
        self.started = False
        self.finished = False

    def too_long(self, length: str) -> bool:
        return length.isdecimal() and int(length) > self._limit

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            if self._read > self._limit:
                await self.refuse_length()
                raise ClientDisconnect
        return message

    async def refuse_length(self) -> None:
        """Say that the body is too long; whatever else is sent after that goes nowhere."""
        if not self.started:
            text = f"the request has more than {self._limit:,} bytes; send less at a time"
            refusal = problem(413, text, headers={"Connection": "close"})
            await refusal(self._scope, self._receive, self.send)
        self._refused = True

    async def send(self, message: Message) -> None:
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self.started = True
            if self._is_gradios(message):
                self._page = message
                return
            self._complete(message)
        elif self._page is not None:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body"):
                await self._send_page()
                self.finished = True
            return
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.finished = True
        await self._send(message)

    def _complete(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in _ALWAYS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", _NOTHING)
        # Gradio's scripts and styles have their content's hash in their names.
        if not self._scope["path"].startswith(("/assets/", "/static/")):
            headers.setdefault("Cache-Control", "no-store")

    async def _send_page(self) -> None:
        """Gradio's page: without addresses of others, its scripts marked as ours."""
        assert self._page is not None
        nonce = secrets.token_urlsafe(16)
        text = b"".join(self._parts).decode("utf-8", "replace")
        text = _SCRIPT.sub(f'<script nonce="{nonce}"', _OUTSIDE.sub("", text))
        body = text.encode()
        headers = MutableHeaders(scope=self._page)
        headers["content-length"] = str(len(body))
        headers["Content-Security-Policy"] = _PAGE.format(nonce=nonce)
        self._complete(self._page)
        await self._send(self._page)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    def _is_gradios(self, message: Message) -> bool:
        """Whether it is the one page of Gradio's; no other HTML is trusted with scripts."""
        headers = Headers(raw=message["headers"])
        return (
            self._scope["path"] == "/"
            and headers.get("content-type", "").startswith("text/html")
            and "content-security-policy" not in headers
        )


def _from_elsewhere(headers: Headers) -> bool:
    """Whether a person followed a link from another site to here."""
    return (
        headers.get("sec-fetch-site") == "cross-site"
        and headers.get("sec-fetch-dest") == "document"
        and _ONCE not in headers.get("cookie", "")
    )


def _again() -> Response:
    response = HTMLResponse(_AGAIN, headers={"Content-Security-Policy": _NOTHING})
    response.set_cookie(_ONCE, "1", max_age=10, httponly=True, samesite="lax")
    return response


def _uncompressed(scope: Scope) -> Scope:
    """The request; for the page that is completed here, one that does not ask for compression."""
    if scope["path"] != "/":
        return scope
    kept = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    scope["headers"] = kept
    return scope


def _without_port(host: str) -> str:
    """The name or address of a Host header."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] or host
