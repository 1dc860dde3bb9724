"""One file becomes one Document, in this process."""

import datetime
import hashlib
import os
import stat
from collections.abc import Callable
from importlib import import_module
from pathlib import Path, PurePosixPath

from assistant.documents.builder import Builder
from assistant.documents.cleaning import clean, one_line
from assistant.documents.document import Document
from assistant.documents.failures import failure
from assistant.documents.formats import SUPPORTED, check_content
from assistant.errors import DocumentError
from assistant.settings import Settings

Parser = Callable[[bytes, Builder], None]

_PARSERS = {
    "txt": ("plain", "read_text"),
    "md": ("markdown", "read_markdown"),
    "rst": ("restructured", "read_rst"),
    "html": ("web", "read_html"),
    "pdf": ("pdf", "read_pdf"),
    "docx": ("word", "read_docx"),
    "pptx": ("slides", "read_pptx"),
    "xlsx": ("spreadsheets", "read_workbook"),
    "ods": ("spreadsheets", "read_workbook"),
    "csv": ("spreadsheets", "read_commas"),
    "tsv": ("spreadsheets", "read_tabs"),
    "json": ("records", "read_json"),
    "jsonl": ("records", "read_json_lines"),
    "epub": ("books", "read_epub"),
    "eml": ("mail", "read_mail"),
}


def parse(path: Path, *, source: str, settings: Settings) -> Document:
    """Read one file.

    Hostile or broken files can still hang or end this process: `read_documents` guards against
    that. Nothing that a document refers to is ever fetched.

    Raises:
        DocumentError: The file cannot be read; the error says why and what to do.
    """
    status = _status(path, source=source)
    type = SUPPORTED.get(path.suffix.lower())
    if type is None:
        suffix = f"{path.suffix} files" if path.suffix else "files without an extension"
        raise failure(source, "unsupported", f"{suffix} are not read")
    data = _read(path, size=status.st_size, source=source, most=settings.max_file_bytes)
    builder = Builder(source=source)
    try:
        check_content(
            data, type=type, source=source, max_unpacked_bytes=settings.max_unpacked_bytes
        )
        _parser(type)(data, builder)
    except (DocumentError, KeyboardInterrupt, SystemExit):
        raise
    except MemoryError as error:
        raise failure(source, "memory") from error
    # The libraries raise all kinds of errors on a damaged file (a panic in Rust is not even an
    # Exception); to the user they mean one thing.
    except BaseException as error:
        detail = one_line(f"{error.__class__.__name__}: {error}")[:120]
        raise failure(source, "corrupt", f"it is damaged or incomplete ({detail})") from error
    if not builder.blocks:
        reason = "all of its text is hidden from readers" if builder.hidden else None
        raise failure(source, "empty", reason)
    modified = datetime.datetime.fromtimestamp(max(status.st_mtime, 0), datetime.UTC).date()
    return Document(
        source=source,
        title=builder.best_title(one_line(clean(PurePosixPath(source).stem)[0]) or source),
        text=builder.text(),
        type=type,
        blocks=tuple(builder.blocks),
        date=builder.date or modified,
        content_hash=hashlib.sha256(data).hexdigest(),
        hidden_characters=builder.hidden,
    )


def _status(path: Path, *, source: str) -> os.stat_result:
    """Look before reading: opening a pipe or a device can block for ever."""
    try:
        status = path.stat()
    except OSError as error:
        raise _unopened(source, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise failure(source, "unreadable", "it is not a regular file", "leave it out")
    return status


def _read(path: Path, *, size: int, source: str, most: int) -> bytes:
    data = b""
    try:
        if size <= most:
            with path.open("rb") as file:
                data = file.read(most + 1)
            size = max(size, len(data))
    except OSError as error:
        raise _unopened(source, error) from error
    if size > most:
        reason = f"it has {size:,} bytes, more than max_file_bytes ({most:,})"
        raise failure(source, "too-large", reason)
    return data


def _unopened(source: str, error: OSError) -> DocumentError:
    return failure(source, "unreadable", f"it cannot be opened ({error.strerror or error})")


def _parser(type: str) -> Parser:
    """The parser of a type; the modules and libraries of the others are not loaded."""
    module, name = _PARSERS[type]
    parser: Parser = getattr(import_module(f"assistant.documents.{module}"), name)
    return parser
