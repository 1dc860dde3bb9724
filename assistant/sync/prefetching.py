"""An iterator that runs ahead in a thread."""

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")


def prefetched(items: Iterator[T], *, ahead: int) -> Iterator[T]:
    """The same items, made in a thread up to `ahead` before they are asked for.

    What `items` raises is raised here, in its place. When this iterator is closed, `items` is
    closed as well, in its own thread, as soon as the item it is at is done.
    """
    # An item comes as a tuple of one, an error as itself, the end as None.
    ready: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def offer(value: tuple[T] | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                ready.put(value, timeout=0.1)
            except queue.Full:
                continue
            return

    def run() -> None:
        try:
            for item in items:
                offer((item,))
                if stopped.is_set():
                    break
            offer(None)
        except BaseException as error:  # noqa: BLE001 - raised again where the items are used
            offer(error)
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=run, name="prefetch", daemon=True)
    thread.start()
    try:
        while (value := ready.get()) is not None:
            if isinstance(value, BaseException):
                raise value
            yield value[0]
    finally:
        stopped.set()
        thread.join(timeout=2)
