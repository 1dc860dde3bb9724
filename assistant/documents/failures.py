"""Why a file could not be read, and what to do about it, in words for people."""

from assistant.errors import DocumentError

_USUAL = {
    "encrypted": (
        "it is protected by a password",
        "save a copy without the password and index that one",
    ),
    "corrupt": (
        "it is damaged or incomplete",
        "open it in the program that made it and save it again",
    ),
    "empty": ("it holds no text", "leave it out, or give it some text"),
    "no-text-layer": (
        "its pages are pictures without a text layer",
        "run OCR on it first, for example `ocrmypdf in.pdf out.pdf`",
    ),
    "too-large": ("it is too large", "split it, or raise the limit in the settings"),
    "unsupported": (
        "files of this type are not read",
        "save it as one of the supported types, such as PDF, DOCX, HTML or plain text",
    ),
    "wrong-extension": (
        "its content is not what its name says",
        "rename it to its true type, or save it again as the type in its name",
    ),
    "timeout": (
        "reading it took too long",
        "split it or save it in a simpler format, or raise parse_seconds in the settings",
    ),
    "memory": (
        "reading it took too much memory",
        "split it or save it in a simpler format, or raise parse_memory_bytes in the settings",
    ),
    "unreadable": ("it cannot be opened", "check that it exists and that you may read it"),
    "crashed": (
        "the program that reads it crashed on it",
        "open it in the program that made it and save it again",
    ),
}


def failure(
    source: str, kind: str, reason: str | None = None, remedy: str | None = None
) -> DocumentError:
    """Make the error of one kind, with its usual reason and remedy where none is given."""
    usual_reason, usual_remedy = _USUAL[kind]
    return DocumentError(
        source, kind=kind, reason=reason or usual_reason, remedy=remedy or usual_remedy
    )
