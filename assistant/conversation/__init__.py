"""Conversations: history, follow-ups made self-contained, keeping and export."""

from assistant.catalog import Feedback
from assistant.conversation.conversation import Conversation
from assistant.conversation.turn import Turn

__all__ = ["Conversation", "Feedback", "Turn"]
