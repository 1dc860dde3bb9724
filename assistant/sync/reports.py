"""What a sync tells while it runs, and when it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Phase = Literal["documents", "passages", "lexical", "dense"]
DOING: dict[Phase, str] = {
    "documents": "reading documents",
    "passages": "encoding passages",
    "lexical": "indexing words",
    "dense": "indexing vectors",
}


@dataclass(frozen=True, slots=True)
class Step:
    """How far a sync has come.

    Attributes:
        phase: "documents" (read, encoded and stored) with, in between, "passages" (those of
            large documents, encoded), then "lexical" and "dense" (the two search indexes
            brought up to date).
        done: How much of it is done.
        total: How much there is; 0 if that is not known.
        name: The document last done, or empty.
    """

    phase: Phase
    done: int
    total: int
    name: str = ""

    @property
    def doing(self) -> str:
        """What is being done, for people."""
        return DOING[self.phase]


Progress = Callable[[Step], None]


class Failed(NamedTuple):
    """A file that could not be read; `kind` as in DocumentError."""

    source: str
    kind: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did.

    Attributes:
        added: Documents that were not in the index.
        changed: Documents whose content is another than before.
        moved: Documents that are the same under another name; their passages were kept.
        removed: Documents that are gone.
        unchanged: Documents left as they were.
        failed: Files that could not be read; a version indexed before is still there.
        skipped: Files left aside, by extension (in lower case, "" if there is none).
        passages: Passages in the index now.
        embedded: Passages encoded in this run.
        reused: Passages of added and changed documents whose vectors were known already.
        hidden_characters: Characters left out of the documents read in this run, as a reader
            would not see them.
        seconds: How long it took.
        notice: What was lost by it and must be made anew; mostly empty.
    """

    added: int
    changed: int
    moved: int
    removed: int
    unchanged: int
    failed: tuple[Failed, ...]
    skipped: dict[str, int]
    passages: int
    embedded: int
    reused: int
    hidden_characters: int
    seconds: float
    notice: str
