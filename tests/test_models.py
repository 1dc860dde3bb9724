"""Language models through LlamaIndex and the official clients, against servers on loopback."""

import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import ModelError
from assistant.models import TICK_SECONDS, Message, Model, load_model
from assistant.models.call import THREAD_NAME
from assistant.models.llamaindex import ATTEMPTS, MODULES, LlamaIndexModel, load
from assistant.models.servers import ANTHROPIC_CONTEXT, DEFAULT_CONTEXT
from assistant.models.thoughts import Thoughts
from tests.providers import (
    Broken,
    Failure,
    Nonsense,
    Provider,
    Reply,
    Silence,
    Thought,
    speaking,
)

KINDS = ("openai-like", "ollama", "anthropic")
KEYS = {
    "OPENAI_API_KEY": "sk-proj-0penA1secret",
    "ANTHROPIC_API_KEY": "sk-ant-Anthr0picsecret",
    "OLLAMA_API_KEY": "0llamasecret",
}
VARIABLES = dict(zip(KINDS, ("OPENAI_API_KEY", "OLLAMA_API_KEY", "ANTHROPIC_API_KEY"), strict=True))
MODEL = "org/model-3:4b"
MESSAGES = [Message("system", "Be brief."), Message("user", "What is SWIFT? \ud800")]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, key in KEYS.items():
        monkeypatch.setenv(variable, key)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    until = time.monotonic() + 5
    while left := [one for one in threading.enumerate() if one.name == THREAD_NAME]:
        assert time.monotonic() < until, left
        time.sleep(0.01)


def at(url: str, kind: str, **options: Any) -> LlamaIndexModel:
    model = load(f"{kind}:{MODEL}@{url}{'/v1' if kind == 'openai-like' else ''}", **options)
    model._retry_seconds = 0.01
    return model


def said(model: Model, messages: Sequence[Message] = MESSAGES, most_tokens: int = 50) -> str:
    return "".join(piece or "" for piece in model.write(messages, most_tokens=most_tokens))


def failing(model: Model, messages: Sequence[Message] = MESSAGES) -> ModelError:
    with pytest.raises(ModelError) as caught:
        said(model, messages)
    return caught.value


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            *("", "extractive", "gpt-5", "openai-like:m", "openai-like:@http://h/v1", "ollama:"),
            *("anthropic:", "openai:m@http://h/v1", "gguf:", "gguf: ", "ollama:m@ftp://h"),
            *("ollama:http://h", "Ollama:m", "openai-like:m@http://h/v1 x"),
        ],
    )
    def test_what_is_no_name(self, name: str) -> None:
        with pytest.raises(ModelError, match="is unknown; use extractive, openai-like:M") as caught:
            load_model(name)
        assert caught.value.kind == "name"

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("rest", ["me:hunter2@h/v1", "hunter2@h", "h/v1?api_key=hunter2"])
    def test_a_secret_in_the_url_is_not_taken(self, kind: str, rest: str) -> None:
        with pytest.raises(
            ModelError, match=f"set the environment variable {VARIABLES[kind]}"
        ) as e:
            load_model(f"{kind}:m@http://{rest}")
        assert e.value.kind == "name"
        assert "hunter2" not in str(e.value)

    def test_a_key_in_place_of_a_name_is_not_repeated(self) -> None:
        with pytest.raises(ModelError) as caught:
            load_model(f"openai-like:{KEYS['OPENAI_API_KEY']}")
        assert "0penA1" not in str(caught.value)

    @pytest.mark.parametrize("kind", [*KINDS, "gguf"])
    def test_a_missing_package_names_the_command(
        self, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(MODULES, kind, ("llama_index.llms.nowhere",))
        with pytest.raises(ModelError, match=rf"pip install 'cited-assistant\[{kind}\]'") as caught:
            load_model(f"{kind}:m@http://127.0.0.1:1/v1")
        assert caught.value.kind == "package"

    def test_ollama_is_where_its_variable_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with speaking("Here.") as server:
            monkeypatch.setenv("OLLAMA_HOST", server.url.removeprefix("http://"))
            assert said(load("ollama:qwen3:4b")) == "Here."
        assert server.requests[0]["model"] == "qwen3:4b"

    def test_a_password_in_ollamas_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OLLAMA_HOST", "me:hunter2@localhost:11434")
        error = failing(load("ollama:qwen3:4b"))
        assert error.kind == "name"
        assert "hunter2" not in str(error)

    def test_anthropic_without_a_key_asks_for_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        error = failing(load("anthropic:claude-sonnet-4-5"))
        assert error.kind == "key"
        assert "set the environment variable ANTHROPIC_API_KEY" in str(error)

    def test_naming_a_model_imports_and_sends_nothing(self) -> None:
        """Nor does warming it up send anything: no name is looked up, no connection made."""
        code = """
import sys
seen = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        seen.append((event, arguments))
sys.addaudithook(watch)
from assistant.models import load_model
names = "openai-like:m@https://a.example/v1", "ollama:m@http://b.example", "anthropic:new-claude"
models = [load_model(name) for name in names]
heavy = {"llama_index.core", "openai", "ollama", "anthropic", "httpx"} & set(sys.modules)
for model in models:
    model.warm()
print(sorted(heavy), seen, "llama_index.core" in sys.modules)
"""
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True
        )
        assert done.stdout.splitlines()[-1] == "[] [] True"


@pytest.mark.parametrize("kind", KINDS)
class TestReplies:
    def test_what_is_asked(self, kind: str) -> None:
        with speaking("It is a network.") as server:
            assert said(at(server.url, kind), most_tokens=77) == "It is a network."
        (request,) = server.requests
        options = request.get("options", request)
        assert request["model"] == MODEL
        assert request["stream"] is True
        assert options["temperature"] == 0
        limit = "num_predict" if kind == "ollama" else "max_tokens"
        assert options[limit] == 77
        texts = str(request)
        assert "Be brief." in texts
        assert "What is SWIFT? \ufffd" in texts
        assert "\ud800" not in texts
        header = server.headers[0].get("x-api-key") or server.headers[0].get("authorization", "")
        assert header.removeprefix("Bearer ") == KEYS[VARIABLES[kind]]

    def test_words_come_as_they_are_written(self, kind: str) -> None:
        heard = threading.Event()

        def slowly(_: object) -> Iterator[str]:
            yield "First "
            assert heard.wait(30)
            yield "last."

        with speaking(slowly) as server:
            pieces = []
            for piece in at(server.url, kind).write(MESSAGES, most_tokens=50):
                pieces.append(piece)
                if "First " in pieces and pieces[-3:] == [None] * 3:
                    assert server.sent == ["First "]
                    heard.set()
        assert "".join(piece or "" for piece in pieces) == "First last."

    def test_a_tick_comes_when_nothing_does(self, kind: str) -> None:
        with speaking(Silence()) as server:
            model = at(server.url, kind)
            model.warm()
            with closing(model.write(MESSAGES, most_tokens=50)) as pieces:
                started = time.monotonic()
                assert [next(pieces) for _ in range(4)] == [None] * 4
                assert 3 * TICK_SECONDS < time.monotonic() - started < 10 * TICK_SECONDS

    @pytest.mark.parametrize("after", [(), ("One ",)])
    def test_closing_ends_the_servers_work_at_once(self, kind: str, after: tuple[str]) -> None:
        with speaking(Silence(after=after)) as server:
            model = at(server.url, kind)
            pieces = model.write(MESSAGES, most_tokens=50)
            wanted = after[0] if after else None
            while next(pieces) != wanted or not server.requests:
                pass
            started = time.monotonic()
            pieces.close()
            assert time.monotonic() - started < 0.5
            assert not [one for one in threading.enumerate() if one.name == THREAD_NAME]
            assert server.left_within(1)

    def test_closing_ends_the_wait_before_another_try(self, kind: str) -> None:
        with speaking(Failure(503)) as server:
            model = at(server.url, kind)
            model._retry_seconds = 3
            pieces = model.write(MESSAGES, most_tokens=50)
            while not server.requests:
                assert next(pieces) is None
            time.sleep(0.2)
            started = time.monotonic()
            pieces.close()
            assert time.monotonic() - started < 0.5
        assert len(server.requests) == 1

    def test_reasoning_is_no_part_of_the_text(self, kind: str) -> None:
        reply = [Thought("Hm, "), Thought("well."), "<thi", "nk>\nSo", "</think>", "\n\nIt ", "is."]
        with speaking(reply) as server:
            assert said(at(server.url, kind)) == "It is."

    def test_nothing_but_reasoning_is_no_reply(self, kind: str) -> None:
        with speaking([Thought("Hm, "), Thought("well.")]) as server:
            error = failing(at(server.url, kind))
        assert error.kind == "failed"
        assert "set answer_tokens higher" in str(error)

    def test_reasoning_is_a_sign_of_life(self, kind: str) -> None:
        def reasoning(_: object) -> Iterator[str]:
            for _ in range(6):
                time.sleep(0.2)
                yield Thought("hm ")
            yield "Yes."

        with speaking(reasoning) as server:
            model = at(server.url, kind, seconds=0.6)
            model.warm()
            pieces = list(model.write(MESSAGES, most_tokens=50))
        assert pieces[-1] == "Yes."
        assert pieces.count(None) >= 3

    def test_empty_pieces_are_no_sign_of_life(self, kind: str) -> None:
        def dripping(_: object) -> Iterator[str]:
            while True:
                time.sleep(0.05)
                yield ""

        with speaking(dripping) as server:
            model = at(server.url, kind, seconds=0.6)
            model.warm()
            started = time.monotonic()
            assert failing(model).kind == "timeout"
            assert time.monotonic() - started < 3
            assert server.left_within(1)

    def test_a_reply_without_an_end_is_cut(self, kind: str) -> None:
        def endless(_: object) -> Iterator[str]:
            while True:
                yield "word "

        with speaking(endless) as server:
            words = said(at(server.url, kind), most_tokens=20).split()
            assert server.left_within(1)
        assert 20 <= len(words) <= 100

    def test_many_at_a_time(self, kind: str) -> None:
        with speaking(lambda messages: messages[-1]["content"]) as server:
            model = at(server.url, kind)
            questions = [f"Question number {number}" for number in range(8)]
            with ThreadPoolExecutor(8) as pool:
                answers = pool.map(lambda one: said(model, [Message("user", one)]), questions)
                assert list(answers) == questions

    def test_closing_the_model_is_not_for_ever(self, kind: str) -> None:
        with speaking("Yes.") as server:
            model = at(server.url, kind)
            model.close()
            assert said(model) == "Yes."
            model.close()
            assert said(model) == "Yes."

    def test_no_proxy_stands_before_this_machine(
        self, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        with speaking("Yes.") as server:
            assert said(at(server.url, kind)) == "Yes."


# What a server does, how often it is asked, and the error's kind and text.
FAILURES: dict[str, tuple[Reply, int, str, str]] = {
    "key": (Failure(401), 1, "key", "refused access .401: .*environment variable VAR.* not acc"),
    "forbidden": (Failure(403), 1, "key", "refused access .403: Your key has no access"),
    "model": (Failure(404), 1, "model", "which has any-model .*404.*; (correct|run: ollama pull)"),
    "limit": (Failure(429), ATTEMPTS, "busy", "is busy .429: Rate limit.*; wait, and ask again"),
    "quota": (
        Failure(429, "You exceeded your current quota, check your plan"),
        *(1, "rejected", "no credit left .429"),
    ),
    "credit": (Failure(402, "Insufficient Balance"), 1, "rejected", "no credit left .402"),
    "error": (Failure(500), ATTEMPTS, "failed", "failed .500: The server had an error"),
    "gateway": (Failure(502, "<h1>Bad</h1>"), ATTEMPTS, "failed", "failed .502.*see the log of"),
    "loading": (Failure(503), ATTEMPTS, "busy", "is busy .503: The server is loading the model"),
    "overload": (Failure(529), ATTEMPTS, "busy", "is busy .529: Overloaded"),
    "gateway's timeout": (Failure(504), 1, "failed", "failed .504"),
    "context": (Failure(400), 1, "context", "so long a question .400.*set model_context"),
    "llama.cpp's context": (
        Failure(400, "request (9031 tokens) exceeds the available context size (8192 tokens)"),
        *(1, "context", "9031 tokens"),
    ),
    "anthropic's context": (
        Failure(400, "prompt is too long: 210000 tokens > 200000 maximum"),
        *(1, "context", "210000 tokens"),
    ),
    "too large": (Failure(413, "no"), 1, "context", "so long a question .413"),
    "rejected": (Failure(400, "messages: bad"), 1, "rejected", "rejects the request .400: mess"),
    "redirect": (
        Failure(307, "gone", headers={"location": "http://127.0.0.1:9/"}),
        *(1, "rejected", "sends requests on .307.; correct the URL"),
    ),
    "error in the stream": (Failure(500, after=["One "]), 1, "broken", "in the middle .*an error"),
    "overload in the stream": (
        Failure(529, "Overloaded", after=["<think>"]),
        *(ATTEMPTS, "busy", "is busy .Overloaded"),
    ),
    "broken": (Broken(["One "]), 1, "broken", "broke off in the middle of its reply .*; ask again"),
    "broken before": (Broken(), 1, "broken", "broke the connection before it said anything"),
    "cut off": (Broken(["One "], quietly=True), 1, "broken", "stopped in the middle of its reply"),
    "nonsense": (Nonsense(), 1, "failed", "URL is a server of this kind, and the URL complete"),
    "not its JSON": (Nonsense('{"hello": 1}', "application/json"), 1, "failed", "of this kind"),
    "garbled": (Nonsense('data: {"cho\n\n', "text/event-stream"), 1, "failed", "of this kind"),
    "empty": ("", 1, "failed", "sent an empty reply .*; ask again"),
    "blank": (["  ", "\n"], 1, "failed", "sent an empty reply"),
    "silence": (Silence(), 1, "timeout", "nothing for 0.7 seconds before its first word; .*URL"),
    "silence within": (Silence(after=["One "]), 1, "timeout", "in the middle of its reply; "),
}


@pytest.mark.parametrize("kind", KINDS)
class TestFailures:
    @pytest.mark.parametrize("failure", FAILURES)
    def test_what_is_told(self, kind: str, failure: str, caplog: pytest.LogCaptureFixture) -> None:
        reply, requests, wanted, told = FAILURES[failure]
        caplog.set_level(logging.DEBUG)
        with speaking(reply) as server:
            model = at(server.url, kind, seconds=0.7)
            model.warm()
            started = time.monotonic()
            error = failing(model)
            assert time.monotonic() - started < 4
            assert len(server.requests) == requests
            where = re.escape(model._connected().asked.server)
        assert error.kind == wanted
        told = told.replace("VAR", VARIABLES[kind]).replace("URL is", f"{where} is")
        assert re.search(told.replace(".*URL", f".*{where}"), str(error)), str(error)
        assert str(error).startswith(f"the language model {kind}:{MODEL}@{server.url}")
        assert str(error).isprintable()
        assert error.__cause__ is None
        assert error.__context__ is None
        assert not [key for key in KEYS.values() if key in caplog.text]

    def test_a_server_that_is_down(self, kind: str) -> None:
        with speaking("") as gone:
            pass
        started = time.monotonic()
        error = failing(at(gone.url, kind))
        assert error.kind == "down"
        assert re.search(f"cannot be reached; (start|see).*correct the URL .{gone.url}", str(error))
        assert time.monotonic() - started < 8  # most of which is the first import

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
    def test_what_passes_is_asked_again(self, kind: str, status: int) -> None:
        with speaking(Failure(status, times=ATTEMPTS - 1, then="At last.")) as server:
            assert said(at(server.url, kind)) == "At last."
        assert len(server.requests) == ATTEMPTS

    def test_tries_are_at_growing_distances(self, kind: str) -> None:
        times: list[float] = []

        def busy(_: object) -> Failure:
            times.append(time.monotonic())
            return Failure(503)

        with speaking(busy) as server:
            model = at(server.url, kind)
            model._retry_seconds = 0.1
            failing(model)
        first, second = times[1] - times[0], times[2] - times[1]
        assert 0.3 <= first < second
        assert second >= 0.9

    def test_an_unknown_model_is_told_with_those_that_are_there(self, kind: str) -> None:
        with speaking("Yes.", models=["qwen3:4b", "gemma3"]) as server:
            error = failing(at(server.url, kind))
            assert at(server.url, kind).names() == ["qwen3:4b", "gemma3"]
        assert error.kind == "model"
        assert f"was not found at {server.url}" in str(error)
        assert "which has qwen3:4b, gemma3 (404" in str(error)

    def test_a_server_with_no_models_says_so(self, kind: str) -> None:
        with speaking("Yes.", models=[]) as server:
            assert "which has no models at all" in str(failing(at(server.url, kind)))

    def test_the_wrong_path(self, kind: str) -> None:
        with speaking("Yes.") as server:
            wrong = "" if kind == "openai-like" else "/v1"
            error = failing(load(f"{kind}:m@{server.url}{wrong}"))
        assert error.kind == "model"
        hint = "(mostly it ends in /v1)" if kind == "openai-like" else "(without the /v1)"
        assert str(error).endswith(f"check the model's name and the URL {hint}")

    def test_a_key_that_the_server_repeats_is_blotted_out(self, kind: str) -> None:
        key = KEYS[VARIABLES[kind]]
        abridged = f"{key[:7]}*****{key[-4:]}"
        reply = Failure(400, f"bad \x1b[31m{key}\nor {abridged} or sk-ab...cdEF. Really {key}")
        with speaking(reply) as server:
            text = str(failing(at(server.url, kind)))
        assert "secret" not in text
        assert key[-4:] not in text
        assert "cdEF" not in text
        assert "Really [key]" in text
        assert "\x1b" not in text

    def test_a_missing_key_is_asked_for(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(VARIABLES[kind])
        with speaking(Failure(401)) as server:
            error = failing(at(server.url, kind))
        assert error.kind == "key"
        assert f"variable {VARIABLES[kind]} is not set: set it to a valid key" in str(error)

    @pytest.mark.parametrize("end", ["\n", " ", "\r\n"])
    def test_a_keys_line_end_is_none_of_it(
        self, kind: str, end: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(VARIABLES[kind], f"plainkey{end}")
        with speaking("Yes.") as server:
            assert said(at(server.url, kind)) == "Yes."
        assert "plainkey" in (
            server.headers[0].get("x-api-key") or server.headers[0]["authorization"]
        )

    @pytest.mark.parametrize("key", ["plain\nkey", "plain\x01key", "plain…key"])
    def test_what_cannot_be_a_key_is_told(
        self, kind: str, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(VARIABLES[kind], key)
        with speaking("Yes.") as server:
            error = failing(at(server.url, kind))
        assert not server.requests
        assert error.kind == "key"
        assert f"variable {VARIABLES[kind]} holds letters that no key has" in str(error)
        assert "plain" not in str(error)

    def test_keys_are_nowhere_to_be_seen(self, kind: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        with speaking("Yes.") as server:
            model = at(server.url, kind)
            said(model)
            llm = model._connected().llm
            seen = f"{model!r} {model.name} {vars(model)} {vars(model._connected())} {llm!r}"
            seen += f"{llm.to_json()} {llm.__dict__} {caplog.text}"
        assert not [key for key in KEYS.values() if key in seen]


@pytest.mark.parametrize("kind", ["openai-like", "ollama", "anthropic"])
class TestRetryAfter:
    def test_it_is_honoured(self, kind: str) -> None:
        reply = Failure(429, headers={"retry-after": "1"}, times=1, then="Yes.")
        with speaking(reply) as server:
            model = at(server.url, kind)
            model.warm()
            started = time.monotonic()
            pieces = list(model.write(MESSAGES, most_tokens=50))
            assert time.monotonic() - started >= 1
        assert pieces[-1] == "Yes."
        assert pieces.count(None) >= 3

    def test_waiting_as_asked_is_no_timeout(self, kind: str) -> None:
        said_before: list[object] = []

        def slowly(messages: object) -> Reply:
            time.sleep(0.7)
            said_before.append(messages)
            return "Yes." if said_before[1:] else Failure(429, headers={"retry-after": "1"})

        with speaking(slowly) as server:
            # To be answered at all takes less, but with the wait between it takes twice as long.
            assert said(at(server.url, kind, seconds=1.2)) == "Yes."

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ("3600", "asks to wait 60 minutes"),
            ("7201", "asks to wait 3 hours"),
            ("30", "asks to wait 30 seconds"),
            ("Wed, 21 Oct 2099 07:28:00 GMT", r"asks to wait \d\d,\d\d\d days"),
        ],
    )
    def test_who_wants_too_long_a_wait_is_not_asked_again(
        self, kind: str, asked: str, told: str
    ) -> None:
        with speaking(Failure(429, headers={"retry-after": asked})) as server:
            model = at(server.url, kind)
            model.warm()
            started = time.monotonic()
            error = failing(model)
            assert time.monotonic() - started < 2
        assert error.kind == "busy"
        assert re.search(told, str(error))
        assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [429, 503, 529])
    def test_no_longer_than_for_a_word(self, kind: str, status: int) -> None:
        reply = Failure(status, headers={"retry-after": "4"}, then="Yes.")
        with speaking(reply) as server:
            error = failing(at(server.url, kind, seconds=3))
        assert error.kind == "busy"
        assert "asks to wait 4 seconds" in str(error)
        assert len(server.requests) == 1

    @pytest.mark.parametrize("asked", ["-1", "nan", "inf", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"])
    def test_nonsense_is_not(self, kind: str, asked: str) -> None:
        reply = Failure(429, headers={"retry-after": asked}, times=1, then="Yes.")
        with speaking(reply) as server:
            assert said(at(server.url, kind)) == "Yes."


class TestWhatModelsRefuse:
    def picky(self, *refused: tuple[str, str]) -> Callable[[list[dict[str, str]]], Reply]:
        def reply(_: object) -> Reply:
            for parameter, message in refused:
                if parameter in self.server.requests[-1]:
                    return Failure(400, message)
            return "Yes."

        return reply

    server: Provider

    def test_openais_reasoning_models_want_another_limit_and_no_temperature(self) -> None:
        reply = self.picky(
            ("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'."),
            ("temperature", "Unsupported value: 'temperature' does not support 0.0"),
        )
        with speaking(reply) as self.server:
            model = at(self.server.url, "openai-like")
            assert said(model) == said(model) == "Yes."
        assert len(self.server.requests) == 4  # it is learnt once
        assert self.server.requests[-1]["max_completion_tokens"] == 50

    @pytest.mark.parametrize("kind", ["openai-like", "anthropic"])
    def test_several_that_find_it_out_at_once(self, kind: str) -> None:
        together = threading.Barrier(3)

        def reply(_: object) -> Reply:
            if "temperature" not in self.server.requests[-1]:
                return "Yes."
            together.wait(10)
            return Failure(400, "`temperature` is deprecated")

        with speaking(reply) as self.server, ThreadPoolExecutor(3) as pool:
            model = at(self.server.url, kind)
            assert list(pool.map(lambda _: said(model), range(3))) == ["Yes."] * 3

    def test_anthropics_without_temperature(self) -> None:
        with speaking(self.picky(("temperature", "`temperature` is deprecated"))) as self.server:
            model = at(self.server.url, "anthropic")
            assert said(model) == said(model) == "Yes."
        assert len(self.server.requests) == 3


class TestContext:
    @pytest.mark.parametrize(
        ("described", "properties", "context"),
        [
            ({"max_model_len": 4096}, None, 4096),
            ({"context_length": 32768}, None, 32768),
            (
                {"owned_by": "llamacpp", "meta": {"n_ctx": 4096}},
                {"default_generation_settings": {"n_ctx": 2048}},
                2048,
            ),
            ({"max_model_len": "x"}, None, DEFAULT_CONTEXT),
            ({}, None, DEFAULT_CONTEXT),
        ],
    )
    def test_openai_like(
        self, described: dict[str, Any], properties: dict[str, Any] | None, context: int
    ) -> None:
        with speaking("", models=[MODEL], described=described, properties=properties) as server:
            model = at(server.url, "openai-like")
            assert [model.context, model.context] == [context, context]
            assert server.looked_up.count("/v1/models") == 1
            assert at(server.url, "openai-like", context=1000).context == 1000

    def test_a_known_model_of_openais(self) -> None:
        with speaking("", models=["gpt-4o"]) as server:
            assert load(f"openai-like:gpt-4o@{server.url}/v1").context == 128_000

    @pytest.mark.parametrize(("asked", "context"), [(0, DEFAULT_CONTEXT), (3000, 3000)])
    def test_ollama_is_told_what_it_is(self, asked: int, context: int) -> None:
        with speaking("Yes.") as server:
            model = at(server.url, "ollama", context=asked)
            assert model.context == context
            said(model)
        assert server.requests[0]["options"]["num_ctx"] == context

    def test_anthropic(self) -> None:
        with speaking("Yes.") as server:
            assert at(server.url, "anthropic").context == ANTHROPIC_CONTEXT
            named = load(f"anthropic:claude-sonnet-4-5@{server.url}")
            assert named.context == 200_000

    def test_a_server_that_is_down_is_asked_again_later(self) -> None:
        with speaking("", described={"max_model_len": 4096}) as server:
            pass
        assert at(server.url, "openai-like").context == DEFAULT_CONTEXT
        with speaking(Nonsense(), models=[], described={"max_model_len": 4096}) as server:
            model = at(server.url, "openai-like")
            server.models = ["one", "two"]
            assert model.context == DEFAULT_CONTEXT

    def test_a_missing_key_is_no_error_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        assert load("anthropic:claude-sonnet-4-5").context == DEFAULT_CONTEXT


class TestAProgramsOwnModel:
    @staticmethod
    def speaker(reply: Callable[[], Iterator[str]]) -> Any:
        from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata

        class Speaker(CustomLLM):
            model: str = "speaker"

            @property
            def metadata(self) -> LLMMetadata:
                return LLMMetadata(context_window=1234)

            def complete(self, prompt: str, formatted: bool = False, **_: Any) -> Any:
                return CompletionResponse(text="".join(reply()))

            def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> Any:
                text = ""
                for piece in reply():
                    text += piece
                    yield CompletionResponse(text=text, delta=piece)

        return Speaker()

    def test_it_speaks(self) -> None:
        model: Model = LlamaIndexModel(self.speaker(lambda: iter(["It ", "is."])))
        assert list(model.write(MESSAGES, most_tokens=50)) == ["It ", "is."]
        assert model.name == "llama-index:speaker"
        assert model.context == 1234

    def test_it_need_not_stream(self) -> None:
        class Silent(type(self.speaker(lambda: iter(["Whole."])))):  # type: ignore[misc]
            def stream_complete(self, *_: Any, **__: Any) -> Any:
                raise NotImplementedError

        assert said(LlamaIndexModel(Silent())) == "Whole."

    def test_it_is_cut_where_it_knows_no_limit(self) -> None:
        model = LlamaIndexModel(self.speaker(lambda: iter(["word "] * 1000)))
        assert len(said(model, most_tokens=20).split()) <= 20

    def test_it_fails(self) -> None:
        def reply() -> Iterator[str]:
            yield "It "
            raise RuntimeError(f"no luck with {KEYS['OPENAI_API_KEY']}")

        error = failing(LlamaIndexModel(self.speaker(reply)))
        assert error.kind == "broken"
        assert "no luck with [key]" in str(error)

    def test_it_takes_too_long(self) -> None:
        release = threading.Event()

        def reply() -> Iterator[str]:
            assert release.wait(30)
            yield "late"

        started = time.monotonic()
        error = failing(LlamaIndexModel(self.speaker(reply), seconds=0.3))
        assert time.monotonic() - started < 5
        assert error.kind == "timeout"
        release.set()

    def test_one_behind_a_server_keeps_its_own_settings(self) -> None:
        from llama_index.llms.openai_like import OpenAILike

        with speaking("Yes.") as server:
            llm = OpenAILike(
                model="mine",
                api_base=f"{server.url}/v1",
                api_key="mine-secret",
                is_chat_model=True,
                temperature=0.7,
                max_retries=0,
                context_window=2222,
            )
            model = LlamaIndexModel(llm)
            assert said(model, most_tokens=33) == "Yes."
            assert model.context == 2222
        assert server.requests[0]["temperature"] == 0.7
        assert server.requests[0]["max_tokens"] == 33
        assert llm.max_tokens is None
        assert "mine-secret" not in f"{model!r} {model.name}"

    @pytest.mark.parametrize("thing", ["ollama:m", 3, None, ["m"], LlamaIndexModel])
    def test_what_is_none(self, thing: Any) -> None:
        with pytest.raises(ModelError, match="is no language model; give a name") as caught:
            LlamaIndexModel(thing)
        assert caught.value.kind == "name"


class TestThoughts:
    @given(st.data())
    def test_however_it_is_cut(self, data: st.DataObject) -> None:
        part = st.sampled_from(
            [
                *(
                    "<think>",
                    "</think>",
                    "<thi",
                    "nk>",
                    "<",
                    " ",
                    "\n",
                    "It is.",
                    "a < b",
                    "</thin",
                ),
                *("<thinking>", "</thinking>", "<thought>", "</thought>", "<reasoning>"),
                *("</reasoning>", "<|channel|>", "<|start|>assistant", "<|message|>", "<|end|>"),
                *("<|return|>", "<|e", "analysis", "final", "<|channel|>analysis<|message|>"),
                "<|channel|>final<|message|>",
            ]
        )
        text = "".join(data.draw(st.lists(part, max_size=8)))
        cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))) | {0, len(text)})
        whole, cut = Thoughts(), Thoughts()
        expected = whole.without(text) + whole.rest()
        pieces = [text[a:b] for a, b in pairwise(cuts)]
        assert "".join([*map(cut.without, pieces), cut.rest()]) == expected

    @pytest.mark.parametrize(
        ("text", "reply"),
        [
            ("<think>hm</think>\nIt is.", "It is."),
            ("\n<think>\n</think><think>more</think> It is.", "It is."),
            ("It says <think>no</think> there.", "It says <think>no</think> there."),
            ("<think>for ever", ""),
            ("<thin", "<thin"),
            ("<b> is a tag", "<b> is a tag"),
            ("  It is.", "It is."),
            ("<thinking>a <think> in it</think></thinking>It is.", "It is."),
            ("<thought>hm</thought>\n<reasoning>hm</reasoning>It is.", "It is."),
            ("<reasoning>hm</think> for ever", ""),
            ("<thoughtful> is a tag", "<thoughtful> is a tag"),
        ],
    )
    def test_blocks_at_the_beginning_are_left_out(self, text: str, reply: str) -> None:
        thoughts = Thoughts()
        assert thoughts.without(text) + thoughts.rest() == reply

    @pytest.mark.parametrize(
        ("text", "reply"),
        [
            (
                "<|channel|>analysis<|message|>hm, <|end|>"
                "<|start|>assistant<|channel|>final<|message|>It is.<|return|>",
                "It is.",
            ),
            (
                "<|start|>assistant<|channel|>analysis<|message|>hm<|end|>"
                "<|start|>assistant<|channel|>commentary to=functions.search <|constrain|>json"
                '<|message|>{"query": "x"}<|call|>\n<|channel|>final<|message|>\nIt is.',
                "It is.",
            ),
            (
                "<|channel|>analysis<|message|>hm<|channel|>final<|message|>It is. <|end|>",
                "It is. ",
            ),
            ("<|channel|>analysis<|message|>hm<|end|>It is.", "It is."),
            ("<|channel|>analysis<|message|>for ever", ""),
            ("<|channel|>final<|message|>a <b> c < d <|", "a <b> c < d <|"),
            ("<|start|>assistant<|message|>It is.<|end|>\n", "It is."),
            ("It says <|end|> and <|channel|>analysis<|message|>.", None),
            ("<|channel|> is a mark", "<|channel|> is a mark"),
        ],
    )
    def test_of_harmony_only_the_final_message_is_left(self, text: str, reply: str | None) -> None:
        whole, letters = Thoughts(), Thoughts()
        assert whole.without(text) + whole.rest() == (text if reply is None else reply)
        assert whole.any == ("analysis<|message|>" in text and reply is not None)
        told = [*map(letters.without, text), letters.rest()]
        assert "".join(told) == (text if reply is None else reply)

    def test_the_final_message_is_told_as_it_comes(self) -> None:
        thoughts = Thoughts()
        assert thoughts.without("<|channel|>analysis<|message|>hm<|end|>") == ""
        assert thoughts.without("<|start|>assistant<|channel|>final<|message|>It") == "It"
        assert thoughts.without(" is <") == " is "
        assert thoughts.without("b>.<|return|>") == "<b>."
        assert thoughts.rest() == ""


class TestASmallRealModel:
    QUESTION = (Message("user", "Tell me a very long story about a dog."),)

    def test_its_words_its_end_and_its_death(self) -> None:
        from tests.language_model import CONTEXT, killable_model

        with killable_model() as (url, process):
            model = load(f"openai-like:small@{url}/v1")
            assert model.context == CONTEXT
            words = [piece for piece in model.write(self.QUESTION, most_tokens=12) if piece]
            assert 3 <= len(words) <= 12

            with closing(model.write(self.QUESTION, most_tokens=7000)) as pieces:
                while not next(pieces):
                    pass
            # The server has one slot: were it still writing, this would have to wait for minutes.
            assert said(model, self.QUESTION, most_tokens=3)

            error = failing(model, [Message("user", "dog " * 10_000)])
            assert error.kind == "context"
            assert "exceeds the available context size" in str(error)

            pieces = model.write(self.QUESTION, most_tokens=7000)
            while not next(pieces):
                pass
            process.kill()
            with pytest.raises(ModelError, match="broke off in the middle of its reply") as caught:
                list(pieces)
            assert caught.value.kind == "broken"
            assert failing(model, self.QUESTION).kind == "down"
