"""The first sync, begun on the page: progress while it runs, in a thread of its own."""

import queue
import threading
from collections.abc import Iterator
from typing import Any

from assistant.assistant import Assistant
from assistant.errors import AssistantError
from assistant.server.page.rendering import sendable
from assistant.server.page.welcome import welcome_html
from assistant.sync import Step, SyncReport

Update = dict[str, Any]
PHASES = {
    "documents": "Reading documents",
    "passages": "Encoding passages",
    "lexical": "Building the word index",
    "dense": "Building the meaning index",
}


class _StoppedError(Exception):
    """Nobody waits for it any more."""


def index(assistant: Assistant, asked: Update) -> Iterator[Update]:
    """Sync the folder, telling how far it is; closing the iterator stops it."""
    name = {"ask": str(asked.get("ask", "")), "state": "indexing"}
    steps: queue.SimpleQueue[Step | SyncReport | AssistantError | None] = queue.SimpleQueue()
    stopped = threading.Event()

    def progress(step: Step) -> None:
        if stopped.is_set():
            raise _StoppedError
        steps.put(step)

    def work() -> None:
        end: SyncReport | AssistantError | None = None
        try:
            end = assistant.sync(progress=progress)
        except AssistantError as error:
            end = error
        except _StoppedError:
            pass
        finally:
            steps.put(end)

    threading.Thread(target=work, name="sync", daemon=True).start()
    try:
        yield {**name, "text": "Looking at the folder"}
        while isinstance(step := steps.get(), Step):
            of = f" {step.done:,} of {step.total:,}" if step.total else ""
            yield {**name, "text": f"{PHASES[step.phase]}{of}"}
        broken = step or "the sync broke off; run `assistant sync` to see why"
        problem = "" if isinstance(step, SyncReport) else sendable(broken)
        yield {**name, "state": "indexed", "problem": problem, "welcome": welcome_html(assistant)}
    finally:
        stopped.set()
