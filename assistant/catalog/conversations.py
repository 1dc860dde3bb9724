"""Conversations and what readers thought of the answers: kept in the catalog, but apart from it.

They do not change what is searched, so that the catalog's revision stays as it is; and they need
no write lock, as each change is one short transaction. Their tables are made when first needed:
an index that was built before there were any is fine as it is.
"""

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from assistant.catalog.storage import Storage, encode
from assistant.errors import ConversationError

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS conversations (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        title TEXT NOT NULL,
        created_at TEXT NOT NULL,
        changed_at TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS conversations_by_owner ON conversations (owner, changed_at)",
    """
    CREATE TABLE IF NOT EXISTS turns (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        asked_at TEXT NOT NULL,
        question TEXT NOT NULL,
        answer TEXT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS turns_by_conversation ON turns (conversation_id)",
    """
    CREATE TABLE IF NOT EXISTS feedback (
        turn_id INTEGER PRIMARY KEY REFERENCES turns (id) ON DELETE CASCADE,
        good INTEGER NOT NULL,
        comment TEXT NOT NULL,
        given_at TEXT NOT NULL
    )
    """,
)


@dataclass(frozen=True, slots=True)
class ListedConversation:
    """One line of the list of conversations."""

    id: str
    owner: str
    title: str
    turns: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a reader thought of an answer."""

    good: bool
    comment: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A question with its answer as JSON, as the conversation wrote it."""

    id: int
    question: str
    answer: str
    asked_at: datetime
    feedback: Feedback | None


class Conversations:
    """The conversations of one index; an owner is any name, "" for the machine's own user."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def listed(self, *, owner: str | None = None) -> list[ListedConversation]:
        """All conversations, or an owner's; those changed last come first."""
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT c.id, c.owner, c.title, count(t.id), c.created_at, c.changed_at "
                "FROM conversations c LEFT JOIN turns t ON t.conversation_id = c.id "
                "WHERE ?1 IS NULL OR c.owner = CAST(?1 AS TEXT) "
                "GROUP BY c.id ORDER BY c.changed_at DESC, c.id",
                (None if owner is None else encode(owner),),
            ).fetchall()
        return [
            ListedConversation(key, whose, title, turns, _time(created), _time(changed))
            for key, whose, title, turns, created, changed in rows
        ]

    def find(self, key: str, *, owner: str | None = None) -> ListedConversation:
        """One conversation.

        Raises:
            ConversationError: There is none of this id, or it is not this owner's.
        """
        with self._reading() as connection:
            row = None
            if connection is not None:
                row = connection.execute(
                    "SELECT owner, title, created_at, changed_at, (SELECT count(*) FROM turns "
                    "WHERE conversation_id = c.id) FROM conversations c "
                    "WHERE id = CAST(? AS TEXT)",
                    (encode(key),),
                ).fetchone()
        if row is None or owner not in (None, row[0]):
            raise missing(key)
        return ListedConversation(key, row[0], row[1], row[4], _time(row[2]), _time(row[3]))

    def turns(self, key: str) -> list[StoredTurn]:
        """The turns of a conversation, in order; empty if there is no such conversation."""
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                f"{_TURNS} WHERE t.conversation_id = CAST(? AS TEXT) ORDER BY t.id", (encode(key),)
            ).fetchall()
        return [_turn(row) for row in rows]

    def create(self, *, owner: str, title: str) -> str:
        """Make a conversation without turns; returns its id, which cannot be guessed."""
        key = uuid.uuid4().hex
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO conversations (id, owner, title, created_at, changed_at) "
                "VALUES (?1, CAST(?2 AS TEXT), CAST(?3 AS TEXT), ?4, ?4)",
                (key, encode(owner), encode(title), _now()),
            )
        return key

    def append(self, key: str, turns: Sequence[tuple[str, str]]) -> list[int]:
        """Add turns, each a question and its answer as JSON; returns their ids, which only grow.

        Raises:
            ConversationError: There is no such conversation (any more).
        """
        with self._changing(key) as connection:
            return [
                int(
                    connection.execute(
                        "INSERT INTO turns (conversation_id, asked_at, question, answer) "
                        "VALUES (CAST(? AS TEXT), ?, CAST(? AS TEXT), ?) RETURNING id",
                        (encode(key), _now(), encode(question), answer),
                    ).fetchone()[0]
                )
                for question, answer in turns
            ]

    def forget(self, key: str, turns: Sequence[int]) -> None:
        """Drop turns, and what was thought of them."""
        with self._changing(key) as connection:
            connection.executemany("DELETE FROM turns WHERE id = ?", [(turn,) for turn in turns])

    def rename(self, key: str, title: str) -> None:
        """Give a conversation another title."""
        with self._changing(key) as connection:
            connection.execute(
                "UPDATE conversations SET title = CAST(? AS TEXT) WHERE id = CAST(? AS TEXT)",
                (encode(title), encode(key)),
            )

    def delete(self, key: str) -> None:
        """Drop a conversation with its turns and what was thought of them."""
        with self._changing(key) as connection:
            connection.execute(
                "DELETE FROM conversations WHERE id = CAST(? AS TEXT)", (encode(key),)
            )

    def rate(self, key: str, turn: int, *, good: bool | None, comment: str) -> Feedback | None:
        """Note what a reader thought of an answer; None takes it back."""
        with self._changing(key) as connection:
            connection.execute("DELETE FROM feedback WHERE turn_id = ?", (turn,))
            if good is None:
                return None
            given_at = _now()
            connection.execute(
                "INSERT INTO feedback (turn_id, good, comment, given_at) "
                "VALUES (?, ?, CAST(? AS TEXT), ?)",
                (turn, int(good), encode(comment), given_at),
            )
            return Feedback(good, comment, _time(given_at))

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection; None if nothing was ever kept."""
        with self._storage.connection() as connection:
            there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'feedback'")
            yield connection if there.fetchone() else None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._storage.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                connection.execute(table)
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def _changing(self, key: str) -> Iterator[sqlite3.Connection]:
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE conversations SET changed_at = ? WHERE id = CAST(? AS TEXT)",
                (_now(), encode(key)),
            )
            if changed.rowcount == 0:
                raise missing(key)
            yield connection


_TURNS = (
    "SELECT t.id, t.question, t.answer, t.asked_at, f.good, f.comment, f.given_at "
    "FROM turns t LEFT JOIN feedback f ON f.turn_id = t.id"
)


def missing(key: str) -> ConversationError:
    """The error for a conversation that is not there, or not for this owner."""
    return ConversationError(
        f"there is no conversation {key!r}; it may have been deleted: begin another"
    )


def _turn(row: tuple[int, str, str, str, int | None, str, str]) -> StoredTurn:
    key, question, answer, asked_at, good, comment, given_at = row
    feedback = None if good is None else Feedback(bool(good), comment, _time(given_at))
    return StoredTurn(key, question, answer, _time(asked_at), feedback)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
