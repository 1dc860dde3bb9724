"""Plain text."""

from assistant.documents.builder import Builder
from assistant.documents.encodings import decode


def read_text(data: bytes, builder: Builder) -> None:
    """Read plain text: paragraphs are separated by blank lines, its line breaks stay."""
    builder.paragraphs(decode(data))
