"""What the page asks for in between: the first screen, and everything about kept conversations."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

from assistant.answering import Citation
from assistant.assistant import Assistant
from assistant.conversation import Turn
from assistant.errors import AssistantError, IndexMissingError, IndexStorageError
from assistant.payloads import restored
from assistant.server.page.presence import Presence
from assistant.server.page.rendering import sendable, turn_html
from assistant.server.page.shown import shown
from assistant.server.page.welcome import welcome_html

logger = logging.getLogger(__name__)
Data = dict[str, Any]
# Example questions on the first screen.
EXAMPLES = 4
# The conversations changed last; `assistant conversations` lists them all.
MOST_LISTED = 200
Action = Callable[[Data, gr.Request], Data]


def actions(assistant: Assistant, presence: Presence) -> list[Action]:
    """What the page's script may call; each takes and gives a JSON object.

    Whoever asks sees their own conversations only. What goes wrong is "problem", in words.
    """

    def owner(request: gr.Request) -> str:
        return str(getattr(request.state, "owner", ""))

    def start(data: Data, request: gr.Request) -> Data:
        """The first screen, or the conversation that is open: after loading, and on opening."""
        kind, _, name = owner(request).partition(":")
        found: Data = {
            "list": listed_html(assistant, owner=owner(request)),
            "user": sendable(name) if kind == "user" else "",
        }
        if key := data.get("conversation"):
            try:
                found |= _opened(assistant, str(key), owner=owner(request))
            except AssistantError as error:
                found["problem"] = sendable(error)
        if "turns" not in found:
            found["welcome"] = welcome_html(assistant)
        return found

    def examples(data: Data, request: gr.Request) -> Data:
        """Questions to begin with; apart from the first screen, for they may take a moment."""
        return {"questions": [sendable(question) for question in assistant.examples(EXAMPLES)]}

    def halt(data: Data, request: gr.Request) -> Data:
        """End the work for a question."""
        presence.stop(str(data["ask"]), owner=owner(request))
        return {}

    def rename(data: Data, request: gr.Request) -> Data:
        """Give a conversation another title."""
        conversation = assistant.chat(id=str(data["conversation"]), owner=owner(request))
        conversation.save(str(data["title"]))
        return {
            "title": sendable(conversation.title),
            "list": listed_html(assistant, owner=owner(request)),
        }

    def delete(data: Data, request: gr.Request) -> Data:
        """Drop a conversation."""
        assistant.chat(id=str(data["conversation"]), owner=owner(request)).delete()
        return {"list": listed_html(assistant, owner=owner(request))}

    def rate(data: Data, request: gr.Request) -> Data:
        """Keep what the reader thinks of an answer."""
        good = data.get("good")
        assistant.chat(id=str(data["conversation"]), owner=owner(request)).rate(
            int(data["turn"]),
            good=good if isinstance(good, bool) else None,
            comment=str(data.get("comment", "")),
        )
        return {}

    def export(data: Data, request: gr.Request) -> Data:
        """A conversation as Markdown."""
        conversation = assistant.chat(id=str(data["conversation"]), owner=owner(request))
        return {
            "title": sendable(conversation.title),
            "markdown": sendable(conversation.markdown()),
        }

    def view(data: Data, request: gr.Request) -> Data:
        """A cited passage in its document; "page" is another page of a PDF to show, or None."""
        from assistant.server.page.viewer import source_view

        citation, page = restored(Citation, data["citation"]), data.get("page")
        number = page if isinstance(page, int) else None
        return {"html": source_view(assistant, citation, page=number)}

    return [told(action) for action in (start, examples, halt, rename, delete, rate, export, view)]


def listed_html(assistant: Assistant, *, owner: str) -> str:
    """The conversations of one owner, the last changed first."""
    try:
        conversations = assistant.conversations(owner=owner)[:MOST_LISTED]
    except IndexMissingError:
        conversations = []
    except IndexStorageError as error:
        return f'<li class="problem">{shown(str(error))}</li>'
    return "".join(
        f'<li data-id="{shown(one.id)}">'
        f'<a href="?c={shown(one.id)}" data-do="open" title="{shown(one.title)}">'
        f"<bdi>{shown(one.title)}</bdi></a>"
        '<button type="button" class="icon" data-do="rename" aria-label="Rename" title="Rename">'
        "</button>"
        '<button type="button" class="icon" data-do="delete" aria-label="Delete" title="Delete">'
        "</button></li>"
        for one in conversations
    )


def told(action: Action) -> Action:
    """Tell errors in words, those of a browser that sends nonsense too."""

    @wraps(action)
    def safe(data: Data, request: gr.Request) -> Data:
        try:
            return action(data, request)
        except AssistantError as error:
            return {"problem": sendable(error)}
        except (AttributeError, KeyError, TypeError, ValueError):
            logger.warning("what was asked of %s makes no sense", action.__name__, exc_info=True)
            return {"problem": "the page asked for something that does not exist; load it again"}

    return safe


def _opened(assistant: Assistant, key: str, *, owner: str) -> Data:
    conversation = assistant.chat(id=key, owner=owner)

    def html(turn: Turn) -> str:
        citations = () if isinstance(turn.answer, str) else turn.answer.citations
        states = assistant.changed(citations)
        return turn_html(
            turn,
            lambda citation: states[citation.number],
            most_calls=assistant.settings.model_calls,
        )

    return {
        "conversation": key,
        "title": sendable(conversation.title),
        "turns": [
            {"question": sendable(turn.question), "html": html(turn)}
            for turn in conversation.history
        ],
    }
