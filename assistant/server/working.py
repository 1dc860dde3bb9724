"""Long work, told while it is done: a sync, an upload."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from assistant.sync import Progress, Step

Result = TypeVar("Result")
# Steps are told no more often than this, and something is told at least so often: nobody on the
# way is to think the connection dead.
PAUSE = 0.2
QUIET = 15.0


def working(work: Callable[[Progress], Result]) -> Iterator[Step | Result]:
    """The latest steps of some work, and at last what it returns.

    It is done in a thread of its own and goes on to its end even if nobody listens any more: the
    index would be sound anyhow, but what was begun is what somebody wanted.

    Raises:
        Exception: What the work raised.
    """
    said: queue.SimpleQueue[Step | Result | BaseException] = queue.SimpleQueue()
    ended = threading.Event()

    def run() -> None:
        try:
            said.put(work(said.put))
        except BaseException as error:  # noqa: BLE001 - raised again where the steps are read
            said.put(error)
        finally:
            ended.set()

    threading.Thread(target=run, name="working").start()
    last: Step | Result | BaseException = Step("documents", 0, 0)
    paused = False  # the first step is told, even if the work is done in no time
    while True:
        with contextlib.suppress(queue.Empty):
            last = said.get(timeout=QUIET)
            while paused and not said.empty():  # only the latest is news
                last = said.get()
        if isinstance(last, BaseException):
            raise last
        yield last
        if not isinstance(last, Step):
            return
        ended.wait(PAUSE)
        paused = True
