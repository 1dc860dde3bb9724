"""The folders in which search indexes lie: what is in them, and whether it still is."""

import shutil
import zlib
from collections.abc import Collection
from pathlib import Path

from assistant.catalog import Projection

_CHUNK = 1 << 20


def file_sizes(folder: Path, *, ignore: Collection[str]) -> dict[str, tuple[int, int]]:
    """Every file below a folder with its size and its CRC-32, but for the names in `ignore`."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_size,
            _checksum(path),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ignore
    }


def problem_with_files(folder: Path, projection: Projection, *, checksums: bool) -> str | None:
    """What is wrong with a projection's files, or None; `checksums` reads them whole."""
    for name, (size, checksum) in projection.files.items():
        path = folder / name
        try:
            if path.stat().st_size != size:
                return f"{name} has another size than when it was written"
            if checksums and _checksum(path) != checksum:
                return f"{name} has changed since it was written"
        except OSError as error:
            return f"{name} cannot be read ({error.strerror})"
    return None


def remove_all_but(folder: Path, generation: str | None) -> None:
    """Remove the generations of an index that are no longer, or never were, in use."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name != generation:
                shutil.rmtree(path, ignore_errors=True)


def _checksum(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            value = zlib.crc32(chunk, value)
    return value
