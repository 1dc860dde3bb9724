"""How vectors are stored: half floats for passages, bytes with a scale for sentences.

Measured on the vectors of all-MiniLM-L6-v2 (`tests/test_catalog.py` holds the bounds): a dot
product of two passages changes by less than 0.0005, of a query and a sentence by less than
0.003; no ranking of the ten best changed. The space is a third of that of single floats.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from assistant.embedding.embedding import Vectors

VECTOR_TYPE = np.dtype("<f2")


def vector_key(fingerprint: str, text: str, spans: Sequence[tuple[int, int]]) -> bytes:
    """The name of a text's vectors in the cache: model, text and the spans pooled apart."""
    digest = hashlib.sha256(fingerprint.encode("utf-8") + b"\0")
    digest.update(repr([tuple(span) for span in spans]).encode("ascii") + b"\0")
    digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.digest()


def pack_vector(vector: Vectors) -> bytes:
    """One passage's vector as bytes."""
    return bytes(vector.astype(VECTOR_TYPE).tobytes())


def unpack_vectors(data: bytes, dimensions: int) -> Vectors:
    """Passage vectors, one after the other, as float32 of shape (count, dimensions)."""
    return np.frombuffer(data, VECTOR_TYPE).reshape(-1, dimensions).astype(np.float32)


def pack_sentences(vectors: Vectors) -> bytes:
    """Sentence vectors as bytes: the scales (float32), then the components (int8)."""
    scales = np.abs(vectors).max(axis=1, initial=0.0) / 127.0
    divisors = np.where(scales == 0.0, 1.0, scales)
    components = np.rint(vectors / divisors[:, None]).astype(np.int8)
    return bytes(scales.astype("<f4").tobytes() + components.tobytes())


def unpack_sentences(data: bytes, dimensions: int) -> Vectors:
    """Sentence vectors as float32 of shape (sentences, dimensions)."""
    count = len(data) // (dimensions + 4)
    scales = np.frombuffer(data, "<f4", count)
    components = np.frombuffer(data, np.int8, offset=4 * count).reshape(count, dimensions)
    unpacked: Vectors = components.astype(np.float32) * scales[:, None]
    return unpacked
