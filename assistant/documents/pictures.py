"""Pages of PDF files as pictures with marks, drawn in a child process that may die without harm."""

import base64
import binascii
import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.documents.child import NONSENSE, BrokenError, Child
from assistant.documents.failures import failure
from assistant.documents.wire import frame, unpack
from assistant.errors import AssistantError, DocumentError
from assistant.settings import Settings

NARROWEST, WIDEST = 50, 3000  # pixels
MOST_QUOTES = 50
LONGEST_QUOTE = 20_000
# One page is never worth more, and the others wait for it.
LONGEST_SECONDS = 15.0
KEPT = 16
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, in shares of the page's width and height, from its top left."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page of a document as a picture.

    Attributes:
        png: The picture; the marks are not on it, unless that was asked for.
        width: Its width in pixels.
        height: Its height in pixels.
        marks: Where the quotes are on it, a box for each line of text.
        pages: How many pages the document has.
    """

    png: bytes
    width: int
    height: int
    marks: tuple[Box, ...]
    pages: int


_Key = tuple[tuple[int, int, int], bytes]  # the file's version, and what was asked for


class Pictures:
    """Draws pages in one child process, which is kept; safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        # A child ends with the thread that started it, so that one thread does all of them.
        self._settings = replace(
            settings, parse_seconds=min(settings.parse_seconds, LONGEST_SECONDS)
        )
        self._thread: ThreadPoolExecutor | None = None
        self._child: Child | None = None
        self._guard = threading.Lock()
        self._kept: OrderedDict[_Key, PagePicture] = OrderedDict()

    def page(
        self,
        path: Path,
        page: int,
        *,
        source: str,
        quotes: Sequence[str] = (),
        width: int = 1000,
        painted: bool = False,
    ) -> PagePicture | None:
        """Draw a page of a PDF file; None if it has no page of that number.

        Args:
            path: The file.
            page: The page, from 1.
            source: What to call the file in errors.
            quotes: Words to mark, as they are in the document's text. What of them is not on
                the page is not marked.
            width: Pixels; fewer where the page would become too large.
            painted: Paint the marks on the picture.

        Raises:
            DocumentError: The file cannot be drawn: it is damaged or protected, or takes too
                much time or memory.
        """
        quotes = tuple(quote[:LONGEST_QUOTE] for quote in quotes[:MOST_QUOTES])
        width = max(NARROWEST, min(width, WIDEST))
        try:
            status = path.stat()
        except OSError as error:
            raise failure(source, "unreadable") from error
        version = (status.st_ino, status.st_size, status.st_mtime_ns)
        request = frame(
            {
                "path": str(path),
                "number": page,
                "quotes": quotes,
                "width": width,
                "painted": painted,
            }
        )
        key = (version, request)
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="pictures")
            drawn = self._thread.submit(self._draw, request, source)
        picture = drawn.result()
        if picture is not None:
            with self._guard:
                self._kept[key] = picture
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return picture

    def close(self) -> None:
        """End the child process; the next page starts another."""
        with self._guard:
            thread, self._thread = self._thread, None
            self._kept.clear()
        if thread is not None:
            thread.submit(self._end)
            thread.shutdown()

    def _draw(self, request: bytes, source: str) -> PagePicture | None:
        for _ in range(2):
            if self._child is None:
                self._child = Child(self._settings)
                try:
                    self._child.start()
                except AssistantError:
                    self._end()
                    raise
            fresh = self._child.served == 0
            self._child.send(request)
            try:
                result = _unpacked(self._child.answer(), source=source)
            except BrokenError as error:
                self._end()
                # The fault may lie with what was drawn before.
                if not fresh and error.kind != "timeout":
                    continue
                raise failure(source, error.kind, _reason(error)) from error
            if isinstance(result, DocumentError):
                if result.kind == "memory":
                    self._end()
                raise result
            return result
        raise failure(source, "crashed")

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()


def _reason(error: BrokenError) -> str:
    return "drawing its page took too long" if error.kind == "timeout" else error.reason or ""


def _unpacked(message: Any, *, source: str) -> PagePicture | DocumentError | None:
    """A message made by `draw`, believing nothing."""
    try:
        if "kind" in message:
            error = unpack(message, source=source)
            return error if isinstance(error, DocumentError) else None
        pages = _whole(message["pages"])
        if "png" not in message:
            return None
        png = _png(message["png"])
        marks = tuple(Box(*map(_share, mark)) for mark in message["marks"])
        return PagePicture(png, _whole(message["width"]), _whole(message["height"]), marks, pages)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise BrokenError("crashed", NONSENSE) from error


def _png(value: Any) -> bytes:
    data = base64.b64decode(value, validate=True)
    if not data.startswith(_SIGNATURE):
        raise ValueError("not a picture")
    return data


def _whole(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("not a count")
    return value


def _share(value: Any) -> float:
    if not isinstance(value, float | int) or not math.isfinite(value) or not 0 <= value <= 1:
        raise ValueError("not a share")
    return float(value)
