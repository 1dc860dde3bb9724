"""How far long work has come: a bar on a terminal, now and then a line otherwise."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from assistant.cli.screen import one_line, visible

# Without a terminal: a line after so many seconds, or after a tenth of the work if that took one.
SECONDS_BETWEEN = 5.0
TENTH_SECONDS = 1.0


class Step(Protocol):
    """A step of the work; a sync's, as in `assistant.sync.Step`, or another."""

    @property
    def phase(self) -> str:
        """Which part of the work it is of."""

    @property
    def doing(self) -> str:
        """What is being done, for people."""

    @property
    def done(self) -> int:
        """How much of it is done."""

    @property
    def total(self) -> int:
        """How much there is; 0 if that is not known."""

    @property
    def name(self) -> str:
        """What was done last, or empty."""


@contextmanager
def shown(stream: TextIO | None = None) -> Iterator[Callable[[Step], None]]:
    """A function to call with each step, which shows them on standard error."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield Lines(stream)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    bar = Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[name]}", markup=False, style="dim"),
        console=console,
        transient=True,
    )
    tasks: dict[str, int] = {}
    with bar:

        def show(step: Step) -> None:
            if step.phase not in tasks:
                tasks[step.phase] = bar.add_task(step.doing, total=None, name="")
            bar.update(
                tasks[step.phase],  # type: ignore[arg-type]  # TaskID is an int
                completed=step.done,
                total=step.total or None,
                name=one_line(visible(step.name))[-40:],
            )

        yield show


class Lines:
    """Plain lines for a log, never a flood of them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = time.monotonic()
        self._phase = ""
        self._tenths = 0

    def __call__(self, step: Step) -> None:
        """Write a line if it is time for one."""
        if step.phase != self._phase:
            self._phase, self._tenths = step.phase, 0
        tenths = 10 * step.done // step.total if step.total else 0
        waited = time.monotonic() - self._last
        due = waited >= SECONDS_BETWEEN or (tenths > self._tenths and waited >= TENTH_SECONDS)
        if not due:
            return
        self._last, self._tenths = time.monotonic(), tenths
        total = f" of {step.total:,}" if step.total else ""
        self._stream.write(f"{step.doing}: {step.done:,}{total}\n")
        self._stream.flush()
