"""Many files become Documents, in child processes that may die without harm."""

import dataclasses
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path

from assistant.documents.document import Document
from assistant.documents.failures import failure
from assistant.documents.wire import LENGTH, frame, unframe, unpack
from assistant.errors import AssistantError, DocumentError
from assistant.settings import Settings

Result = Document | DocumentError

_START_SECONDS = 60.0
_LARGEST_ANSWER = 2**31
_FILES_AHEAD = 32  # for each child
_BYTES_AHEAD = 64_000_000
_SURE_TO_FIT = 4096  # bytes that a pipe takes without the other end reading (POSIX: 16 KB or more)


def read_documents(files: Iterable[tuple[Path, str]], *, settings: Settings) -> Iterator[Result]:
    """Read files, given as (path, source), in child processes; yield in the order given.

    A file that cannot be read yields its DocumentError, and the others go on: a child that hangs
    (`parse_seconds`), takes too much memory (`parse_memory_bytes`), dies or answers nonsense is
    replaced. The children are started when first needed and have ended when the iterator has
    ended, was closed, or raised.

    Raises:
        AssistantError: No child can be started at all.
    """
    pool = _Pool(settings)
    pending: deque[tuple[Future[Result], int]] = deque()
    weight = 0
    try:
        for path, source in files:
            job = _Job(path, source)
            pending.append((job.future, job.bytes))
            weight += job.bytes
            pool.submit(job, waiting=len(pending))
            while pending and (
                pending[0][0].done()
                or len(pending) >= _FILES_AHEAD * settings.parse_workers
                or weight > _BYTES_AHEAD
            ):
                weight -= pending[0][1]
                yield pending.popleft()[0].result()
        while pending:
            yield pending.popleft()[0].result()
    finally:
        pool.close()


class _Job:
    """One file to read; its future holds what became of it."""

    def __init__(self, path: Path, source: str) -> None:
        self.source = source
        self.request = frame([os.fspath(path), source])
        self.future: Future[Result] = Future()
        self.retried = False
        try:
            self.bytes = path.stat().st_size
        except OSError:
            self.bytes = 0


class _Pool:
    """Threads that each keep one child busy."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self.threads: list[threading.Thread] = []
        self.children: dict[threading.Thread, _Child] = {}
        self.closing = False
        self.failed: AssistantError | None = None

    def submit(self, job: _Job, *, waiting: int) -> None:
        self.jobs.put(job)
        if len(self.threads) < min(waiting, self.settings.parse_workers):
            # A daemon, so that an iterator nobody closed does not keep the program from ending.
            thread = threading.Thread(target=self.work, name="reading", daemon=True)
            self.threads.append(thread)
            thread.start()

    def close(self) -> None:
        self.closing = True
        for _ in self.threads:
            self.jobs.put(None)
        for child in list(self.children.values()):
            child.process.kill()
        for thread in self.threads:
            thread.join()

    def next(self, *, wait: bool) -> _Job | None:
        # A second job is only taken ahead when there are enough for the other children too.
        if not wait and self.jobs.qsize() <= self.settings.parse_workers:
            return None
        return self.jobs.get()

    def work(self) -> None:
        """Send files to a child, two at a time so that it never waits, and note its answers."""
        mine: deque[_Job] = deque()
        child: _Child | None = None
        sent = 0
        try:
            while not self.closing:
                while len(mine) < 2 and (job := self.next(wait=not mine)) is not None:
                    mine.append(job)
                if not mine or self.closing:
                    return
                try:
                    if child is None:
                        child = _Child(self.settings)
                        sent = 0
                        self.children[threading.current_thread()] = child
                        if self.closing:
                            return
                        child.start()
                    while sent < len(mine) and (
                        not sent or len(mine[sent].request) <= _SURE_TO_FIT
                    ):
                        child.send(mine[sent].request)
                        sent += 1
                    result = child.answer(mine[0].source)
                    sent -= 1
                    broken = isinstance(result, DocumentError) and result.kind == "memory"
                except _BrokenError as error:
                    result = failure(mine[0].source, error.kind, error.reason)
                    broken = True
                if broken and child is not None:
                    child.close()
                    # The fault may lie with a file read before this one: try it by itself.
                    slow = isinstance(result, DocumentError) and result.kind == "timeout"
                    again = child.served > 1 and not mine[0].retried and not slow
                    child = None
                    if again:
                        mine[0].retried = True
                        continue
                mine.popleft().future.set_result(result)
        except AssistantError as error:
            self.failed = error
            self.closing = True
        finally:
            if child is not None:
                child.close()
            for job in mine:
                job.future.set_exception(self.failed or AssistantError("reading was stopped"))


class _BrokenError(Exception):
    """A child is of no further use."""

    def __init__(self, kind: str, reason: str | None = None) -> None:
        self.kind = kind
        self.reason = reason
        super().__init__(kind)


def _does_not_start(reason: str) -> AssistantError:
    return AssistantError(
        f"the process that reads documents does not start ({reason}); "
        f"run `{sys.executable} -m assistant.documents.worker` to see why"
    )


class _Child:
    """One parsing process."""

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
        self.send(frame(dataclasses.asdict(self.settings)))
        try:
            greeting = self.receive(time.monotonic() + _START_SECONDS)
        except _BrokenError as error:
            raise _does_not_start(error.reason or error.kind) from error
        if greeting != "ready":
            raise _does_not_start("it answers nonsense")

    def send(self, request: bytes) -> None:
        assert self.process.stdin is not None
        try:
            view = memoryview(request)
            while view:
                view = view[self.process.stdin.write(view) :]
        except OSError:
            pass  # it has ended; waiting for its answer tells how

    def answer(self, source: str) -> Result:
        self.served += 1
        message = self.receive(time.monotonic() + self.settings.parse_seconds)
        try:
            return unpack(message, source=source)
        except ValueError as error:
            raise _BrokenError("crashed", "the reading process answered nonsense") from error

    def receive(self, deadline: float) -> object:
        head = self.read(LENGTH.size, deadline)
        length = LENGTH.unpack(head)[0]
        if length > _LARGEST_ANSWER:
            raise _BrokenError("crashed", "the reading process answered nonsense")
        try:
            return unframe(self.read(length, deadline))
        except ValueError as error:
            raise _BrokenError("crashed", "the reading process answered nonsense") from error

    def read(self, length: int, deadline: float) -> bytes:
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
                raise _BrokenError("timeout")
            part = os.read(descriptor, min(length - len(data), 1 << 20))
            if not part:
                raise _BrokenError("crashed", self.ending())
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
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
