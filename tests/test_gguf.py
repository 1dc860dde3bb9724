"""A GGUF file run in a process of ours: either of them killed, and files that are none."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from language_model import GGUF

from assistant.errors import ModelError
from assistant.models import Message, load_model
from assistant.models.gguf import Gguf, Served
from assistant.models.serving import fitting_context

TRAINED_CONTEXT = 8192


def serving_processes(parent: int | None = None) -> list[psutil.Process]:
    """The processes that run models for a process, by default this one."""
    children = psutil.Process(parent).children(recursive=True)
    return [
        child
        for child in children
        if child.status() != psutil.STATUS_ZOMBIE and "assistant.models.serving" in child.cmdline()
    ]


def gone(process: psutil.Process) -> bool:
    try:
        process.wait(timeout=10)
    except psutil.TimeoutExpired:
        return False
    return True


def complete(served: Served, key: str | None = None, **more: str) -> tuple[int, str]:
    """The status and body of a short completion, asked for with plain HTTP."""
    body = {"messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 3}
    headers = {"Content-Type": "application/json", **more}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(
        f"{served.url}/chat/completions", json.dumps(body).encode(), headers
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture(scope="class")
def running() -> Iterator[tuple[Gguf, Served]]:
    """The model, and where it is served; not to be killed."""
    with closing(Gguf(GGUF)) as model:
        yield model, model.start()


class TestServed:
    """One process, which no test kills."""

    def test_it_serves_whoever_has_the_key_and_nobody_else(
        self, running: tuple[Gguf, Served]
    ) -> None:
        _, served = running
        assert served.url.startswith("http://127.0.0.1:")
        assert served.url.endswith("/v1")
        assert served.context == TRAINED_CONTEXT
        status, body = complete(served, served.key)
        assert status == 200
        assert json.loads(body)["choices"][0]["message"]["content"]
        assert complete(served)[0] == 401
        assert complete(served, "another key")[0] == 401

    def test_its_process_is_not_given_the_keys_of_providers(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OLLAMA_API_KEY", "Another_api_key")
        for name in names:
            monkeypatch.setenv(name, "sk-not-for-children")
        monkeypatch.setenv("TO_BE_KEPT", "kept")
        before = serving_processes()
        with closing(Gguf(GGUF)) as model:
            model.start()
            (process,) = set(serving_processes()) - set(before)
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        variables = dict(entry.split(b"=", 1) for entry in environment.split(b"\0") if entry)
        assert variables[b"TO_BE_KEPT"] == b"kept"
        assert b"sk-not-for-children" not in environment
        assert not variables.keys() & {name.encode() for name in names}

    def test_nothing_but_the_model_is_served(self, running: tuple[Gguf, Served]) -> None:
        _, served = running

        def answer(method: str, path: str, key: str = "") -> http.client.HTTPResponse:
            connection = http.client.HTTPConnection(served.url[7:-3], timeout=60)
            headers = {"Origin": "http://evil.example", "Authorization": f"Bearer {key}"}
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            response.read()
            connection.close()
            return response

        for path in ("/v1/models", "/props", "/slots", "/metrics", "/tools"):
            assert answer("GET", path).status == 401, path
        for path in ("/", "/index.html", "/slots", "/metrics", "/tools"):
            assert answer("GET", path, served.key).status in (403, 404, 501), path
        # What lets a page of another origin read an answer, or send a key, is never granted.
        for method, path in (("GET", "/health"), ("OPTIONS", "/v1/chat/completions")):
            response = answer(method, path)
            assert not response.headers["Access-Control-Allow-Origin"]
            assert response.headers["Access-Control-Allow-Credentials"] in (None, "false")

    def test_it_is_started_once_however_many_ask(self, running: tuple[Gguf, Served]) -> None:
        model, served = running
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: model.start(), range(8))) == {served}
        before = time.perf_counter()
        assert model.start() == served
        assert time.perf_counter() - before < 1

    def test_the_key_is_in_no_argument_and_no_environment(
        self, running: tuple[Gguf, Served]
    ) -> None:
        _, served = running
        (process,) = serving_processes()
        assert served.key not in " ".join(process.cmdline())
        assert served.key not in " ".join(process.environ().values())


def test_a_killed_process_breaks_the_answer_and_the_next_question_starts_another() -> None:
    question = [Message("user", "Tell me a very long story about a river.")]
    with closing(load_model(f"gguf:{GGUF}")) as model:
        pieces = model.write(question, most_tokens=2000)
        assert next(piece for piece in pieces if piece)
        (process,) = serving_processes()
        process.kill()
        with pytest.raises(ModelError) as caught:
            list(pieces)
        assert caught.value.kind == "broken"
        again = "".join(piece or "" for piece in model.write(question, most_tokens=5))
        assert again.strip()
    assert not serving_processes()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_process_that_ended_or_hangs_is_replaced(
    how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.models.gguf.ALIVE_SECONDS", 1.0)
    with closing(Gguf(GGUF, context=512)) as model:
        first = model.start()
        (process,) = serving_processes()
        process.send_signal(how)
        second = model.start()
        assert second.key != first.key
        assert complete(second, second.key)[0] == 200
        assert gone(process)


def test_closed_it_ends_and_can_be_started_again() -> None:
    model = Gguf(GGUF, context=512)
    model.close()
    model.start()
    (process,) = serving_processes()
    model.close()
    assert gone(process)
    model.close()
    with closing(model):
        assert complete(served := model.start(), served.key)[0] == 200


def test_closing_does_not_wait_for_a_start() -> None:
    model = Gguf(GGUF, context=512)
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(model.start)
        until = time.monotonic() + 30
        while not serving_processes() and time.monotonic() < until:
            time.sleep(0.001)
        model.close()
        if error := starting.exception(timeout=30):
            assert isinstance(error, ModelError)
    assert not serving_processes()


@pytest.mark.parametrize("moment", ["while it starts", "in the middle of an answer"])
def test_it_ends_with_its_parent_even_a_killed_one(moment: str) -> None:
    code = f"""
import json, urllib.request
from assistant.models.gguf import Gguf
model = Gguf({str(GGUF)!r})
print("starts", flush=True)
url, key, _ = model.start()
messages = [{{"role": "user", "content": "Tell me a story."}}]
asked = {{"messages": messages, "max_tokens": 4000, "stream": True}}
headers = {{"Authorization": "Bearer " + key, "Content-Type": "application/json"}}
request = urllib.request.Request(url + "/chat/completions", json.dumps(asked).encode(), headers)
for line in urllib.request.urlopen(request):
    print("said", flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        awaited = "starts" if moment == "while it starts" else "said"
        while awaited not in (line := parent.stdout.readline()):
            assert line
        until = time.monotonic() + 30
        while not (children := serving_processes(parent.pid)) and time.monotonic() < until:
            time.sleep(0.01)
        parent.kill()
        assert len(children) == 1
        assert gone(children[0])


def test_an_interrupt_from_the_keyboard_does_not_reach_it() -> None:
    with closing(Gguf(GGUF, context=512)) as model:
        model.start()
        (process,) = serving_processes()
        assert os.getpgid(process.pid) != os.getpgid(0)


def test_an_answer_that_nobody_waits_for_is_not_written_on() -> None:
    with closing(load_model(f"gguf:{GGUF}")) as model:
        pieces = model.write([Message("user", "Tell me a very long story.")], most_tokens=4000)
        assert next(piece for piece in pieces if piece)
        pieces.close()  # type: ignore[attr-defined]
        # It answers one question at a time: the next one is told only if the first has ended.
        began = time.monotonic()
        assert any(model.write([Message("user", "Hello")], most_tokens=2))
        assert time.monotonic() - began < 30


def test_a_question_that_is_too_long_is_told() -> None:
    with closing(load_model(f"gguf:{GGUF}", context=600)) as model:
        assert model.context == 600
        with pytest.raises(ModelError) as caught:
            list(model.write([Message("user", "river " * 1000)], most_tokens=5))
        assert caught.value.kind == "context"


def head(**values: int) -> bytes:
    """The head of a GGUF file that names these numbers."""
    start = b"GGUF" + (3).to_bytes(4, "little") + bytes(8) + len(values).to_bytes(8, "little")
    for name, value in values.items():
        key = name.replace("__", ".").encode()
        start += len(key).to_bytes(8, "little") + key + (4).to_bytes(4, "little")
        start += value.to_bytes(4, "little")
    return start


def test_the_context_is_the_asked_one_within_what_it_was_trained_for(tmp_path: Path) -> None:
    assert fitting_context(GGUF, asked=0) == TRAINED_CONTEXT
    assert fitting_context(GGUF, asked=1000) == 1000
    assert fitting_context(GGUF, asked=2_000_000_000) == TRAINED_CONTEXT
    file = tmp_path / "large.gguf"
    file.write_bytes(head(a=1, qwen3__context_length=40960))
    assert fitting_context(file, asked=0) == 8192
    assert fitting_context(file, asked=30000) == 30000
    file.write_bytes(head(a=1))
    assert fitting_context(file, asked=0) == 8192


@pytest.mark.parametrize("length", [0, 7, 24, 40, 1000])
def test_a_head_that_breaks_off_is_left_to_the_library(tmp_path: Path, length: int) -> None:
    file = tmp_path / "cut.gguf"
    file.write_bytes(GGUF.read_bytes()[:length])
    assert fitting_context(file, asked=100) == 100


def cut(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


def scribbled(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(40)
        opened.write(b"\xff" * 400)


def newer(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(4)
        opened.write((99).to_bytes(4, "little"))


def other(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data.replace(b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0lamma", 1))


@pytest.mark.parametrize(
    ("damage", "said", "remedy"),
    [
        (cut, "damaged or incomplete", "download it again"),
        (scribbled, "damaged or incomplete", "download it again"),
        (newer, "newer format", "pip install -U xllamacpp"),
        (other, "architecture", "pip install -U xllamacpp"),
    ],
)
def test_a_damaged_file_is_told_with_a_remedy(
    damage: object, said: str, remedy: str, tmp_path: Path
) -> None:
    file = tmp_path / "model.gguf"
    shutil.copyfile(GGUF, file)
    assert callable(damage)
    damage(file)
    with closing(Gguf(file)) as model, pytest.raises(ModelError) as caught:
        model.start()
    assert caught.value.kind == "file"
    assert str(file) in str(caught.value)
    assert said in str(caught.value)
    assert remedy in str(caught.value)
    assert not serving_processes()


def test_a_path_that_is_no_model_is_told_without_starting_anything(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.gguf").touch()
    os.mkfifo(tmp_path / "pipe.gguf")
    (tmp_path / "page.gguf").write_text("<html>Sign in to download</html>")
    (tmp_path / "empty.gguf").touch()
    for name, said in {
        "none.gguf": "there is no such file",
        "folder": f"gguf:{tmp_path}/folder/a.gguf",
        "pipe.gguf": "not a regular file",
        "page.gguf": "not a GGUF file",
        "empty.gguf": "not a GGUF file",
        "nul\0.gguf": "cannot be opened",
    }.items():
        with pytest.raises(ModelError) as caught:
            Gguf(tmp_path / name).start()
        assert caught.value.kind == "file"
        assert said in str(caught.value)


def test_too_little_memory_is_told(tmp_path: Path) -> None:
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (520_000_000, 520_000_000))
from assistant.errors import ModelError
from assistant.models.gguf import Gguf
model = Gguf({str(GGUF)!r})
try:
    print(model.start())
except ModelError as error:
    print(error.kind, error)
model.close()
"""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.startswith("file "), done
    assert "memory" in done.stdout
    assert "model_context" in done.stdout


@pytest.mark.parametrize(
    ("missing", "command"),
    [("_ssl", "pip install 'cited-assistant[gguf]'"), ("libgomp.so.1", "apt-get install libgomp1")],
)
def test_a_missing_library_is_told_with_the_command_that_installs_it(
    missing: str, command: str, tmp_path: Path
) -> None:
    (tmp_path / "xllamacpp.py").write_text(f"raise ImportError('{missing} is missing')")
    code = f"""
from assistant.errors import ModelError
from assistant.models.gguf import Gguf
try:
    Gguf({str(GGUF)!r}).start()
except ModelError as error:
    print(error.kind, error)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.startswith("package xllamacpp"), done
    assert f"{missing} is missing" in done.stdout
    assert command in done.stdout


def test_threads_that_ask_at_once_are_all_answered() -> None:
    question = [Message("user", "Name a river.")]
    with closing(load_model(f"gguf:{GGUF}")) as model:
        answers: list[str] = []

        def ask() -> None:
            answers.append("".join(p or "" for p in model.write(question, most_tokens=5)))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 4
        assert all(answer.strip() for answer in answers)
