"""What parsing processes and their parent say to each other: JSON, each with its length before.

Never pickle: a parsing process handles hostile files, and may speak for one.
"""

import datetime
import json
import struct
from typing import Any, get_args

from assistant.documents.document import Block, BlockKind, Document
from assistant.errors import DocumentError

LENGTH = struct.Struct(">Q")
_KINDS = frozenset(get_args(BlockKind))


def frame(message: Any) -> bytes:
    """Write a message as bytes."""
    data = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    body = data.encode("utf-8", "surrogatepass")
    return LENGTH.pack(len(body)) + body


def unframe(body: bytes) -> Any:
    """Read a message from the bytes after its length.

    Raises:
        ValueError: They are not one.
    """
    return json.loads(body.decode("utf-8", "surrogatepass"))


def pack(result: Document | DocumentError) -> dict[str, Any]:
    """Make a message of what became of a file."""
    if isinstance(result, DocumentError):
        return {"kind": result.kind, "reason": result.reason, "remedy": result.remedy}
    paths: dict[tuple[str, ...], int] = {}
    blocks = [
        (
            block.start,
            block.end,
            block.kind,
            paths.setdefault(block.heading, len(paths)),
            block.page,
            block.page_end,
            block.sheet,
            block.row,
        )
        for block in result.blocks
    ]
    return {
        "title": result.title,
        "text": result.text,
        "type": result.type,
        "date": result.date.isoformat() if result.date else None,
        "hash": result.content_hash,
        "hidden": result.hidden_characters,
        "headings": list(paths),
        "blocks": blocks,
    }


def unpack(message: Any, *, source: str) -> Document | DocumentError:
    """Read a message made by `pack`, believing nothing.

    Raises:
        ValueError: It breaks a promise of Document or DocumentError.
    """
    try:
        if "kind" in message:
            words = {name: _string(message[name]) for name in ("kind", "reason", "remedy")}
            return DocumentError(source, **words)
        text = _string(message["text"])
        headings = [tuple(_string(name) for name in path) for path in message["headings"]]
        blocks = []
        last = 0
        for start, end, kind, path, page, page_end, sheet, row in message["blocks"]:
            if not (last <= start < end <= len(text)) or kind not in _KINDS:
                raise ValueError("blocks overlap, are empty or out of range")
            last = end
            for number in (page, page_end, row):
                if number is not None and not (isinstance(number, int) and number > 0):
                    raise ValueError("not a page or row number")
            if sheet is not None:
                _string(sheet)
            blocks.append(
                Block(
                    start=start,
                    end=end,
                    kind=kind,
                    heading=headings[path],
                    page=page,
                    page_end=page_end,
                    sheet=sheet,
                    row=row,
                )
            )
        return Document(
            source=source,
            title=_string(message["title"]),
            text=text,
            type=_string(message["type"]),
            blocks=tuple(blocks),
            date=datetime.date.fromisoformat(message["date"]) if message["date"] else None,
            content_hash=_string(message["hash"]),
            hidden_characters=int(message["hidden"]),
        )
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not an answer: {error!r}") from error


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    value.encode()  # raises UnicodeEncodeError, a ValueError, for lone surrogates
    return value
