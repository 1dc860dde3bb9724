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
]
