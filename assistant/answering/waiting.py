"""Waiting for work that a language model is asked for on the side."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from assistant.answering.answer import Draft
from assistant.models import TICK_SECONDS, Calls

Result = TypeVar("Result")


def meanwhile(
    work: Callable[[], Result], calls: Calls, *, draft: str = ""
) -> Generator[Draft, None, Result]:
    """What some work returns; whoever reads is told a draft at every tick while it lasts.

    Closing the generator stops the calls that the work makes.

    Args:
        work: What to do, in a thread of its own; what it raises is raised here.
        calls: Those that it makes.
        draft: What is told meanwhile.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="asking")
    future = pool.submit(work)
    try:
        while wait([future], timeout=TICK_SECONDS).not_done:
            yield Draft(draft)
        return future.result()
    finally:
        if not future.done():  # closed, or interrupted from the keyboard
            calls.stop()
        pool.shutdown(wait=False)
