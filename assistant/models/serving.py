"""The process that runs a model file: `python -m assistant.models.serving`, started by `Gguf`.

It reads one line of JSON (path, context, key) and answers with one (url and context; `missing`
where the library does not load; nothing where the model does not, for the log on standard error
tells why). It serves until its standard input ends, which happens when its parent does.
"""

import json
import os
import struct
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

# More costs memory on every machine (8,192 tokens of a model of 8 billion weights: a gigabyte),
# and minutes on one without a graphics card.
USUAL_CONTEXT = 8192


def main() -> None:
    """Serve the model that standard input names."""
    # The library writes to standard output, too; what was standard output is for the parent.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Where memory runs out, Linux ends this process and not the assistant.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")

    context = fitting_context(Path(request["path"]), asked=request["context"])
    try:
        server = _serve(request["path"], context=context, key=request["key"])
    except ImportError as error:
        answer: dict[str, Any] = {"missing": str(error)}
    except (RuntimeError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        answer = {}
    else:
        answer = {"url": server.listening_address, "context": context}
    answers.write(json.dumps(answer) + "\n")
    answers.close()
    if "url" not in answer:
        return
    # The library logs every request.
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    threading.Event().wait()


def fitting_context(path: Path, *, asked: int) -> int:
    """How many tokens to make room for: the asked ones, but no more than it was trained for."""
    try:
        with path.open("rb") as file:
            trained = trained_context(file)
    except (OSError, ValueError, struct.error, OverflowError):
        trained = 0  # the library will say what is wrong with it
    wanted = asked or USUAL_CONTEXT
    return min(wanted, trained) if trained else wanted


def trained_context(file: IO[bytes]) -> int:
    """The context length that the head of a GGUF file names; 0 if it names none.

    The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

    Raises:
        ValueError, struct.error, OverflowError: It is not as the format has it.
    """
    file.seek(16)  # magic, version, number of tensors
    for _ in range(_number(file, "<Q")):
        name = _bytes(file)
        kind = _number(file, "<I")
        if name.endswith(b".context_length") and kind in _NUMBERS:
            return max(0, int(_number(file, _NUMBERS[kind])))
        _skip(file, kind)
    return 0


_NUMBERS = dict(enumerate(("<B", "<b", "<H", "<h", "<I", "<i", "<f", "<?"))) | {
    10: "<Q",
    11: "<q",
    12: "<d",
}
_TEXT, _LIST = 8, 9
_LONGEST = 2**24


def _number(file: IO[bytes], form: str) -> Any:
    return struct.unpack(form, file.read(struct.calcsize(form)))[0]


def _bytes(file: IO[bytes]) -> bytes:
    length = _number(file, "<Q")
    if length > _LONGEST:
        raise ValueError(f"a text of {length} bytes")
    return file.read(length)


def _skip(file: IO[bytes], kind: int) -> None:
    if kind == _TEXT:
        _bytes(file)
    elif kind == _LIST:
        inner, count = _number(file, "<I"), _number(file, "<Q")
        if inner in _NUMBERS:
            file.seek(count * struct.calcsize(_NUMBERS[inner]), os.SEEK_CUR)
        elif inner == _TEXT and count <= _LONGEST:
            for _ in range(count):
                _bytes(file)
        else:
            raise ValueError(f"a list of kind {inner}")
    elif kind in _NUMBERS:
        _number(file, _NUMBERS[kind])
    else:
        raise ValueError(f"a value of kind {kind}")


def _serve(path: str, *, context: int, key: str) -> Any:
    """The running server.

    Raises:
        ImportError: The library does not load.
        RuntimeError: The model does not, or writes nothing.
    """
    library = import_module("xllamacpp")
    parameters = library.CommonParams()
    parameters.model.path = path
    parameters.n_ctx = context
    # One question at a time, the others wait: three at once, on two processors, were answered
    # after 19, 38 and 60 seconds so, and side by side all three after 60.
    parameters.n_parallel = 1
    parameters.warmup = False  # the trial below is one
    # Thoughts cost minutes here, and what is answered is checked by other means.
    parameters.enable_reasoning = 0
    # Kept for conversations that come back; by default 8 GB.
    parameters.cache_ram_mib = 0
    parameters.n_ctx_checkpoints = 0

    # Only whoever has the key gets in, from loopback; a page in a browser never.
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.cors_origins = ""
    parameters.cors_credentials = False
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.endpoint_props = False
    server = library.Server(parameters)

    trial = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
    if "choices" not in server.handle_chat_completions(trial):
        raise RuntimeError("writes no text")
    return server


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)  # the library would wait for the requests that it is answering


if __name__ == "__main__":
    main()
