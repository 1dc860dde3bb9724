"""Reading the catalog; writing goes through `Catalog.transaction()`."""

import contextlib
import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from assistant.catalog.calibration import Calibration
from assistant.catalog.conversations import Conversations
from assistant.catalog.records import (
    Counts,
    Failure,
    FileState,
    ListedDocument,
    Manifest,
    Origin,
    Projection,
    StoredPassage,
)
from assistant.catalog.storage import Storage, encode, missing, unusable
from assistant.catalog.transaction import Transaction
from assistant.catalog.vectors import unpack_sentences, unpack_vectors
from assistant.documents import Block, Document
from assistant.embedding.embedding import Embedding, Vectors
from assistant.errors import IndexMismatchError
from assistant.passages import Passage, Span

Ids = NDArray[np.int64]


def open_catalog(folder: str | Path, *, create: bool = False) -> "Catalog":
    """Open the catalog of the index in `folder`; `create` makes folder and catalog if need be.

    Raises:
        IndexMissingError: There is none, and `create` is False.
        IndexMismatchError: It is in a newer format.
        IndexCorruptError: The file is damaged.
        IndexStorageError: The folder cannot be made, read or written.
    """
    folder = Path(folder)
    storage = Storage(folder)
    try:
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        elif not storage.path.is_file():
            raise missing(folder)
    except OSError as error:
        raise unusable(folder, error) from error
    try:
        if create:
            storage.create()
        storage.check_format()
    except BaseException:
        storage.close()
        raise
    return Catalog(storage)


class Catalog:
    """Documents, passages and vectors of one index; safe to read from many threads at once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._counted: tuple[int, Counts] | None = None  # with the revision it is of

    @property
    def folder(self) -> Path:
        """The index's folder."""
        return self._storage.folder

    def close(self) -> None:
        """Let go of the file; closing twice does nothing."""
        self._storage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Change the catalog: all that is done inside, or, after an error or a kill, nothing."""
        with self._storage.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield Transaction(connection)
            connection.execute("UPDATE manifest SET value = value + 1 WHERE key = 'revision'")
            connection.execute("COMMIT")

    @cached_property
    def conversations(self) -> Conversations:
        """The conversations that are kept in this index."""
        return Conversations(self._storage)

    # What the index is.

    def manifest(self) -> Manifest:
        """What the index was built with."""
        rows = dict(self._rows("SELECT key, value FROM manifest"))
        fields = set(Manifest.__dataclass_fields__)
        values = {key: value for key, value in rows.items() if key in fields}
        if "calibration" in values:
            values["calibration"] = Calibration.read(str(values["calibration"]))
        return Manifest(**values)

    def revision(self) -> int:
        """A number that changes with every change of the catalog; for caches."""
        return int(self._rows("SELECT value FROM manifest WHERE key = 'revision'")[0][0])

    def require_model(self, embedding: Embedding) -> None:
        """See that questions encoded by this model can be compared with the index.

        Raises:
            IndexMismatchError: It was built with another model.
        """
        manifest = self.manifest()
        if manifest.fingerprint in (None, embedding.fingerprint):
            return
        if manifest.embedding == embedding.name:
            raise IndexMismatchError(
                f"{self.folder} was built with another version of the embedding model "
                f"{embedding.name!r}; run `assistant sync --rebuild --index {self.folder}`"
            )
        raise IndexMismatchError(
            f"{self.folder} was built with the embedding model {manifest.embedding!r}, "
            f"not {embedding.name!r}; set embedding to {manifest.embedding!r}, "
            f"or run `assistant sync --rebuild --index {self.folder}`"
        )

    def counts(self) -> Counts:
        """How much the index holds; counted once for each revision."""
        revision, known = self.revision(), self._counted
        if known is None or known[0] != revision:
            known = self._counted = revision, self._count()
        return known[1]

    def _count(self) -> Counts:
        (row,) = self._rows(
            "SELECT count(*), coalesce(sum(hidden_characters), 0), "
            "(SELECT count(*) FROM passages), (SELECT count(*) FROM failures), "
            "(SELECT count(*) FROM vectors) FROM documents"
        )
        documents, hidden, passages, failures, vectors = row
        return Counts(
            documents=documents,
            passages=passages,
            failures=failures,
            hidden_characters=hidden,
            cached_vectors=vectors,
        )

    # Documents.

    def documents(self) -> list[ListedDocument]:
        """All documents, by source."""
        return [
            ListedDocument(source, title, kind, _day(day), origin, passages, hidden, _time(at))
            for source, title, kind, day, origin, passages, hidden, at in self._rows(
                "SELECT source, title, type, date, origin, passages, hidden_characters, "
                "indexed_at FROM documents ORDER BY source"
            )
        ]

    def document(self, source: str) -> Document | None:
        """One document with its text and blocks, or None if there is none of that name."""
        rows = self._rows(
            "SELECT title, type, date, content_hash, hidden_characters, blocks, text "
            "FROM documents WHERE source = CAST(? AS TEXT)",
            encode(source),
        )
        if not rows:
            return None
        title, kind, day, content_hash, hidden, blocks, text = rows[0]
        return Document(
            source=source,
            title=title,
            text=zlib.decompress(text).decode("utf-8", "surrogatepass"),
            type=kind,
            blocks=tuple(
                Block(start, end, block, tuple(heading), page, page_end, sheet, row)
                for start, end, block, heading, page, page_end, sheet, row in json.loads(
                    zlib.decompress(blocks)
                )
            ),
            date=_day(day),
            content_hash=content_hash,
            hidden_characters=hidden,
        )

    def files(self, origin: Origin = "folder") -> dict[str, FileState]:
        """What the last sync knew of each document of this origin, by source."""
        return {
            row[0]: FileState(row[0], row[1], row[2], row[3], bool(row[4]))
            for row in self._rows(
                "SELECT source, size, mtime_ns, content_hash, stale FROM documents "
                "WHERE origin = ?",
                origin,
            )
        }

    def content_hashes(self, sources: Sequence[str]) -> dict[str, str]:
        """The content hashes of those of these documents that there are, by source."""
        return dict(
            self._rows(
                "SELECT d.source, d.content_hash FROM json_each(?) wanted "
                "JOIN documents d ON d.source = wanted.value",
                json.dumps(list(sources)),
            )
        )

    def sources_of(self, content_hash: str) -> list[str]:
        """The documents of this content, by source."""
        rows = self._rows(
            "SELECT source FROM documents WHERE content_hash = CAST(? AS TEXT) ORDER BY source",
            encode(content_hash),
        )
        return [row[0] for row in rows]

    def failures(self) -> list[Failure]:
        """The files that could not be read at the last sync, by source."""
        return [
            Failure(source, kind, reason, remedy, _time(at))
            for source, kind, reason, remedy, at in self._rows(
                "SELECT source, kind, reason, remedy, failed_at FROM failures ORDER BY source"
            )
        ]

    # Passages.

    def passages(self, ids: Sequence[int] | Ids) -> list[StoredPassage]:
        """The passages of these ids, in the order asked for; those since removed are left out."""
        rows = self._rows(
            f"SELECT {_STORED} FROM json_each(?) wanted JOIN passages p ON p.id = wanted.value "
            "JOIN documents d ON d.id = p.document_id",
            _json(ids),
        )
        found = {row[0]: _stored(row) for row in rows}
        return [found[int(key)] for key in ids if int(key) in found]

    def passages_of(self, source: str) -> list[StoredPassage]:
        """The passages of one document, in order; empty if there is no such document."""
        rows = self._rows(
            f"SELECT {_STORED} FROM documents d JOIN passages p ON p.document_id = d.id "
            "WHERE d.source = CAST(? AS TEXT) ORDER BY p.position",
            encode(source),
        )
        return [_stored(row) for row in rows]

    def passage_ids(self, *, after: int = 0) -> Ids:
        """The ids of all passages past `after`, ascending."""
        return _ids(self._rows("SELECT id FROM passages WHERE id > ? ORDER BY id", after))

    def selected(
        self,
        *,
        within: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Ids | None:
        """The passages that a filter lets through, by id, ascending; None if there is no filter.

        Args:
            within: Sources, or folders of sources ("reports/2024/", the slash may be missing).
            types: Formats ("pdf", ".PDF").
            since: The earliest date; documents without one are left out.
            until: The latest date, itself included; documents without one are left out.
        """
        conditions: list[str] = []
        values: list[str] = []
        if within is not None:
            # One look into the index of sources for each name, and one for what lies under it.
            conditions.append(
                "d.id IN (SELECT x.id FROM json_each(?) w CROSS JOIN documents x "
                "ON x.source = json_extract(w.value, '$[0]') "
                "UNION ALL SELECT x.id FROM json_each(?) w CROSS JOIN documents x "
                "ON x.source >= json_extract(w.value, '$[1]') "
                "AND x.source < json_extract(w.value, '$[2]'))"
            )
            folders = [name.removesuffix("/") for name in within]
            names = json.dumps(
                [
                    (name, folder + "/", folder + chr(ord("/") + 1))
                    for name, folder in zip(within, folders, strict=True)
                ]
            )
            values += [names, names]
        if types is not None:
            conditions.append("d.type IN (SELECT value FROM json_each(?))")
            values.append(json.dumps([kind.lower().removeprefix(".") for kind in types]))
        if since is not None:
            conditions.append("d.date >= ?")
            values.append(since.isoformat())
        if until is not None:
            conditions.append("d.date <= ?")
            values.append(until.isoformat())
        if not conditions:
            return None
        return _ids(
            self._rows(
                "SELECT p.id FROM documents d JOIN passages p ON p.document_id = d.id "
                f"WHERE {' AND '.join(conditions)} ORDER BY p.id",
                *values,
            )
        )

    # Vectors.

    def known_vectors(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """The ids of those vectors that are in the cache, by key."""
        known = {}
        with self._storage.connection() as connection:
            for key in keys:
                row = connection.execute("SELECT id FROM vectors WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    known[key] = int(row[0])
        return known

    def vectors(self, ids: Sequence[int] | Ids) -> dict[int, tuple[Vectors, Vectors | None]]:
        """By passage id: the passage's vector, and one for each of its sentences.

        float32, shapes (dimensions,) and (sentences, dimensions); None for the sentences if the
        model cannot pool late. Passages since removed, or not yet encoded by the index's present
        model, are left out.
        """
        rows = self._rows(
            "SELECT p.id, m.dimensions, v.vector, s.vectors "
            "FROM json_each(?) wanted JOIN passages p ON p.id = wanted.value "
            "JOIN vectors v ON v.id = p.vector_id JOIN models m ON m.id = v.model "
            "LEFT JOIN sentence_vectors s ON s.vector_id = v.id "
            "WHERE m.fingerprint = (SELECT value FROM manifest WHERE key = 'fingerprint')",
            _json(ids),
        )
        return {
            key: (
                unpack_vectors(vector, dimensions)[0],
                None if sentences is None else unpack_sentences(sentences, dimensions),
            )
            for key, dimensions, vector, sentences in rows
        }

    def passage_vectors(self, ids: Sequence[int] | Ids) -> tuple[Ids, Vectors]:
        """The vectors of these passages: ids, shape (n,), and vectors, shape (n, dimensions).

        As `vectors`, but without the sentences; in no particular order.
        """
        rows = self._rows(
            "SELECT p.id, v.vector FROM json_each(?) wanted JOIN passages p ON p.id = wanted.value "
            "JOIN vectors v ON v.id = p.vector_id WHERE v.model = (SELECT id FROM models WHERE "
            "fingerprint = (SELECT value FROM manifest WHERE key = 'fingerprint'))",
            _json(ids),
        )
        packed = b"".join(row[1] for row in rows)
        return _ids(rows), unpack_vectors(packed, self.manifest().dimensions or 1)

    def count_vectors(self) -> int:
        """How many passages have a vector of the index's present model."""
        (row,) = self._rows(
            "SELECT count(*) FROM passages p JOIN vectors v ON v.id = p.vector_id "
            "WHERE v.model = (SELECT id FROM models WHERE fingerprint = "
            "(SELECT value FROM manifest WHERE key = 'fingerprint'))"
        )
        return int(row[0])

    def vector_blocks(self, *, after: int = 0, size: int = 4096) -> Iterator[tuple[Ids, Vectors]]:
        """All passage vectors of the index's present model past the id `after`, in blocks.

        Each block holds the ids, shape (n,), and the vectors, float32, shape (n, dimensions),
        with n at most `size`; ids come in no particular order. All blocks are of one moment.
        """
        dimensions = self.manifest().dimensions
        if dimensions is None:
            return
        with self._storage.connection() as connection:
            # From the start, the index passages_by_vector is read in step with the vectors.
            where, order = ("p.id > ?", "p.id") if after else ("? = 0", "p.vector_id")
            cursor = connection.execute(
                "SELECT p.id, v.vector FROM passages p JOIN vectors v ON v.id = p.vector_id "
                f"WHERE {where} AND v.model = (SELECT id FROM models WHERE fingerprint = "
                f"(SELECT value FROM manifest WHERE key = 'fingerprint')) ORDER BY {order}",
                (after,),
            )
            while rows := cursor.fetchmany(size):
                ids, vectors = zip(*rows, strict=True)
                yield (
                    np.array(ids, np.int64),
                    unpack_vectors(b"".join(vectors), dimensions),
                )

    # Projections.

    def projection(self, name: str) -> Projection | None:
        """How far the search index of that name has come; None if it was never built."""
        rows = self._rows(
            "SELECT generation, high_water, count, files FROM projections WHERE name = ?", name
        )
        if not rows:
            return None
        generation, high_water, count, files = rows[0]
        return Projection(
            name=name,
            generation=generation,
            high_water=high_water,
            count=count,
            files={path: (size, crc) for path, (size, crc) in json.loads(files).items()},
        )

    def lexical_entries(
        self, *, after: int = 0, size: int = 4096
    ) -> Iterator[list[tuple[int, str]]]:
        """What the lexical index holds of each passage past `after`: (id, text).

        Title and headings are part of the text: in a field of their own, they count for too much
        (nDCG@10 on SciFact's train claims, in a trial of the fusion: .735 so, .747 as it is).
        """
        while True:
            rows = self._rows(
                "SELECT p.id, d.title, p.heading, p.text FROM passages p "
                "JOIN documents d ON d.id = p.document_id WHERE p.id > ? ORDER BY p.id LIMIT ?",
                after,
                size,
            )
            if not rows:
                return
            yield [
                (key, "\n".join((*dict.fromkeys((title, *json.loads(heading))), text)))
                for key, title, heading, text in rows
            ]
            after = rows[-1][0]

    def removals(self) -> list[int]:
        """Passages that left the catalog and may still be in the lexical index."""
        return [row[0] for row in self._rows("SELECT passage_id FROM removals ORDER BY passage_id")]

    def count_passages(self, *, up_to: int) -> int:
        """How many passages have an id up to this one."""
        return int(self._rows("SELECT count(*) FROM passages WHERE id <= ?", up_to)[0][0])

    # Health.

    def check(self) -> list[str]:
        """What SQLite finds wrong with the file, and rows that lack their other half."""
        found = [str(row[0]) for row in self._rows("PRAGMA quick_check(20)") if row[0] != "ok"]
        found += [
            f"a row of {row[0]} refers to a missing row of {row[2]}"
            for row in self._rows("PRAGMA foreign_key_check")
        ]
        (row,) = self._rows(
            "SELECT count(*) FROM documents d WHERE passages <> "
            "(SELECT count(*) FROM passages p WHERE p.document_id = d.id)"
        )
        if row[0]:
            found.append(f"{row[0]} documents lack passages")
        return found

    def settle(self) -> None:
        """Fold the log into the file, so that it is whole by itself and safe on disk."""
        with self._storage.connection() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._storage.connection() as connection:
            return connection.execute(statement, values).fetchall()


_STORED = (
    "p.id, d.source, d.title, p.position, p.start, p.end, p.text, p.sentences, p.heading, "
    "p.page, p.page_end, p.sheet, p.row, p.tokens, d.type, d.date, d.origin, d.content_hash"
)


def _stored(row: tuple[Any, ...]) -> StoredPassage:
    (key, source, title, position, start, end, text, sentences, heading, page, page_end) = row[:11]
    (sheet, line, tokens, kind, day, origin, content_hash) = row[11:]
    offsets = [start + offset for offset in json.loads(sentences)]
    return StoredPassage(
        id=key,
        passage=Passage(
            source=source,
            title=title,
            position=position,
            start=start,
            end=end,
            text=text,
            sentences=tuple(map(Span, offsets[::2], offsets[1::2])),
            heading=tuple(json.loads(heading)),
            page=page,
            page_end=page_end,
            sheet=sheet,
            row=line,
            tokens=tokens,
        ),
        type=kind,
        date=_day(day),
        origin=origin,
        content_hash=content_hash,
    )


def _json(ids: Sequence[int] | Ids) -> str:
    return json.dumps(ids.tolist() if isinstance(ids, np.ndarray) else [int(key) for key in ids])


def _ids(rows: list[tuple[Any, ...]]) -> Ids:
    return np.fromiter((row[0] for row in rows), np.int64, len(rows))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
