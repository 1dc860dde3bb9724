"""Ask your documents; every sentence of the answer is cited and checked.

from assistant import Assistant

with Assistant.open("indexes/treaty") as assistant:
    assistant.sync("seeds")
    print(assistant.ask("How long will the treaty last?").text)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.answering import Answer, Citation, Sentence
    from assistant.assistant import Assistant, Status
    from assistant.conversation import Conversation, Turn
    from assistant.documents import Block, Document
    from assistant.errors import AssistantError
    from assistant.grounding import Support, Verdict
    from assistant.retrieval import Hit
    from assistant.settings import Settings
    from assistant.sync import Plan, SyncReport

__version__ = "0.1.0"

# Where each public name lives. Imported when first used, so that `assistant --help` is quick.
_HOMES = {
    "Answer": "assistant.answering",
    "Assistant": "assistant.assistant",
    "AssistantError": "assistant.errors",
    "Block": "assistant.documents",
    "Citation": "assistant.answering",
    "Conversation": "assistant.conversation",
    "Document": "assistant.documents",
    "Hit": "assistant.retrieval",
    "Plan": "assistant.sync",
    "Sentence": "assistant.answering",
    "Settings": "assistant.settings",
    "Status": "assistant.assistant",
    "Support": "assistant.grounding",
    "SyncReport": "assistant.sync",
    "Turn": "assistant.conversation",
    "Verdict": "assistant.grounding",
}

__all__ = [
    "Answer",
    "Assistant",
    "AssistantError",
    "Block",
    "Citation",
    "Conversation",
    "Document",
    "Hit",
    "Plan",
    "Sentence",
    "Settings",
    "Status",
    "Support",
    "SyncReport",
    "Turn",
    "Verdict",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
