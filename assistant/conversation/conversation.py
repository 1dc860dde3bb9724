"""A conversation: questions that build on each other, and keeping them."""

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date
from typing import Protocol

from assistant.answering import Answer, Events
from assistant.catalog import Conversations
from assistant.conversation.export import markdown
from assistant.conversation.turn import Turn, packed, unpacked
from assistant.errors import ConversationError, IndexStorageError

# A title made of the first question is cut to so many characters.
LONGEST_TITLE = 80
UNTITLED = "New conversation"


class Stream(Protocol):
    """How a question is answered: `Assistant.stream`."""

    def __call__(
        self,
        question: str,
        *,
        history: Sequence[Turn],
        search_query: str | None,
        within: Sequence[str] | None,
        types: Sequence[str] | None,
        since: date | None,
        until: date | None,
    ) -> Events:
        """Answer with this history."""


class Conversation:
    """Questions that build on each other; made by `Assistant.chat`.

    For one thread at a time. It is kept in the index from `save` on: the turns until then, and
    each later one as soon as it is answered.

    Attributes:
        id: By which it can be resumed; None while it is not kept.
        owner: Whose it is; "" for the machine's own user.
        title: What it is called.
        problem: Why the last turn could not be kept, or None.
    """

    def __init__(
        self,
        stream: Stream,
        store: Callable[[], Conversations],
        *,
        owner: str = "",
        history: Sequence[Turn] = (),
    ) -> None:
        """Use `Assistant.chat`."""
        self._stream = stream
        self._store = store
        self._turns = list(history)
        self._ids: list[int] = []  # of the turns that are kept, which are the first ones
        self._gone: list[int] = []  # of turns that are still kept and should not be
        self.id: str | None = None
        self.owner = owner
        self.title = ""
        self.problem: str | None = None

    @classmethod
    def resume(
        cls, key: str, stream: Stream, store: Callable[[], Conversations], *, owner: str | None
    ) -> "Conversation":
        """Open a conversation that was kept.

        Raises:
            ConversationError: There is none of this id, or it is not this owner's.
        """
        listed = store().find(key, owner=owner)
        stored = store().turns(key)
        turns = [Turn(turn.question, unpacked(turn.answer), turn.feedback) for turn in stored]
        conversation = cls(stream, store, owner=listed.owner, history=turns)
        conversation.id, conversation.title = key, listed.title
        conversation._ids = [turn.id for turn in stored]
        return conversation

    def __repr__(self) -> str:
        return f"Conversation({self.title!r}, {len(self._turns)} turns, id={self.id!r})"

    @property
    def history(self) -> tuple[Turn, ...]:
        """All turns, in order."""
        return tuple(self._turns)

    def stream(
        self,
        question: str,
        *,
        at: int | None = None,
        search_query: str | None = None,
        within: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Events:
        """Answer a question in the light of those before it, as it is found.

        Arguments, events and errors are those of `Assistant.stream`. The turn becomes part of the
        history with the last event; closing the iterator before stops the work, and it does not.

        Args:
            question: Any text.
            at: Ask it as this turn, counted from 0, in place of that one and all after it; they
                are forgotten when the answer is there. By default it comes after the last.
            search_query: What to search, instead of what the history makes of the question.
            within: As in `Assistant.stream`; so are the rest.
            types: See there.
            since: See there.
            until: See there.

        Raises:
            ConversationError: It has no such turn.
        """
        kept = self._turns[: self._place(at)]
        events = self._stream(
            question,
            history=kept,
            search_query=search_query,
            within=within,
            types=types,
            since=since,
            until=until,
        )
        with closing(events):
            for event in events:
                if isinstance(event, Answer):
                    self._conclude([*kept, Turn(question, event)])
                yield event

    def ask(
        self,
        question: str,
        *,
        at: int | None = None,
        search_query: str | None = None,
        within: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Answer:
        """Answer a question in the light of those before it; as `stream`, read to its end."""
        *_, last = self.stream(
            question,
            at=at,
            search_query=search_query,
            within=within,
            types=types,
            since=since,
            until=until,
        )
        assert isinstance(last, Answer)
        return last

    def rewind(self, turns: int) -> None:
        """Forget all but the first so many turns.

        Raises:
            ConversationError: It has not so many turns.
        """
        self._turns = self._turns[: self._place(turns)]
        self._write()

    def save(self, title: str | None = None) -> str:
        """Keep the conversation in the index from now on; again, to give it another title.

        Args:
            title: What to call it; by default the first question.

        Returns:
            Its id, to resume it with `Assistant.chat(id=...)`.

        Raises:
            IndexStorageError: The index cannot be written to.
            ConversationError: It was deleted by another program.
        """
        title = " ".join(title.split()) if title else ""
        if self.id is None:
            title = title or self._first_question()
            key = self._store().create(owner=self.owner, title=title)
            self.id, self.title = key, title
            self._write()
        elif title:
            self._store().rename(self.id, title)
            self.title = title
        return self.id

    def delete(self) -> None:
        """Drop it from the index; what is in memory stays, and is no longer kept."""
        if self.id is not None:
            self._store().delete(self.id)
            self.id, self._ids, self._gone = None, [], []

    def rate(self, turn: int, *, good: bool | None, comment: str = "") -> None:
        """Note what the reader thinks of an answer, for `Assistant.feedback`; None takes it back.

        Raises:
            ConversationError: There is no such turn, or the conversation is not kept.
        """
        if not 0 <= turn < len(self._turns):
            raise ConversationError(f"{self._counted()}; there is no turn {turn}")
        if self.id is None or turn >= len(self._ids):
            raise ConversationError("the conversation is not kept; save it before rating an answer")
        feedback = self._store().rate(self.id, self._ids[turn], good=good, comment=comment)
        self._turns[turn] = dataclasses.replace(self._turns[turn], feedback=feedback)

    def markdown(self) -> str:
        """All of it as Markdown, the citations as footnotes."""
        return markdown(self.title or self._first_question(), self._turns)

    def _place(self, turn: int | None) -> int:
        if turn is None:
            return len(self._turns)
        if not 0 <= turn <= len(self._turns):
            raise ConversationError(f"{self._counted()}; there is no turn {turn} to go back to")
        return turn

    def _conclude(self, turns: list[Turn]) -> None:
        self._ids, self._gone = (
            self._ids[: len(turns) - 1],
            self._gone + self._ids[len(turns) - 1 :],
        )
        self._turns = turns
        self.problem = None
        try:
            self._write()
        except (IndexStorageError, ConversationError) as error:
            # The answer is worth more than its record; whoever shows it says that it is not kept.
            self.problem = str(error)

    def _write(self) -> None:
        """Keep what is not kept yet, this time or the last, and drop what is to be forgotten."""
        if self.id is None:
            return
        self._gone += self._ids[len(self._turns) :]
        del self._ids[len(self._turns) :]
        if self._gone:
            self._store().forget(self.id, self._gone)
            self._gone = []
        if new := self._turns[len(self._ids) :]:
            packets = [(turn.question, packed(turn.answer)) for turn in new]
            self._ids += self._store().append(self.id, packets)

    def _counted(self) -> str:
        count = len(self._turns)
        return f"the conversation has {count} {'turn' if count == 1 else 'turns'}"

    def _first_question(self) -> str:
        first = " ".join(self._turns[0].question.split()) if self._turns else UNTITLED
        return first if len(first) <= LONGEST_TITLE else first[: LONGEST_TITLE - 1] + "…"
