"""The frozen values that the catalog hands out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from assistant.catalog.calibration import Calibration
from assistant.passages import Passage

Origin = Literal["folder", "program"]


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as the catalog keeps it, with what a search may filter on or show.

    Attributes:
        id: Never used again for another passage, and what it stands for never changes.
        passage: The passage itself; `passage.source` is where the document is now.
        type: The document's format ("txt", "pdf", ...).
        date: The document's date, or None.
        origin: "folder" for a file of the synced folder, "program" for one added by a program.
        content_hash: SHA-256 of the file's bytes when it was indexed, hex.
    """

    id: int
    passage: Passage
    type: str
    date: date | None
    origin: Origin
    content_hash: str


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """One line of the list of documents."""

    source: str
    title: str
    type: str
    date: date | None
    origin: Origin
    passages: int
    hidden_characters: int
    indexed_at: datetime

    def has(self, words: Iterable[str]) -> bool:
        """Whether all of some words, or parts of words, are in its title or source."""
        text = f"{self.title} {self.source}".casefold()
        return all(word.casefold() in text for word in words)


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read at the last sync; `kind` as in DocumentError."""

    source: str
    kind: str
    reason: str
    remedy: str
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class FileState:
    """What the last sync knew of a file of the folder.

    `stale` says that it must be indexed anew though it is the same file (after a rebuild began).
    """

    source: str
    size: int
    mtime_ns: int
    content_hash: str
    stale: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the index was built with; None until the first document was indexed.

    Attributes:
        catalog_id: A random name, made with the catalog.
        created_at: When it was made.
        embedding: The embedding model by name.
        fingerprint: The embedding model by what it computes.
        dimensions: The length of its vectors.
        chunk_tokens: The longest passage.
        folder: The absolute path of the synced folder.
        synced_at: When a sync last came to its end.
        calibration: What its confidences come to, if that was measured.
    """

    catalog_id: str
    created_at: str
    embedding: str | None = None
    fingerprint: str | None = None
    dimensions: int | None = None
    chunk_tokens: int | None = None
    folder: str | None = None
    synced_at: str | None = None
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class Projection:
    """How far a search index has come; `generation` is the name of its folder.

    Attributes:
        name: "dense" or "lexical".
        generation: The folder that holds it now; a new one is made for each rebuild.
        high_water: The highest passage id that it covers.
        count: The passages it held when this was recorded.
        files: Its files with size and CRC-32, but for those that change when it is read.
    """

    name: str
    generation: str
    high_water: int
    count: int
    files: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the catalog holds."""

    documents: int
    passages: int
    failures: int
    hidden_characters: int
    cached_vectors: int
