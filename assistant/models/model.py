"""What a language model is to the rest of the assistant."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

# While a model says nothing, whoever reads it is woken so often, to see whether to go on.
TICK_SECONDS = 0.25


class Message(NamedTuple):
    """One message of what a model is asked; the prompt files have one each."""

    role: Literal["system", "user", "assistant"]
    text: str


class Model(Protocol):
    """A language model that writes text; safe to use from several threads."""

    @property
    def name(self) -> str:
        """The name by which the user chose it, as in Settings.model."""

    @property
    def context(self) -> int:
        """How many tokens its question and its reply may have together."""

    def write(self, messages: Sequence[Message], *, most_tokens: int) -> Iterator[str | None]:
        """The reply, as it is written; None every `TICK_SECONDS` in which nothing came.

        Closing the iterator ends the work, on the server too. The reply has at most
        `most_tokens` tokens.

        Raises:
            ModelError: The model failed, before the first word or after some.
        """

    def warm(self) -> None:
        """Do now what would hold back the first reply, such as loading libraries; send nothing.

        Raises:
            ModelError: The model cannot be used.
        """

    def close(self) -> None:
        """Let go of what it holds; it is opened again when it is needed."""


@dataclass
class _Count:
    """How many calls were made, and whether no more is to be written; shared with those lent."""

    made: int = 0
    stopped: bool = False


class Calls:
    """How often a model may be asked for one question, and how often it was.

    Attributes:
        model: The model.
        most: The most calls.
    """

    def __init__(self, model: Model, *, most: int) -> None:
        self.model = model
        self.most = most
        self._count = _Count()

    @property
    def made(self) -> int:
        """How many were made so far, failed ones too."""
        return self._count.made

    def lent(self, model: Model) -> "Calls":
        """The same calls, for another model: each that it makes is one less for this one."""
        other = Calls(model, most=self.most)
        other._count = self._count
        return other

    def stop(self) -> None:
        """End what is being written, at its next word or tick; for whoever waits elsewhere."""
        self._count.stopped = True

    @property
    def left(self) -> int:
        """How many calls may still be made."""
        return self.most - self.made

    def write(self, messages: Sequence[Message], *, most_tokens: int) -> Iterator[str | None]:
        """As `Model.write`; it counts as one."""
        assert self.left > 0
        self._count.made += 1
        return self._until_stopped(self.model.write(messages, most_tokens=most_tokens))

    def _until_stopped(self, pieces: Iterator[str | None]) -> Iterator[str | None]:
        with closing(pieces):  # type: ignore[type-var]
            for piece in pieces:
                if self._count.stopped:
                    return
                yield piece

    def complete(self, messages: Sequence[Message], *, most_tokens: int) -> str:
        """The whole reply; it counts as one.

        Raises:
            ModelError: The model failed.
        """
        with closing(self.write(messages, most_tokens=most_tokens)) as pieces:  # type: ignore[type-var]
            return "".join(piece for piece in pieces if piece)
