"""A conversation on the terminal."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from assistant.answering import Answer
from assistant.assistant import Assistant
from assistant.cli import views
from assistant.cli.help import CHAT_COMMANDS
from assistant.cli.screen import Screen, complain, one_line
from assistant.cli.telling import tell
from assistant.conversation.blocks import model_name
from assistant.errors import AssistantError, ConversationError
from assistant.payloads import answer_payload, as_text

FINE = 0
PROMPT = "> "


def chat(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant chat`: answers until the questions end."""
    filters = {name: getattr(options, name) for name in ("within", "types", "since", "until")}
    conversation = Chatting(assistant, filters, screen, as_json=options.json)
    if options.resume:
        conversation.resume(options.resume)
    if options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        for line in lines(sys.stdin):
            if not conversation.told(line):
                break
            sys.stdout.flush()
        return FINE
    conversation.greet()
    for line in typed():
        try:
            if not conversation.told(line):
                break
        except KeyboardInterrupt:
            screen.write("")
            screen.write(("stopped; /retry asks again", "dim"))
        except AssistantError as error:
            complain(str(error))
    return FINE


def lines(stream: TextIO) -> Iterator[str]:
    """The lines of what is not a terminal, in UTF-8 as far as it goes, as they come."""
    for line in stream.buffer:
        yield line.decode("utf-8", "replace")


def typed() -> Iterator[str]:
    """Lines typed at a prompt, with editing and history where the system has them."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - input() uses it once it is there
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")
    while True:
        try:
            yield input(PROMPT)
        except (EOFError, KeyboardInterrupt):
            sys.stdout.write("\n")
            return


class Chatting:
    """What is done with each line: a question is answered, a command obeyed."""

    def __init__(
        self, assistant: Assistant, filters: dict[str, Any], screen: Screen, *, as_json: bool
    ) -> None:
        self._assistant = assistant
        self._filters = filters
        self._as_json = as_json
        # Programs read standard output; what is for people then goes elsewhere.
        self._screen = Screen(sys.stderr) if as_json else screen
        self._out = screen
        self._most_calls = assistant.settings.model_calls
        self._conversation = assistant.chat()
        self._asked = ""  # last, though it may have been stopped
        self._commands: dict[str, Callable[[str], None]] = {
            "/sources": self._sources,
            "/search": self._search,
            "/retry": self._retry,
            "/history": self._history,
            "/save": self._save,
            "/export": self._export,
            "/good": lambda comment: self._rate(comment, good=True),
            "/bad": lambda comment: self._rate(comment, good=False),
            "/new": self._new,
            "/help": lambda _: self._screen.write(CHAT_COMMANDS.rstrip()),
        }

    def greet(self) -> None:
        """Say what is asked, and how to leave.

        Raises:
            IndexMissingError, IndexStorageError: There is nothing to ask.
        """
        counts = self._assistant.counts()
        documents = "1 document" if counts.documents == 1 else f"{counts.documents:,} documents"
        writer = self._assistant.writer
        by = "" if writer == views.EXTRACTIVE else f" · {one_line(model_name(writer))} writes"
        self._screen.write((f"{documents} to ask about{by} · /help · Ctrl-D leaves", "dim"))

    def resume(self, key: str) -> None:
        """Go on with a conversation that was kept.

        Raises:
            ConversationError: There is none of this id.
        """
        self._conversation = self._assistant.chat(id=key)
        history = self._conversation.history
        self._asked = history[-1].question if history else ""
        turns = "1 turn" if len(history) == 1 else f"{len(history):,} turns"
        self._screen.write((one_line(self._conversation.title), "bold"), (f" · {turns}", "dim"))

    def told(self, line: str) -> bool:
        """Answer a question or obey a command; returns whether to go on.

        Raises:
            AssistantError: It cannot be done; the message says why.
        """
        line = line.strip()
        name, _, rest = line.partition(" ")
        if name == "/quit":
            return False
        if name in self._commands:
            self._commands[name](rest.strip())
        elif name.startswith("/") and "/" not in name[1:]:
            raise ConversationError(f"there is no command {name}; /help lists them")
        elif line:
            self._ask(self._chosen(line))
        return True

    def _chosen(self, line: str) -> str:
        """The question; where choices were offered, a number stands for one of them."""
        last = self._last()
        if last is not None and line.isdecimal() and 1 <= int(line) <= len(last.choices):
            return last.choices[int(line) - 1]
        return line

    def _ask(
        self, question: str, *, at: int | None = None, search_query: str | None = None
    ) -> None:
        self._asked = question
        events = self._conversation.stream(
            question, at=at, search_query=search_query, **self._filters
        )
        if self._as_json:
            *_, answer = events
            assert isinstance(answer, Answer)
            kept = {"conversation": self._conversation.id}
            self._out.json(answer_payload(answer) | kept, indent=None)
        else:
            answer = tell(events, self._screen, question=question)
            views.show_end(answer, self._screen, most_calls=self._most_calls)
            self._screen.write("")
        if self._conversation.problem:
            complain(f"this turn is not kept: {self._conversation.problem}")

    def _again(self, search_query: str | None) -> None:
        if not self._asked:
            raise ConversationError("nothing was asked yet")
        history = self._conversation.history
        # A question that was stopped is in no turn.
        last = bool(history) and history[-1].question == self._asked
        at = len(history) - 1 if last else None
        self._ask(self._asked, at=at, search_query=search_query)

    def _retry(self, _: str) -> None:
        self._again(None)

    def _search(self, query: str) -> None:
        if not query:
            raise ConversationError("say what to search: /search QUERY")
        self._again(query)

    def _sources(self, number: str) -> None:
        last = self._last()
        citations = {} if last is None else {str(item.number): item for item in last.citations}
        if number and number not in citations:
            known = f"1 to {len(citations)}" if citations else "none"
            raise ConversationError(f"there is no source {number}; the last answer has {known}")
        if not citations:
            self._screen.write("The last answer has no sources.")
        elif number:
            views.show_passage(citations[number], self._screen)
        else:
            for citation in citations.values():
                views.show_citation(citation, self._screen)

    def _history(self, _: str) -> None:
        for number, turn in enumerate(self._conversation.history, start=1):
            question = (one_line(turn.question), "bold")
            self._screen.write(question, indent=4, label=f"{number:2}")
            answer = turn.answer
            self._screen.write(answer if isinstance(answer, str) else as_text(answer), indent=4)

    def _save(self, title: str) -> None:
        key = self._conversation.save(title or None)
        name = one_line(self._conversation.title)
        self._screen.write(f"kept as “{name}”; to go on: assistant chat --resume {key}")

    def _export(self, file: str) -> None:
        if not file:
            raise ConversationError("say which file to write: /export FILE")
        path = Path(file).expanduser()
        try:
            with path.open("x", encoding="utf-8") as stream:
                stream.write(self._conversation.markdown())
        except FileExistsError:
            raise ConversationError(f"{file} exists already; name another file") from None
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConversationError(f"{file} cannot be written: {reason}; name another") from None
        self._screen.write(f"written to {one_line(file)}")

    def _rate(self, comment: str, *, good: bool) -> None:
        turns = len(self._conversation.history)
        if not turns:
            raise ConversationError("nothing was asked yet")
        if self._conversation.id is None:
            self._save("")
        self._conversation.rate(turns - 1, good=good, comment=comment)
        self._screen.write(f"noted: {'good' if good else 'bad'}")

    def _new(self, _: str) -> None:
        self._conversation = self._assistant.chat()
        self._asked = ""
        self._screen.write(("a new conversation", "dim"))

    def _last(self) -> Answer | None:
        history = self._conversation.history
        answer = history[-1].answer if history else None
        return answer if isinstance(answer, Answer) else None
