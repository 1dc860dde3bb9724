"""How often somebody may try a password."""

import ipaddress
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

# So many wrong passwords are typing errors; after that each wait is twice as long as the last.
FREE_FOR_NAME = 5
FREE_FOR_ADDRESS = 50
FIRST_WAIT = 4
LONGEST_WAIT = 900
_MOST = 10_000


@dataclass(slots=True)
class _Failures:
    count: int = 0
    until: float = 0.0


class Attempts:
    """Counts wrong passwords by name and address, and by address; safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def begin(self, name: str, address: str) -> int:
        """Count an attempt as failed before it is checked; returns the seconds to wait, or 0.

        So many at the same moment are no way round it. Who has to wait does not make it longer.
        """
        now = time.monotonic()
        keys = _keys(name, address)
        with self._lock:
            found = [self._failures.get(key, _Failures()) for key in keys]
            wait = max(failures.until - now for failures in found)
            if wait > 0:
                return int(wait) + 1
            for key, failures, free in zip(
                keys, found, (FREE_FOR_NAME, FREE_FOR_ADDRESS), strict=True
            ):
                if now - failures.until > 2 * LONGEST_WAIT:
                    failures.count = 0
                failures.count += 1
                beyond = min(failures.count - free, 30)
                failures.until = now + (
                    min(FIRST_WAIT * 2**beyond, LONGEST_WAIT) if beyond >= 0 else 0
                )
                self._failures[key] = failures
                self._failures.move_to_end(key)
            while len(self._failures) > _MOST:
                self._failures.popitem(last=False)
        return 0

    def succeeded(self, name: str, address: str) -> None:
        """Take the attempt back, and forgive those of this name from this address."""
        own, everybodys = _keys(name, address)
        with self._lock:
            self._failures.pop(own, None)
            if everybodys in self._failures:
                failures = self._failures[everybodys]
                failures.count = max(0, failures.count - 1)
                failures.until = 0.0


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    try:
        found = ipaddress.ip_address(address)
        if found.version == 6:  # whoever has one has the 2**64 beside it
            address = str(ipaddress.ip_network((int(found), 64), strict=False))
    except ValueError:
        pass
    return (name[:100], address), ("", address)
