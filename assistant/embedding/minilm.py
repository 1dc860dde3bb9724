"""The embedded model: all-MiniLM-L6-v2 in int8, run by onnxruntime, no network."""

import os
import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.embedding import Encoded, Vectors
from assistant.errors import EmbeddingError

MODEL_FOLDER = Path(__file__).parent / "model"
MODEL_SHA256 = "2d0d566f2dc99b973e979fe3a8d042b8b07d0382272577db9755d6a681cc77f5"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
POOLING_VERSION = 1
DIMENSIONS = 384
WINDOW = 256
"""Wordpieces that the model sees at once, [CLS] and [SEP] included."""
PIECE_CHARACTERS = 20_000
"""Longer texts are tokenized piece by piece: an Encoding takes some 200 bytes a wordpiece."""
QUESTION_CHARACTERS = 8_000
"""What a question is encoded by: up to a second's work, where 100,000 characters took 15."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_CLS, _SEP = 101, 102

_Ids = NDArray[np.int64]


class _Model(NamedTuple):
    session: Any
    tokenizer: Any


class MiniLM:
    """all-MiniLM-L6-v2 as an `Embedding`; safe to use from several threads and after a fork.

    Every text is encoded by itself, so that its vectors are the same bit for bit whatever it is
    encoded along with, and several texts are encoded at once, each by one thread. (On two
    cores that is also faster than padded batches of eight: 44 to 30 passages a second in float.)
    """

    name = "embedded"
    dimensions = DIMENSIONS
    model_file = MODEL_FOLDER / "model.onnx"
    fingerprint = f"all-MiniLM-L6-v2/{MODEL_SHA256[:16]}/window-{WINDOW}/pooling-{POOLING_VERSION}"

    def __init__(self, *, threads: int = 0) -> None:
        """`threads` is how many texts are encoded at once, 0 is one a processor.

        The model is loaded when it is first needed, which takes a quarter of a second: a sync
        that finds nothing new only asks for name and fingerprint.
        """
        self._threads = threads or available_processors()
        self._guard = threading.Lock()
        self._model: _Model | None = None

    def _loaded(self) -> "_Model":
        """The model, in memory.

        Raises:
            EmbeddingError: Its files are missing or damaged.
        """
        if self._model is None:
            with self._guard:
                self._model = self._model or _Model(
                    session(self.model_file), tokenizer(MODEL_FOLDER / "tokenizer.json")
                )
        return self._model

    def encode(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]] | None = None
    ) -> list[Encoded]:
        """Encode passages, with one vector for each of a text's `spans` of characters.

        A wordpiece belongs to the span in which it starts. A text longer than the window is
        encoded in windows of equal length, and its vectors are means over the tokens of all.

        Raises:
            EmbeddingError: The model's files are missing or damaged.
        """
        wanted: Sequence[Sequence[tuple[int, int]]] = [()] * len(texts) if spans is None else spans
        pairs = list(zip(texts, wanted, strict=True))
        if len(pairs) < 2 or self._threads == 1:
            return [self._encode(*pair) for pair in pairs]
        # A pool for each call costs 0.1 ms; one that is kept would be dead after a fork.
        with ThreadPoolExecutor(min(self._threads, len(pairs)), "encoder") as pool:
            return list(pool.map(self._encode, *zip(*pairs, strict=True)))

    def encode_query(self, text: str) -> Vectors:
        """Encode one question, shape (384,), by its beginning if it is long; errors as `encode`."""
        return self._encode(text[:QUESTION_CHARACTERS], ()).vector

    def _encode(self, text: str, spans: Sequence[tuple[int, int]]) -> Encoded:
        model = self._loaded().session
        ids, starts = self.tokens(text)
        edges = np.searchsorted(starts, np.array(spans, np.int64).reshape(-1, 2))
        total = np.zeros(DIMENSIONS, np.float32)
        sums = np.zeros((len(spans), DIMENSIONS), np.float32)
        for first, last in windows(len(ids), WINDOW - 2):
            window = np.concatenate(([_CLS], ids[first:last], [_SEP]))
            hidden = model.run(None, {"ids": window})[0]
            total += hidden.sum(axis=0)
            for row, (begin, end) in enumerate((edges - first).clip(0, last - first) + 1):
                if begin < end:
                    sums[row] += hidden[begin:end].sum(axis=0)
        return Encoded(unit(total), unit(sums))

    def tokens(self, text: str) -> tuple[_Ids, _Ids]:
        """The ids of a text's wordpieces, and the character at which each starts."""
        encode = self._loaded().tokenizer.encode
        text = without_surrogates(text)
        ids: list[_Ids] = []
        starts: list[_Ids] = []
        for offset, piece in pieces(text):
            encoding = encode(piece, add_special_tokens=False)
            ids.append(np.array(encoding.ids, np.int64))
            offsets = np.array(encoding.offsets, np.int64).reshape(-1, 2)
            starts.append(offsets[:, 0] + offset)
        return np.concatenate(ids), np.concatenate(starts)


def session(model_file: Path) -> Any:
    """An onnxruntime session of one thread.

    Raises:
        EmbeddingError: The file is missing or damaged.
    """
    # Read when the library is loaded; without it, it reports to its makers over the network
    # (1.32 does on Linux, from native code), whatever `disable_telemetry_events` says.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # type: ignore[import-untyped]

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    try:
        return onnxruntime.InferenceSession(
            str(model_file), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises no narrower common type
        raise _unusable(model_file, error) from error


@cache
def tokenizer(file: Path) -> Any:
    """The wordpiece tokenizer, which neither cuts nor pads, one for all; errors as `session`."""
    import tokenizers

    try:
        found = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises no narrower common type
        raise _unusable(file, error) from error
    found.no_truncation()
    found.no_padding()
    return found


def _unusable(file: Path, error: Exception) -> EmbeddingError:
    return EmbeddingError(
        f"the embedded model in {file.parent} cannot be loaded ({error}); install the package anew"
    )


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """Cut a text into stretches that are cheap to tokenize, after white space where there is any.

    Each comes with its offset; even an empty text has one.
    """
    start = 0
    while len(text) - start > PIECE_CHARACTERS:
        end = start + PIECE_CHARACTERS
        space = max(text.rfind(" ", start, end), text.rfind("\n", start, end))
        end = space + 1 if space > start else end
        yield start, text[start:end]
        start = end
    yield start, text[start:]


def windows(tokens: int, most: int) -> Iterator[tuple[int, int]]:
    """Share out tokens over as few windows as can be, of nearly equal length; at least one."""
    count = max(1, -(-tokens // most))
    for index in range(count):
        yield tokens * index // count, tokens * (index + 1) // count


def without_surrogates(text: str) -> str:
    """The text with each lone surrogate, which has no UTF-8 form, replaced; offsets stay."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def unit(vectors: Vectors) -> Vectors:
    """Scale vectors (along the last axis) to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def available_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
