"""An eval set is run: one row a case, in threads; an interrupted run goes on where it stopped."""

import errno
import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from assistant.answering import Answer
from assistant.conversation import Turn
from assistant.errors import EvaluationError
from assistant.evaluation.cases import Case, dump
from assistant.evaluation.fields import Earlier
from assistant.evaluation.scoring import Scored
from assistant.payloads import answer_payload

# Two answers at a time use two processors; more only wait for each other.
THREADS = 2
# No room for more.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Score = Callable[[Case, Answer], Scored]


class Ask(Protocol):
    """Answers a question in the light of what was said: `Assistant.ask`."""

    def __call__(self, question: str, *, history: Sequence[Turn]) -> Answer:
        """The answer."""


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a case.

    Attributes:
        id: The case's.
        key: Changes with the case and with what was asked; a row of another key is no longer true.
        half: The case's.
        cluster: The case's.
        tags: The case's.
        answerable: The case's.
        answer: As `payloads.answer_payload`; None if asking crashed.
        refused: Whether it is a refusal; None if asking crashed.
        confidence: The answer's; None if asking crashed.
        scores: By name; None, or not there, for what does not apply.
        groundedness: How well each sentence of the answer is supported, 0 to 1.
        reasons: Why it is not perfect, in words.
        seconds: How long the answer took; other answers were made beside it.
        error: What crashed; empty mostly.
    """

    id: str
    key: str
    half: int
    cluster: str
    tags: tuple[str, ...]
    answerable: bool | None
    answer: dict[str, Any] | None = None
    refused: bool | None = None
    confidence: float | None = None
    scores: dict[str, float | None] = field(default_factory=dict)
    groundedness: tuple[float, ...] = ()
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    error: str = ""

    def line(self) -> str:
        """The row as JSON, in ASCII and on one line."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def read(cls, line: str) -> "Row":
        """The row that `line` wrote.

        Raises:
            ValueError: It is none.
        """
        values = json.loads(line)
        names = {one.name for one in fields(cls)}
        if not isinstance(values, dict) or not names >= values.keys() >= {"id", "key", "scores"}:
            raise ValueError("not a row")
        for name in ("tags", "groundedness", "reasons"):
            values[name] = tuple(values[name])
        return cls(**values)


def run(
    cases: Iterable[Case],
    *,
    ask: Ask,
    score: Score,
    threads: int = THREADS,
    rows: str | Path | None = None,
    fingerprint: str = "",
    tell: Callable[[str], None] = lambda message: None,
) -> Iterator[Row]:
    """Ask and score every case; yields the rows as they are finished, see `in_order`.

    A case that crashes is a row with an error. The turns of a conversation are asked one after
    the other, and each question once; closing the iterator stops after those that are on the way.

    Args:
        cases: The eval set.
        ask: Answers; must be safe to use from several threads.
        score: Scores what it answered, likewise.
        threads: How many conversations are held side by side.
        rows: A file to which each row is added as soon as it is there; the rows that it holds of
            these cases are yielded first, and asked no more, unless they crashed.
        fingerprint: Of everything that an answer depends on but the case (settings, model, index);
            rows with another are asked again.
        tell: Told, in words, that it goes on with rows that are there, and that it stops.

    Raises:
        EvaluationError: The file of rows cannot be used, or another run has it.
    """
    wanted = {case.id: (case, key_of(case, fingerprint)) for case in cases}
    kept = _Kept(None if rows is None else Path(rows))
    try:
        done = {
            row.id: row
            for row in kept.rows
            if row.id in wanted and row.key == wanted[row.id][1] and not row.error
        }
        if done:
            there = f"{len(done)} of {len(wanted)} cases are there"
            tell(f"going on with a run that was stopped: {there}")
        yield from done.values()
        left = [pair for pair in wanted.values() if pair[0].id not in done]
        yield from _held(left, ask=ask, score=score, threads=threads, kept=kept, tell=tell)
    finally:
        kept.close()


def _held(
    cases: Iterable[tuple[Case, str]],
    *,
    ask: Ask,
    score: Score,
    threads: int,
    kept: "_Kept",
    tell: Callable[[str], None],
) -> Iterator[Row]:
    """Hold the conversations side by side."""
    conversations: dict[str, list[tuple[Case, str]]] = {}
    for case, key in cases:
        # An id may be another case's group: told apart by their kind.
        name = f"group {case.group}" if case.group else f"case {case.id}"
        conversations.setdefault(name, []).append((case, key))

    stopping = threading.Event()

    def hold(conversation: list[tuple[Case, str]]) -> list[Row]:
        known: dict[tuple[Earlier, ...], Answer] = {}
        found: list[Row] = []
        for case, key in sorted(conversation, key=lambda pair: len(pair[0].history)):
            if stopping.is_set():
                break
            found.append(_row(case, key, ask=ask, score=score, known=known))
            kept.add(found[-1])
        return found

    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(hold, conversation) for conversation in conversations.values()]
        try:
            for future in as_completed(futures):
                yield from future.result()
        except BaseException:
            stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
            tell("stopping after the answers that are on the way")
            raise


def in_order(rows: Iterable[Row], cases: Iterable[Case]) -> list[Row]:
    """The rows in the order of their cases, whatever was finished first."""
    by_id = {row.id: row for row in rows}
    return [by_id[case.id] for case in cases if case.id in by_id]


def read_rows(path: str | Path) -> list[Row]:
    """The rows of a finished or interrupted run, the last one of each case.

    Raises:
        EvaluationError: The file cannot be read, or a line of it is no row.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unusable(path, error) from error
    return list({row.id: row for row in _rows(path, content[: content.rfind(b"\n") + 1])}.values())


def key_of(case: Case, fingerprint: str) -> str:
    """By which a row is told to be of this case, asked under these conditions."""
    text = f"{fingerprint}\n{dump(case)}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _row(
    case: Case, key: str, *, ask: Ask, score: Score, known: dict[tuple[Earlier, ...], Answer]
) -> Row:
    same = Row(case.id, key, case.half, case.cluster, case.tags, case.answerable)
    try:
        history = _history(case, ask, known)
        started = time.perf_counter()
        answer = ask(case.question, history=history)
        seconds = time.perf_counter() - started
        known[*case.history, Earlier(case.question)] = answer
        scored = score(case, answer)
    except Exception as error:  # noqa: BLE001  (one case that crashes must not end the run)
        return replace(same, error=f"{type(error).__name__}: {error}")
    return replace(
        same,
        answer=answer_payload(answer),
        refused=answer.refused,
        confidence=answer.confidence,
        scores=scored.scores,
        groundedness=tuple(scored.groundedness),
        reasons=tuple(scored.reasons),
        seconds=round(seconds, 4),
    )


def _history(case: Case, ask: Ask, known: dict[tuple[Earlier, ...], Answer]) -> list[Turn]:
    """The turns before the question; what no answer is given for is asked, unless it was."""
    turns: list[Turn] = []
    for place, earlier in enumerate(case.history):
        said: Answer | str
        if earlier.answer is not None:
            said = earlier.answer
        else:
            until = case.history[: place + 1]
            if until not in known:
                known[until] = ask(earlier.question, history=tuple(turns))
            said = known[until]
        turns.append(Turn(earlier.question, said))
    return turns


class _Kept:
    """The file of rows, if there is one; rows are added from several threads.

    Nobody else adds to it until it is closed, or this process ends, however it ends.
    """

    def __init__(self, path: Path | None) -> None:
        self.rows: list[Row] = []
        self._path = path or Path()
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _alone(path)
            content = self._file.read()
            # The last row was being written when the run was interrupted.
            self._size = content.rfind(b"\n") + 1
            self.rows = _rows(path, content[: self._size])
            self._file.truncate(self._size)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise unusable(path, error) from error
            raise

    def add(self, row: Row) -> None:
        """Write a row, whole or not at all; nothing after `close`."""
        line = row.line().encode("ascii") + b"\n"
        with self._lock:
            if self._file is None:
                return
            try:
                written = 0
                while written < len(line):
                    written += self._file.write(line[written:])
                self._size += written
            except OSError as error:
                with suppress(OSError):
                    self._file.truncate(self._size)  # the next row must not stand behind half a one
                raise unusable(self._path, error) from error

    def close(self) -> None:
        """Let others use the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def _alone(path: Path) -> BinaryIO:
    """The file, opened to be read and added to, and locked until it is closed.

    Raises:
        EvaluationError: Another run has it.
        OSError: It cannot be opened.
    """
    while True:
        file = path.open("a+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise EvaluationError(
                f"{path} is being written to by another run; wait until that is done, or name "
                "another file"
            ) from error
        except OSError:
            pass  # a file system without locks
        # Whoever had it may have deleted it between the two steps.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                file.seek(0)
                return cast(BinaryIO, file)
        file.close()


def _rows(path: Path, content: bytes) -> list[Row]:
    rows = []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            rows.append(Row.read(line.decode("ascii")))
        except (ValueError, TypeError, KeyError) as error:
            raise EvaluationError(
                f"{path}, line {number}: this is no row of results; "
                "name another file, or delete this one"
            ) from error
    return rows


def unusable(path: Path, error: OSError) -> EvaluationError:
    """Why a file that a run reads or writes cannot be used, and what to do."""
    reason = error.strerror or str(error)
    if error.errno in FULL:
        return EvaluationError(
            f"{path} cannot be used ({reason}); make room, and start it again: it goes on from here"
        )
    return EvaluationError(f"{path} cannot be used ({reason}); name another file")
