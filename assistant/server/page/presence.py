"""Whether a reader is still there: work for one who stopped it or went away ends.

Gradio ends most of it, but not all: an event whose stream breaks off just while something is sent,
or was not opened yet, runs on to its end, and one that it cannot name yet is not cancelled (6.31).
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

STREAM = "/gradio_api/queue/data"
# A page that is still there listens again by then.
SECONDS = 3.0


class Presence:
    """Which questions are being answered, and who listens; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: dict[tuple[str, str], threading.Event] = {}  # by owner and question
        self._streams: Counter[str] = Counter()  # by session

    @contextmanager
    def asking(self, session: str, ask: str, *, owner: str) -> Iterator[Callable[[], bool]]:
        """While a question is answered: a function that tells whether nobody waits any more.

        Args:
            session: Gradio's name for the page that was loaded.
            ask: The page's name for the question.
            owner: Who asks.
        """
        stopped, seen = threading.Event(), time.monotonic()

        def gone() -> bool:
            nonlocal seen
            now = time.monotonic()
            with self._lock:
                if self._streams[session]:
                    seen = now
            return stopped.is_set() or now - seen > SECONDS

        with self._lock:
            self._stops[owner, ask] = stopped
        try:
            yield gone
        finally:
            with self._lock:
                if self._stops.get((owner, ask)) is stopped:  # the browser chose the name
                    del self._stops[owner, ask]

    def stop(self, ask: str, *, owner: str) -> None:
        """The reader does not want to know any more."""
        with self._lock:
            if stopped := self._stops.get((owner, ask)):
                stopped.set()

    @contextmanager
    def listening(self, session: str) -> Iterator[None]:
        """While a page listens on one of its streams."""
        with self._lock:
            self._streams[session] += 1
        try:
            yield
        finally:
            with self._lock:
                self._streams[session] -= 1
                self._streams += Counter()  # which forgets those that are 0


class Attendance:
    """Sees the streams of pages open and close, however they do."""

    def __init__(self, app: ASGIApp, *, presence: Presence) -> None:
        """Wrap an application."""
        self._app = app
        self._presence = presence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != STREAM:
            await self._app(scope, receive, send)
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        with self._presence.listening(query.get("session_hash", [""])[0]):
            await self._app(scope, receive, send)
