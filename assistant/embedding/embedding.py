"""What an embedding model is to the rest of the assistant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What one pass of the encoder over one text yields.

    Attributes:
        vector: The text's vector: float32, shape (dimensions,), length 1.
        sentences: One such vector for each span asked for, shape (spans, dimensions); a span
            without a token of its own has zeros. None from a model that cannot pool late.
    """

    vector: Vectors
    sentences: Vectors | None


class Embedding(Protocol):
    """A model that turns texts into vectors of length 1, compared by their dot product."""

    @property
    def name(self) -> str:
        """The name by which the user chose it, as in Settings.embedding."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the vectors would: model, weights, pooling, window."""

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""

    def encode(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]] | None = None
    ) -> list[Encoded]:
        """Encode passages; `spans` holds, for each text, the character ranges to pool apart.

        Raises:
            EmbeddingError: The model is unreachable or answers nonsense.
        """

    def encode_query(self, text: str) -> Vectors:
        """Encode one question, shape (dimensions,).

        Raises:
            EmbeddingError: The model is unreachable or answers nonsense.
        """
