"""What has changed in a folder since the last sync, told before anything is touched.

Of a folder that did not change, only the directory entries are looked at. A file that may have
moved, or that was only touched, is read once to compare its content's hash.
"""

import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath

from assistant.catalog import Catalog, FileState
from assistant.catalog.storage import CATALOG_FILE
from assistant.documents import SUPPORTED
from assistant.embedding import Embedding
from assistant.errors import CorpusError, DocumentError, IndexMismatchError
from assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as the directory shows it; `source` is its POSIX path relative to the folder."""

    source: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sync will do; nothing has been touched yet.

    Attributes:
        folder: The folder, absolute, links resolved.
        rebuild: Whether every document is to be indexed anew.
        allow_empty: Whether a folder without any document may empty the index.
        revision: The catalog's revision that the plan was made for.
        added: Files that are not in the index.
        changed: Files that look different from what was indexed, or that must be indexed anew.
        moved: Old source and new entry of files whose content is in the index under a name that
            is gone. Such a file is in neither `added` nor `removed`.
        touched: Files with a new time but the old content; there is nothing to do but note it.
        removed: Sources of indexed files that are gone.
        unchanged: How many files are as they were.
        failed: Files and folders that cannot be looked at; what was indexed of them stays.
        skipped: How many files were left aside, by extension.
    """

    folder: Path
    rebuild: bool
    allow_empty: bool
    revision: int
    added: tuple[Entry, ...]
    changed: tuple[Entry, ...]
    moved: tuple[tuple[str, Entry], ...]
    touched: tuple[Entry, ...]
    removed: tuple[str, ...]
    unchanged: int
    failed: tuple[DocumentError, ...]
    skipped: dict[str, int]


def plan(
    catalog: Catalog | None,
    folder: str | Path,
    *,
    embedding: Embedding,
    settings: Settings,
    rebuild: bool = False,
    allow_empty: bool = False,
) -> Plan:
    """Compare a folder with the index; `catalog` is None where there is no index yet.

    Raises:
        CorpusError: The folder is missing or unreadable, is that of an index, or holds no
            document while the index does (and `allow_empty` is False).
        IndexMismatchError: The index is of another folder, model or chunking (and `rebuild` is
            False).
    """
    if not str(folder):  # which would be the working folder
        raise CorpusError("the name of the folder is empty; name a folder of documents")
    root = Path(folder)
    try:
        root = root.resolve(strict=True)
        os.scandir(root).close()
    except OSError as error:
        raise CorpusError(
            f"the folder {folder} cannot be read ({error.strerror}); "
            f"name a folder of documents that this user can read"
        ) from error
    known: dict[str, FileState] = {}
    others: dict[str, FileState] = {}
    if catalog is not None:
        if not rebuild:
            require_same(catalog, root, embedding=embedding, settings=settings)
        known, others = catalog.files("folder"), catalog.files("program")
    index = Path(settings.index) if catalog is None else catalog.folder
    scan = _scan(root, index=index.resolve())
    if known and not scan.entries and not allow_empty:
        raise CorpusError(
            f"{root} holds no document that can be read, but the index has {len(known)} from it; "
            f"see that it is the right folder and, if it has a disk of its own, that it is "
            f"mounted, or empty the index with --allow-empty"
        )
    for source in sorted(scan.entries.keys() & others.keys()):
        del scan.entries[source]
        scan.failed.append(_name_taken(source))
    return _compared(
        scan,
        known,
        root=root,
        rebuild=rebuild,
        allow_empty=allow_empty,
        revision=0 if catalog is None else catalog.revision(),
    )


def require_same(
    catalog: Catalog, root: Path | None, *, embedding: Embedding, settings: Settings
) -> None:
    """See that what these settings would add goes with what is there; `root` None is no folder.

    Raises:
        IndexMismatchError: It does not.
    """
    manifest = catalog.manifest()
    if not catalog.counts().documents:
        return
    catalog.require_model(embedding)
    if root is not None and manifest.folder not in (None, str(root)):
        raise IndexMismatchError(
            f"{catalog.folder} is the index of {manifest.folder}, not of {root}; use another "
            f"index for this folder (--index indexes/NAME), or switch it over with --rebuild"
        )
    if manifest.chunk_tokens not in (None, settings.chunk_tokens):
        raise IndexMismatchError(
            f"{catalog.folder} has passages of up to {manifest.chunk_tokens} tokens, not "
            f"{settings.chunk_tokens}; set chunk_tokens to {manifest.chunk_tokens}, "
            f"or run `assistant sync --rebuild --index {catalog.folder}`"
        )


def day_of(mtime_ns: int) -> date:
    """The day of a modification time, as documents without a date of their own bear it."""
    return datetime.fromtimestamp(max(mtime_ns, 0) / 1e9, UTC).date()


@dataclass(slots=True)
class _Scan:
    entries: dict[str, Entry] = field(default_factory=dict)
    failed: list[DocumentError] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # sources, or folders ending in "/"
    skipped: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def _scan(root: Path, *, index: Path) -> _Scan:
    """All files to index below `root`; hidden ones, and folders that hold an index, are not."""
    if root == index or (root / CATALOG_FILE).exists():
        raise CorpusError(
            f"{root} is the folder of an index, not of documents; name the folder of your "
            f"documents, and keep the index in a folder of its own (--index indexes/NAME)"
        )
    scan = _Scan()
    folders = [""]
    while folders:
        prefix = folders.pop()
        try:
            with os.scandir(root / prefix) as directory:
                entries = list(directory)
        except OSError as error:
            scan.failed.append(_unreadable(prefix, error))
            scan.unreadable.append(prefix)
            continue
        if any(entry.name == CATALOG_FILE for entry in entries) or root / prefix == index:
            continue
        for entry in entries:
            source = prefix + entry.name
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_symlink() and not _stays_inside(root, entry):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(source + "/")
                elif entry.is_file():
                    suffix = PurePosixPath(entry.name).suffix.lower()
                    if suffix in SUPPORTED:
                        status = entry.stat()
                        scan.entries[source] = Entry(source, status.st_size, status.st_mtime_ns)
                    else:
                        scan.skipped[suffix] += 1
            except OSError as error:
                scan.failed.append(_unreadable(source, error))
                scan.unreadable.append(source)
    return scan


def _stays_inside(root: Path, entry: os.DirEntry[str]) -> bool:
    """Whether a link leads to a file of the folder; links to folders are not followed at all."""
    target = Path(entry.path).resolve()
    return target.is_file() and target.is_relative_to(root)


def _compared(
    scan: _Scan,
    known: dict[str, FileState],
    *,
    root: Path,
    rebuild: bool,
    allow_empty: bool,
    revision: int,
) -> Plan:
    added, changed, touched, unchanged = [], [], [], 0
    for source, entry in sorted(scan.entries.items()):
        state = known.get(source)
        if state is None:
            added.append(entry)
        elif rebuild or state.stale:
            changed.append(entry)
        elif (state.size, state.mtime_ns) == (entry.size, entry.mtime_ns):
            unchanged += 1
        elif state.size == entry.size and _content_hash(root / source) == state.content_hash:
            touched.append(entry)
        else:
            changed.append(entry)
    folders = tuple(name for name in scan.unreadable if name.endswith("/"))
    gone = sorted(
        source
        for source in known.keys() - scan.entries.keys()
        if source not in scan.unreadable and not source.startswith(folders)
    )
    moved = [] if rebuild else _moved(root, added, [known[source] for source in gone])
    left, arrived = {old for old, _ in moved}, {entry.source for _, entry in moved}
    return Plan(
        folder=root,
        rebuild=rebuild,
        allow_empty=allow_empty,
        revision=revision,
        added=tuple(entry for entry in added if entry.source not in arrived),
        changed=tuple(changed),
        moved=tuple(moved),
        touched=tuple(touched),
        removed=tuple(source for source in gone if source not in left),
        unchanged=unchanged,
        failed=tuple(scan.failed),
        skipped=dict(sorted(scan.skipped.items())),
    )


def _moved(root: Path, added: list[Entry], gone: list[FileState]) -> list[tuple[str, Entry]]:
    """Pair new files with old ones of the same content, type and size; read only if need be."""
    by_shape = defaultdict(list)
    for state in gone:
        if not state.stale:
            by_shape[state.size, _type(state.source)].append(state)
    pairs = []
    for entry in added:
        candidates = by_shape.get((entry.size, _type(entry.source)))
        if not candidates:
            continue
        content_hash = _content_hash(root / entry.source)
        same = [state for state in candidates if state.content_hash == content_hash]
        # Of several copies, the one of the same file name most likely is where it came from.
        name = PurePosixPath(entry.source).name
        same.sort(key=lambda state: (PurePosixPath(state.source).name != name, state.source))
        if same:
            candidates.remove(same[0])
            pairs.append((same[0].source, entry))
    return pairs


def _type(source: str) -> str | None:
    return SUPPORTED.get(PurePosixPath(source).suffix.lower())


def _content_hash(path: Path) -> str | None:
    """SHA-256 of a file; None if it cannot be read, which the parser will say better."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _unreadable(source: str, error: OSError) -> DocumentError:
    what = "the folder" if source.endswith("/") or not source else "it"
    return DocumentError(
        source,
        kind="unreadable",
        reason=f"{what} cannot be read ({error.strerror})",
        remedy="let this user read it, and sync again",
    )


def _name_taken(source: str) -> DocumentError:
    return DocumentError(
        source,
        kind="conflict",
        reason="a document of that name was added by a program",
        remedy="rename the file, or remove the other document",
    )
