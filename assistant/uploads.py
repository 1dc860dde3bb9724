"""Files that users hand in: named harmlessly, kept by their content, read and indexed."""

import contextlib
import hashlib
import os
import stat
import tempfile
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import count
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from assistant import sync
from assistant.catalog import Catalog, WriteLock
from assistant.documents import SUPPORTED, Document, read_documents
from assistant.documents.cleaning import clean, one_line
from assistant.documents.failures import failure
from assistant.embedding import Embedding
from assistant.errors import DocumentError, IndexStorageError, UploadError
from assistant.settings import Settings
from assistant.sources import UPLOADS, kept_name
from assistant.sync import Failed, Progress, Step, SyncReport

LONGEST_NAME = 120
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of one file of an upload.

    Attributes:
        name: What its user called it.
        source: The document's source, "uploads/NAME".
        failed: Why it is not in the index, or None if it is.
    """

    name: str
    source: str
    failed: Failed | None


@dataclass(frozen=True, slots=True)
class UploadReport(SyncReport):
    """What an upload did; `files` are in the order given."""

    files: tuple[Uploaded, ...]


def upload(
    catalog: Catalog,
    files: Iterable[tuple[str, Path]],
    *,
    embedding: Embedding,
    settings: Settings,
    progress: Progress | None = None,
) -> UploadReport:
    """Index files that a user hands in, each given by its user's name for it and where it lies.

    A document's source is "uploads/NAME"; one of a name that is there already takes its place.
    The files themselves are copied, so that their pages can be shown later. A file that cannot
    be read does not stop the others: it is in the report's `failed`.

    Raises:
        UploadError: They are too many, or too large together; nothing has been done.
        IndexLockedError, IndexMismatchError, IndexStorageError, EmbeddingError: As `sync.add`.
            Documents that were complete by then are kept.
    """
    batch = _Batch(catalog, files, settings=settings, progress=progress)
    try:
        report = sync.add(
            catalog, batch.documents(), embedding=embedding, settings=settings, progress=batch.tell
        )
    finally:
        # Also of a failed one, and of those killed before.
        with contextlib.suppress(IndexStorageError):
            tidy(catalog)
    return batch.report(report)


def remove(catalog: Catalog, sources: Iterable[str]) -> int:
    """Take documents that a program or a user added out of the index, and their kept files.

    Returns how many there were; errors as `sync.remove`.
    """
    removed = sync.remove(catalog, sources)
    with contextlib.suppress(IndexStorageError):  # whoever writes next tidies
        tidy(catalog)
    return removed


def tidy(catalog: Catalog) -> None:
    """Remove the kept files that no document refers to, and halves that a kill left.

    Raises:
        IndexLockedError: Another process is writing.
        IndexStorageError: The folder cannot be written to.
    """
    folder = catalog.folder / UPLOADS
    if not folder.is_dir():
        return
    with WriteLock(catalog.folder, purpose="tidying uploads"):
        states = catalog.files("program").values()
        wanted = {kept_name(state.source, state.content_hash) for state in states}
        for path in list(folder.iterdir()):
            if path.name not in wanted:
                try:
                    path.unlink()
                except OSError as error:
                    raise _not_kept(folder, error) from error


def harmless(name: str) -> str:
    """A name that can be shown anywhere, made of what a user or a program called a file.

    It is one line without invisible characters, slashes and dots at its ends; it is not empty
    and at most `LONGEST_NAME` characters long. Its extension stays what it was.
    """
    last = name.replace("\\", "/").rstrip("/ ").rpartition("/")[2]
    visible = clean(unicodedata.normalize("NFC", last))[0].replace("\ufffd", "")
    stem, dot, extension = one_line(visible).rstrip(" .").rpartition(".")
    if not dot or f".{extension.lower()}" not in SUPPORTED:
        stem, extension = f"{stem}{dot}{extension}", ""
    ending = f".{extension}" if extension else ""
    stem = stem.strip(" .")[: LONGEST_NAME - len(ending)].rstrip(" .")
    return (stem or "document") + ending


@dataclass(slots=True)
class _File:
    """One file of an upload."""

    name: str
    path: Path
    source: str
    failed: Failed | None = None


class _Batch:
    """One upload at work: its files are kept and read one by one, and what became of them noted."""

    def __init__(
        self,
        catalog: Catalog,
        files: Iterable[tuple[str, Path]],
        *,
        settings: Settings,
        progress: Progress | None,
    ) -> None:
        self.folder = catalog.folder / UPLOADS
        self.settings = settings
        self.progress = progress
        self.files = [_File(name, path, f"{UPLOADS}/{harmless(name)}") for name, path in files]
        self.hashes: dict[str, str] = {}  # by source
        self.done = 0
        self.settled = 0  # files that do not become a document of their own
        self.hidden = 0
        _require_few(self.files, settings)

    def documents(self) -> Iterator[Document]:
        """What can be read of the files; `sync.add` asks for it under the write lock."""
        self.tell(Step("documents", 0, 0))
        pending: deque[_File] = deque()

        def kept() -> Iterator[tuple[Path, str]]:
            for file in self.files:
                try:
                    path = self.keep(file)
                except DocumentError as error:
                    self.fail(file, error)
                    continue
                if path is None:
                    self.settle(file)
                    continue
                pending.append(file)
                yield path, file.source

        for result in read_documents(kept(), settings=self.settings):
            file = pending.popleft()
            if isinstance(result, DocumentError):
                self.fail(file, result)
                continue
            self.hidden += result.hidden_characters
            yield result

    def keep(self, file: _File) -> Path | None:
        """Copy a file to where it stays; None if the upload has it already.

        It lies there under its content's hash, whole or not at all.
        """
        suffix = PurePosixPath(file.source).suffix
        if suffix.lower() not in SUPPORTED:
            what = f"{suffix} files" if suffix else "files without an extension"
            raise failure(file.source, "unsupported", f"{what} are not read")
        try:
            status = file.path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise failure(file.source, "unreadable", "it is not a regular file")
            given = file.path.open("rb")
        except OSError as error:
            raise failure(file.source, "unreadable") from error
        half: Path | None = None
        try:
            with given:
                self.folder.mkdir(exist_ok=True)
                descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".half-")
                half = Path(name)
                with open(descriptor, "wb") as copy:  # noqa: PTH123 - an open descriptor
                    content_hash = self.copied(given, copy, source=file.source)
            if not self.named(file, content_hash):
                return None
            kept = self.folder / (kept_name(file.source, content_hash) or "")
            # A document that bears no date has that of its file: the first one handed in.
            known = kept.stat() if kept.exists() else status
            os.utime(half, ns=(known.st_mtime_ns, known.st_mtime_ns))
            half.replace(kept)
            _flush_folder(self.folder)
        except OSError as error:
            raise _not_kept(self.folder, error) from error
        finally:
            if half is not None:
                half.unlink(missing_ok=True)
        return kept

    def copied(self, given: BinaryIO, copy: BinaryIO, *, source: str) -> str:
        """Copy one file to another, down to the disk; returns the SHA-256 of its bytes, as hex."""
        digest = hashlib.sha256()
        size, most = 0, self.settings.max_file_bytes
        while chunk := given.read(_CHUNK):
            size += len(chunk)
            if size > most:
                reason = f"it has more bytes than max_file_bytes ({most:,})"
                raise failure(source, "too-large", reason)
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
        return digest.hexdigest()

    def named(self, file: _File, content_hash: str) -> bool:
        """Give a file a source no other file of the upload has; False if it is that very file."""
        stem, dot, extension = file.source.rpartition(".")
        for number in count(2):
            if file.source not in self.hashes:
                self.hashes[file.source] = content_hash
                return True
            if self.hashes[file.source] == content_hash:
                return False
            file.source = f"{stem} ({number}){dot}{extension}"
        return False

    def fail(self, file: _File, error: DocumentError) -> None:
        file.failed = Failed(file.source, error.kind, error.reason, error.remedy)
        self.settle(file)

    def settle(self, file: _File) -> None:
        self.settled += 1
        self.tell(Step("documents", 0, 0, file.source))

    def tell(self, step: Step) -> None:
        """Pass on a step of `sync.add`, which does not know how many documents will come."""
        if self.progress is None:
            return
        if step.phase == "documents":
            self.done = max(self.done, step.done)
            step = replace(step, done=self.done + self.settled, total=len(self.files))
        self.progress(step)

    def report(self, report: SyncReport) -> UploadReport:
        """The report of `sync.add`, with the files that it has not seen."""
        refused = {failed.source: failed for failed in report.failed}
        refused |= {file.source: file.failed for file in self.files if file.failed is not None}
        for file in self.files:
            file.failed = refused.get(file.source)
        values = {known.name: getattr(report, known.name) for known in fields(SyncReport)}
        values["failed"] = tuple(file.failed for file in self.files if file.failed is not None)
        values["hidden_characters"] = self.hidden
        files = tuple(Uploaded(file.name, file.source, file.failed) for file in self.files)
        return UploadReport(**values, files=files)


def _require_few(files: list[_File], settings: Settings) -> None:
    if len(files) > settings.max_upload_files:
        raise too_many(settings)
    size = 0
    for file in files:
        with contextlib.suppress(OSError):  # it is among the failed later
            size += file.path.stat().st_size
    if size > settings.max_upload_bytes:
        raise too_large(settings)


def too_many(settings: Settings) -> UploadError:
    """The error for an upload of too many files."""
    return UploadError(
        f"these are more than {settings.max_upload_files} files; hand in fewer at a time, "
        f"or raise max_upload_files in the settings",
        kind="too-many",
    )


def too_large(settings: Settings) -> UploadError:
    """The error for files that have too many bytes together."""
    return UploadError(
        f"the files have more than {settings.max_upload_bytes:,} bytes together; hand in fewer "
        f"at a time, or raise max_upload_bytes in the settings",
        kind="too-large",
    )


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_kept(folder: Path, error: OSError) -> IndexStorageError:
    return IndexStorageError(
        f"uploaded files cannot be kept in {folder} ({error.strerror}); see that its disk has room "
        f"and that this user may write there, and hand them in again"
    )
