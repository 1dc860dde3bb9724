"""Damaged files of every type cost nothing but themselves."""

import io
import random
import zipfile
from pathlib import Path

import psutil
import pytest
from test_documents import MAKERS, check_promises, packed

from assistant.documents import SUPPORTED, Document, read_documents
from assistant.documents.formats import ZIPPED
from assistant.errors import DocumentError
from assistant.settings import Settings

ROUNDS = 60
EXTENSIONS = {type: extension for extension, type in reversed(SUPPORTED.items())}
TOKENS = (
    b"\0", b"\xff\xff\xff\xff", b"<", b">", b"&#0;", b"]]>", b'"', b"%", b"\r", b"-1", b"999999999",
    b"<div>" * 500, b"[" * 500, b"\xf0\x9f", b"\xed\xa0\x80", b"/Type", b"endobj", b"PK\x03\x04",
)  # fmt: skip


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Cut a file off, flip bits, repeat or remove a piece, or put something in."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 30))):
        position = chance.randrange(len(changed) + 1)
        end = min(len(changed), position + chance.choice((1, 4, 50, 2000)))
        match chance.randrange(6):
            case 0:
                del changed[max(position, 1) :]
            case 1 | 2:
                for index in range(position, min(end, position + 4)):
                    changed[index] ^= 1 << chance.randrange(8)
            case 3:
                del changed[position:end]
            case 4:
                changed[position:position] = changed[position:end]
            case 5:
                changed[position:position] = chance.choice(TOKENS)
    return bytes(changed)


def damaged_inside(data: bytes, chance: random.Random) -> bytes:
    """Damage one member of a packed file, which stays a good archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice([name for name in members if name.endswith(("ml", "opf", ".rels"))])
    members[name] = damaged(members[name], chance)
    return packed(members)


@pytest.mark.parametrize("type", sorted(MAKERS))
def test_damaged_files_neither_crash_nor_hang_the_reader(tmp_path: Path, type: str) -> None:
    chance = random.Random(type)
    data = MAKERS[type]()
    files = []
    for number in range(ROUNDS):
        path = tmp_path / f"{number}{EXTENSIONS[type]}"
        inside = type in ZIPPED and number % 3
        path.write_bytes((damaged_inside if inside else damaged)(data, chance))
        files.append((path, path.name))
    whole = tmp_path / f"whole{EXTENSIONS[type]}"
    whole.write_bytes(data)
    files.append((whole, whole.name))
    results = list(read_documents(files, settings=Settings(parse_seconds=20)))
    assert [result.source for result in results] == [source for _, source in files]
    for result in results:
        if isinstance(result, Document):
            check_promises(result)
        else:
            assert isinstance(result, DocumentError)
            assert result.kind not in ("timeout", "memory", "unreadable", "unsupported"), result
            assert result.reason
            assert result.remedy
    assert isinstance(results[-1], Document)
    assert psutil.Process().children() == []
