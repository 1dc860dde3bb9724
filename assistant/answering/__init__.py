"""Hits become an Answer: extractive by default; refusal; citations."""

from assistant.answering.answer import Answer, Citation, Sentence
from assistant.answering.composing import answer

__all__ = ["Answer", "Citation", "Sentence", "answer"]
