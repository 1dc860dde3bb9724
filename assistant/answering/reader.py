"""The reader: a small neural network that reads a passage with a question in mind.

It tells how surely each sentence answers, and how surely none does. It was trained by
`evals.reader` from the weights of the embedded model, on passages and questions written for it
(`evals/reading/`), and runs as that one does: in int8, by onnxruntime, no network.
"""

import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from assistant.embedding.embedding import Vectors
from assistant.embedding.minilm import (
    MODEL_FOLDER,
    available_processors,
    session,
    tokenizer,
    without_surrogates,
)

FILE = Path(__file__).parent / "model" / "reader.onnx"
SHA256 = "e8f2e5c177061e54ab7d5a5c49ca6fdd2487f55bc40a256939b9b748ff726bb0"
WINDOW = 224
"""Wordpieces of question, title and sentences together; what is beyond is not read."""
QUESTION_PIECES, TITLE_PIECES = 64, 24
CHARACTERS = 8_000
"""What is read of a question, a title or a sentence at most, before it is cut in pieces."""
_CLS, _SEP = 101, 102
_PERIOD = 1012
# Tags, links, addresses, templates and long codes are noise: it learned from what people read.
MARKUP = re.compile(
    r"<[^<>]{0,500}>|!?\[[^\[\]]{0,200}\]\([^()]{0,500}\)|\bhttps?://\S+"
    r"|\{\{.{0,500}?\}\}|\$\{.{0,500}?\}|\$\$.{0,500}?\$\$|[\w+/=]{40,}"
)
UNREAD = -6.0
"""The log-odds of a sentence that was not read."""


class Findings(NamedTuple):
    """What the reader found in a passage.

    Attributes:
        answers: The log-odds that each sentence answers, shape (sentences,).
        none: What the best of them is to be compared with: the same for that none does.
    """

    answers: Vectors
    none: float

    @property
    def shares(self) -> Vectors:
        """How surely each sentence answers, 0 to 1."""
        return np.asarray(1 / (1 + np.exp(-self.answers)), np.float32)

    @property
    def margin(self) -> float:
        """How far the best sentence is above none at all."""
        return float(self.answers.max(initial=UNREAD)) - self.none


class Reader:
    """Safe to use from several threads and after a fork; loaded when it is first asked."""

    def __init__(self, file: Path = FILE, *, threads: int = 0) -> None:
        """`threads` is how many passages are read at once, 0 is one a processor."""
        self._file = file
        self._threads = threads or available_processors()
        self._guard = threading.Lock()
        self._session: Any = None
        self._tokenizer: Any = None

    def read(self, question: str, passages: Sequence[tuple[str, Sequence[str]]]) -> list[Findings]:
        """Read passages, each a title with its sentences.

        Raises:
            EmbeddingError: The model's files are missing or damaged.
        """
        self._load()
        asked = self._pieces(question, QUESTION_PIECES)
        if len(passages) < 2 or self._threads == 1:
            return [self._read(asked, *passage) for passage in passages]
        with ThreadPoolExecutor(min(self._threads, len(passages)), "reader") as pool:
            return list(pool.map(lambda passage: self._read(asked, *passage), passages))

    def _load(self) -> None:
        with self._guard:
            if self._session is None:
                self._tokenizer = tokenizer(MODEL_FOLDER / "tokenizer.json")
                self._session = session(self._file)

    def _pieces(self, text: str, most: int) -> list[int]:
        """The ids of the first wordpieces of a text."""
        text = MARKUP.sub(" ", without_surrogates(text[:CHARACTERS]))
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids[:most]

    def _read(self, asked: list[int], title: str, sentences: Sequence[str]) -> Findings:
        ids = [_CLS, *asked, _SEP]
        first = len(ids)
        if title:
            ids += self._pieces(f"{title}.", TITLE_PIECES)
        spans = []
        for sentence in sentences:
            start = len(ids)
            if start == WINDOW - 1:
                break
            ids += self._pieces(sentence, WINDOW - 1 - start) or [_PERIOD]
            spans.append((start, len(ids)))
        ids.append(_SEP)
        shares = np.zeros((len(spans), len(ids)), np.float32)
        for row, (start, end) in enumerate(spans):
            shares[row, start:end] = 1 / (end - start)
        kinds = np.ones(len(ids), np.int64)
        kinds[:first] = 0
        inputs = {"ids": np.array(ids, np.int64), "kinds": kinds, "shares": shares}
        none, *answers = self._session.run(None, inputs)[0].tolist()
        unread = [UNREAD] * (len(sentences) - len(answers))
        return Findings(np.array([*answers, *unread], np.float32), none)


def unread(sentences: int) -> Findings:
    """The findings for a passage that was not read, of so many sentences."""
    return Findings(np.full(sentences, UNREAD, np.float32), 0.0)


@cache
def reader() -> Reader:
    """The reader that all questions share."""
    return Reader()
