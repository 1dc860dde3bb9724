"""The process that reads or draws hostile files for us, and may die of them without harm."""

import dataclasses
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from assistant.documents.wire import LENGTH, frame, unframe
from assistant.errors import AssistantError
from assistant.settings import Settings

NONSENSE = "the reading process answered nonsense"

_START_SECONDS = 60.0
_LARGEST_ANSWER = 2**31


class BrokenError(Exception):
    """A child is of no further use; `kind` is as in DocumentError."""

    def __init__(self, kind: str, reason: str | None = None) -> None:
        self.kind = kind
        self.reason = reason
        super().__init__(kind)


def _does_not_start(reason: str) -> AssistantError:
    return AssistantError(
        f"the process that reads documents does not start ({reason}); "
        f"run `{sys.executable} -m assistant.documents.worker` to see why"
    )


class Child:
    """One process that runs `assistant.documents.worker`, with the limits of the settings.

    It must be used by one thread, and ends with it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.served = 0
        # It finds the modules that we find, wherever it is started: its own folder is not one.
        search_path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "assistant.documents.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={**os.environ, "PYTHONPATH": search_path},
            )
        except OSError as error:
            raise _does_not_start(str(error)) from error

    def start(self) -> None:
        """Wait until it is ready.

        Raises:
            AssistantError: It does not start.
        """
        self.send(frame(dataclasses.asdict(self.settings)))
        try:
            greeting = self.receive(time.monotonic() + _START_SECONDS)
        except BrokenError as error:
            raise _does_not_start(error.reason or error.kind) from error
        if greeting != "ready":
            raise _does_not_start("it answers nonsense")

    def send(self, request: bytes) -> None:
        """Hand it a framed request; the answers come in the order of the requests."""
        assert self.process.stdin is not None
        try:
            view = memoryview(request)
            while view:
                view = view[self.process.stdin.write(view) :]
        except OSError:
            pass  # it has ended; waiting for its answer tells how

    def answer(self) -> object:
        """Its next answer, which may be anything: a hostile file may speak through it.

        Raises:
            BrokenError: It took longer than `parse_seconds`, ended, or answered nonsense.
        """
        self.served += 1
        return self.receive(time.monotonic() + self.settings.parse_seconds)

    def receive(self, deadline: float) -> object:
        """The next message; errors as `answer`."""
        head = self.read(LENGTH.size, deadline)
        length = LENGTH.unpack(head)[0]
        if length > _LARGEST_ANSWER:
            raise BrokenError("crashed", NONSENSE)
        try:
            return unframe(self.read(length, deadline))
        except ValueError as error:
            raise BrokenError("crashed", NONSENSE) from error

    def read(self, length: int, deadline: float) -> bytes:
        """So many bytes; errors as `answer`."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        data = bytearray()
        while len(data) < length:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                if time.monotonic() < deadline:
                    continue
                raise BrokenError("timeout")
            part = os.read(descriptor, min(length - len(data), 1 << 20))
            if not part:
                raise BrokenError("crashed", self.ending())
            data += part
        return bytes(data)

    def ending(self) -> str:
        """How the process ended, for people."""
        try:
            code = self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "the reading process closed its output"
        if code < 0:
            names = {member.value: member.name for member in signal.Signals}
            return f"the reading process crashed on it ({names.get(-code, code)})"
        return f"the reading process ended with exit code {code}"

    def close(self) -> None:
        """End it, whatever it is at."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
