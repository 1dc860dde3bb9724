"""The chat page: Gradio, and the only place that knows it."""

from assistant.server.page.layout import mount

__all__ = ["mount"]
