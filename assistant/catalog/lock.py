"""One writer for each index: a lock that vanishes with the process that holds it."""

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from assistant.errors import IndexLockedError, IndexStorageError

LOCK_FILE = "lock"


class WriteLock:
    """The right to write to an index, held from `acquire` to `release` (or to the process's end).

    Readers need no lock. The kernel frees it when its holder dies, however it dies; what is
    written in the file only serves to tell others who holds it.
    """

    def __init__(self, folder: Path, *, purpose: str) -> None:
        self._folder = folder
        self._purpose = purpose
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Take the lock, or say at once who has it.

        Raises:
            IndexLockedError: Another process, or another part of this one, is writing.
            IndexStorageError: The folder cannot be written to.
        """
        path = self._folder / LOCK_FILE
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise IndexStorageError(
                f"{self._folder} cannot be written to ({error.strerror}); "
                f"make the folder writable for this user, or choose another with --index"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise IndexLockedError(
                f"{self._folder} is being written to by {holder}; "
                f"wait until that is done, or stop it, and try again"
            ) from error
        self._descriptor = descriptor
        self._sign()
        return self

    def release(self) -> None:
        """Give the lock back; releasing one that is not held does nothing."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def _sign(self) -> None:
        signature = {
            "pid": os.getpid(),
            "purpose": self._purpose,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        assert self._descriptor is not None
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(signature).encode(), 0)
        except OSError:  # A full disk: the lock holds without its label.
            return

    def __enter__(self) -> Self:
        return self if self._descriptor is not None else self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def _holder(descriptor: int) -> str:
    try:
        signature = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {signature['pid']} ({signature['purpose']}, since {signature['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
