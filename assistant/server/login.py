"""The page to log in with, in plain HTML: it needs no script."""

from html import escape
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, RedirectResponse, Response

from assistant.server.access import (
    SESSION_COOKIE,
    SESSION_SECONDS,
    Access,
    TooManyAttemptsError,
)
from assistant.server.entrance import address_of, cookie_of
from assistant.server.security import form_policy

_LONGEST_FORM = 10_000

_STYLE = """
:root{color-scheme:light dark;--back:#f7f7f5;--card:#fff;--text:#1d1d1b;--quiet:#63635e;
--line:#d8d8d2;--accent:#1f5f8b;--on-accent:#fff;--wrong:#a3271c}
@media(prefers-color-scheme:dark){:root{--back:#161715;--card:#20211f;--text:#ecece8;
--quiet:#a5a59e;--line:#3b3c39;--accent:#7db9e0;--on-accent:#10202b;--wrong:#ff9d91}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:1.25rem;
background:var(--back);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:22rem;padding:2rem 1.75rem;background:var(--card);
border:1px solid var(--line);border-radius:.75rem}
h1{margin:0 0 .25rem;font-size:1.375rem;font-weight:600;line-height:1.3}
p{margin:0 0 1.25rem;color:var(--quiet)}
p.wrong{color:var(--wrong)}
label{display:block;margin:0 0 1rem;font-size:.9375rem}
input{display:block;width:100%;margin-top:.25rem;padding:.625rem .75rem;font:inherit;color:inherit;
background:var(--back);border:1px solid var(--line);border-radius:.5rem}
button{width:100%;margin-top:.5rem;padding:.6875rem;font:inherit;font-weight:600;cursor:pointer;
color:var(--on-accent);background:var(--accent);border:0;border-radius:.5rem}
:is(input,button):focus-visible{outline:2px solid var(--accent);outline-offset:2px}
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Log in</h1>
{message}
<form method="post" action="{action}">
<label>Name<input name="name" value="{name}" autocomplete="username" autocapitalize="none"
 spellcheck="false" maxlength="64" required{name_focus}></label>
<label>Password<input name="password" type="password" autocomplete="current-password"
 maxlength="1000" required{password_focus}></label>
<button>Log in</button>
</form>
</main>
</body>
</html>
"""
_POLICY = form_policy(_STYLE)


def router(access: Access) -> APIRouter:
    """GET and POST /login, and POST /logout."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/login")
    def form(request: Request) -> Response:
        session = cookie_of(request.headers, SESSION_COOKIE)
        if session and access.of_session(session):
            return RedirectResponse(_with_query("/", request), 303)
        return _page(request, "<p>To ask the documents that are kept here.</p>")

    @routes.post("/login")
    async def log_in(request: Request) -> Response:
        given = await _form(request)
        name, password = given.get("name", ""), given.get("password", "")
        try:
            session = await run_in_threadpool(
                access.log_in, name, password, address=address_of(request.scope)
            )
        except TooManyAttemptsError as error:
            wait = _in_words(error.seconds)
            refused = _page(request, _wrong(f"Too many attempts. Try again in {wait}."), name, 429)
            refused.headers["Retry-After"] = str(error.seconds)
            return refused
        if session is None:
            return _page(
                request, _wrong("That name and password do not fit. Try again."), name, 401
            )
        response = RedirectResponse(_with_query("/", request), 303)
        response.set_cookie(
            SESSION_COOKIE,
            session,
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            # What encrypts may stand before this server; the browser knows.
            secure=urlsplit(request.headers.get("origin", "")).scheme == "https",
        )
        return response

    @routes.post("/logout")
    def log_out(request: Request) -> Response:
        access.log_out(cookie_of(request.headers, SESSION_COOKIE))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
        return response

    return routes


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form; nothing of one that is not small."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > _LONGEST_FORM:
                return {}
    except ClientDisconnect:
        return {}
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:  # it has more
        return {}
    return {name: values[0] for name, values in fields.items()}


def _with_query(path: str, request: Request) -> str:
    """The way to or from logging in keeps the query of the page that was wanted ("?c=...")."""
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _page(request: Request, message: str, name: str = "", status: int = 200) -> HTMLResponse:
    focus = " autofocus"
    content = _PAGE.format(
        style=_STYLE,
        message=message,
        action=escape(_with_query("/login", request)),
        name=escape(name[:64]),
        name_focus="" if name else focus,
        password_focus=focus if name else "",
    )
    return HTMLResponse(content, status, headers={"Content-Security-Policy": _POLICY})


def _wrong(message: str) -> str:
    return f'<p class="wrong" role="alert">{escape(message)}</p>'


def _in_words(seconds: int) -> str:
    if seconds < 100:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{round(seconds / 60)} minutes"
