"""`assistant models`, `--model`, and what this machine can reach."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from language_model import GGUF
from providers import Failure, Nonsense, Provider, Silence, speaking

from assistant.cli import main
from assistant.models import load_model
from assistant.models.trial import (
    EXTRACTIVE,
    USUAL_PORTS,
    Reachable,
    ollama_url,
    on_this_machine,
    reachable,
    to_try,
    tried,
)

ROOT = Path(__file__).resolve().parent.parent
SECRET = "sk-test-1234567890-never-shown"
ANSWER = "A library is a house of books, where people read and borrow them."


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder, no keys, and no server at the usual addresses."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ASSISTANT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    free = free_port()
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{free}")
    for program in USUAL_PORTS:
        monkeypatch.setitem(USUAL_PORTS, program, free)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def found(program: str) -> Reachable:
    (one,) = [one for one in reachable() if one.program == program]
    return one


class Ran:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        self.line = " ".join(out.split())

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Ran:
    code = main(arguments)
    return Ran(code, *capsys.readouterr())


@contextmanager
def answering(data: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server that sends these bytes to whoever connects; its port, and what it received."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        ending = threading.Event()

        def serve() -> None:
            connections = []
            while not ending.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                connections.append(connection)
                received.append(connection.recv(65536))
                connection.sendall(data)
                if data:
                    connection.close()
            for connection in connections:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1], received
        finally:
            ending.set()
            thread.join()


# What is reachable.


def test_nothing_runs_yet_extractive_always_works() -> None:
    extractive, *others = reachable()
    assert extractive.ready
    assert extractive.models == ("extractive",)
    assert [one.program for one in others] == [
        *("Ollama", "LM Studio", "vLLM", "llama.cpp", "OpenAI", "Anthropic")
    ]
    assert not any(one.ready for one in others)
    assert {one.note for one in others[:4]} == {"not running"}


def test_models_are_named_as_the_setting_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with speaking(ANSWER, models=["qwen3:4b", "org/gemma-3"]) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        monkeypatch.setitem(USUAL_PORTS, "LM Studio", port_of(server.url))
        ollama, studio = found("Ollama"), found("LM Studio")
        assert ollama.ready
        assert ollama.models == ("ollama:qwen3:4b", "ollama:org/gemma-3")
        assert studio.ready
        address = f"http://localhost:{port_of(server.url)}/v1"
        assert studio.models == (
            f"openai-like:qwen3:4b@{address}",
            f"openai-like:org/gemma-3@{address}",
        )
        for name in (*ollama.models, *studio.models):
            assert tried(name).works, name
        assert {request["model"] for request in server.requests} == {"qwen3:4b", "org/gemma-3"}


def test_a_server_without_models_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with speaking(ANSWER, models=[]) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        assert found("Ollama").models == ()
        assert "ollama pull" in found("Ollama").note


def test_keys_are_seen_and_never_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not found("OpenAI").ready
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    assert found("OpenAI").ready
    assert found("OpenAI").note == "OPENAI_API_KEY is set"
    assert found("Anthropic").models == ("anthropic:MODEL",)
    for arguments in (["models"], ["models", "--json"]):
        ran = run(capsys, *arguments)
        assert ran.code == 0
        assert SECRET not in ran.out + ran.err


def test_what_listens_is_asked_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}"
    with answering(refusal) as (port, received):
        monkeypatch.setitem(USUAL_PORTS, "vLLM", port)
        assert "OPENAI_API_KEY" in found("vLLM").note
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{port}")
        assert "OLLAMA_API_KEY" in found("Ollama").note
    assert received
    assert SECRET.encode() not in b"".join(received)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"data": [1]}',
        b'HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{"data": [{"id": {}}]}',
        b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n" + b"[" * 6000,
    ],
)
def test_what_is_no_server_of_models_is_told_soon(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(data) as (port, _):
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{port}")
        for program in USUAL_PORTS:
            monkeypatch.setitem(USUAL_PORTS, program, port)
        began = time.monotonic()
        listed = reachable()
        assert time.monotonic() - began < 8
    assert len(listed) == 7
    assert not any(one.ready or not one.note for one in listed[1:])


def test_another_machine_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://ollama.example:11434")
    began = time.monotonic()
    ollama = found("Ollama")
    assert time.monotonic() - began < 5
    assert not ollama.ready
    assert "another machine" in ollama.note


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://localhost:11434"),
        ("0.0.0.0", "http://localhost:11434"),
        (":8080", "http://localhost:8080"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://localhost", "http://localhost:80"),
        ("https://ollama.example", "https://ollama.example:443"),
        ("[::]:11434", "http://localhost:11434"),
        ("[::1]:5000/", "http://[::1]:5000"),
        ("anna:secret@gpu.example", "http://gpu.example:11434"),
    ],
)
def test_ollama_host_is_read_in_all_its_forms(host: str, url: str) -> None:
    assert ollama_url(host) == url


def test_this_machine_is_told_from_others() -> None:
    for url in ("http://localhost:1", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1"):
        assert on_this_machine(url), url
    for url in (
        *("http://localhost.example", "http://10.0.0.1", "http://127.0.0.1.example", "", "x"),
        *("http://[::1", "ftp://localhost", "http://0.0.0.0"),
    ):
        assert not on_this_machine(url), url


# A model is tried.


def test_a_model_that_works_is_measured() -> None:
    def slowly(_: object) -> Iterator[str]:
        time.sleep(0.3)
        for word in ANSWER.split():
            yield word + " "
            time.sleep(0.02)

    with speaking(slowly, described={"max_model_len": 4096}) as server:
        trial = tried(f"openai-like:m@{server.url}/v1")
    assert trial.works
    assert (trial.text, trial.problem, trial.kind) == (ANSWER, "", "")
    assert trial.context == 4096
    assert trial.loading_seconds is not None
    assert trial.first_word_seconds is not None
    assert trial.words_per_second is not None
    assert trial.first_word_seconds >= 0.3
    assert 1 < trial.words_per_second <= 51
    assert "what is a library" in server.requests[0]["messages"][-1]["content"]


def test_no_more_is_read_than_tells_how_fast_it_is() -> None:
    def endless(_: object) -> Iterator[str]:
        while True:
            yield "word "
            time.sleep(0.002)

    with speaking(endless) as server:
        assert tried(f"openai-like:m@{server.url}/v1").works
        assert server.left_within(10)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Failure(401), "key"),
        (Failure(404), "model"),
        (Nonsense(), "failed"),
        ("", "failed"),
        (" \n ", "failed"),
    ],
)
def test_a_model_that_does_not_work_says_why(reply: Any, kind: str) -> None:
    with speaking(reply) as server:
        trial = tried(f"openai-like:m@{server.url}/v1")
    assert not trial.works
    assert trial.kind == kind
    assert trial.problem
    assert trial.words_per_second is None


def test_a_model_of_ones_own_is_tried_and_left_open() -> None:
    with speaking(ANSWER) as server:
        model = load_model(f"ollama:m@{server.url}")
        assert tried(model).works
        assert tried(model).model == f"ollama:m@{server.url}"
        model.close()


# The command.


def test_it_lists_and_tries_the_one_that_is_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with speaking(ANSWER, models=["qwen3:4b", "evil\x1b[2Jname"]) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        monkeypatch.setenv("ASSISTANT_MODEL", "ollama:qwen3:4b")
        ran = run(capsys, "models")
    assert ran.code == 0
    assert EXTRACTIVE in ran.line
    assert re.search(r"^    ollama:qwen3:4b$", ran.out, re.MULTILINE)
    assert "ollama:qwen3:4b works" in ran.line
    assert ANSWER in ran.line
    assert "words a second" in ran.line
    assert "\x1b[2J" not in ran.out
    assert len(server.requests) == 1  # not once more as the first of its server


@contextmanager
def three_servers(monkeypatch: pytest.MonkeyPatch, *replies: Any) -> Iterator[list[Provider]]:
    """Ollama with a model for vectors and one that writes, LM Studio and vLLM."""
    models = [["nomic-embed-text", "qwen3:4b"], ["gemma", "never-tried"], ["phi"]]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(speaking(reply, models=names))
            for reply, names in zip(replies, models, strict=True)
        ]
        monkeypatch.setenv("OLLAMA_HOST", servers[0].url)
        monkeypatch.setitem(USUAL_PORTS, "LM Studio", port_of(servers[1].url))
        monkeypatch.setitem(USUAL_PORTS, "vLLM", port_of(servers[2].url))
        yield servers


def test_the_first_model_of_each_server_here_is_tried_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OLLAMA_API_KEY", SECRET)
    together = threading.Barrier(3)

    def when_all_are_asked(_: object) -> str:
        together.wait(timeout=4)
        return ANSWER

    with three_servers(monkeypatch, *[when_all_are_asked] * 3) as servers:
        ran = run(capsys, "models")
        in_json = run(capsys, "models", "--json")
    assert (ran.code, in_json.code) == (0, 0)
    studio, vllm = (f"@http://localhost:{port_of(server.url)}/v1" for server in servers[1:])
    names = ["ollama:qwen3:4b", f"openai-like:gemma{studio}", f"openai-like:phi{vllm}"]
    for name in names:
        assert f"{name} works" in ran.line
    assert ran.line.count("words a second") == 3
    assert [trial["model"] for trial in in_json.json["tried"]] == ["extractive", *names]
    assert all(trial["works"] for trial in in_json.json["tried"])
    assert all(trial["first_word_seconds"] > 0 for trial in in_json.json["tried"][1:])
    for server in servers:
        assert len(server.requests) == 2
        assert SECRET not in str(server.headers)  # nobody has said that they may have it


def test_those_that_do_not_answer_say_why_and_are_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    replies = Silence(), Failure(401), Nonsense()
    with three_servers(monkeypatch, *replies) as servers:
        began = time.monotonic()
        ran = run(capsys, "models", "--json")
        assert time.monotonic() - began < 20  # much of which is the first import
        assert servers[0].left_within(5)
    assert ran.code == 0
    silent, locked, nonsense = ran.json["tried"][1:]
    assert [one["works"] for one in (silent, locked, nonsense)] == [False] * 3
    assert silent["kind"] == "timeout"
    assert "said nothing within 5 seconds" in silent["problem"]
    assert "assistant models ollama:qwen3:4b" in silent["problem"]
    assert locked["kind"] == "key"
    assert "wants a key, which only a model that is named is sent" in locked["problem"]
    assert locked["problem"].endswith(f"assistant models {locked['model']}")
    assert nonsense["kind"] == "failed"
    monkeypatch.setattr("assistant.models.trial.BRIEF_SECONDS", 1.5)
    with three_servers(monkeypatch, Failure(503), Failure(500), Silence()) as servers:
        ran = run(capsys, "models")
    assert ran.code == 0
    assert "ollama:qwen3:4b does not work" in ran.line
    assert "is busy (503: The server is loading the model)" in ran.line
    assert "failed (500: The server had an error while processing your request" in ran.line
    assert f"phi@http://localhost:{port_of(servers[2].url)}/v1 did not answer in time" in ran.line
    assert "said nothing within 1.5 seconds" in ran.line
    assert [len(server.requests) for server in servers] == [1, 1, 1]


def test_the_first_is_one_that_writes_if_there_is_one() -> None:
    here = "http://127.0.0.1:9"
    both = Reachable("Ollama", url=here, ready=True, models=("ollama:embed-x", "ollama:y"))
    vectors = Reachable("vLLM", url=here, ready=True, models=("openai-like:Embedder@x",))
    away = Reachable("Ollama", url="http://192.0.2.1", ready=True, models=("ollama:z",))
    none = Reachable("LM Studio", url=here, ready=True)
    silent = Reachable("llama.cpp", url=here, models=("openai-like:w@x",))
    assert to_try([both, vectors, away, none, silent]) == {
        "ollama:y": both,
        "openai-like:Embedder@x": vectors,
    }


def test_ctrl_c_ends_the_trials_at_once(tmp_path: Path) -> None:
    with speaking(Silence(), models=["m"]) as server:
        running = subprocess.Popen(
            [sys.executable, "-m", "assistant", "models"],
            cwd=tmp_path,
            env={**os.environ, "OLLAMA_HOST": server.url, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 60
        while not server.requests and time.monotonic() < until:
            time.sleep(0.02)
        began = time.monotonic()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
        assert time.monotonic() - began < 4  # less than it would have had
        assert server.left_within(5)
    assert running.returncode == 130
    assert err == "assistant: stopped\n"
    assert "ollama:m" in out
    assert "does not work" not in out


def test_named_ones_are_tried_and_one_that_fails_is_exit_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with speaking(ANSWER) as server:
        works, fails = f"openai-like:m@{server.url}/v1", "gguf:none.gguf"
        ran = run(capsys, "models", works)
        assert ran.code == 0
        assert "Ollama" not in ran.out
        ran = run(capsys, "models", works, fails, "nonsense", "--json")
    assert ran.code == 1
    assert [trial["works"] for trial in ran.json["tried"]] == [True, False, False]
    assert [trial["kind"] for trial in ran.json["tried"]] == ["", "file", "name"]
    assert ran.json["model"] == "extractive"
    assert "reachable" not in ran.json
    ran = run(capsys, "models", fails)
    assert ran.code == 1
    assert "does not work" in ran.line
    assert "there is no such file" in ran.line


def test_json_has_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "models", "--json")
    assert ran.code == 0
    assert [one["program"] for one in ran.json["reachable"]] == [one.program for one in reachable()]
    (trial,) = ran.json["tried"]
    assert (trial["model"], trial["works"]) == ("extractive", True)


def test_the_real_small_model_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "models", f"gguf:{GGUF}", "--json")
    assert ran.code == 0, ran.out
    (trial,) = ran.json["tried"]
    assert trial["works"]
    assert len(trial["text"].split()) > 3
    assert trial["context"] == 8192
    assert trial["first_word_seconds"] > 0
    assert trial["words_per_second"] > 0


def test_model_is_an_option_where_answers_are_given(
    seeds_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = "Which payment system is Russia banned from?"
    with speaking("Russia is banned from SWIFT [1].") as server:
        name = f"openai-like:m@{server.url}/v1"
        ran = run(capsys, "ask", question, "--model", name, "--index", str(seeds_index), "--json")
        assert ran.code == 0, ran.err
        assert ran.json["model"] == name
        assert server.requests
    ran = run(capsys, "ask", question, "--model", "nonsense", "--index", str(seeds_index))
    assert ran.code == 1
    assert "'nonsense' is unknown" in ran.err
    for command in ("ask", "chat", "serve", "mcp"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "--model NAME" in capsys.readouterr().out, command
