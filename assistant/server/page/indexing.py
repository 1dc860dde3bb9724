"""The first sync, begun on the page."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from assistant.assistant import Assistant
from assistant.errors import AssistantError
from assistant.server.page.rendering import sendable
from assistant.server.page.welcome import welcome_html
from assistant.server.working import working
from assistant.sync import Progress, Step, SyncReport

Update = dict[str, Any]


def index(assistant: Assistant, asked: Update) -> Iterator[Update]:
    """Sync the folder, telling how far it is."""
    name = {"ask": str(asked.get("ask", "")), "state": "indexing"}
    yield {**name, "text": "Looking at the folder"}
    problem = ""
    try:
        for step in working(partial(_synced, assistant)):
            if isinstance(step, Step):
                of = f" {step.done:,} of {step.total:,}" if step.total else ""
                yield {**name, "text": f"{step.doing.capitalize()}{of}"}
    except AssistantError as error:
        problem = sendable(error)
    yield {**name, "state": "indexed", "problem": problem, "welcome": welcome_html(assistant)}


def _synced(assistant: Assistant, progress: Progress) -> SyncReport:
    return assistant.sync(progress=progress)
