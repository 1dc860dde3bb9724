"""Where a citation's words are now: in the document as it is today, and in its original file."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal

from assistant.answering import Citation
from assistant.catalog import Catalog
from assistant.documents import SUPPORTED, Document

# Where, in an index's folder and before their names as sources, uploaded files are.
UPLOADS = "uploads"

# The longest quote that is looked for whatever white space is in it.
LONGEST_QUOTE = 4_000

State = Literal["same", "moved", "changed", "gone"]
Reader = Callable[[str], Document | None]

_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Location:
    """Where the words of a citation are now.

    Attributes:
        document: The document that holds them, or that held them; None if it is gone.
        start: Offset of the words in its text; 0 unless `state` is "same" or "moved".
        end: Offset after them; 0 likewise.
        state: "same": the document is as it was cited. "moved": it has changed, or bears another
            name, but holds the very words (white space aside). "changed": it is there, the words
            are not. "gone": there is no such document.
        file: The document's original file, if it is there and still what was indexed, else None.
    """

    document: Document | None
    start: int
    end: int
    state: State
    file: Path | None


def locate(citation: Citation, *, catalog: Catalog, document: Reader | None = None) -> Location:
    """Find the words of a citation that was kept.

    Args:
        citation: It may be of any age, and its fields may be anything.
        catalog: The index as it is now.
        document: Reads a document by source, or gives None; by default from the catalog.

    Raises:
        IndexStorageError: The index cannot be read.
    """
    read = document or catalog.document
    found = read(citation.source)
    if found is not None:
        if found.content_hash == citation.content_hash and _is_at(citation, found.text):
            state: State = "same"
            place: tuple[int, int] | None = (citation.start, citation.end)
        else:
            state, place = "moved", _nearest(citation.quote, found.text, near=citation.start)
        if place is not None:
            return Location(found, *place, state, original(found, catalog=catalog))
    for source in catalog.sources_of(citation.content_hash):
        other = read(source) if source != citation.source else None
        if other is None:
            continue
        place = (citation.start, citation.end) if _is_at(citation, other.text) else None
        place = place or _nearest(citation.quote, other.text, near=citation.start)
        if place is not None:
            return Location(other, *place, "moved", original(other, catalog=catalog))
    if found is not None:
        return Location(found, 0, 0, "changed", original(found, catalog=catalog))
    return Location(None, 0, 0, "gone", None)


def changed(
    citations: Iterable[Citation], *, catalog: Catalog, document: Reader | None = None
) -> dict[int, State]:
    """What has become of the documents of an answer's citations, by the citations' numbers.

    Cheap: only a document whose content is another than when it was cited is read. Otherwise as
    `locate`.
    """
    wanted = list(citations)
    hashes = catalog.content_hashes(list({citation.source for citation in wanted}))
    read = lru_cache(maxsize=8)(document or catalog.document)
    return {
        citation.number: (
            "same"
            if hashes.get(citation.source) == citation.content_hash
            else _found(citation, catalog=catalog, read=read)
        )
        for citation in wanted
    }


def original(document: Document, *, catalog: Catalog) -> Path | None:
    """The file that a document was read from, if its bytes are still those that were indexed.

    None for a document that a program made, and for a source that leads out of the folder.
    """
    for root, name in _places(document, catalog):
        try:
            folder = root.resolve(strict=True)
            path = (folder / name).resolve(strict=True)
            if not path.is_relative_to(folder) or not path.is_file():
                continue
            status = path.stat()
            key = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if _content_hash(path, key) == document.content_hash:
                return path
        except (OSError, ValueError, RuntimeError):  # a NUL in the name, links in a circle
            continue
    return None


def kept_name(source: str, content_hash: str) -> str | None:
    """What the file of an upload is called in the index's folder; None if it cannot be one.

    Only the content and the type go into it: nothing that a user may choose is ever a path.
    """
    suffix = PurePosixPath(source).suffix.lower()
    if not source.startswith(f"{UPLOADS}/") or suffix not in SUPPORTED:
        return None
    return content_hash + suffix if _SHA256.fullmatch(content_hash) else None


def _places(document: Document, catalog: Catalog) -> list[tuple[Path, str]]:
    """Where the original can be: the synced folder, and the uploads."""
    folder = catalog.manifest().folder
    places = [(Path(folder), document.source)] if folder is not None else []
    kept = kept_name(document.source, document.content_hash)
    if kept is not None:
        places.insert(0, (catalog.folder / UPLOADS, kept))
    return places


def _found(citation: Citation, *, catalog: Catalog, read: Reader) -> State:
    return locate(citation, catalog=catalog, document=read).state


def _is_at(citation: Citation, text: str) -> bool:
    start, end = citation.start, citation.end
    return 0 <= start < end <= len(text) and text[start:end] == citation.quote


def _nearest(quote: str, text: str, *, near: int) -> tuple[int, int] | None:
    """Where the words of a quote are in a text, nearest to an offset; white space is one."""
    words = quote.split()
    if not words:
        return None
    if len(quote) > LONGEST_QUOTE:  # nothing that is quoted; and looking for it would take long
        start = text.find(quote)
        return None if start < 0 else (start, start + len(quote))
    pattern = re.compile(r"\s+".join(map(re.escape, words)))
    spans = (match.span() for match in pattern.finditer(text))
    return min(spans, key=lambda span: abs(span[0] - near), default=None)


@lru_cache(maxsize=256)
def _content_hash(path: Path, version: tuple[int, ...]) -> str:
    """SHA-256 of a file; read once for each of its versions."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
