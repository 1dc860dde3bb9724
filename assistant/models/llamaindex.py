"""Language models by name, or a program's own, through LlamaIndex."""

import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from assistant.errors import ModelError
from assistant.models.call import Call
from assistant.models.connections import Connection, Own
from assistant.models.failures import explained, incomplete, late, printable, wait_before
from assistant.models.model import Message
from assistant.models.servers import (
    DEFAULT_CONTEXT,
    Anthropic,
    LocalServer,
    Ollama,
    OpenAILike,
)
from assistant.models.thoughts import Thoughts
from assistant.remote import (
    ANTHROPIC_KEY,
    OLLAMA_KEY,
    OPENAI_KEY,
    holds_secret,
    installed,
    read_name,
    redacted,
)
from assistant.tokens import count_tokens

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

ATTEMPTS = 3
RETRY_SECONDS = 1.0
KINDS = ("openai-like", "ollama", "anthropic", "gguf")
MODULES = {
    "openai-like": ("llama_index.llms.openai_like",),
    "ollama": ("llama_index.llms.ollama",),
    "anthropic": ("llama_index.llms.anthropic",),
    "gguf": ("xllamacpp", "llama_index.llms.openai_like"),
}
_SURROGATE = re.compile("[\ud800-\udfff]")
KEYS = {"openai-like": OPENAI_KEY, "ollama": OLLAMA_KEY, "anthropic": ANTHROPIC_KEY}


class LlamaIndexModel:
    """A language model behind a server, or in this process; it implements `Model`.

    A server that is busy or fails before its first word is asked again, at growing distances and
    as late as it wishes, three times in all. Nothing is asked again once a word was said, nor
    what was refused, cannot be reached, or took too long.
    """

    def __init__(
        self,
        model: "LLM | Callable[[], Connection]",
        *,
        name: str | None = None,
        context: int = 0,
        seconds: float = 60.0,
    ) -> None:
        """Take a program's own LlamaIndex model, or what connects to one when it is first needed.

        The keys, retries and timeouts of one's own are as it has been set up; a reply of it that
        nobody wants any more ends when its next word comes.

        Raises:
            ModelError: It is no such model.
        """
        self._connect = connecting(model)
        self.name = name or called(model)
        self._connection: Connection | None = None
        self._context = context
        self._seconds = seconds
        self._retry_seconds = RETRY_SECONDS
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"LlamaIndexModel({self.name!r})"

    @property
    def context(self) -> int:
        """How many tokens its question and its reply may have together.

        The server is asked once, when this is not set; 8192 where it cannot be asked.
        """
        if not self._context:
            try:
                self._context = max(1, self._connected().context())
            except Exception:  # noqa: BLE001 - each library has its own; the reply will tell which
                return DEFAULT_CONTEXT
        return self._context

    def warm(self) -> None:
        """Do now what would hold back the first reply: load libraries, or the model's file.

        Nothing is sent.

        Raises:
            ModelError: The model cannot be used.
        """
        self._connected().ready()

    def names(self) -> list[str] | None:
        """The models that its server has; None where it does not say."""
        try:
            return self._connected().names()
        except Exception:  # noqa: BLE001 - each library has its own; the reply will tell which
            return None

    def write(self, messages: Sequence[Message], *, most_tokens: int) -> Iterator[str | None]:
        """The reply, as it is written; see `Model.write`."""
        call = Call()
        yield from call.taken(
            partial(self._work, call, messages, most_tokens), seconds=self._seconds
        )

    def close(self) -> None:
        """Let go of connections and processes; they are made anew when they are needed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection

    def _work(self, call: Call, messages: Sequence[Message], most_tokens: int) -> None:
        """Ask for the reply and hand it to the call; the work of its thread."""
        try:
            with call.reading():
                self._ask(call, messages, most_tokens)
        except ModelError as error:
            call.fail(error)
        except Exception as error:  # noqa: BLE001 - else whoever waits for the reply would not know
            text = redacted(f"the language model {self.name} failed: {error!r}"[:500])
            call.fail(ModelError(printable(text), kind="failed"))

    def _ask(self, call: Call, messages: Sequence[Message], most_tokens: int) -> None:
        from llama_index.core.base.llms.types import ChatMessage

        connection = self._connected()
        connection.ready()
        call.late = partial(late, connection.asked, seconds=self._seconds)
        sent = [ChatMessage(role=role, content=_sendable(text)) for role, text in messages]
        for attempt in range(1, ATTEMPTS + 1):
            call.asked()
            failed = self._attempt(attempt, call, connection, sent, most_tokens)
            if call.ended:
                return
            if failed is None:
                call.finish()
                return
            failure, wait = failed
            if wait is None or attempt == ATTEMPTS:
                call.fail(failure)
                return
            call.rest(wait)

    def _attempt(
        self,
        attempt: int,
        call: Call,
        connection: Connection,
        messages: Sequence[Any],
        most_tokens: int,
    ) -> tuple[ModelError, float | None] | None:
        """Ask once. The error, when it failed, and how long to wait before the next time.

        The error is not raised here, as the library's, which may hold the key, would hang on it.
        """
        try:
            cut_off = _read(connection, messages, most_tokens, call)
        except Exception as error:  # noqa: BLE001 - each library has its own
            if call.ended:
                return None
            failure, again = explained(error, connection.asked, begun=call.begun)
            if not call.begun and connection.yields(error):
                return failure, 0.0
            if failure.kind == "model":
                call.rest(0)
                asked = replace(connection.asked, names=self.names())
                return explained(error, asked, begun=call.begun)[0], None
            base = self._retry_seconds
            return failure, wait_before(attempt, error, base=base) if again else None
        return (cut_off, None) if cut_off else None


def load(name: str, *, context: int = 0, seconds: float = 60.0) -> LlamaIndexModel:
    """The model of that name; nothing is sent, started or imported yet.

    Raises:
        ModelError: The name is not one, or the package for it is not installed.
    """
    named = read_name(name, kinds=KINDS)
    kind, _, path = name.partition(":")
    if kind == "gguf" and path.strip():
        connect: Callable[[], Connection] = partial(
            LocalServer, name, path, seconds=seconds, context=context
        )
    elif named is None or kind == "gguf" or (kind == "openai-like" and not named.url):
        raise ModelError(
            printable(
                f"the language model {redacted(name)!r} is unknown; use extractive, "
                "openai-like:MODEL@URL, ollama:MODEL[@URL], anthropic:MODEL[@URL] or gguf:PATH, "
                "such as openai-like:qwen3:4b@http://localhost:8000/v1"
            ),
            kind="name",
        )
    elif holds_secret(named.url):
        raise ModelError(
            printable(
                f"the URL of the language model {kind}:{named.model} holds a password or key; "
                f"take it out, and set the environment variable {KEYS[kind]}"
            ),
            kind="name",
        )
    elif kind == "openai-like":
        connect = partial(OpenAILike, name, named.model, named.url, seconds=seconds)
    elif kind == "ollama":
        connect = partial(Ollama, name, named.model, named.url, seconds=seconds, context=context)
    else:
        connect = partial(Anthropic, name, named.model, named.url, seconds=seconds)
    for module in MODULES[kind]:
        if not installed(module):
            raise ModelError(
                printable(
                    f"the language model {redacted(name)} needs a package that is not installed; "
                    f"run: pip install 'cited-assistant[{kind}]'"
                ),
                kind="package",
            )
    return LlamaIndexModel(connect, name=name, context=context, seconds=seconds)


def connecting(model: Any) -> Callable[[], Connection]:
    """What connects to a model; a program's own needs no more than itself.

    Raises:
        ModelError: It is none.
    """
    core = sys.modules.get("llama_index.core.llms.llm")  # whoever has a model has imported it
    if core is not None and isinstance(model, core.LLM):
        return partial(Own, called(model), model)
    if not callable(model) or isinstance(model, type):  # the class in place of one of it
        what = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise ModelError(
            f"{what} is no language model; give a name, such as "
            "'ollama:qwen3:4b', or a LlamaIndex LLM",
            kind="name",
        )
    connect: Callable[[], Connection] = model
    return connect


def called(model: Any) -> str:
    """The name of a program's own model, from what it says of itself without being asked."""
    name = getattr(model, "model", None) or getattr(model, "model_name", None)
    return f"llama-index:{name or type(model).__name__}"


def _read(
    connection: Connection, messages: Sequence[Any], most_tokens: int, call: Call
) -> ModelError | None:
    """Ask, and hand the reply to the call, word by word, without the model's reasoning.

    Returns:
        The error, when it is no reply or not whole.

    Raises:
        Exception: What the library raises.
    """
    thoughts = Thoughts()
    ending = ""
    left = most_tokens * connection.patience
    responses = connection.chat(messages, most_tokens=most_tokens)
    answered = reasoned = False
    for response in responses:
        if call.ended:
            break
        answered = True
        piece = response.delta or ""
        ending = connection.ending(response) or ending
        reasoning = _reasoning(response)
        reasoned = reasoned or bool(reasoning)
        if text := thoughts.without(piece):
            call.say(_sendable(text))
            left -= count_tokens(text)
        elif piece or reasoning:
            call.asked()
        if left <= 0:
            ending = ending or "length"
            break
    if hasattr(responses, "close"):
        responses.close()
    if text := thoughts.rest():
        call.say(_sendable(text))
    if call.ended or (call.begun and (ending or not connection.tells_its_end)):
        return None
    return incomplete(
        connection.asked,
        ending=ending,
        answered=answered,
        reasoned=reasoned or thoughts.any,
        begun=call.begun,
    )


def _reasoning(response: Any) -> str:
    """The model's reasoning in a response; the integrations put it in either of two places."""
    told = response.additional_kwargs.get("thinking_delta")
    return told or response.message.additional_kwargs.get("thinking_delta") or ""


def _sendable(text: str) -> str:
    """The text without lone surrogates, which have no UTF-8 form."""
    return _SURROGATE.sub("\ufffd", text)
