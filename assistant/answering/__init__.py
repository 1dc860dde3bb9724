"""Hits become an Answer: extractive by default; refusal; citations."""

from assistant.answering.answer import (
    Answer,
    Citation,
    Draft,
    Event,
    Events,
    Piece,
    Searching,
    Sentence,
    cited,
)
from assistant.answering.composing import compose

__all__ = [
    "Answer",
    "Citation",
    "Draft",
    "Event",
    "Events",
    "Piece",
    "Searching",
    "Sentence",
    "cited",
    "compose",
]
