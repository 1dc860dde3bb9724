"""Many files become Documents, in child processes that may die without harm."""

import os
import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path

from assistant.documents.child import NONSENSE, BrokenError, Child
from assistant.documents.document import Document
from assistant.documents.failures import failure
from assistant.documents.wire import frame, unpack
from assistant.errors import AssistantError, DocumentError
from assistant.settings import Settings

Result = Document | DocumentError

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
        self.children: dict[threading.Thread, Child] = {}
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
        child: Child | None = None
        sent = 0
        try:
            while not self.closing:
                while len(mine) < 2 and (job := self.next(wait=not mine)) is not None:
                    mine.append(job)
                if not mine or self.closing:
                    return
                try:
                    if child is None:
                        child = Child(self.settings)
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
                    result = _result(child.answer(), mine[0].source)
                    sent -= 1
                    broken = isinstance(result, DocumentError) and result.kind == "memory"
                except BrokenError as error:
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


def _result(message: object, source: str) -> Result:
    try:
        return unpack(message, source=source)
    except ValueError as error:
        raise BrokenError("crashed", NONSENSE) from error
