"""The search indexes: dense and lexical, both built from the catalog and rebuilt at any time."""

from assistant.indexes.dense import DenseIndex, Preference
from assistant.indexes.lexical import LexicalIndex, terms
from assistant.indexes.upkeep import Finding, doctor, mend_for_reading, prepare, update

__all__ = [
    "DenseIndex",
    "Finding",
    "LexicalIndex",
    "Preference",
    "doctor",
    "mend_for_reading",
    "prepare",
    "terms",
    "update",
]
