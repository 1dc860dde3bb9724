"""A reply on its way: one thread asks for it and reads it, another takes it and may end it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from assistant.errors import ModelError
from assistant.models.model import TICK_SECONDS

CONNECT_SECONDS = 5.0
THREAD_NAME = "assistant-model"
_JOIN_SECONDS = 1.0

_reading = threading.local()


class _Item(NamedTuple):
    """What the reading thread tells.

    A text, an error, whether the server is being waited for, or all None for the end.
    """

    at: float
    text: str | None = None
    error: ModelError | None = None
    waiting: bool | None = None


class Call:
    """What passes from the thread that reads a reply to the one that takes it.

    Attributes:
        begun: Whether there was a word already.
        late: Makes the error for a server that says nothing for too long.
    """

    late: Callable[..., ModelError]

    def __init__(self) -> None:
        self.begun = False
        self._items: SimpleQueue[_Item] = SimpleQueue()
        self._ended = threading.Event()
        self._sockets: list[socket.socket] = []
        self._responses: list[Any] = []

    @property
    def ended(self) -> bool:
        """Whether nobody wants the reply any more."""
        return self._ended.is_set()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While this lasts, connections that this thread opens belong to the call."""
        _reading.call = self
        try:
            yield
        finally:
            _reading.call = None
            for response in self._responses:
                response.close()  # openai's own would be closed by the garbage collector only

    def asked(self) -> None:
        """The server has been asked, or gave a sign of life: the wait begins anew."""
        self._tell(waiting=True)

    def say(self, text: str) -> None:
        """Hand over a part of the reply."""
        self.begun = True
        self._tell(text=text)

    def fail(self, error: ModelError) -> None:
        """End with an error."""
        self._tell(error=error)

    def finish(self) -> None:
        """End as it should."""
        self._tell()

    def rest(self, seconds: float) -> None:
        """Wait before asking again, or until the reply is no longer wanted."""
        self._tell(waiting=False)
        self._ended.wait(seconds)

    def _tell(self, **what: Any) -> None:
        self._items.put(_Item(time.monotonic(), **what))

    def taken(self, work: Callable[[], None], *, seconds: float) -> Iterator[str | None]:
        """Run the work in a thread and give what it says; None at each tick without a word.

        Closing the iterator ends the connections, and with them the thread: at once where they
        were opened as `watched`; else when the next word comes.

        Raises:
            ModelError: What the work failed with, or `late` when the server said nothing for so
                many seconds.
        """
        thread = threading.Thread(target=work, name=THREAD_NAME, daemon=True)
        thread.start()
        waiting_since: float | None = None
        tick = time.monotonic() + TICK_SECONDS
        try:
            while True:
                deadline = tick if waiting_since is None else min(tick, waiting_since + seconds)
                item = self._next(deadline)
                now = time.monotonic()
                if item is None and waiting_since is not None and now >= waiting_since + seconds:
                    raise self.late(begun=self.begun)
                if item is not None:
                    if item.error is not None:
                        raise item.error
                    if item.text is None and item.waiting is None:
                        return
                    waiting_since = None if item.waiting is False else item.at
                if item is not None and item.text is not None:
                    yield item.text
                    tick = time.monotonic() + TICK_SECONDS
                elif now >= tick:
                    yield None
                    tick = time.monotonic() + TICK_SECONDS
        finally:
            self._end()
            thread.join(_JOIN_SECONDS)

    def _next(self, deadline: float) -> _Item | None:
        try:
            return self._items.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            return None

    def _end(self) -> None:
        self._ended.set()
        for connection in list(self._sockets):
            _shut(connection)

    def _opened(self, connection: Any) -> None:
        if isinstance(connection, socket.socket):
            self._sockets.append(connection)
            if self.ended:  # it was ended while the connection was being made
                _shut(connection)


def watched(request: Any) -> None:
    """A hook for requests of httpx (and its kin): they belong to the call of their thread.

    A thread that waits for data cannot be woken but by shutting its socket. The library tells of
    sockets only when they are opened, so none is used twice.
    """
    request.headers["connection"] = "close"
    request.extensions["trace"] = _note


def answered(response: Any) -> None:
    """A hook for responses: they are closed with the call of their thread."""
    call = getattr(_reading, "call", None)
    if call is not None:
        call._responses.append(response)


def _note(event: str, details: dict[str, Any]) -> None:
    call = getattr(_reading, "call", None)
    if call is not None and event.endswith(("connect_tcp.complete", "start_tls.complete")):
        call._opened(details["return_value"].get_extra_info("socket"))


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        # Not the method of an SSL socket, which would also take its state from the reader.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
