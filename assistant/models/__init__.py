"""Language models: by name, through LlamaIndex, or a program's own."""

from assistant.models.model import TICK_SECONDS, Calls, Message, Model

__all__ = ["TICK_SECONDS", "Calls", "Message", "Model", "load_model"]


def load_model(name: str, *, context: int = 0, seconds: float = 60.0) -> Model:
    """The language model of that name; nothing is sent or started before it is asked something.

    Names are `openai-like:MODEL@URL`, `ollama:MODEL[@URL]`, `anthropic:MODEL[@URL]` and
    `gguf:PATH`; keys come from the environment only.

    Args:
        name: As above.
        context: How many tokens its question and its reply may have; 0 for what it says itself.
        seconds: How long it may take to the first word, and from one to the next.

    Raises:
        ModelError: The name is not one of these, or the package for it is not installed.
    """
    from assistant.models.llamaindex import load

    return load(name, context=context, seconds=seconds)
