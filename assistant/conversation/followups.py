"""Follow-ups made self-contained: what is searched for a question that leans on those before it."""

from collections.abc import Callable, Collection, Sequence

from assistant.conversation.turn import Turn


def standalone(
    question: str,
    history: Sequence[Turn],
    *,
    rarity: Callable[[Collection[str]], dict[str, float]],
) -> str:
    """The question as one would ask it alone."""
    return question
