"""Any LlamaIndex embedding as an `Embedding`: by name, over HTTP, or a program's own instance."""

import importlib
import os
import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.embedding.embedding import Encoded, Vectors
from assistant.embedding.minilm import unit, without_surrogates
from assistant.errors import EmbeddingError
from assistant.remote import (
    OLLAMA_URL,
    OPENAI_KEY,
    holds_secret,
    installed,
    read_name,
    redacted,
    retry_after,
    status_of,
)

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

BATCH = 64
TIMEOUT_SECONDS = 120.0
"""Long, for a server may have to load the model first."""
ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 60.0

_SHAPING = ("dimensions", "query_instruction", "text_instruction", "additional_kwargs")


class LlamaIndexEmbedding:
    """A LlamaIndex embedding model; its vectors are checked and scaled to length 1.

    It gives no sentence vectors. Answers of 429 and 5xx are tried again, at growing distances;
    everything else that goes wrong is an EmbeddingError that says what to do, with the key from
    the environment blotted out.
    """

    def __init__(
        self,
        model: "BaseEmbedding | Callable[[], BaseEmbedding]",
        *,
        name: str | None = None,
        fingerprint: str | None = None,
        url: str = "",
        retry_seconds: float = 0.5,
    ) -> None:
        """Wrap a model, or a function that makes it when it is first needed.

        A model that is not named takes its name and fingerprint from what it says of itself.
        The fingerprint leaves the server's address out: a model keeps its vectors when it moves.
        """
        self._source = model
        self._url = url
        self._retry_seconds = retry_seconds
        self._dimensions: int | None = None
        if name is None or fingerprint is None:
            name = name or f"llama-index:{self._model.model_name}"
            fingerprint = fingerprint or described(self._model)
        self.name = name
        self.fingerprint = fingerprint

    @property
    def dimensions(self) -> int:
        """The length of its vectors; the model is asked for one when there was none yet."""
        if self._dimensions is None:
            self.encode_query("dimensions")
        assert self._dimensions is not None
        return self._dimensions

    def encode(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]] | None = None
    ) -> list[Encoded]:
        """Encode passages; `spans` are ignored, for such a model cannot pool late."""
        clean = [sendable(text) for text in texts]
        size = self._model.embed_batch_size
        encoded: list[Encoded] = []
        for start in range(0, len(clean), size):
            batch = clean[start : start + size]
            answer = self._ask(partial(self._model.get_text_embedding_batch, batch))
            encoded += [Encoded(vector, None) for vector in self._checked(answer, len(batch))]
        return encoded

    def encode_query(self, text: str) -> Vectors:
        """Encode one question, shape (dimensions,)."""
        answer = self._ask(lambda: [self._model.get_query_embedding(sendable(text))])
        vector: Vectors = self._checked(answer, 1)[0]
        return vector

    @cached_property
    def _model(self) -> Any:
        from llama_index.core.base.embeddings.base import BaseEmbedding

        if isinstance(self._source, BaseEmbedding):
            return self._source
        if not callable(self._source):
            raise EmbeddingError(
                f"{self._source!r} is no embedding model; give a LlamaIndex embedding, or a name "
                f"such as 'embedded'"
            )
        return self._source()

    def _ask(self, request: Callable[[], Any]) -> Any:
        """Send a request, again when the server is only busy."""
        for attempt in range(ATTEMPTS):
            try:
                return request()
            except Exception as error:  # noqa: BLE001 - each integration raises exceptions of its own
                status = status_of(error)
                wait = retry_after(error) or self._retry_seconds * 2**attempt
                busy = status is not None and (status == 429 or status >= 500)
                if not busy or attempt == ATTEMPTS - 1:
                    # The cause is left out: a server's answer may repeat the key.
                    raise EmbeddingError(self._explained(error, status)) from None
                time.sleep(min(wait, LONGEST_WAIT_SECONDS))
        raise AssertionError

    def _explained(self, error: Exception, status: int | None) -> str:
        """What went wrong and what to do, in one line."""
        where = f"the embedding model {self.name}"
        server = self._url or "its server"
        kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
        detail = redacted(" ".join(str(error).split())[:300])
        if status in (401, 403):
            known = "is not accepted" if os.environ.get(OPENAI_KEY) else "is not set"
            return (
                f"{where} refused access ({status}); the environment variable {OPENAI_KEY} "
                f"{known}: set it to a valid key"
            )
        if status == 404:
            return (
                f"{where} was not found (404: {detail}); check the model's name, that the server "
                "has it, and the URL (OpenAI-like ones mostly end in /v1)"
            )
        if status is not None and (status == 429 or status >= 500):
            return (
                f"{where} answered {status} {ATTEMPTS} times ({detail}); "
                "wait, and run the command again: what is done is kept"
            )
        if status is not None and status > 0:
            return f"{where} rejected the request ({status}: {detail}); check its name and limits"
        if "Timeout" in kinds:
            return (
                f"{where} did not answer in time; see whether {server} is overloaded or still "
                "loading the model, and try again"
            )
        if "Connect" in kinds:
            return f"{where} cannot be reached; start {server} or correct the URL"
        return f"{where} failed ({type(error).__name__}: {detail}); check the server and its URL"

    def _checked(self, answer: Any, count: int) -> Vectors:
        """The answer as vectors of length 1, once it is sure that it is what was asked for."""
        where = f"the embedding model {self.name}"
        remedy = "check that the server runs an embedding model, and which"
        try:
            vectors: Vectors = np.array(answer, np.float32)
        except (TypeError, ValueError):
            raise EmbeddingError(f"{where} did not answer with equal vectors; {remedy}") from None
        if vectors.ndim != 2 or len(vectors) != count or vectors.shape[1] == 0:
            shape = " x ".join(map(str, vectors.shape))
            raise EmbeddingError(f"{where} gave {shape} numbers for {count} texts; {remedy}")
        if not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
            raise EmbeddingError(f"{where} gave a vector of zeros, NaN or infinity; {remedy}")
        if self._dimensions not in (None, vectors.shape[1]):
            raise EmbeddingError(
                f"{where} gave vectors of {vectors.shape[1]} numbers after some of "
                f"{self._dimensions}; {remedy}"
            )
        self._dimensions = vectors.shape[1]
        return unit(vectors)


def load(name: str) -> LlamaIndexEmbedding:
    """The model that `openai-like:MODEL@URL` or `ollama:MODEL[@URL]` names; nothing is sent yet.

    Keys come from the environment only: OPENAI_API_KEY.

    Raises:
        EmbeddingError: The name cannot be read, or the integration package is not installed.
    """
    named = read_name(name, kinds=("openai-like", "ollama"))
    if named is None or (named.kind == "openai-like" and not named.url):
        raise EmbeddingError(
            f"the embedding model {redacted(name)!r} is unknown; use embedded, "
            "openai-like:MODEL@URL or ollama:MODEL[@URL], such as "
            "openai-like:bge-m3@http://localhost:8000/v1"
        )
    kind, model, url = named
    if holds_secret(url):
        raise EmbeddingError(
            f"the URL of the embedding model {kind}:{model} holds a password; take it out "
            f"and set the environment variable {OPENAI_KEY}"
        )
    require(f"llama_index.embeddings.{kind.replace('-', '_')}", extra=kind, name=name)
    url = url or os.environ.get("OLLAMA_HOST") or OLLAMA_URL
    make = openai_like if kind == "openai-like" else ollama
    return LlamaIndexEmbedding(
        partial(make, model, url), name=name, fingerprint=f"{kind}/{model}", url=url
    )


def require(module: str, *, extra: str, name: str) -> None:
    """See that an integration is installed, without the seconds that importing it takes.

    Raises:
        EmbeddingError: It is not.
    """
    if not installed(module):
        raise EmbeddingError(
            f"the embedding model {name} needs a package that is not installed; "
            f"run: pip install 'cited-assistant[{extra}]'"
        )


def openai_like(model: str, url: str) -> Any:
    """A model behind OpenAI's interface."""
    integration: Any = importlib.import_module("llama_index.embeddings.openai_like")
    return integration.OpenAILikeEmbedding(
        model_name=model,
        api_base=url,
        api_key=os.environ.get(OPENAI_KEY) or "none",
        embed_batch_size=BATCH,
        timeout=TIMEOUT_SECONDS,
        max_retries=0,  # ours are the retries: those of the library wait a minute on a dead server
    )


def ollama(model: str, url: str) -> Any:
    """A model that Ollama runs."""
    integration: Any = importlib.import_module("llama_index.embeddings.ollama")
    return integration.OllamaEmbedding(
        model_name=model,
        base_url=url,
        embed_batch_size=BATCH,
        client_kwargs={"timeout": TIMEOUT_SECONDS},
    )


def described(model: Any) -> str:
    """What tells a model's vectors from those of another, as far as it says."""
    parts = [model.class_name(), model.model_name]
    for field in _SHAPING:
        if value := getattr(model, field, None):
            parts.append(f"{field}={value}")
    return "/".join(parts)


def sendable(text: str) -> str:
    """A text as servers take it: no lone surrogates, and not blank (many answer 400 to that)."""
    return without_surrogates(text) if text.strip() else "-"
