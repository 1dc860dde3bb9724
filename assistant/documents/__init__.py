"""A file becomes a Document: its text, and where each part of it is."""

from assistant.documents.document import Block, BlockKind, Document, text_hash
from assistant.documents.formats import SUPPORTED
from assistant.documents.parsing import parse
from assistant.documents.pictures import Box, PagePicture, Pictures
from assistant.documents.reading import read_documents

__all__ = [
    "SUPPORTED",
    "Block",
    "BlockKind",
    "Box",
    "Document",
    "PagePicture",
    "Pictures",
    "parse",
    "read_documents",
    "text_hash",
]
