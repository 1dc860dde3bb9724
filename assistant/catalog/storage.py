"""The SQLite file: opening it, its tables, and its errors in words."""

import contextlib
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from assistant.errors import (
    IndexCorruptError,
    IndexLockedError,
    IndexMismatchError,
    IndexMissingError,
    IndexStorageError,
)

CATALOG_FILE = "catalog.sqlite3"
FORMAT = 1
# So long another process may hold the file before it counts as locked.
BUSY_SECONDS = 30.0

# Wide columns come last: SQLite reads a row's overflow pages only as far as it must.
_SCHEMA = """
CREATE TABLE manifest (
    key TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    dimensions INTEGER NOT NULL
);

CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    type TEXT NOT NULL,
    date TEXT,
    origin TEXT NOT NULL CHECK (origin IN ('folder', 'program')),
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    hidden_characters INTEGER NOT NULL,
    passages INTEGER NOT NULL,
    stale INTEGER NOT NULL DEFAULT 0,
    indexed_at TEXT NOT NULL,
    blocks BLOB NOT NULL,
    text BLOB NOT NULL
);

CREATE TABLE vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    model INTEGER NOT NULL REFERENCES models (id),
    vector BLOB NOT NULL
);

CREATE TABLE sentence_vectors (
    vector_id INTEGER PRIMARY KEY REFERENCES vectors (id) ON DELETE CASCADE,
    vectors BLOB NOT NULL
);

CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    vector_id INTEGER NOT NULL REFERENCES vectors (id),
    position INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    page INTEGER,
    page_end INTEGER,
    sheet TEXT,
    row INTEGER,
    tokens INTEGER NOT NULL,
    heading TEXT NOT NULL,
    sentences TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE UNIQUE INDEX passages_by_document ON passages (document_id, position);
CREATE INDEX passages_by_vector ON passages (vector_id);

CREATE TABLE failures (
    source TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    remedy TEXT NOT NULL,
    failed_at TEXT NOT NULL
) WITHOUT ROWID;

-- Passages that left the catalog and may still be in the lexical index.
CREATE TABLE removals (passage_id INTEGER PRIMARY KEY);

CREATE TABLE projections (
    name TEXT PRIMARY KEY,
    generation TEXT NOT NULL,
    high_water INTEGER NOT NULL,
    count INTEGER NOT NULL,
    files TEXT NOT NULL
) WITHOUT ROWID;
"""


class Storage:
    """Connections to one catalog file; safe to use from many threads.

    A connection serves one thread at a time and goes back to the pool afterwards.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / CATALOG_FILE
        self._idle: list[sqlite3.Connection] = []
        self._frozen: set[sqlite3.Connection] = set()
        self._guard = threading.Lock()
        self._closed = False

    @contextlib.contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Borrow a connection; SQLite's errors leave as IndexStorageError and its children."""
        with self.errors():
            with self._guard:
                if self._closed:
                    raise IndexStorageError(f"{self.folder} was closed; open it again")
                connection = self._idle.pop() if self._idle else None
            connection = connection or self._open()
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.rollback()
                with self._guard:
                    if self._closed or connection in self._frozen:
                        self._frozen.discard(connection)
                        connection.close()
                    else:
                        self._idle.append(connection)

    def close(self) -> None:
        """Close every connection; those in use are closed when they come back."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def create(self) -> None:
        """Make the tables, all or none, where there are none; a killed process may have begun."""
        try:
            self.path.touch()
        except OSError as error:
            raise unusable(self.folder, error) from error
        with self.connection() as connection:
            if not _is_empty(connection):
                return
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            if _is_empty(connection):
                for statement in _SCHEMA.split(";\n"):
                    connection.execute(statement)
                connection.executemany(
                    "INSERT INTO manifest (key, value) VALUES (?, ?)",
                    [
                        ("format", FORMAT),
                        ("catalog_id", uuid.uuid4().hex),
                        ("created_at", datetime.now(UTC).isoformat(timespec="seconds")),
                        ("revision", 0),
                    ],
                )
            connection.execute("COMMIT")

    def check_format(self) -> None:
        """See that this is a catalog, and one that this program can read.

        Raises:
            IndexMissingError: The file holds nothing yet.
            IndexMismatchError: It was written in a newer format.
            IndexCorruptError: It is no catalog.
        """
        with self.connection() as connection:
            if _is_empty(connection):
                raise missing(self.folder)
            row = connection.execute("SELECT value FROM manifest WHERE key = 'format'").fetchone()
        if row is None or not isinstance(row[0], int):
            raise self._corrupt("it does not say its format")
        if row[0] > FORMAT:
            raise IndexMismatchError(
                f"{self.folder} is in format {row[0]}, newer than this program's ({FORMAT}); "
                f"upgrade the program, or build another index with --index"
            )

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Tell SQLite's errors in words."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect("mode=rw")
        except sqlite3.OperationalError as error:
            if not self._is_whole_but_not_writable(error):
                raise
            # Such a connection sees the file as it is now, for good: it serves only once.
            connection = self._connect("mode=ro&immutable=1")
            with self._guard:
                self._frozen.add(connection)
            return connection

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self.path.absolute()))}?{mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # NORMAL loses nothing to a killed process; a power cut may cost the last commits,
            # but never the file's integrity (https://www.sqlite.org/wal.html).
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA cache_size = -8000")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        connection.text_factory = self._decode
        return connection

    def _decode(self, data: bytes) -> str:
        try:
            return data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise self._corrupt("a text is not UTF-8") from error

    def _is_whole_but_not_writable(self, error: sqlite3.OperationalError) -> bool:
        """Whether only the files beside it cannot be made, and none of them is needed."""
        code = error.sqlite_errorcode
        log = self.path.with_name(CATALOG_FILE + "-wal")
        return (
            code & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
            or code in (sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMSIZE)
        ) and (self.path.is_file() and not (log.exists() and log.stat().st_size))

    def _told(self, error: sqlite3.Error) -> IndexStorageError:
        code = getattr(error, "sqlite_errorcode", None)
        primary = None if code is None else code & 0xFF
        if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return self._corrupt(str(error))
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return IndexLockedError(
                f"{self.path} stayed locked by another process for {BUSY_SECONDS:.0f} seconds; "
                f"wait until it is done, or stop it, and try again"
            )
        if primary == sqlite3.SQLITE_FULL:
            return IndexStorageError(
                f"{self.folder} cannot grow: the disk is full; "
                f"free some space and sync again (what was indexed before is kept)"
            )
        if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return IndexStorageError(
                f"{self.path} cannot be opened for writing ({error}); "
                f"make the folder writable for this user, or choose another with --index"
            )
        if primary == sqlite3.SQLITE_IOERR:
            return IndexStorageError(
                f"{self.path} cannot be read or written ({error}); check that the disk is neither "
                f"full nor failing, and try again (what was indexed before is kept)"
            )
        if primary == sqlite3.SQLITE_ERROR and "no such" in str(error):
            return self._corrupt(str(error))
        return IndexStorageError(f"{self.path} cannot be used ({error}); run `assistant doctor`")

    def _corrupt(self, detail: str) -> IndexCorruptError:
        return IndexCorruptError(
            f"{self.path} is damaged ({detail}); move {self.folder} aside and sync again"
        )


def missing(folder: Path) -> IndexMissingError:
    """The error for a folder without an index."""
    return IndexMissingError(
        f"there is no index in {folder}; build one with `assistant sync FOLDER --index {folder}`"
    )


def unusable(folder: Path, error: OSError) -> IndexStorageError:
    """The error for a folder that cannot be made or written to."""
    return IndexStorageError(
        f"{folder} cannot be used as an index ({error.strerror}); "
        f"choose a folder that this user can write to with --index"
    )


def encode(text: str) -> bytes:
    """Text for `CAST(? AS TEXT)`; unlike a bound str it may hold lone surrogates.

    File names with odd bytes hold them (PEP 383), and so may text from broken documents.
    """
    return text.encode("utf-8", "surrogatepass")


def _is_empty(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])
