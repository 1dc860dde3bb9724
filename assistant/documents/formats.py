"""Which files are read, and whether a file's content is what its name says."""

import io
import re
import zipfile

from assistant.documents.encodings import wide_encoding
from assistant.documents.failures import failure

SUPPORTED: dict[str, str] = {
    ".txt": "txt",
    ".text": "txt",
    ".md": "md",
    ".markdown": "md",
    ".rst": "rst",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".xlsx": "xlsx",
    ".ods": "ods",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".epub": "epub",
    ".eml": "eml",
}
"""File name extensions (lower case) that are read, with the type of document each stands for."""

ZIPPED = frozenset({"docx", "pptx", "xlsx", "ods", "epub"})

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SIGNATURES = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (_OLE, "an old Office file"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a", "a RAR archive"),
    (b"BZh9", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"{\\rtf", "an RTF document"),
    (b"OggS", "a sound file"),
    (b"ID3", "a sound file"),
)
_PACKED = {"word/": "docx", "ppt/": "pptx", "xl/": "xlsx"}
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def check_content(data: bytes, *, type: str, source: str, max_unpacked_bytes: int) -> None:
    """Raise the DocumentError that says why a file's bytes cannot be of the type its name says.

    For packed formats this is also where the unpacked size is measured, by the archive's own
    table: nothing is unpacked.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise failure(source, "empty")
    found = _signature(data)
    if found == "zip":
        found = _check_archive(data, type=type, source=source, most=max_unpacked_bytes)
    if data.startswith(_OLE) and "EncryptedPackage".encode("utf-16-le") in data:
        raise failure(source, "encrypted")
    if found == type:
        return
    if found:
        name = f"a {found} file" if found in ZIPPED or found in ("pdf", "zip") else found
        raise failure(source, "wrong-extension", f"its name ends in .{type}, but it is {name}")
    if type in ZIPPED or type == "pdf":
        if _is_text(data):
            reason = f"its name ends in .{type}, but it is plain text"
            raise failure(source, "wrong-extension", reason)
        raise failure(source, "corrupt")
    if not _is_text(data):
        raise failure(source, "wrong-extension", f"its name ends in .{type}, but it is not text")


def _signature(data: bytes) -> str | None:
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "a WebP picture"
    if data[4:8] == b"ftyp":
        return "a film"
    # Some writers put other bytes before the header of a PDF.
    return "pdf" if b"%PDF-" in data[:1024] and not _is_text(data[:1024]) else None


def _is_text(data: bytes) -> bool:
    sample = data[:100_000]
    if sample.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) or wide_encoding(sample):
        return True
    return len(_CONTROL.findall(sample)) <= len(sample) * 0.02


def _check_archive(data: bytes, *, type: str, source: str, most: int) -> str:
    """The type of a packed document, or "zip"."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            mimetype = b""
            if "mimetype" in archive.NameToInfo and archive.getinfo("mimetype").file_size < 200:
                mimetype = archive.read("mimetype")
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise failure(source, "corrupt" if type in ZIPPED else "wrong-extension") from error
    except RuntimeError as error:
        raise failure(source, "encrypted") from error
    unpacked = sum(member.file_size for member in members)
    if unpacked > most:
        reason = f"it unpacks to {unpacked:,} bytes, more than max_unpacked_bytes ({most:,})"
        raise failure(source, "too-large", reason)
    if type in ZIPPED and any(member.flag_bits & 1 for member in members):
        raise failure(source, "encrypted")
    if mimetype.startswith(b"application/epub+zip"):
        return "epub"
    if mimetype.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        return "ods"
    names = {member.filename for member in members}
    if "META-INF/container.xml" in names:
        return "epub"
    if "content.xml" in names and type == "ods":
        return "ods"
    for folder, name in _PACKED.items():
        if "[Content_Types].xml" in names and any(member.startswith(folder) for member in names):
            return name
    return "zip"
