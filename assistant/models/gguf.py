"""A model file on this machine, run in a process of ours that may die without harm."""

import http.client
import json
import os
import secrets
import select
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from assistant.errors import ModelError
from assistant.remote import installed

MAGIC = b"GGUF"
# Models of tens of gigabytes are read from slow disks.
START_SECONDS = 300.0
# The server says that it is alive beside its work; where it does not, it hangs.
ALIVE_SECONDS = 10.0
LOG_BYTES = 20_000
# By default its threads wait for each other busily, and so come to a standstill when something
# else uses the processors: on two with four other busy processes, 2 words a second instead of 30.
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}


class Served(NamedTuple):
    """Where the model can be asked, by OpenAI's protocol.

    Attributes:
        url: The base address, which ends in /v1; on loopback.
        key: The key that the server demands, so that no other program here can use it.
        context: How many tokens a question and its reply may have together.
    """

    url: str
    key: str
    context: int


class Gguf:
    """A GGUF file that a process of ours serves; safe to use from several threads.

    The process is started when it is first needed, and again after it ended or hung. It ends
    with this one, however this one ends.
    """

    def __init__(self, path: str | Path, *, context: int = 0) -> None:
        """Nothing is read or started yet.

        Args:
            path: The file; of a model in several files the first.
            context: How many tokens a question and its reply may have together, at most as many
                as the model was trained for; 0 for a number that suits this machine.
        """
        self.path = Path(path).expanduser()
        self.context = context
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._served: Served | None = None

    def start(self) -> Served:
        """Where it can be asked; once started, this takes a millisecond.

        Raises:
            ModelError: The file cannot be run ("file"), xllamacpp is missing ("package"), or it
                was not ready in time ("timeout").
        """
        with self._lock:
            if self._served is None or not self._alive(self._served):
                self._end()
                try:
                    self._served = self._start()
                except BaseException:
                    self._end()
                    raise
            return self._served

    def close(self) -> None:
        """End the process, whatever it is at; `start` starts another."""
        process = self._process
        if process is not None:
            process.kill()  # first of all, as a start that takes long holds the lock
        with self._lock:
            self._end()

    def _alive(self, served: Served) -> bool:
        if self._process is None or self._process.poll() is not None:
            return False
        address = served.url.removeprefix("http://").removesuffix("/v1")
        connection = http.client.HTTPConnection(address, timeout=ALIVE_SECONDS)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _start(self) -> Served:
        look_at(self.path)
        if not installed("xllamacpp"):
            raise not_installed()
        key = secrets.token_urlsafe(32)
        request = {"path": str(self.path), "context": self.context, "key": key}
        # It finds the modules that we find, wherever it is started: its own folder is not one.
        search_path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        with tempfile.TemporaryFile() as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "assistant.models.serving"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                env={**PATIENT, **_without_keys(), "PYTHONPATH": search_path},
                # Ctrl-C on the terminal ends an answer, not the model.
                start_new_session=True,
            )
            told = self._told(json.dumps(request).encode() + b"\n")
            if "missing" in told:
                raise not_installed(told["missing"])
            if "url" not in told:
                raise self._failed(_end_of(log))
            return Served(f"{told['url']}/v1", key, int(told["context"]))

    def _told(self, request: bytes) -> dict[str, Any]:
        """What the process says when it is ready, or when it cannot be; empty if it just ended."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended; what it wrote tells how
            process.stdin.write(request)
        descriptor = process.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        line = b""
        deadline = time.monotonic() + START_SECONDS
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0:
                raise ModelError(
                    f"{self.path} was not ready within {START_SECONDS:.0f} seconds; ask again, or "
                    f"use a smaller model",
                    kind="timeout",
                )
            if poll.poll(left * 1000):
                part = os.read(descriptor, 65536)
                if not part:
                    return {}
                line += part
        told: dict[str, Any] = json.loads(line)
        return told

    def _failed(self, log: str) -> ModelError:
        """Why it cannot be run, by what the library logged and by how the process ended."""
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        code = self._process.returncode
        reason, remedy = _reason(log)
        if not reason:
            names = {-member.value: member.name for member in signal.Signals}
            how = names.get(code, f"exit code {code}")
            reason = f"the process that runs it ended ({how})"
            if code == -signal.SIGKILL:
                remedy = TOO_LARGE
        return _unusable(self.path, reason, remedy)

    def _end(self) -> None:
        process, self._process, self._served = self._process, None, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


def _without_keys() -> dict[str, str]:
    """The environment without providers' keys, which a program that runs a file has no use for."""
    return {
        name: value for name, value in os.environ.items() if not name.upper().endswith("_API_KEY")
    }


def look_at(path: Path) -> None:
    """See whether a path is a file of the right kind, without running it.

    Raises:
        ModelError: It is not; the kind is "file".
    """
    wrong: tuple[str, str] | None = None
    try:
        # Looked at before it is opened: opening a pipe can block for ever.
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            inside = sorted(path.glob("*.gguf"))
            wrong = (
                "it is a folder",
                f"name the file, such as gguf:{inside[0] if inside else 'PATH'}",
            )
        elif not stat.S_ISREG(mode):
            wrong = "it is not a regular file", "name a .gguf file"
        else:
            with path.open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    wrong = "it is not a GGUF file", "download one, which ends in .gguf"
    except FileNotFoundError:
        wrong = "there is no such file", "look at the path after gguf:"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        wrong = f"it cannot be opened ({reason})", "see that it can be read"
    if wrong:
        raise _unusable(path, *wrong)


def not_installed(reason: str = "") -> ModelError:
    """The error of a library that is not there, or does not load."""
    why = f"does not load ({reason})" if reason else "is not installed"
    remedy = "run: pip install 'cited-assistant[gguf]'"
    if "libgomp" in reason:  # a library of the system, which a bare one lacks
        remedy = "install it with the system's packages (Debian, Ubuntu: apt-get install libgomp1)"
    return ModelError(f"xllamacpp, which runs GGUF files, {why}; {remedy}", kind="package")


TOO_LARGE = (
    "there is not enough memory; use a smaller model, or a smaller model_context "
    "(ASSISTANT_MODEL_CONTEXT)"
)
# What the library logs, from the most telling to the least, and what to do about it.
_SIGNS = (
    ("allocate", "it does not fit into memory", TOO_LARGE),
    ("out of memory", "it does not fit into memory", TOO_LARGE),
    (
        "unknown model architecture",
        "xllamacpp does not know its architecture",
        "run: pip install -U xllamacpp, or use another model",
    ),
    (
        "this software only supports",
        "it is of a newer format than xllamacpp knows",
        "run: pip install -U xllamacpp",
    ),
    ("writes no text", "it writes no text", "use a model made for chats or instructions"),
    ("surrogates not allowed", "xllamacpp cannot open a path of such letters", "rename it"),
    ("failed to load model", "it is damaged or incomplete", "download it again"),
)


def _reason(log: str) -> tuple[str, str]:
    for sign, reason, remedy in _SIGNS:
        if sign in log:
            return reason, remedy
    return "", "use another model"


def _unusable(path: Path, reason: str, remedy: str) -> ModelError:
    return ModelError(f"{path} cannot be run: {reason}; {remedy}", kind="file")


def _end_of(log: IO[bytes]) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - LOG_BYTES))
    return log.read().decode("utf-8", "replace")
