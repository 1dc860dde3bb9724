"""The parsing process: reads requests on stdin, answers on stdout, until stdin ends.

Started as `python -m assistant.documents.worker`. Requests and answers are as in
`assistant.documents.wire`; the first request holds the settings, each further one a path and a
source to read, or a page to draw. The answers come in the same order.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from assistant.documents.drawing import draw
from assistant.documents.failures import failure
from assistant.documents.parsing import parse
from assistant.documents.wire import LENGTH, frame, pack, unframe
from assistant.errors import DocumentError
from assistant.settings import Settings

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 10.0


def main() -> None:
    """Serve until the parent closes our stdin or dies."""
    requests, answers = _own_streams()
    values = _receive(requests)
    if values is None:
        return
    settings = Settings(**values)
    _limit(settings)
    answers.write(frame("ready"))
    answers.flush()
    while (request := _receive(requests)) is not None:
        # The parent ends a parse that takes too long; if it is gone, this does.
        signal.setitimer(signal.ITIMER_REAL, settings.parse_seconds + _GRACE_SECONDS)
        try:
            try:
                answer = frame(_done(request, settings))
            except DocumentError as error:
                answer = frame(pack(error))
        except MemoryError:
            answer = frame(pack(failure("", "memory")))
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(answer)
        answers.flush()


def _done(request: Any, settings: Settings) -> dict[str, Any]:
    if isinstance(request, dict):
        return draw(Path(request.pop("path")), **request)
    path, source = request
    return pack(parse(Path(path), source=source, settings=settings))


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for ourselves, so that what libraries print goes nowhere."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return requests, answers


def _limit(settings: Settings) -> None:
    os.nice(5)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for limit, value in (
        (resource.RLIMIT_AS, settings.parse_memory_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        # Not every system can limit address space.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))


def _receive(requests: BinaryIO) -> Any:
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return unframe(requests.read(LENGTH.unpack(head)[0]))


if __name__ == "__main__":
    main()
