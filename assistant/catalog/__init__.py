"""The catalog: one SQLite file that holds the truth; every search index is rebuilt from it."""

from assistant.catalog.calibration import Calibration
from assistant.catalog.catalog import Catalog, open_catalog
from assistant.catalog.conversations import Conversations, Feedback, ListedConversation, StoredTurn
from assistant.catalog.lock import WriteLock
from assistant.catalog.records import (
    Counts,
    Failure,
    FileState,
    ListedDocument,
    Manifest,
    Origin,
    Projection,
    StoredPassage,
)
from assistant.catalog.transaction import Transaction

__all__ = [
    "Calibration",
    "Catalog",
    "Conversations",
    "Counts",
    "Failure",
    "Feedback",
    "FileState",
    "ListedConversation",
    "ListedDocument",
    "Manifest",
    "Origin",
    "Projection",
    "StoredPassage",
    "StoredTurn",
    "Transaction",
    "WriteLock",
    "open_catalog",
]
