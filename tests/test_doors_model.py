"""Every door with a language model behind it: official clients, and a provider that says anything.

The provider is a real server on loopback that speaks OpenAI's protocol (tests/providers.py).
"""

import asyncio
import io
import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx
import openai
import pytest
from mcp import Client
from mcp.types import TextContent
from providers import Broken, Failure, Provider, Silence, speaking
from serving import serving
from test_chat_cli import opened_terminals

from assistant import Assistant, Document
from assistant.cli import main
from assistant.server.access import Access
from assistant.server.app import create_app

SETTLED = 20  # seconds within which what must happen has happened
DOCUMENTS = {
    "amber.txt": (
        "The Amber River rises in the Holm Hills and is 412 kilometres long. It flows into the "
        "Grey Sea at Port Lasse.\n\nSalmon return to the Amber River every autumn."
    ),
    "bridge.txt": (
        "The old bridge over the Amber River was built in 1887 by the engineer Clara Holm. "
        "It has eleven arches of granite."
    ),
}
QUESTION = "How long is the Amber River?"
TRUE = "The Amber River is 412 kilometres long [1]."
FALSE = "It has 900 lakes made of green cheese."
NAME = "openai-like:tiny"


class Held:
    """A reply that stops until it is let go: some words, then the rest."""

    def __init__(self, before: str, after: str) -> None:
        self._before, self._after = before, after
        self._gate = threading.Event()

    def __call__(self, _: list[dict[str, str]]) -> Iterator[str]:
        yield from re.findall(r"\s*\S+", self._before)
        assert self._gate.wait(SETTLED)
        yield from re.findall(r"\s*\S+", f" {self._after}")

    def go_on(self) -> None:
        self._gate.set()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("doors") / "index"
    with Assistant.open(path) as assistant:
        assistant.add(Document.from_text(text, source=name) for name, text in DOCUMENTS.items())
    return path


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with speaking("") as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Provider:
    """The provider, which nobody has asked anything yet."""
    running.reply = f"{TRUE} {FALSE}"
    running.requests.clear()
    running.hung_up = 0
    return running


@pytest.fixture(scope="module")
def assistant(running: Provider, index: Path) -> Iterator[Assistant]:
    with Assistant.open(index, model=f"{NAME}@{running.url}/v1", model_calls=2) as assistant:
        assistant.ask(QUESTION)  # loads what the tests are not to wait for
        yield assistant


@pytest.fixture(scope="module")
def address(assistant: Assistant) -> Iterator[str]:
    with serving(create_app(assistant, access=Access.open(), page=False)) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=SETTLED) as client:
        yield client


@pytest.fixture
def chat(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=2) as client:
        yield client


def events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Server-sent events, as they come."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def asked(question: str = QUESTION) -> Any:
    return {"model": "assistant", "messages": [{"role": "user", "content": question}]}


# The HTTP API.


def test_words_stream_as_drafts_and_then_as_checked_sentences(
    client: httpx.Client, provider: Provider
) -> None:
    held = Held("The Amber River is", f"412 kilometres long [1]. {FALSE}")
    provider.reply = held
    body = {"question": QUESTION, "stream": True}
    with client.stream("POST", "/v1/ask", json=body) as response:
        told = events(response.iter_lines())
        name, searching = next(told)
        assert (name, searching["search_query"]) == ("searching", QUESTION)
        seen = [next(told)]
        while seen[-1][1]["text"] != "The Amber River is":
            seen.append(next(told))
        assert {name for name, _ in seen} == {"draft"}
        time.sleep(0.7)  # the model says nothing, and so does the server
        held.go_on()
        name, event = next(told)
        assert (name, event["text"]) != seen[-1], "a draft is told once"
        rest = [(name, event), *told]
    pieces = [event for name, event in rest if name == "piece"]
    last, answer = rest[-1]
    assert last == "answer"
    assert "".join(piece["text"] for piece in pieces) == answer["text"]
    assert [piece["sentence"] for piece in pieces] == answer["sentences"]
    first, second = answer["sentences"]
    assert (first["verdict"], first["citations"]) == ("supported", [1])
    assert (second["verdict"], second["citations"]) == ("unsupported", [])
    assert "900" in second["reason"] or "cheese" in second["reason"]
    assert answer["citations"][0]["source"] == "amber.txt"
    assert answer["model"] == f"{NAME}@{provider.url}/v1"
    assert (answer["model_calls"], answer["notice"]) == (1, "")


def test_the_documents_take_over_where_the_model_breaks_off(
    client: httpx.Client, provider: Provider
) -> None:
    provider.reply = Broken(
        after=["Salmon return to the Amber River ", "every autumn [1]. ", "It "]
    )
    response = client.post("/v1/ask", json={"question": QUESTION, "stream": True})
    told = list(events(iter(response.text.splitlines())))
    answer = told[-1][1]
    assert (told[-1][0], answer["model"]) == ("answer", "extractive")
    assert "broke off" in answer["notice"]
    drafts = [event["text"] for name, event in told if name == "draft"]
    assert drafts[-1] == "", "what was not finished is taken back"
    assert "Salmon" in answer["sentences"][0]["text"]
    assert "412" in answer["sentences"][1]["text"]
    assert answer["sentences"][1]["verdict"] == "quoted"
    pieces = [event["text"] for name, event in told if name == "piece"]
    assert "".join(pieces) == answer["text"]


def test_a_refused_key_is_an_error_that_names_the_variable(
    client: httpx.Client, provider: Provider
) -> None:
    provider.reply = Failure(401)
    response = client.post("/v1/ask", json={"question": QUESTION})
    assert response.status_code == 503
    error = response.json()["error"]
    assert error["type"] == "model_key"
    assert "OPENAI_API_KEY" in error["message"]
    streamed = client.post("/v1/ask", json={"question": QUESTION, "stream": True})
    *_, (name, event) = events(iter(streamed.text.splitlines()))
    assert (name, event["error"]) == ("error", error)
    provider.reply = Failure(404)
    error = client.post("/v1/ask", json={"question": QUESTION}).json()["error"]
    assert error["type"] == "model_unknown"


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_who_leaves_ends_the_model_s_work_even_while_it_is_silent(
    client: httpx.Client, provider: Provider, path: str, stream: bool
) -> None:
    provider.reply = Silence(after=["The Amber ", "River "])
    body = {"question": QUESTION} if path == "/v1/ask" else asked()
    request = client.build_request("POST", path, json=body | {"stream": stream})
    request.extensions["timeout"]["read"] = 2.0
    with pytest.raises(httpx.ReadTimeout):
        client.send(request)
    assert provider.requests
    assert provider.left_within(3)


def test_more_may_wait_for_a_model_than_processors_could_serve(
    client: httpx.Client, provider: Provider
) -> None:
    held = Held("The Amber", "River is 412 kilometres long [1].")
    provider.reply = held
    with ThreadPoolExecutor(12) as pool:
        waiting = [pool.submit(client.post, "/v1/ask", json={"question": QUESTION})] + [
            pool.submit(client.post, "/v1/chat/completions", json=asked()) for _ in range(11)
        ]
        until = time.monotonic() + SETTLED
        while len(provider.requests) < 12 and time.monotonic() < until:
            time.sleep(0.02)
        assert len(provider.requests) == 12
        held.go_on()
        assert {each.result().status_code for each in waiting} == {200}


def test_the_figures_tell_what_the_model_did(client: httpx.Client, provider: Provider) -> None:
    def figures() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if line.startswith("assistant_")]
        return {name: float(value) for name, value in pairs}

    before = figures()
    client.post("/v1/ask", json={"question": QUESTION})
    provider.reply = Broken()
    client.post("/v1/ask", json={"question": QUESTION})
    provider.reply = Failure(401)
    client.post("/v1/ask", json={"question": QUESTION})
    now = figures()
    more = {name: now[name] - before.get(name, 0) for name in now}
    assert more['assistant_answers_written_total{by="model"}'] == 1
    assert more['assistant_answers_written_total{by="documents"}'] == 1
    assert more['assistant_sentences_total{verdict="unsupported"}'] == 1
    assert more["assistant_model_calls_total"] == 2
    assert more["assistant_model_failures_total"] == 2
    assert more["assistant_first_words_seconds_count"] == 2


def test_a_model_that_cannot_be_loaded_is_told_before_anybody_asks(index: Path) -> None:
    with (
        Assistant.open(index, model="gguf:no-such-file.gguf") as assistant,
        serving(create_app(assistant, access=Access.open(), page=False)) as address,
    ):
        until = time.monotonic() + SETTLED
        while "no-such-file.gguf" not in httpx.get(f"{address}/readyz").text:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert httpx.get(f"{address}/readyz").status_code == 503
        error = httpx.post(f"{address}/v1/ask", json={"question": QUESTION}, timeout=SETTLED)
        assert error.json()["error"]["type"] == "model_file"


# OpenAI's client.


def test_openai_s_client_gets_sentences_that_were_checked(
    chat: openai.OpenAI, provider: Provider
) -> None:
    held = Held(f"{TRUE} It has 900", "lakes made of green cheese.")
    provider.reply = held
    stream = iter(chat.chat.completions.create(**asked(), stream=True))
    text = ""
    while not text:
        text = next(stream).choices[0].delta.content or ""
    assert text == "The Amber River is 412 kilometres long. [1]"
    held.go_on()
    rest = list(stream)
    text += "".join(chunk.choices[0].delta.content or "" for chunk in rest)
    assert re.search(r"It has 900 lakes made of green cheese\. \(unsupported: .+\)$", text)
    assert rest[-1].model_extra is not None
    answer = rest[-1].model_extra["assistant"]
    assert answer["sentences"][1]["verdict"] == "unsupported"
    assert answer["model"].startswith(NAME)
    whole = chat.chat.completions.create(**asked())
    assert whole.choices[0].message.content is not None
    assert whole.choices[0].message.content.startswith(
        "The Amber River is 412 kilometres long. [1]"
    )
    assert "(unsupported: " in whole.choices[0].message.content


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_openai_s_client_reads_why_the_documents_took_over(
    chat: openai.OpenAI, provider: Provider, stream: bool
) -> None:
    provider.reply = Failure(400)  # too long for it
    if stream:
        chunks = list(chat.chat.completions.create(**asked(), stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        answer = (chunks[-1].model_extra or {})["assistant"]
    else:
        whole = chat.chat.completions.create(**asked())
        text = whole.choices[0].message.content or ""
        answer = (whole.model_extra or {})["assistant"]
    said, _, notice = text.rpartition("\n\n")
    assert said == answer["text"]
    assert "412 kilometres" in said
    assert notice == answer["notice"] != ""


def test_openai_s_client_does_not_ask_again_with_a_refused_key(
    chat: openai.OpenAI, provider: Provider
) -> None:
    provider.reply = Failure(401)
    with pytest.raises(openai.InternalServerError, match="OPENAI_API_KEY") as caught:
        chat.chat.completions.create(**asked())
    assert caught.value.code == "model_key"
    assert len(provider.requests) == 1
    with pytest.raises(openai.APIError, match="OPENAI_API_KEY") as broken:
        list(chat.chat.completions.create(**asked(), stream=True))
    assert broken.value.code == "model_key"


# MCP.


def called(address: str, *, within: float = SETTLED) -> Any:
    """What the tool `ask` gives; None if it does not within so many seconds."""

    async def call() -> Any:
        async with Client(f"{address}/mcp") as client:
            with anyio.move_on_after(within):
                return await client.call_tool("ask", {"question": QUESTION})
        return None

    return anyio.run(call)


def text_of(result: Any) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def test_mcp_tells_what_is_unsupported_and_who_wrote(address: str, provider: Provider) -> None:
    result = called(address)
    data, text = result.structured_content, text_of(result)
    assert data["sentences"][1]["verdict"] == "unsupported"
    assert (data["model_calls"], data["notice"]) == (1, "")
    assert data["model"].startswith(NAME)
    assert "in the words of a language model (tiny, 1 call)" in text
    assert "sentence 2: unsupported no source: " in text
    provider.reply = Broken()
    result = called(address)
    data, text = result.structured_content, text_of(result)
    assert data["model"] == "extractive"
    assert f"For the reader to know:\n| {data['notice']}" in text
    provider.reply = Failure(401)
    failed = called(address)
    assert failed.is_error
    assert "OPENAI_API_KEY" in text_of(failed)


def test_mcp_s_client_can_give_up_while_the_model_is_silent(
    address: str, provider: Provider
) -> None:
    provider.reply = Silence(after=["The Amber "])
    assert called(address, within=1.5) is None
    assert provider.requests
    assert provider.left_within(3)


# LlamaIndex.


def test_llamaindex_s_response_says_what_is_unsupported(
    assistant: Assistant, provider: Provider
) -> None:
    response = assistant.as_query_engine().query(QUESTION)
    assert "green cheese. (unsupported: " in str(response)
    assert [node.node.metadata["number"] for node in response.source_nodes] == [1]
    provider.reply = Broken()
    response = assistant.as_query_engine().query(QUESTION)
    assert response.metadata is not None
    assert str(response).endswith(f"\n\n{response.metadata['notice']}")


def test_cancelling_llamaindex_s_query_ends_the_model_s_work(
    assistant: Assistant, provider: Provider
) -> None:
    provider.reply = Silence(after=["The Amber "])

    async def ask() -> None:
        engine = assistant.as_query_engine()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(engine.aquery(QUESTION), 1.0)
        assert provider.requests
        assert await asyncio.to_thread(provider.left_within, 3)

    asyncio.run(ask())


# The command line.


@pytest.fixture
def chosen(provider: Provider, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index and the model, as the environment names them."""
    for name in [name for name in os.environ if name.startswith("ASSISTANT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ASSISTANT_MODEL", f"{NAME}@{provider.url}/v1")
    monkeypatch.setenv("ASSISTANT_INDEX", str(index))
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.usefixtures("chosen")
def test_on_a_terminal_words_are_seen_before_they_are_checked(provider: Provider) -> None:
    held = Held("The Amber River is", f"412 kilometres long [1]. {FALSE}")
    provider.reply = held
    with opened_terminals() as open_terminal:
        screen = open_terminal(sys.executable, "-m", "assistant", "chat")
        assert "2 documents to ask about · tiny writes" in screen.see("> ")
        screen.type(f"{QUESTION}\n")
        screen.see("\x1b[2mThe Amber River is\x1b[0m", seconds=60)  # it loads libraries first
        held.go_on()
        redrawn = screen.see("(supported)")
        assert "\x1b[2K" in redrawn, "the draft is taken away"
        assert "The Amber River is 412 kilometres long. [1]" in redrawn
        assert f"\x1b[31m{FALSE}" in screen.see("unsupported: ")
        assert "amber.txt" in screen.see("tiny, 1 of 4 calls")
        screen.see("> ")
        screen.type("/history\n")
        assert "(unsupported: " in screen.see("\r\n> ")

        # The keyboard stops a model that is silent, at once.
        provider.reply = Silence(after=["The Amber "])
        screen.type("/retry\n")
        screen.see("\x1b[2mThe Amber\x1b[0m")
        screen.type("\x03")
        assert "\x1b[2K" in screen.see("stopped; /retry asks again", seconds=3)
        assert provider.left_within(3)

        # Where it fails, the documents' own sentences stand in.
        provider.reply = Broken()
        screen.see("> ")
        screen.type("/retry\n")
        told = screen.see("no language model, 1 of 4 calls")
        assert "412 kilometres" in told
        assert "Note: " in told
        screen.see("> ")
        screen.type("\x04")
        assert screen.ended() == 0


@pytest.mark.usefixtures("chosen")
def test_elsewhere_only_what_was_checked_is_printed(
    provider: Provider, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["ask", QUESTION]) == 0
    done = capsys.readouterr()
    first, second, reason, rest = done.out.split("\n", 3)
    assert first == "The Amber River is 412 kilometres long. [1] (supported)"
    assert second == FALSE
    assert reason.startswith("  unsupported: ")
    assert re.match(r"\nSources\n  \[1\] amber.txt · amber.txt", rest)
    assert "tiny, 1 of 4 calls" in rest
    assert not re.search("\x1b|…", done.out)
    assert done.err == ""

    provider.reply = Broken()
    assert main(["ask", "--json", QUESTION]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["model"], answer["model_calls"]) == ("extractive", 1)
    assert answer["notice"]

    provider.reply = Failure(401)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{QUESTION}\n".encode())))
    assert main(["chat"]) == 1
    failed = capsys.readouterr()
    assert failed.err.count("\n") == 1
    assert "OPENAI_API_KEY" in failed.err
