"""What is behind a language model: a LlamaIndex model, and who runs it."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from assistant.models.call import CONNECT_SECONDS, answered, watched
from assistant.models.failures import Asked

_LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


class Connection:
    """A LlamaIndex model and what must be known about it; the subclasses are the kinds.

    Attributes:
        llm: The LlamaIndex model.
        asked: Who it is, for errors.
        tells_its_end: Whether every reply ends with a reason, so that one without is broken.
        patience: A reply is cut off at so many times the tokens that it may have, by our count,
            which differs from the model's; it is for servers that do not keep to the limit.
    """

    tells_its_end = True
    patience = 4

    def __init__(self, llm: Any, asked: Asked) -> None:
        self.llm = llm
        self.asked = asked

    def chat(self, messages: Sequence[Any], *, most_tokens: int) -> Iterator[Any]:
        """The reply to LlamaIndex's messages, as LlamaIndex's responses."""
        responses: Iterator[Any] = self._limited(most_tokens).stream_chat(messages)
        return responses

    def ready(self) -> None:
        """See that it can be asked, however long that takes.

        Raises:
            ModelError: It cannot.
        """

    def ending(self, response: Any) -> str:
        """Why the reply ends, where this response says so."""
        raise NotImplementedError

    def names(self) -> list[str]:
        """The models that the server has.

        Raises:
            Exception: It does not say.
        """
        raise NotImplementedError

    def context(self) -> int:
        """How many tokens it takes, as far as the server tells.

        Raises:
            Exception: The server cannot be asked.
        """
        raise NotImplementedError

    def yields(self, error: BaseException) -> bool:
        """Whether the server refused a parameter which can be left out, and now is."""
        return False

    def close(self) -> None:
        """Let go of what it holds."""

    def _limited(self, most_tokens: int) -> Any:
        return self.llm.model_copy(update={"max_tokens": most_tokens})


class Own(Connection):
    """A program's own LlamaIndex model, as it has been set up."""

    tells_its_end = False

    def __init__(self, name: str, llm: Any) -> None:
        asked = Asked(
            name,
            server="its server",
            start="start its server",
            key_variable="",
            model_remedy="correct the name",
        )
        super().__init__(llm, asked)
        self._has_limit = "max_tokens" in type(llm).model_fields
        if not self._has_limit:
            self.patience = 1

    def chat(self, messages: Sequence[Any], *, most_tokens: int) -> Iterator[Any]:
        """See `Connection.chat`; not every integration streams."""
        try:
            yield from super().chat(messages, most_tokens=most_tokens)
        except NotImplementedError:
            whole = self._limited(most_tokens).chat(messages)
            whole.delta = whole.message.content
            yield whole

    def ending(self, response: Any) -> str:
        """None: each integration tells it in its own way."""
        return ""

    def names(self) -> list[str]:
        """Not known."""
        raise NotImplementedError

    def context(self) -> int:
        """As it says of itself."""
        return int(self.llm.metadata.context_window)

    def _limited(self, most_tokens: int) -> Any:
        return super()._limited(most_tokens) if self._has_limit else self.llm


def transport(url: str, seconds: float) -> dict[str, Any]:
    """How the clients' HTTP is set up."""
    host = re.sub(r"^(?!\w+://)", "http://", url)
    return {
        # A server is given up by the reader of the reply; this ends what is left of the request.
        "timeout": (min(seconds, CONNECT_SECONDS), seconds + 1, seconds + 1, None),
        "event_hooks": {"request": [watched], "response": [answered]},
        "follow_redirects": False,  # what is asked goes to the server that was named, and no other
        "trust_env": urlsplit(host).hostname not in _LOOPBACK,  # no proxy for this machine
    }
