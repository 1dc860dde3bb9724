"""Texts become vectors: the embedded model, or any LlamaIndex embedding by name."""

from assistant.embedding.embedding import Embedding, Encoded

__all__ = ["Embedding", "Encoded"]
