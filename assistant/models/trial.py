"""Which language models this machine can reach, and whether one works."""

import http.client
import ipaddress
import json
import math
import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from assistant.errors import ModelError
from assistant.models import TICK_SECONDS, Message, Model, load_model
from assistant.prompts import render
from assistant.remote import ANTHROPIC_KEY, OLLAMA_KEY, OLLAMA_URL, OPENAI_KEY, redacted

# Where programs that serve models with OpenAI's interface listen, unless told otherwise.
USUAL_PORTS = {"LM Studio": 1234, "vLLM": 8000, "llama.cpp": 8080}
PROBE_SECONDS = 2.0
LARGEST_LIST = 1_000_000
LATE = "it does not answer in time"
EXTRACTIVE = "no language model: sentences of the documents; it always works"
# What is read of a reply: enough to tell how fast it comes.
TRIED_WORDS = 40
TRIED_SECONDS = 15.0
# Those that reason need some for their thoughts.
TRIED_TOKENS = 1000
# A model that nobody named has so long, from the question on.
BRIEF_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Reachable:
    """A program or service that has language models, or would have them.

    Attributes:
        program: What it is: "Ollama", "OpenAI", ...
        url: Its address; empty for what has none.
        ready: Whether it answered just now; of a service, whether its key is set.
        models: Its models, as the setting `model` names them; for a service the pattern.
        note: What it says, or what to do to use it.
    """

    program: str
    url: str = ""
    ready: bool = False
    models: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a model did when it was asked something.

    Attributes:
        model: Its name.
        works: Whether it answered.
        text: The beginning of what it wrote.
        context: How many tokens a question and its reply may have together; None if unknown.
        loading_seconds: From the start until it could be asked: the file, the libraries.
        first_word_seconds: From the question to the first word; None if there was none.
        words_per_second: From the first word on; None if there were too few to tell.
        problem: What went wrong and what to do about it; empty if nothing did.
        kind: The same as a word for programs, as in ModelError; empty if nothing did.
    """

    model: str
    works: bool
    text: str = ""
    context: int | None = None
    loading_seconds: float | None = None
    first_word_seconds: float | None = None
    words_per_second: float | None = None
    problem: str = ""
    kind: str = ""


def tried(
    model: str | Model, *, context: int = 0, seconds: float = 60.0, prompts: str = ""
) -> Trial:
    """Ask a model a short question; whatever goes wrong is told in the result.

    Args:
        model: Its name, or the model itself, which is left open.
        context: As in `load_model`.
        seconds: As in `load_model`.
        prompts: A folder whose prompt files go before the built-in ones, or empty.
    """
    if not isinstance(model, str):
        return _asked(model, _question(prompts))
    if model == "extractive":
        return Trial(model, works=True)
    try:
        with closing(load_model(model, context=context, seconds=seconds)) as loaded:
            return _asked(loaded, _question(prompts))
    except ModelError as error:
        return Trial(model, works=False, problem=str(error), kind=error.kind)


def to_try(found: Sequence[Reachable]) -> dict[str, Reachable]:
    """The first model of each server of this machine that answers, and its server.

    One that makes vectors, by its name, is only taken where there is no other.
    """
    first: dict[str, Reachable] = {}
    for one in found:
        if one.ready and one.models and on_this_machine(one.url):
            writing = [name for name in one.models if "embed" not in name.lower()]
            first[(writing or one.models)[0]] = one
    return first


def tried_briefly(
    servers: dict[str, Reachable], *, context: int = 0, prompts: str = ""
) -> Generator[Trial, None, None]:
    """Ask models a short question, all at once; each has `BRIEF_SECONDS` to answer.

    They are sent no key, as nobody has said that they may have it. Closing the iterator ends
    their work.

    Args:
        servers: As `to_try` gives them.
        context: As in `load_model`.
        prompts: As in `tried`.

    Yields:
        One for each, as soon as it is known.
    """
    question = _question(prompts)
    trials: SimpleQueue[Trial] = SimpleQueue()
    ended = threading.Event()

    def ask(name: str, server: Reachable) -> None:
        try:
            with closing(_without_key(name, server.url, context=context)) as model:
                trials.put(_asked(model, question, within=BRIEF_SECONDS, ended=ended))
        except ModelError as error:
            trials.put(Trial(name, works=False, problem=str(error), kind=error.kind))
        except Exception as error:  # noqa: BLE001 - else whoever waits for it would not know
            trials.put(Trial(name, works=False, problem=redacted(repr(error)), kind="failed"))

    threads = [threading.Thread(target=ask, args=one, daemon=True) for one in servers.items()]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            trial = trials.get()
            if trial.kind == "key":
                wanted = f"{trial.model} wants a key, which only a model that is named is sent"
                trial = replace(trial, problem=f"{wanted}: assistant models {trial.model}")
            yield trial
    finally:
        ended.set()
        until = time.monotonic() + 2 * TICK_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))


def _without_key(name: str, url: str, *, context: int) -> Model:
    """A model of a server of this machine, which is not sent the user's key.

    Raises:
        ModelError: The package for it is not installed.
    """
    load_model(name)
    from assistant.models.llamaindex import LlamaIndexModel
    from assistant.models.servers import Ollama, OpenAILike

    kind, _, model = name.removesuffix(f"@{url}").partition(":")
    connect: Callable[[], Any]
    if kind == "ollama":
        connect = partial(Ollama, name, model, url, seconds=60, context=context, briefly=True)
    else:
        connect = partial(OpenAILike, name, model, url, seconds=60, briefly=True)
    return LlamaIndexModel(connect, name=name, context=context)


def _question(prompts: str) -> list[Message]:
    return [Message("user", render("try-model", folder=prompts))]


def _asked(
    model: Model,
    question: Sequence[Message],
    *,
    within: float = math.inf,
    ended: threading.Event | None = None,
) -> Trial:
    """How a model does; it is left once it has taken so many seconds, or its trial is ended."""
    times: list[float] = []
    text = ""
    began = time.monotonic()
    try:
        model.warm()
        ready = time.monotonic()
        with closing(model.write(question, most_tokens=TRIED_TOKENS)) as pieces:  # type: ignore[type-var]
            for piece in pieces:
                now = time.monotonic()
                if piece:
                    text += piece
                    times.append(now)
                if times and (len(text.split()) > TRIED_WORDS or now - times[0] > TRIED_SECONDS):
                    break
                if now - ready > within or (ended is not None and ended.is_set()):
                    break
    except ModelError as error:
        return Trial(model.name, works=False, text=text, problem=str(error), kind=error.kind)
    if not text.strip():
        if time.monotonic() - ready > within:
            return Trial(model.name, works=False, problem=_late(model.name, within), kind="timeout")
        problem = f"{model.name} wrote nothing that can be read; use another model"
        return Trial(model.name, works=False, problem=problem, kind="failed")
    written = times[-1] - times[0] if times else 0.0
    return Trial(
        model.name,
        works=True,
        text=text.strip(),
        context=model.context,
        loading_seconds=ready - began,
        first_word_seconds=times[0] - ready if times else None,
        words_per_second=(len(text.split()) - 1) / written if written else None,
    )


def _late(name: str, seconds: float) -> str:
    return (
        f"{name} said nothing within {seconds:g} seconds; it may be loading still, or thinking. "
        f"This waits longer: assistant models {name}"
    )


def reachable() -> list[Reachable]:
    """What this machine can reach; only addresses of this machine are asked, and without keys."""
    probes: dict[str, Callable[[], Reachable]] = {"Ollama": _ollama}
    for program, port in USUAL_PORTS.items():
        probes[program] = partial(_openai_like, program, port)
    found = {program: Reachable(program, note=LATE) for program in probes}

    def look(program: str) -> None:
        found[program] = probes[program]()

    threads = [threading.Thread(target=look, args=(name,), daemon=True) for name in probes]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 2 * PROBE_SECONDS
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return [
        Reachable("extractive", ready=True, models=("extractive",), note=EXTRACTIVE),
        *[found[program] for program in probes],
        _service("OpenAI", OPENAI_KEY, "openai-like:MODEL@https://api.openai.com/v1"),
        _service("Anthropic", ANTHROPIC_KEY, "anthropic:MODEL"),
    ]


def _service(program: str, variable: str, pattern: str) -> Reachable:
    if os.environ.get(variable):
        return Reachable(program, ready=True, models=(pattern,), note=f"{variable} is set")
    return Reachable(program, note=f"{variable} is not set; with it: {pattern}")


def _ollama() -> Reachable:
    url = ollama_url(os.environ.get("OLLAMA_HOST", ""))
    if not on_this_machine(url):
        note = "OLLAMA_HOST is another machine, which is not asked here; name one: ollama:MODEL"
        return Reachable("Ollama", note=note)
    try:
        listed = _json(f"{url}/api/tags", key=OLLAMA_KEY)["models"]
        names = tuple(f"ollama:{_name(entry['name'])}" for entry in listed)
    except _RefusedError as error:
        return Reachable("Ollama", url=url, note=str(error))
    except (KeyError, TypeError, ValueError):
        return Reachable("Ollama", url=url, note="what answers there is not Ollama")
    note = "" if names else "it has no models; run, for example: ollama pull qwen3:4b"
    return Reachable("Ollama", url=url, ready=True, models=names, note=note)


def _openai_like(program: str, port: int) -> Reachable:
    url = f"http://localhost:{port}/v1"
    try:
        listed = _json(f"{url}/models", key=OPENAI_KEY)["data"]
        names = tuple(f"openai-like:{_name(entry['id'])}@{url}" for entry in listed)
    except _RefusedError as error:
        return Reachable(program, url=url, note=str(error))
    except (KeyError, TypeError, ValueError):
        return Reachable(program, url=url, note="what answers there has no list of models")
    note = "" if names else "it has loaded no model"
    return Reachable(program, url=url, ready=True, models=names, note=note)


def _name(told: Any) -> str:
    """A model's name as a server tells it.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(told, str):
        raise TypeError(f"{told!r:.50} is no name")
    return told


def ollama_url(host: str) -> str:
    """The address that OLLAMA_HOST means, in any of the forms that Ollama takes.

    What it listens on everywhere (0.0.0.0) is asked on this machine.
    """
    host = host.strip().rstrip("/")
    if not host:
        return OLLAMA_URL
    scheme, separator, rest = host.partition("://")
    if not separator:
        scheme, rest = "http", host
    if rest.startswith(":"):
        rest = f"localhost{rest}"
    with suppress(ValueError):
        parts = urlsplit(f"{scheme}://{rest}")
        name = parts.hostname or "localhost"
        if name in ("0.0.0.0", "::"):
            name = "localhost"
        port = parts.port or {"https": 443}.get(scheme, 11434 if not separator else 80)
        shown = f"[{name}]" if ":" in name else name
        return f"{scheme}://{shown}:{port}{parts.path}"
    return host


def on_this_machine(url: str) -> bool:
    """Whether a URL is of this machine, by its name or number alone: nothing is looked up."""
    try:
        parts = urlsplit(url)
        name = parts.hostname or ""
        return parts.scheme == "http" and (
            name == "localhost" or ipaddress.ip_address(name).is_loopback
        )
    except ValueError:
        return False


class _RefusedError(Exception):
    """Nothing there answers as it should."""


def _json(url: str, *, key: str) -> Any:
    """What an address of this machine answers; it is sent no key, whose variable is `key`.

    Raises:
        _RefusedError: Nothing answers, or with an error.
        ValueError: The answer is no JSON.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PROBE_SECONDS)
    # Not through a proxy, and no redirect is followed: both could lead elsewhere.
    with closing(connection):
        try:
            connection.request("GET", parts.path, headers={"Accept": "application/json"})
            response = connection.getresponse()
            body = response.read(LARGEST_LIST)
        except (OSError, http.client.HTTPException) as error:
            silent = isinstance(error, TimeoutError)
            raise _RefusedError(
                "it does not answer in time" if silent else "not running"
            ) from error
    if response.status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
        raise _RefusedError(f"it wants a key: set {key}, and name the model")
    if response.status != http.HTTPStatus.OK:
        raise ValueError(f"status {response.status}")
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("nested without end") from error
