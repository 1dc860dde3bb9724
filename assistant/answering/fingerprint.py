"""Which model of confidence this is: a calibration fitted to one says nothing of another."""

import hashlib
import sys
from functools import lru_cache
from pathlib import Path

from assistant.answering import confidence, reader


@lru_cache(4)
def confidence_fingerprint(embedding: str) -> str:
    """Changes with the embedding's fingerprint, and with the code that weighs what was found.

    That is the module `confidence` with those beside it from which it imports, and the reader.
    """
    beside = {getattr(value, "__module__", None) for value in vars(confidence).values()}
    names = {name for name in beside if name and name.startswith("assistant.answering.")}
    digest = hashlib.sha256(embedding.encode() + reader.SHA256.encode())
    for name in sorted({*names, confidence.__name__}):
        digest.update(b"\0" + Path(sys.modules[name].__file__ or "").read_bytes())
    return digest.hexdigest()[:16]
