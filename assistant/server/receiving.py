"""A form with files is received: counted while it is read, and written down as it comes."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Self

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from assistant.errors import IndexStorageError, UploadError
from assistant.settings import Settings
from assistant.uploads import too_large, too_many

# Beside the files: the lines between the parts, and fields, which are left aside.
ROOM_FOR_FORM = 1_000_000


class Received:
    """The files of a form in a temporary folder, until `remove`.

    Attributes:
        files: What the client called each, and where it lies; the names are used for nothing.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Use `receive`."""
        self.files: list[tuple[str, Path]] = []
        self._folder = folder
        self._settings = settings
        self._read = 0
        self._size = 0
        self._field = b""
        self._value = b""
        self._disposition = b""
        self._file: BinaryIO | None = None
        self._ended = False

    @classmethod
    async def receive(
        cls, stream: AsyncIterator[bytes], *, content_type: str, settings: Settings
    ) -> Self:
        """Read a form of the type multipart/form-data to its end.

        Raises:
            UploadError: It has too many files, too many bytes, or is no such form.
            IndexStorageError: There is no room for it.
        """
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise _malformed("its Content-Type names no boundary")
        received = cls(Path(tempfile.mkdtemp(prefix="assistant-upload-")), settings)
        try:
            await received._read_all(stream, boundary)
        except BaseException as error:
            received.remove()
            if isinstance(error, FormParserError):
                raise _malformed(str(error)) from error
            if isinstance(error, OSError):
                raise IndexStorageError(
                    f"the files cannot be received ({error.strerror}); see that the server's "
                    f"temporary folder has room, and hand them in again"
                ) from error
            raise
        return received

    def remove(self) -> None:
        """Remove the files; removing them twice does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _read_all(self, stream: AsyncIterator[bytes], boundary: bytes) -> None:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._add_to_field,
                "on_header_value": self._add_to_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._open,
                "on_part_data": self._add,
                "on_part_end": self._close,
                "on_end": self._end,
            },
        )
        async for chunk in stream:
            await run_in_threadpool(self._write, parser, chunk)
        if not self._ended:
            raise _malformed("it is cut off")

    def _write(self, parser: MultipartParser, chunk: bytes) -> None:
        self._read += len(chunk)
        if self._read > self._settings.max_upload_bytes + ROOM_FOR_FORM:
            raise too_large(self._settings)
        parser.write(chunk)

    # What the parser finds.

    def _begin(self) -> None:
        self._field = self._value = self._disposition = b""

    def _add_to_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _open(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"filename")
        if not name:  # a field, or a choice of files that was left empty
            return
        if len(self.files) == self._settings.max_upload_files:
            raise too_many(self._settings)
        path = self._folder / str(len(self.files))
        self.files.append((_decoded(name), path))
        self._file = path.open("xb")

    def _add(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            return
        self._size += end - start
        if self._size > self._settings.max_upload_bytes:
            raise too_large(self._settings)
        self._file.write(data[start:end])

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _end(self) -> None:
        self._ended = True


def _decoded(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")


def _malformed(reason: str) -> UploadError:
    return UploadError(
        f"the body is not a form of files ({reason}); send multipart/form-data, "
        f"with each file as a part that has a file name",
        kind="malformed",
    )
