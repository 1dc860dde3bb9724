"""Keeping the search indexes in step with the catalog, and mending them."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from assistant.catalog import Catalog, WriteLock
from assistant.errors import AssistantError, IndexLockedError, IndexStorageError
from assistant.indexes import chroma, lexical
from assistant.indexes.folders import remove_all_but

Progress = Callable[[Literal["lexical", "dense"], int, int], None]
# Room to build both indexes anew beside the old ones, as a share of the catalog's size.
ROOM_TO_REBUILD = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `mended` says that it was wrong and no longer is."""

    name: str
    ok: bool
    detail: str
    mended: bool = False


def prepare(catalog: Catalog) -> None:
    """Begin to import Chroma in a thread, beside other work, if the next update will need it."""
    if catalog.projection(chroma.NAME) is None:
        threading.Thread(target=chroma.preload, name="import-chroma", daemon=True).start()


def update(catalog: Catalog, *, progress: Progress | None = None) -> None:
    """Bring both indexes up to date with the catalog, mending what is damaged.

    Only under the write lock. A kill at any moment leaves them as they were or up to date, or
    such that the next update builds them anew.

    Raises:
        IndexStorageError: They cannot be written; the catalog is not touched by that.
    """
    update_lexical(catalog, progress=progress)
    if chroma.check(catalog) or chroma.wants_build(catalog):
        _build_dense(catalog, progress=progress)
    current = catalog.projection(chroma.NAME)
    remove_all_but(catalog.folder / chroma.FOLDER, current.generation if current else None)


def update_lexical(catalog: Catalog, *, progress: Progress | None = None) -> None:
    """The same for the lexical index alone."""
    if progress is not None:
        progress("lexical", 0, 1)
    try:
        built = lexical.build(catalog) if lexical.check(catalog) else lexical.update(catalog)
    except (OSError, ValueError) as error:
        raise IndexStorageError(
            f"the lexical index in {catalog.folder} cannot be written ({error}); "
            f"check that the disk is neither full nor failing, and sync again"
        ) from error
    if built is not None:
        with catalog.transaction() as transaction:
            lexical.record(transaction, built)
    current = catalog.projection(lexical.NAME)
    remove_all_but(catalog.folder / lexical.FOLDER, current.generation if current else None)
    if progress is not None:
        progress("lexical", 1, 1)


def mend_for_reading(catalog: Catalog) -> str | None:
    """What a reader does on opening: mend the lexical index, if it must and nobody writes.

    Returns what is wrong and could not be mended now, or None. The dense index needs no mending
    to be read, as exact search takes its place.
    """
    problem = lexical.check(catalog)
    if problem is None and not lexical.lags(catalog):
        return None
    try:
        with WriteLock(catalog.folder, purpose="mending the lexical index"):
            update_lexical(catalog)
    except IndexLockedError:
        # The writer is changing these very files, and mends them if they need it.
        return None if lexical.LexicalIndex(catalog).usable() else problem
    except IndexStorageError as error:
        return str(error) if problem else None
    return None


def doctor(catalog: Catalog, *, mend: bool = False) -> list[Finding]:
    """Look at everything that can go wrong with an index; `mend` puts right what can be.

    The catalog itself cannot be mended from within: it is the truth.
    """
    lock = WriteLock(catalog.folder, purpose="doctor")
    try:
        lock.acquire()
    except IndexLockedError as error:
        return [_catalog_finding(catalog), Finding("lock", ok=True, detail=str(error))]
    except IndexStorageError as error:
        return [_catalog_finding(catalog), Finding("lock", ok=False, detail=str(error))]
    with lock:
        findings = [_catalog_finding(catalog), Finding("lock", ok=True, detail="nobody writes")]
        for name, check, repair in (
            ("lexical", _deep_lexical, _build_lexical),
            ("dense", _deep_dense, _build_dense),
        ):
            problem = check(catalog)
            finding = Finding(name, ok=problem is None, detail=problem or "in step and whole")
            if problem and mend:
                try:
                    repair(catalog)
                    problem = check(catalog)
                    finding = replace(finding, ok=problem is None, mended=problem is None)
                except (AssistantError, OSError) as error:
                    finding = replace(finding, detail=str(error))
            findings.append(finding)
    return [*findings, _room_finding(catalog)]


def _build_lexical(catalog: Catalog) -> None:
    built = lexical.build(catalog)
    with catalog.transaction() as transaction:
        lexical.record(transaction, built)
    remove_all_but(catalog.folder / lexical.FOLDER, built.generation)


def _build_dense(catalog: Catalog, *, progress: Progress | None = None) -> None:
    built = chroma.build(
        catalog, progress=progress and (lambda done, total: progress("dense", done, total))
    )
    if built is not None:
        with catalog.transaction() as transaction:
            transaction.project(built)
        remove_all_but(catalog.folder / chroma.FOLDER, built.generation)


def _deep_lexical(catalog: Catalog) -> str | None:
    if problem := lexical.check(catalog, deep=True):
        return problem
    return "it is behind the catalog" if lexical.lags(catalog) else None


def _deep_dense(catalog: Catalog) -> str | None:
    return chroma.check(catalog, deep=True)


def _catalog_finding(catalog: Catalog) -> Finding:
    try:
        problems = catalog.check()
    except IndexStorageError as error:
        problems = [str(error)]
    counts = catalog.counts()
    fine = f"{counts.documents} documents, {counts.passages} passages"
    return Finding("catalog", ok=not problems, detail="; ".join(problems) or fine)


def _room_finding(catalog: Catalog) -> Finding:
    needed = sum(path.stat().st_size for path in catalog.folder.glob("catalog.sqlite3*"))
    free = shutil.disk_usage(catalog.folder).free
    return Finding(
        "disk",
        ok=free > ROOM_TO_REBUILD * needed,
        detail=f"{free / 1e9:.1f} GB free, {needed / 1e9:.2f} GB in the catalog",
    )
