"""An eval set is run: one row a case, in threads; an interrupted run goes on where it stopped."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Protocol

from assistant.answering import Answer
from assistant.conversation import Turn
from assistant.errors import EvaluationError
from assistant.evaluation.cases import Case, dump
from assistant.evaluation.fields import Earlier
from assistant.evaluation.scoring import Scored
from assistant.payloads import answer_payload

# Two answers at a time use two processors; more only wait for each other.
THREADS = 2

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

    Raises:
        EvaluationError: The file of rows cannot be used.
    """
    wanted = {case.id: (case, key_of(case, fingerprint)) for case in cases}
    kept = _Kept(None if rows is None else Path(rows))
    done = {
        row.id: row
        for row in kept.rows
        if row.id in wanted and row.key == wanted[row.id][1] and not row.error
    }
    yield from done.values()
    conversations: dict[str, list[tuple[Case, str]]] = {}
    for case, key in wanted.values():
        if case.id not in done:
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
        finally:
            stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)


def in_order(rows: Iterable[Row], cases: Iterable[Case]) -> list[Row]:
    """The rows in the order of their cases, whatever was finished first."""
    by_id = {row.id: row for row in rows}
    return [by_id[case.id] for case in cases if case.id in by_id]


def read_rows(path: str | Path) -> list[Row]:
    """The rows of a finished or interrupted run, the last one of each case.

    Raises:
        EvaluationError: The file cannot be read, or a line of it is no row.
    """
    return list({row.id: row for row in _Kept(Path(path), must_exist=True).rows}.values())


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
    """The file of rows, if there is one; rows are added from several threads."""

    def __init__(self, path: Path | None, *, must_exist: bool = False) -> None:
        self.rows: list[Row] = []
        self._path = path
        self._lock = threading.Lock()
        if path is None:
            return
        try:
            if must_exist or path.exists():
                self._load(path, mend=not must_exist)
            if not must_exist:
                path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(path, error) from error

    def _load(self, path: Path, *, mend: bool) -> None:
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        for number, line in enumerate(content[:whole].splitlines(), start=1):
            try:
                self.rows.append(Row.read(line.decode("ascii")))
            except (ValueError, TypeError, KeyError) as error:
                raise EvaluationError(
                    f"{path}, line {number}: this is no row of results; "
                    "name another file, or delete this one"
                ) from error
        # The last row was being written when the run was interrupted.
        if mend and whole < len(content):
            with path.open("r+b") as file:
                file.truncate(whole)

    def add(self, row: Row) -> None:
        if self._path is None:
            return
        try:
            with self._lock, self._path.open("a", encoding="ascii") as file:
                file.write(row.line() + "\n")
        except OSError as error:
            raise _unusable(self._path, error) from error


def _unusable(path: Path, error: OSError) -> EvaluationError:
    reason = error.strerror or str(error)
    return EvaluationError(f"{path} cannot be used ({reason}); name another file")
