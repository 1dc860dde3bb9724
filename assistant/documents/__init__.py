"""A file becomes a Document: its text, and where each part of it is."""

from assistant.documents.document import Block, BlockKind, Document, text_hash

__all__ = ["Block", "BlockKind", "Document", "text_hash"]
