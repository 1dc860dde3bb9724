"""What a question of a conversation asks when it stands alone."""

import re
from collections.abc import Callable, Collection, Sequence

from assistant.answering import Answer
from assistant.conversation.followups import standalone
from assistant.conversation.turn import Turn
from assistant.grounding.words import tokens


def self_contained(
    question: str,
    history: Sequence[Turn],
    *,
    rarity: Callable[[Collection[str]], dict[str, float]],
) -> str:
    """The question as one would ask it without the turns before it.

    A reply to a question back ("Which one do you mean: ...?") answers it: what was asked first is
    asked of the one chosen. Everything else is as `standalone` has it.
    """
    last = history[-1].answer if history else ""
    if isinstance(last, Answer) and last.choices and (choice := _chosen(question, last.choices)):
        named = re.escape(last.unclear)
        return re.sub(named, lambda _: choice, last.search_query, count=1, flags=re.IGNORECASE)
    return standalone(question, history, rarity=rarity) if history else question


def _chosen(reply: str, choices: Sequence[str]) -> str | None:
    """The one choice that a reply names, whole or in part; None if none, or not one alone."""
    said = {token.folded for token in tokens(reply) if token.content}
    named = [name for name in choices if said and said <= {word.folded for word in tokens(name)}]
    return named[0] if len(named) == 1 else None
