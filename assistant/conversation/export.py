"""A conversation as Markdown."""

from collections.abc import Sequence

from assistant.conversation.turn import Turn


def markdown(title: str, turns: Sequence[Turn]) -> str:
    """The conversation as Markdown."""
    return "\n\n".join([f"# {title}", *(f"**{turn.question}**\n\n{turn.text}" for turn in turns)])
