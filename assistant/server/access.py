"""Who asks: anybody on this machine, or a user who showed a password or a token."""

import hashlib
import logging
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from unicodedata import normalize

from assistant.errors import ServerError
from assistant.server.attempts import Attempts
from assistant.server.users import Password, Users, read_users, token_digest

logger = logging.getLogger(__name__)

BROWSER_COOKIE = "assistant_browser"
SESSION_COOKIE = "assistant_session"
SESSION_SECONDS = 7 * 24 * 3600
# A program that sends its password with every request waits for the slow hash only now and then.
_REMEMBER_SECONDS = 300
_MOST_SESSIONS = 10_000
_MOST_REMEMBERED = 1_000
# Hashed when there is no such user, so that it takes as long as when there is.
_NOBODY = Password(2**14, 8, 5, b"\0" * 16, b"\0" * 32)


class TooManyAttemptsError(Exception):
    """Too many wrong passwords; `seconds` says how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(slots=True)
class _Session:
    name: str
    password: Password  # the session ends when it is changed
    used: float


class Access:
    """Who may use the server, and who is logged in; safe to use from several threads."""

    def __init__(self, path: Path | None = None) -> None:
        """Use `Access.open` or `Access.from_file`."""
        self._path = path
        self._lock = threading.Lock()
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()
        self._remembered: OrderedDict[bytes, tuple[Password, float]] = OrderedDict()
        self._key = secrets.token_bytes(32)
        self._attempts = Attempts()
        self._users = Users({}, {})
        self._state: tuple[int, int, int] | None = None
        if path is not None:
            self._state = _state(path)
            self._users = read_users(path)

    @classmethod
    def open(cls) -> Self:
        """Everybody who reaches the server."""
        return cls()

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """The users in a file, which is read again whenever it changes.

        Raises:
            ServerError: The file cannot be used; the message names the line.
        """
        path = Path(path)
        access = cls(path)
        if path.stat().st_mode & 0o077:
            logger.warning(
                "%s can be read by other users of this machine; run: chmod 600 %s", path, path
            )
        return access

    @property
    def demanded(self) -> bool:
        """Whether one has to say who one is."""
        return self._path is not None

    def log_in(self, name: str, password: str, *, address: str) -> str | None:
        """Begin a session: what its cookie holds, or None if name and password do not fit.

        Takes long on purpose, so call it in a thread.

        Raises:
            TooManyAttemptsError: There were too many wrong ones lately.
        """
        name = normalize("NFC", name)
        stored = self._verified(name, password, address=address)
        if stored is None:
            return None
        session = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[token_digest(session)] = _Session(name, stored, time.monotonic())
            while len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)
        return session

    def log_out(self, session: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(token_digest(session), None)

    def of_session(self, session: str) -> str | None:
        """Whose session it is; None if there is none, or it is over."""
        users = self._current()
        with self._lock:
            found = self._sessions.get(token_digest(session))
            if found is None:
                return None
            now = time.monotonic()
            idle = now - found.used > SESSION_SECONDS
            if idle or users.passwords.get(found.name) != found.password:
                return None
            found.used = now
            self._sessions.move_to_end(token_digest(session))
            return found.name

    def of_token(self, token: str) -> str | None:
        """Whose token it is."""
        return self._current().tokens.get(token_digest(token))

    def of_password(self, name: str, password: str, *, address: str) -> str | None:
        """The name, if the password is its own; quick when it was shown a short while ago.

        Raises:
            TooManyAttemptsError: As `log_in`.
        """
        name = normalize("NFC", name)
        shown = hashlib.blake2b(
            f"{name}:{password}".encode("utf-8", "surrogatepass"), key=self._key
        ).digest()
        stored = self._current().passwords.get(name)
        with self._lock:
            known, until = self._remembered.get(shown, (None, 0.0))
        if known is not None and known == stored and time.monotonic() < until:
            return name
        stored = self._verified(name, password, address=address)
        if stored is None:
            return None
        with self._lock:
            self._remembered[shown] = (stored, time.monotonic() + _REMEMBER_SECONDS)
            while len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return name

    def _verified(self, name: str, password: str, *, address: str) -> Password | None:
        stored = self._current().passwords.get(name)
        wait = self._attempts.begin(name, address)
        if wait:
            raise TooManyAttemptsError(wait)
        fits = (stored or _NOBODY).fits(password)
        if stored is None or not fits:
            return None
        self._attempts.succeeded(name, address)
        return stored

    def _current(self) -> Users:
        """The users as the file has them now; nobody while it cannot be read."""
        assert self._path is not None
        state = _state(self._path)
        with self._lock:
            if state == self._state:
                return self._users
            self._state = state
            try:
                self._users = read_users(self._path)
            except ServerError as error:
                logger.error("nobody can log in: %s", error)  # noqa: TRY400 - the user's mistake
                self._users = Users({}, {})
            return self._users


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
