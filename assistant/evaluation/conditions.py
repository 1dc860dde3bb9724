"""What a run's answers depend on beside the cases: noted in its report, so that it can be judged.

Two runs with the same `fingerprint` were made by the same code, with the same settings, models and
prompts, of the same documents.
"""

import hashlib
import json
import subprocess
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import assistant
from assistant import prompts
from assistant.assistant import Assistant
from assistant.catalog import open_catalog

PACKAGE = Path(assistant.__file__).parent
# Where something lies says nothing of what is answered, and is nobody's business.
PLACES = ("index", "folder")

Conditions = dict[str, Any]


def conditions(opened: Assistant) -> Conditions:
    """What an assistant is, as JSON knows it.

    Raises:
        IndexMissingError, IndexStorageError: As `Assistant.ask`.
        PromptError: A prompt file is missing, or its variables are wrong.
    """
    settings = {key: v for key, v in asdict(opened.settings).items() if key not in PLACES}
    status = opened.status()
    with open_catalog(status.index) as catalog:
        revision = catalog.revision()
        hashes = catalog.content_hashes([document.source for document in status.documents])
    return {
        "version": assistant.__version__,
        "code": code(),
        "git": git(),
        "model": opened.writer,
        "settings": settings,
        "calibration": None if opened.calibration is None else opened.calibration.text(),
        "prompts": {
            name: _short(prompts.load(name, opened.settings.prompts).template)
            for name in sorted(prompts.VARIABLES)
        },
        "embedding": {
            "name": status.manifest.embedding,
            "fingerprint": status.manifest.fingerprint,
        },
        "index": {
            "revision": revision,
            "documents": status.counts.documents,
            "passages": status.counts.passages,
            "chunk_tokens": status.manifest.chunk_tokens,
            "contents": _short(json.dumps(sorted(hashes.items()))),
        },
    }


def fingerprint(found: Conditions) -> str:
    """Changes with everything that an answer depends on."""
    settings = {key: v for key, v in found["settings"].items() if key != "encoder_threads"}
    kept = {key: v for key, v in found.items() if key != "git"} | {"settings": settings}
    return _short(json.dumps(kept, sort_keys=True))


@cache
def code() -> str:
    """Changes with every line of the program, wherever it is installed."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def git() -> str | None:
    """The revision that is checked out, "+" after it where files differ; None for no checkout."""
    folder = PACKAGE.parent
    if not (folder / ".git").exists():
        return None
    try:
        revision, changed = (
            subprocess.run(
                ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
            ).stdout.strip()
            for arguments in (
                ("rev-parse", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no"),
            )
        )
    except (OSError, subprocess.CalledProcessError):  # no git there, or not for us
        return None
    return f"{revision}+" if changed else revision


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
