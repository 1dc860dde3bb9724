"""The kinds of servers that run language models, each through its LlamaIndex integration.

Retries of the libraries are off, connections can be ended from another thread, redirects are not
followed, and keys stay in the official clients, out of sight of LlamaIndex.
"""

import json
import os
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from assistant.errors import ModelError
from assistant.models.connections import Connection, transport
from assistant.models.failures import Asked, detail_of
from assistant.remote import (
    ANTHROPIC_KEY,
    OLLAMA_KEY,
    OLLAMA_URL,
    OPENAI_KEY,
    holds_secret,
    key_of,
    status_of,
)

if TYPE_CHECKING:
    from assistant.models.gguf import Served

DEFAULT_CONTEXT = 8192
ANTHROPIC_URL = "https://api.anthropic.com"
ANTHROPIC_CONTEXT = 200_000  # the least of those models that the integration has no figure for
LOOK_UP_SECONDS = 5.0
_NO_KEY = "none"
_WITHOUT_V1 = " (without the /v1)"
# What servers call it in their list of models: vLLM, OpenRouter, Groq, Mistral, LM Studio.
_CONTEXT_KEYS = (
    *("max_model_len", "loaded_context_length", "context_length", "context_window"),
    "max_context_length",
)


class OpenAILike(Connection):
    """A server with OpenAI's interface.

    It is sent its own key, or else the user's; asked `briefly`, not the user's, and it is not
    asked again.
    """

    def __init__(
        self,
        name: str,
        model: str,
        url: str,
        *,
        seconds: float,
        key: str = "",
        briefly: bool = False,
    ) -> None:
        openai = import_module("openai")
        integration = import_module("llama_index.llms.openai_like")
        self._url = url
        self._unset = openai.NOT_GIVEN
        self._left_out: set[str] = set()
        self._client = openai.OpenAI(
            api_key=key or (not briefly and _key(OPENAI_KEY, name)) or _NO_KEY,
            base_url=url,
            max_retries=0,
            http_client=import_module("httpx").Client(**transport(url, seconds)),
        )
        _ = self._client.chat.completions  # imports much, which would hold back the first reply
        asked = Asked(
            name,
            server=url,
            start="start its server",
            key_variable="" if key else OPENAI_KEY,
            model_remedy="correct the name",
            url_hint="" if "/v1" in url else " (mostly it ends in /v1)",
            secrets=(key,) if key else (),
            seconds=seconds,
            once=briefly,
        )
        try:
            llm = integration.OpenAILike(
                model=model,
                api_base=url,
                api_key=_NO_KEY,
                is_chat_model=True,
                temperature=0.0,
                max_retries=0,
                timeout=seconds,
                openai_client=self._client,
            )
        except ValueError as error:  # some of OpenAI's models have another interface only
            raise asked.error(
                f"cannot be used ({str(error)[:200]}); choose another", kind="model"
            ) from None
        super().__init__(llm, asked)

    def ending(self, response: Any) -> str:
        """The `finish_reason` of the only choice."""
        choices = getattr(response.raw, "choices", None)
        return (choices[0].finish_reason or "") if choices else ""

    def names(self) -> list[str]:
        """As /models lists them."""
        return [str(entry["id"]) for entry in self._entries()]

    def context(self) -> int:
        """What /models says of it, or llama.cpp's /props, or LlamaIndex's table of OpenAI's."""
        entries = self._entries()
        mine = [entry for entry in entries if entry["id"] == self.llm.model] or entries
        if len(mine) == 1:
            if (
                mine[0].get("owned_by") == "llamacpp"
            ):  # shared out over its slots, unlike n_ctx here
                properties = self._look_up(f"{self._url.rstrip('/').removesuffix('/v1')}/props")
                return int(properties["default_generation_settings"]["n_ctx"])
            for key in _CONTEXT_KEYS:
                if isinstance(found := mine[0].get(key), int) and found > 0:
                    return found
        try:
            utilities = import_module("llama_index.llms.openai.utils")
            return int(utilities.openai_modelname_to_contextsize(self.llm.model))
        except ValueError:
            return DEFAULT_CONTEXT

    def yields(self, error: BaseException) -> bool:
        """OpenAI's reasoning models want another limit, and no temperature."""
        if status_of(error) not in (400, 422):
            return False
        detail, sent = detail_of(error), _sent(error)
        for refused, parameter in (
            ("max_tokens", "max_completion_tokens"),
            ("temperature", "temperature"),
        ):
            if parameter in detail and refused in sent:
                self._left_out.add(parameter)
                return True
        return False

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _limited(self, most_tokens: int) -> Any:
        more: dict[str, Any] = {}
        if "temperature" in self._left_out:
            more["temperature"] = self._unset
        if "max_completion_tokens" in self._left_out:
            more |= {"max_tokens": self._unset, "max_completion_tokens": most_tokens}
        return self.llm.model_copy(update={"max_tokens": most_tokens, "additional_kwargs": more})

    def _entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self._look_up("/models")["data"]
        return entries

    def _look_up(self, path: str) -> Any:
        return self._client.with_options(timeout=LOOK_UP_SECONDS).get(path, cast_to=object)


class LocalServer(OpenAILike):
    """A file that a process of our own serves, from when it is first asked until it is closed."""

    def __init__(self, name: str, path: str, *, seconds: float, context: int) -> None:
        from assistant.models.gguf import Gguf

        self._name = name
        self._seconds = seconds
        self._process = Gguf(path, context=context)
        self._served: Served | None = None

    def ready(self) -> None:
        """Start the process, or again one that has ended."""
        served = self._process.start()
        if served != self._served:
            if self._served is not None:
                super().close()  # what led to the process before
            file = self._process.path.name
            super().__init__(self._name, file, served.url, seconds=self._seconds, key=served.key)
            self.asked = replace(self.asked, server="the process that runs it", start="ask again")
            self._served = served

    def context(self) -> int:
        """What the process was started with."""
        self.ready()
        assert self._served is not None
        return self._served.context

    def close(self) -> None:
        """End the process."""
        if self._served is not None:
            super().close()
        self._process.close()


class Ollama(Connection):
    """A model that Ollama runs; `briefly` as for `OpenAILike`."""

    def __init__(
        self,
        name: str,
        model: str,
        url: str,
        *,
        seconds: float,
        context: int,
        briefly: bool = False,
    ) -> None:
        library = import_module("ollama")
        integration = import_module("llama_index.llms.ollama")
        url = url or os.environ.get("OLLAMA_HOST") or OLLAMA_URL
        if holds_secret(url if "://" in url else f"http://{url}"):
            raise ModelError(
                f"the language model {name} cannot be used, as the environment variable "
                f"OLLAMA_HOST holds a password; set {OLLAMA_KEY} instead",
                kind="name",
            )
        # Without any, the library would take the user's from the environment itself.
        key = _NO_KEY if briefly else _key(OLLAMA_KEY, name)
        self._client = library.Client(
            host=url,
            headers={"authorization": f"Bearer {key}"} if key else None,
            **transport(url, seconds),
        )
        llm = integration.Ollama(
            model=model,
            base_url=url,
            client=self._client,
            temperature=0.0,
            context_window=context or DEFAULT_CONTEXT,  # without one, it would ask the server now
            # Thoughts count as part of the reply's length, and hold back its first word.
            thinking=False,
        )
        asked = Asked(
            name,
            server=url,
            start="start it with `ollama serve`",
            key_variable=OLLAMA_KEY,
            model_remedy=f"run: ollama pull {model}",
            url_hint=_WITHOUT_V1 if "/v1" in url else "",
            seconds=seconds,
            once=briefly,
        )
        super().__init__(llm, asked)

    def ending(self, response: Any) -> str:
        """The `done_reason` of the last line."""
        return (response.raw.get("done_reason") or "done") if response.raw.get("done") else ""

    def names(self) -> list[str]:
        """As /api/tags lists them."""
        return [str(entry.model) for entry in self._client.list().models]

    def context(self) -> int:
        """What is asked of Ollama, which would else cut the question; less for a small model."""
        known = self._client.show(self.llm.model).modelinfo or {}
        most = [int(value) for key, value in known.items() if key.endswith(".context_length")]
        return min([int(self.llm.context_window), *most])

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _limited(self, most_tokens: int) -> Any:
        return self.llm.model_copy(update={"additional_kwargs": {"num_predict": most_tokens}})


class Anthropic(Connection):
    """A model of Anthropic's, or of a server with its interface."""

    def __init__(self, name: str, model: str, url: str, *, seconds: float) -> None:
        asked = Asked(
            name,
            server=url or ANTHROPIC_URL,
            start="start its server" if url else "see whether this machine is connected",
            key_variable=ANTHROPIC_KEY,
            model_remedy="correct the name",
            url_hint=_WITHOUT_V1 if "/v1" in url else "",
            seconds=seconds,
        )
        key = _key(ANTHROPIC_KEY, name)
        if not key and not url:
            raise asked.error(
                f"needs a key; set the environment variable {ANTHROPIC_KEY}", kind="key"
            )
        anthropic = import_module("anthropic")
        integration = import_module("llama_index.llms.anthropic")
        url = url or ANTHROPIC_URL
        self._unset = anthropic.NOT_GIVEN
        self._client = anthropic.Anthropic(
            api_key=key or _NO_KEY,
            base_url=url,
            max_retries=0,
            http_client=import_module("httpx").Client(**transport(url, seconds)),
        )
        _ = self._client.messages  # imports much, which would hold back the first reply
        llm = _any_model(integration.Anthropic)(
            model=model, api_key=_NO_KEY, base_url=url, max_retries=0, temperature=0.0
        )
        llm._client = self._client  # it takes none when it is made
        super().__init__(llm, asked)

    def ending(self, response: Any) -> str:
        """The `stop_reason` of the message."""
        return response.message.additional_kwargs.get("stop_reason") or ""

    def names(self) -> list[str]:
        """As /v1/models lists them; the newest twenty."""
        return [str(entry.id) for entry in self._looking().models.list().data]

    def context(self) -> int:
        """What /v1/models says of it, or LlamaIndex's table."""
        with suppress(Exception):  # what it is can be known without the server
            entry = self._looking().models.retrieve(self.llm.model)
            if told := getattr(entry, "max_input_tokens", None):
                return int(told)
        return int(self.llm.metadata.context_window)

    def yields(self, error: BaseException) -> bool:
        """Some models want no temperature."""
        if (
            status_of(error) != 400
            or "temperature" not in detail_of(error)
            or "temperature" not in _sent(error)
        ):
            return False
        self.llm.additional_kwargs = {"temperature": self._unset}
        return True

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _looking(self) -> Any:
        return self._client.with_options(timeout=LOOK_UP_SECONDS)


def _sent(error: Any) -> dict[str, Any]:
    """The request that a server refused; others may have been sent otherwise meanwhile."""
    body: dict[str, Any] = json.loads(error.request.content)
    return body


def _key(variable: str, name: str) -> str:
    """The key in the environment; empty when there is none.

    Raises:
        ModelError: It cannot be one. (Libraries would say so by repeating it.)
    """
    key = key_of(variable)
    if not (key.isascii() and key.isprintable()):
        raise ModelError(
            f"the language model {name} cannot be asked, as the environment variable {variable} "
            "holds letters that no key has; set it to a valid key",
            kind="key",
        )
    return key


def _any_model(integration: Any) -> Any:
    """The integration's class, for models that are newer than its table of them, too."""

    class Anthropic(integration):  # type: ignore[misc]
        @property
        def metadata(self) -> Any:
            try:
                return super().metadata
            except ValueError:  # it would take no other model's name
                types = import_module("llama_index.core.base.llms.types")
                return types.LLMMetadata(
                    context_window=ANTHROPIC_CONTEXT,
                    num_output=self.max_tokens,
                    is_chat_model=True,
                    model_name=self.model,
                )

    return Anthropic
