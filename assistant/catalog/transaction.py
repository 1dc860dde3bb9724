"""Everything that changes the catalog, in steps that happen wholly or not at all."""

import json
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from assistant.catalog.calibration import Calibration
from assistant.catalog.records import Origin, Projection
from assistant.catalog.storage import encode
from assistant.catalog.vectors import pack_sentences, pack_vector
from assistant.documents import Document
from assistant.embedding import Embedding, Encoded
from assistant.errors import DocumentError
from assistant.passages import Passage

_PASSAGE_COLUMNS = (
    "document_id, vector_id, position, start, end, page, page_end, sheet, row, "
    "tokens, heading, sentences, text"
)


class Transaction:
    """One open transaction; what its methods write is seen by others only when it ends well.

    Passage ids only ever grow, and what an id stands for never changes: a search index that lags
    behind can lack passages or hold removed ones, but never has a wrong one.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def describe(self, **values: str | int) -> None:
        """Set fields of the manifest."""
        for key, value in values.items():
            place, bound = (
                ("CAST(? AS TEXT)", encode(value)) if isinstance(value, str) else ("?", value)
            )
            self._connection.execute(
                f"INSERT OR REPLACE INTO manifest (key, value) VALUES (?, {place})", (key, bound)
            )

    def calibrate(self, calibration: Calibration | None) -> None:
        """Keep a calibration, in place of another, or none any more."""
        if calibration is None:
            self._connection.execute("DELETE FROM manifest WHERE key = 'calibration'")
        else:
            self.describe(calibration=calibration.text())

    def model(self, embedding: Embedding) -> int:
        """The number under which vectors of this model are stored."""
        self._connection.execute(
            "INSERT OR IGNORE INTO models (fingerprint, dimensions) VALUES (?, ?)",
            (embedding.fingerprint, embedding.dimensions),
        )
        row = self._connection.execute(
            "SELECT id FROM models WHERE fingerprint = ?", (embedding.fingerprint,)
        ).fetchone()
        return int(row[0])

    def store_vectors(
        self, encoded: Iterable[tuple[bytes, Encoded]], *, model: int
    ) -> dict[bytes, int]:
        """Put vectors into the cache by key; returns the id of each."""
        ids = {}
        for key, value in encoded:
            cursor = self._connection.execute(
                "INSERT OR IGNORE INTO vectors (key, model, vector) VALUES (?, ?, ?)",
                (key, model, pack_vector(value.vector)),
            )
            if cursor.rowcount == 0:
                row = self._connection.execute(
                    "SELECT id FROM vectors WHERE key = ?", (key,)
                ).fetchone()
                ids[key] = int(row[0])
                continue
            assert cursor.lastrowid is not None
            ids[key] = cursor.lastrowid
            if value.sentences is not None:
                self._connection.execute(
                    "INSERT INTO sentence_vectors (vector_id, vectors) VALUES (?, ?)",
                    (cursor.lastrowid, pack_sentences(value.sentences)),
                )
        return ids

    def put(
        self,
        document: Document,
        passages: Sequence[Passage],
        vector_ids: Sequence[int],
        *,
        origin: Origin,
        size: int,
        mtime_ns: int,
    ) -> None:
        """Switch to this version of a document: its passages come, those of the old one go."""
        source = encode(document.source)
        row = self._connection.execute(
            "SELECT id FROM documents WHERE source = CAST(? AS TEXT)", (source,)
        ).fetchone()
        if row is not None:
            self._drop_passages(row[0])
        # By hand, as dataclasses.astuple copies deeply and takes ten times as long.
        blocks = json.dumps(
            [
                (b.start, b.end, b.kind, b.heading, b.page, b.page_end, b.sheet, b.row)
                for b in document.blocks
            ],
            separators=(",", ":"),
        )
        fields = {
            "title": encode(document.title),
            "type": document.type,
            "date": document.date and document.date.isoformat(),
            "origin": origin,
            "size": size,
            "mtime_ns": mtime_ns,
            "content_hash": document.content_hash,
            "hidden_characters": document.hidden_characters,
            "passages": len(passages),
            "stale": 0,
            "indexed_at": _now(),
            "blocks": zlib.compress(blocks.encode("ascii"), 1),
            "text": zlib.compress(encode(document.text), 1),
        }
        places = ", ".join("CAST(? AS TEXT)" if name == "title" else "?" for name in fields)
        if row is None:
            cursor = self._connection.execute(
                f"INSERT INTO documents (source, {', '.join(fields)}) "
                f"VALUES (CAST(? AS TEXT), {places})",
                (source, *fields.values()),
            )
            document_id = cursor.lastrowid
        else:
            (document_id,) = row
            self._connection.execute(
                f"UPDATE documents SET ({', '.join(fields)}) = ({places}) WHERE id = ?",
                (*fields.values(), document_id),
            )
        self._connection.executemany(
            f"INSERT INTO passages ({_PASSAGE_COLUMNS}) VALUES "
            "(?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?, CAST(? AS TEXT))",
            [
                (
                    document_id,
                    vector_id,
                    passage.position,
                    passage.start,
                    passage.end,
                    passage.page,
                    passage.page_end,
                    None if passage.sheet is None else encode(passage.sheet),
                    passage.row,
                    passage.tokens,
                    json.dumps(passage.heading),
                    _relative(passage),
                    encode(passage.text),
                )
                for passage, vector_id in zip(passages, vector_ids, strict=True)
            ],
        )

    def relocate(
        self, old: str, new: str, *, title: str, day: date | None, size: int, mtime_ns: int
    ) -> None:
        """Give a document another name, date or title; its text, passages and vectors stay.

        Passages show their document's title, so that a new title gives them new ids.
        """
        document_id, old_title = self._connection.execute(
            "SELECT id, title FROM documents WHERE source = CAST(? AS TEXT)", (encode(old),)
        ).fetchone()
        self._connection.execute(
            "UPDATE documents SET source = CAST(? AS TEXT), title = CAST(? AS TEXT), date = ?, "
            "size = ?, mtime_ns = ?, stale = 0 WHERE id = ?",
            (
                encode(new),
                encode(title),
                day and day.isoformat(),
                size,
                mtime_ns,
                document_id,
            ),
        )
        if title != old_title:
            columns = _PASSAGE_COLUMNS.removeprefix("document_id, ")
            rows = self._connection.execute(
                f"SELECT {columns} FROM passages WHERE document_id = ? ORDER BY position",
                (document_id,),
            ).fetchall()
            self._drop_passages(document_id)
            places = "?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?, CAST(? AS TEXT)"
            self._connection.executemany(
                f"INSERT INTO passages ({_PASSAGE_COLUMNS}) VALUES ({document_id}, {places})",
                [
                    (*row[:6], row[6] and encode(row[6]), *row[7:11], encode(row[11]))
                    for row in rows
                ],
            )

    def remove(self, sources: Iterable[str]) -> int:
        """Remove documents with their passages; returns how many there were.

        Their vectors stay in the cache for a while, in case the text comes back.
        """
        removed = 0
        for source in sources:
            row = self._connection.execute(
                "SELECT id FROM documents WHERE source = CAST(? AS TEXT)", (encode(source),)
            ).fetchone()
            if row is not None:
                self._drop_passages(row[0])
                self._connection.execute("DELETE FROM documents WHERE id = ?", row)
                removed += 1
        return removed

    def fail(self, error: DocumentError) -> None:
        """Note that a file could not be read; a version indexed before stays."""
        self._connection.execute(
            "INSERT OR REPLACE INTO failures (source, kind, reason, remedy, failed_at) "
            "VALUES (CAST(? AS TEXT), ?, CAST(? AS TEXT), CAST(? AS TEXT), ?)",
            (
                encode(error.source),
                error.kind,
                encode(error.reason),
                encode(error.remedy),
                _now(),
            ),
        )

    def clear_failures(self) -> None:
        """Forget the failures of the last sync."""
        self._connection.execute("DELETE FROM failures")

    def mark_stale(self) -> None:
        """Have the next sync index every document anew; until then the old versions answer."""
        self._connection.execute("UPDATE documents SET stale = 1")

    def project(self, projection: Projection) -> None:
        """Record how far a search index has come."""
        self._connection.execute(
            "INSERT OR REPLACE INTO projections (name, generation, high_water, count, files) "
            "VALUES (?, ?, ?, ?, ?)",
            (
                projection.name,
                projection.generation,
                projection.high_water,
                projection.count,
                json.dumps(projection.files),
            ),
        )

    def forget_projection(self, name: str) -> None:
        """Have a search index built anew, as nothing in it is of use any more."""
        self._connection.execute("DELETE FROM projections WHERE name = ?", (name,))

    def forget_removals(self, *, up_to: int) -> None:
        """Drop the notes about removed passages that the lexical index no longer holds."""
        self._connection.execute("DELETE FROM removals WHERE passage_id <= ?", (up_to,))

    def prune_vectors(self, *, spare: int) -> int:
        """Drop the oldest cached vectors that no passage uses, but for `spare` of them."""
        cursor = self._connection.execute(
            "DELETE FROM vectors WHERE id IN ("
            "  SELECT v.id FROM vectors v WHERE NOT EXISTS ("
            "    SELECT 1 FROM passages p WHERE p.vector_id = v.id)"
            "  ORDER BY v.id DESC LIMIT -1 OFFSET ?)",
            (spare,),
        )
        return cursor.rowcount

    def _drop_passages(self, document_id: int) -> None:
        self._connection.execute(
            "INSERT INTO removals (passage_id) SELECT id FROM passages WHERE document_id = ?",
            (document_id,),
        )
        self._connection.execute("DELETE FROM passages WHERE document_id = ?", (document_id,))


def _relative(passage: Passage) -> str:
    """Sentence offsets from the passage's start, flat: `[start, end, start, end, ...]`."""
    offsets = [bound - passage.start for span in passage.sentences for bound in span]
    return json.dumps(offsets, separators=(",", ":"))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
