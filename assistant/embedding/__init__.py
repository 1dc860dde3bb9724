"""Texts become vectors: the embedded model, or any LlamaIndex embedding by name."""

from functools import cache

from assistant.embedding.embedding import Embedding, Encoded

__all__ = ["Embedding", "Encoded", "load_embedding"]


def load_embedding(name: str, *, threads: int = 0) -> Embedding:
    """The embedding model of that name: `embedded`, `openai-like:MODEL@URL`, `ollama:MODEL[@URL]`.

    `threads` is for the embedded model: how many texts it encodes at once, 0 for one a
    processor. That model is loaded once in a process for each number of threads. A program's own
    LlamaIndex model is wrapped by `assistant.embedding.llamaindex.LlamaIndexEmbedding`.

    Raises:
        EmbeddingError: The name is not one of these, or the package for it is not installed.
    """
    if name == "embedded":
        from assistant.embedding.minilm import available_processors

        return _embedded(threads or available_processors())
    from assistant.embedding import llamaindex

    return llamaindex.load(name)


@cache
def _embedded(threads: int) -> Embedding:
    from assistant.embedding.minilm import MiniLM

    return MiniLM(threads=threads)
