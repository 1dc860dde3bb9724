"""Serving: from an address to an answer, and a clean end."""

import contextlib
import ctypes
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from assistant.assistant import Assistant
from assistant.errors import ServerError
from assistant.server.access import Access
from assistant.server.security import loopback

# After a signal, what still runs has so many seconds to finish; then it is cancelled.
_GRACE = 1
# Whatever cannot be cancelled (a file being parsed, a model that does not answer) ends with the
# process; an index survives that.
_LAST = 3.0


# glibc's name for the number of arenas, in malloc.h.
M_ARENA_MAX = -8


def _use_one_arena() -> None:
    """Have all threads share one heap, where the system's allocator can be told so.

    With one each, what the threads of answers free stays with them: over 5,000 requests the server
    came to 362 MB instead of 320, and was no faster.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def serve(
    assistant: Assistant,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    auth: Path | None = None,
    no_auth: bool = False,
    announce: Callable[[str], None],
) -> None:
    """Serve the API, the page and MCP until SIGINT or SIGTERM.

    Args:
        assistant: What answers; the caller closes it.
        host: The address to listen on. One that others can reach demands `auth` or `no_auth`.
        port: 0 is any free one.
        auth: The users file; everybody has to log in.
        no_auth: Let everybody in who reaches the address.
        announce: Called with the server's address once it answers.

    Raises:
        ServerError: It cannot be served so; the message says what to do.
    """
    if auth is not None and no_auth:
        raise ServerError("--auth and --no-auth exclude each other; choose one")
    if auth is None and not no_auth and not loopback(host):
        raise ServerError(
            f"others can reach {host}; name who may come in with --auth FILE "
            f"(made with `assistant user NAME --file FILE`), or let everybody in with --no-auth"
        )
    access = Access.open() if auth is None else Access.from_file(auth)
    with _listening(host, port) as listener:
        # Loads Gradio, which takes seconds; what is wrong with the arguments is told before.
        from assistant.server.app import create_app

        _use_one_arena()
        app = create_app(assistant, access=access, host=host)
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=_GRACE,
        )
        server = _Server(config, announce=lambda: announce(_url(host, listener)))
        handlers = _take_signals()
        try:
            server.run(sockets=[listener])
        finally:
            server.ended.set()
            for number, handler in handlers.items():
                signal.signal(number, handler)
    if not server.started:
        raise ServerError("the server could not start; the reason is above, in its log")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, *, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce
        self.ended = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the address once requests are answered."""
        await super().startup(sockets)
        if self.started:
            self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end, and see to it that it does."""
        if not self.should_exit:
            # That what still runs is cut off is meant so.
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
            threading.Thread(target=self._end, daemon=True).start()
        super().handle_exit(sig, frame)

    def _end(self) -> None:
        if not self.ended.wait(_LAST):
            sys.stdout.flush()
            os._exit(0)


def _take_signals() -> dict[int, Any]:
    """Let the server's own end be all that SIGINT and SIGTERM do; returns the handlers before.

    The server sends itself the signals again once it has ended.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)
    }


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        ServerError: It cannot.
    """
    try:
        kind, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise ServerError(
            f"{host!r} is not an address of this machine ({error}); --host takes one, such as "
            f"127.0.0.1, or 0.0.0.0 for all"
        ) from error
    listener = socket.socket(kind, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ServerError(_refused(host, port, error)) from error
    return listener


def _refused(host: str, port: int, error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is in use, perhaps by another `assistant serve`; stop that, "
            f"or take another with --port (0 is any free one)"
        )
    if number == errno.EACCES:
        return f"port {port} is for the system's own services; take one above 1023 with --port"
    if number == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine; --host takes one, or 0.0.0.0 for all"
    return f"cannot listen on port {port} of {host} ({error}); take another with --port or --host"


def _url(host: str, listener: socket.socket) -> str:
    """The address to open in a browser on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{listener.getsockname()[1]}/"
