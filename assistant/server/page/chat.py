"""A question asked on the page: what is shown while it is answered, and then."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from assistant.answering import Answer, Citation, Draft, Piece, Searching, Sentence
from assistant.assistant import Assistant
from assistant.conversation import Conversation
from assistant.errors import AssistantError, IndexStorageError
from assistant.server.page.cards import same
from assistant.server.page.conversations import listed_html
from assistant.server.page.rendering import (
    partial_html,
    reading_html,
    searching_html,
    sendable,
    turn_html,
)

Update = dict[str, Any]
# The choice is the session's, which does not outlast the server.
FORGOTTEN = (
    "The server was started anew and no longer knows which documents were chosen. Choose them "
    "again in Documents, or ask again to search all of them."
)
UNEXPECTED = "An unexpected error; the server's log says more."
logger = logging.getLogger(__name__)


def ask(
    assistant: Assistant,
    asked: Update,
    *,
    owner: str,
    unkept: Conversation | None,
    within: list[str] | None,
    gone: Callable[[], bool],
) -> Iterator[tuple[Update, Conversation | None]]:
    """Answer a question; each update says all that is known by then.

    Closing the iterator stops the work.

    Args:
        assistant: Who answers.
        asked: From the browser: "ask" (by which it knows the updates again), "question",
            "conversation" (its id or None), "turn" (those before it are kept), "search_query".
        owner: Who asks.
        unkept: The conversation so far where it could not be kept.
        within: Sources to search, or None for all.
        gone: Tells whether nobody waits for the answer any more.

    Yields:
        The update, and the conversation if it could not be kept.
    """
    name = {"ask": str(asked.get("ask", ""))}
    if asked.get("within") and within is None:
        yield {**name, "state": "failed", "problem": FORGOTTEN, "everywhere": True}, unkept
        return
    try:
        question = str(asked.get("question", ""))
        conversation = _opened(assistant, asked.get("conversation"), owner=owner, unkept=unkept)
        turn = asked.get("turn")
        at = turn if isinstance(turn, int) and 0 <= turn < len(conversation.history) else None
        query = asked.get("search_query")
        events = conversation.stream(
            question, at=at, search_query=str(query) if query else None, within=within
        )
        writing = Writing()
        with closing(events):
            for event in events:
                if gone():
                    return
                match event:
                    case Searching():
                        writing = Writing()
                        html = searching_html(event.search_query, event.searches, question)
                        yield {**name, "state": "searching", "html": html}, unkept
                    case Draft():
                        if writing.drafted(event.text):
                            yield {**name, **writing.update()}, unkept
                    case Piece():
                        writing.written(event)
                        yield {**name, **writing.update()}, unkept
                    case Answer():
                        yield _answered(assistant, conversation, name)
    except AssistantError as error:
        yield {**name, "state": "failed", "problem": sendable(error)}, unkept
    except Exception:
        logger.exception("a question could not be answered")
        yield {**name, "state": "failed", "problem": UNEXPECTED}, unkept


class Writing:
    """What is known of an answer on its way."""

    def __init__(self) -> None:
        self._sentences: list[Sentence] = []
        self._citations: list[Citation] = []
        self._draft: str | None = None  # None before a language model writes

    def drafted(self, text: str) -> bool:
        """Take what a language model has written of its next sentence: is it news?"""
        before, self._draft = self._draft, text
        return before != text

    def written(self, piece: Piece) -> None:
        """Take a sentence, in place of its draft."""
        self._sentences.append(piece.sentence)
        self._citations.extend(piece.citations)
        if self._draft is not None:
            self._draft = ""

    def update(self) -> Update:
        """All of it; the draft is apart, so that what stands fast is not sent over and over."""
        drafting = self._draft is not None
        if drafting and not self._draft and not self._sentences:
            return {"state": "writing", "html": reading_html(), "draft": ""}
        html = partial_html(self._sentences, self._citations, drafting=drafting)
        return {"state": "writing", "html": html, "draft": sendable(self._draft or "")}


def _opened(
    assistant: Assistant, key: object, *, owner: str, unkept: Conversation | None
) -> Conversation:
    if isinstance(key, str) and key:
        return assistant.chat(id=key, owner=owner)
    return unkept if unkept is not None and key == "" else assistant.chat(owner=owner)


def _answered(
    assistant: Assistant, conversation: Conversation, name: Update
) -> tuple[Update, Conversation | None]:
    """The last update; the first answer of a conversation makes it one that is kept."""
    problem = conversation.problem
    if conversation.id is None:
        try:
            conversation.save()
        except IndexStorageError as error:
            problem = str(error)
    turns = conversation.history
    update = {
        **name,
        "state": "done",
        "html": turn_html(turns[-1], same, most_calls=assistant.settings.model_calls),
        "turn": len(turns) - 1,
        "conversation": conversation.id or "",
        "title": sendable(conversation.title),
        "problem": sendable(problem) if problem else "",
        "list": listed_html(assistant, owner=conversation.owner),
    }
    return update, conversation if conversation.id is None else None
