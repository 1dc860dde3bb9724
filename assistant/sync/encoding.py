"""Passages of many documents, encoded in batches; each document switched when it is complete."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from assistant.catalog import Catalog, Origin
from assistant.catalog.vectors import vector_key
from assistant.documents import Document
from assistant.embedding import Embedding
from assistant.passages import Passage

# Passages encoded and stored together: enough for the encoder to work at full rate, and no more
# than two seconds' work lost to a kill.
BATCH = 128


@dataclass(slots=True)
class Job:
    """A document to be switched to, once its passages have vectors."""

    document: Document
    passages: Sequence[Passage]
    origin: Origin
    size: int
    mtime_ns: int
    keys: list[bytes] = field(default_factory=list)


class Encoder:
    """Collects documents, and gives their passages the vectors they lack."""

    def __init__(
        self,
        catalog: Catalog,
        embedding: Embedding,
        *,
        switched: Callable[[Job], None],
        encoding: Callable[[int, int], None],
    ) -> None:
        """Call `switched` with each document when it is, and `encoding` in large ones.

        The latter gets how many passages have been encoded, of how many.
        """
        self.embedded = 0
        self.reused = 0
        self._catalog = catalog
        self._embedding = embedding
        self._switched = switched
        self._encoding = encoding
        self._jobs: list[Job] = []
        self._missing: dict[bytes, tuple[str, list[tuple[int, int]]]] = {}
        self._ids: dict[bytes, int] = {}

    def put(self, job: Job) -> None:
        """Take a document; it is switched with this call or a later one."""
        texts = [embedded_text(passage) for passage in job.passages]
        fingerprint = self._embedding.fingerprint
        job.keys = [vector_key(fingerprint, text, spans) for text, spans in texts]
        wanted = dict(zip(job.keys, texts, strict=True))
        self._ids |= self._catalog.known_vectors(
            [key for key in wanted if key not in self._ids and key not in self._missing]
        )
        before = len(self._missing)
        self._missing |= {key: text for key, text in wanted.items() if key not in self._ids}
        self.reused += len(job.keys) - (len(self._missing) - before)
        self._jobs.append(job)
        if len(self._missing) >= BATCH or len(self._jobs) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Encode what is missing and switch all documents taken so far."""
        missing = list(self._missing.items())
        rounds = -(-len(missing) // (2 * BATCH))
        size = -(-len(missing) // max(1, rounds))
        for start in range(0, len(missing), max(1, size)):
            batch = missing[start : start + size]
            encoded = self._embedding.encode(
                [text for _, (text, _) in batch], [spans for _, (_, spans) in batch]
            )
            keys = [key for key, _ in batch]
            with self._catalog.transaction() as transaction:
                model = transaction.model(self._embedding)
                self._ids |= transaction.store_vectors(zip(keys, encoded, strict=True), model=model)
            self.embedded += len(batch)
            if rounds > 1:
                self._encoding(start + len(batch), len(missing))
        if self._jobs:
            with self._catalog.transaction() as transaction:
                for job in self._jobs:
                    transaction.put(
                        job.document,
                        job.passages,
                        [self._ids[key] for key in job.keys],
                        origin=job.origin,
                        size=job.size,
                        mtime_ns=job.mtime_ns,
                    )
            for job in self._jobs:
                self._switched(job)
        self._jobs, self._missing, self._ids = [], {}, {}


def embedded_text(passage: Passage) -> tuple[str, list[tuple[int, int]]]:
    """What of a passage is encoded, its context and its text, and where its sentences are in it."""
    context = passage.context
    shift = len(context) + 1 - passage.start
    return f"{context}\n{passage.text}", [
        (span.start + shift, span.end + shift) for span in passage.sentences
    ]
