"""A plan, applied: documents are read, encoded and switched; then the search indexes follow."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath

from assistant.catalog import Catalog, FileState, ListedDocument, WriteLock
from assistant.documents import Document, read_documents
from assistant.embedding import Embedding
from assistant.errors import DocumentError
from assistant.indexes import prepare, update
from assistant.passages import Passage, split
from assistant.settings import Settings
from assistant.sync.encoding import Encoder, Job
from assistant.sync.planning import Entry, Plan, day_of, plan, require_same
from assistant.sync.prefetching import prefetched
from assistant.sync.reports import Failed, Phase, Progress, Step, SyncReport

# Documents read and cut into passages while the encoder is at work.
AHEAD = 32
# Documents removed or renamed in one transaction.
TOGETHER = 500
# Vectors that no passage uses any more and that are kept in case their texts come back.
LEAST_SPARE = 1000
LOST_CALIBRATION = (
    "the calibration was dropped, as it was fitted to another embedding model; "
    "fit it anew with assistant calibrate"
)


def apply(
    catalog: Catalog,
    to_do: Plan,
    *,
    embedding: Embedding,
    settings: Settings,
    progress: Progress | None = None,
) -> SyncReport:
    """Do what a plan says; if the index has changed since, what it would say now.

    Each document is switched as a whole: until then its old version answers. Killed at any
    moment, the index is sound, and the next sync goes on from there without encoding anything
    twice.

    Raises:
        IndexLockedError: Another process is writing.
        IndexStorageError: The disk is full, or the folder cannot be written.
        CorpusError, IndexMismatchError: As `plan`.
        EmbeddingError: The model is unreachable; what was done until then is kept.
    """
    with WriteLock(catalog.folder, purpose="sync"):
        if catalog.revision() != to_do.revision:
            to_do = plan(
                catalog,
                to_do.folder,
                embedding=embedding,
                settings=settings,
                rebuild=to_do.rebuild,
                allow_empty=to_do.allow_empty,
            )
        run = _Run(catalog, embedding=embedding, settings=settings, progress=progress)
        run.describe(folder=to_do.folder, rebuild=to_do.rebuild)
        run.index(to_do.folder, run.relocated(to_do))
        run.remove(to_do.removed)
        return run.finish(to_do)


def add(
    catalog: Catalog,
    documents: Iterable[Document],
    *,
    embedding: Embedding,
    settings: Settings,
    progress: Progress | None = None,
) -> SyncReport:
    """Put documents from a program into the index, each in place of one of the same source.

    A sync of the folder leaves them alone. One whose source is a file of the folder is refused:
    it is in the report's `failed`.

    Raises:
        IndexLockedError, IndexStorageError, EmbeddingError: As `apply`.
        IndexMismatchError: The index is of another model or chunking.
    """
    require_same(catalog, None, embedding=embedding, settings=settings)
    with WriteLock(catalog.folder, purpose="adding documents"):
        run = _Run(catalog, embedding=embedding, settings=settings, progress=progress)
        run.describe(folder=None, rebuild=False)
        run.add(documents)
        return run.finish(None)


def remove(catalog: Catalog, sources: Iterable[str]) -> int:
    """Take documents that a program added out of the index; returns how many there were.

    Raises:
        DocumentError: One of them is a file of the synced folder, which the next sync would
            bring back; nothing is removed then.
        IndexLockedError, IndexStorageError: As `apply`.
    """
    wanted = [sources] if isinstance(sources, str) else list(dict.fromkeys(sources))
    with WriteLock(catalog.folder, purpose="removing documents"):
        files = catalog.files("folder")
        for source in wanted:
            if source in files:
                raise DocumentError(
                    source,
                    kind="conflict",
                    reason="it is a file of the synced folder",
                    remedy="delete the file, and sync again",
                )
        with catalog.transaction() as transaction:
            removed = transaction.remove(wanted)
        update(catalog)
        return removed


@dataclass(frozen=True, slots=True)
class _File:
    """A file to be read; `previous` is where the index has it, if nothing but that may differ."""

    entry: Entry
    previous: str | None = None


@dataclass(slots=True)
class _Run:
    """One run of the writer, and what it has counted so far."""

    catalog: Catalog
    embedding: Embedding
    settings: Settings
    progress: Progress | None
    started: float = field(default_factory=time.monotonic)
    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    hidden: int = 0
    done: int = 0
    total: int = 0
    failures: list[DocumentError] = field(default_factory=list)
    notice: str = ""
    encoder: Encoder = field(init=False)

    def __post_init__(self) -> None:
        self.encoder = Encoder(
            self.catalog,
            self.embedding,
            switched=lambda job: self.step(job.document.source),
            encoding=partial(self.tell, "passages"),
        )

    def describe(self, *, folder: Path | None, rebuild: bool) -> None:
        """Write down what the index is built with; from here on a rebuild would be continued."""
        manifest = self.catalog.manifest()
        values: dict[str, str | int] = {
            "embedding": self.embedding.name,
            "fingerprint": self.embedding.fingerprint,
            "dimensions": self.embedding.dimensions,
            "chunk_tokens": self.settings.chunk_tokens,
        }
        if folder is not None:
            values["folder"] = str(folder)
        if not rebuild and all(getattr(manifest, key) == value for key, value in values.items()):
            return
        with self.catalog.transaction() as transaction:
            transaction.describe(**values)
            if rebuild:
                transaction.mark_stale()
            if manifest.fingerprint not in (None, self.embedding.fingerprint):
                transaction.forget_projection("dense")
                if manifest.calibration is not None:
                    transaction.calibrate(None)
                    self.notice = LOST_CALIBRATION

    def relocated(self, to_do: Plan) -> list[_File]:
        """Rename what has only moved or been touched; returns the files that must be read."""
        files = [_File(entry) for entry in (*to_do.added, *to_do.changed)]
        pairs = [*to_do.moved, *((entry.source, entry) for entry in to_do.touched)]
        if not pairs:
            return files
        listed = {document.source: document for document in self.catalog.documents()}
        states = self.catalog.files("folder")
        certain = []
        for old, entry in pairs:
            if _in_doubt(listed[old], states[old], entry):
                files.append(_File(entry, previous=old))
            else:
                certain.append((listed[old], entry))
        for start in range(0, len(certain), TOGETHER):
            with self.catalog.transaction() as transaction:
                for document, entry in certain[start : start + TOGETHER]:
                    transaction.relocate(
                        document.source,
                        entry.source,
                        title=document.title,
                        day=document.date,
                        size=entry.size,
                        mtime_ns=entry.mtime_ns,
                    )
                    self.count_relocation(document.source, entry.source)
        return files

    def index(self, folder: Path, files: list[_File]) -> None:
        """Read, encode and switch these files, and the documents that a rebuild still owes."""
        owed = [source for source, state in self.catalog.files("program").items() if state.stale]
        self.total = len(files) + len(owed)
        if not self.total:
            return
        prepare(self.catalog)
        known = self.catalog.files("folder").keys()
        replaced: list[str] = []
        for file, result, passages in prefetched(self.read(folder, files), ahead=AHEAD):
            if isinstance(result, DocumentError):
                self.failures.append(result)
                self.step(result.source)
                continue
            self.hidden += result.hidden_characters
            if file.previous is not None and self.relocate(file.previous, result, file.entry):
                self.step(result.source)
                continue
            if file.previous is not None and file.previous != result.source:
                replaced.append(file.previous)
            if result.source in known:
                self.changed += 1
            else:
                self.added += 1
            self.encoder.put(Job(result, passages, "folder", file.entry.size, file.entry.mtime_ns))
        for source in owed:
            document = self.catalog.document(source)
            if document is not None:
                self.encoder.put(self.program_job(document))
        self.encoder.flush()
        self.remove(replaced)

    def read(
        self, folder: Path, files: list[_File]
    ) -> Iterator[tuple[_File, Document | DocumentError, list[Passage]]]:
        """Each file, read and cut into passages."""
        wanted = ((folder / file.entry.source, file.entry.source) for file in files)
        results = read_documents(wanted, settings=self.settings)
        for file, result in zip(files, results, strict=True):
            yield file, result, self.split(result) if isinstance(result, Document) else []

    def split(self, document: Document) -> list[Passage]:
        return split(document, max_tokens=self.settings.chunk_tokens)

    def program_job(self, document: Document) -> Job:
        return Job(document, self.split(document), "program", len(document.text), 0)

    def relocate(self, old: str, document: Document, entry: Entry) -> bool:
        """Rename a document that has been read again, if that is all that happened to it."""
        before = self.catalog.document(old)
        if before is None or (before.text, before.type, before.blocks) != (
            document.text,
            document.type,
            document.blocks,
        ):
            return False
        with self.catalog.transaction() as transaction:
            transaction.relocate(
                old,
                document.source,
                title=document.title,
                day=document.date,
                size=entry.size,
                mtime_ns=entry.mtime_ns,
            )
        self.count_relocation(old, document.source)
        return True

    def add(self, documents: Iterable[Document]) -> None:
        """Encode and switch documents from a program."""
        prepare(self.catalog)
        files, programs = self.catalog.files("folder"), self.catalog.files("program")
        taken: set[str] = set()  # in this run; of several of one source the last one counts
        for document in documents:
            self.total += 1
            if document.source in files:
                self.failures.append(_belongs_to_the_folder(document.source))
                self.step(document.source)
                continue
            if document.source in taken:
                self.changed += 1
            elif document.source not in programs:
                self.added += 1
            elif not programs[document.source].stale and self.same(document):
                self.unchanged += 1
                self.step(document.source)
                continue
            else:
                self.changed += 1
            taken.add(document.source)
            self.encoder.put(self.program_job(document))
        self.encoder.flush()

    def same(self, document: Document) -> bool:
        return self.catalog.document(document.source) == document

    def remove(self, sources: Sequence[str]) -> None:
        for start in range(0, len(sources), TOGETHER):
            with self.catalog.transaction() as transaction:
                self.removed += transaction.remove(sources[start : start + TOGETHER])

    def count_relocation(self, old: str, new: str) -> None:
        if old == new:
            self.unchanged += 1
        else:
            self.moved += 1

    def step(self, source: str) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(Step("documents", self.done, self.total, source))

    def finish(self, to_do: Plan | None) -> SyncReport:
        """Bring the search indexes up to date, tidy up, and tell."""
        if to_do is not None:
            self.unchanged += to_do.unchanged
            self.failures = sorted([*to_do.failed, *self.failures], key=lambda error: error.source)
            with self.catalog.transaction() as transaction:
                transaction.clear_failures()
                for error in self.failures:
                    transaction.fail(error)
                transaction.describe(synced_at=datetime.now(UTC).isoformat(timespec="seconds"))
        counts = self.catalog.counts()
        spare = max(LEAST_SPARE, counts.passages)
        if counts.cached_vectors - counts.passages > spare:
            with self.catalog.transaction() as transaction:
                transaction.prune_vectors(spare=spare)
        update(self.catalog, progress=self.tell)
        self.catalog.settle()
        return SyncReport(
            added=self.added,
            changed=self.changed,
            moved=self.moved,
            removed=self.removed,
            unchanged=self.unchanged,
            failed=tuple(
                Failed(error.source, error.kind, error.reason, error.remedy)
                for error in self.failures
            ),
            skipped=dict(to_do.skipped) if to_do is not None else {},
            passages=counts.passages,
            embedded=self.encoder.embedded,
            reused=self.encoder.reused,
            hidden_characters=self.hidden,
            seconds=time.monotonic() - self.started,
            notice=self.notice,
        )

    def tell(self, phase: Phase, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(Step(phase, done, total))


def _in_doubt(document: ListedDocument, state: FileState, entry: Entry) -> bool:
    """Whether title or date may have come from the old name or time, so that reading must tell."""
    old, new = PurePosixPath(document.source).stem, PurePosixPath(entry.source).stem
    before, now = day_of(state.mtime_ns), day_of(entry.mtime_ns)
    named = _letters(document.title) in (_letters(old), _letters(document.source))
    return (old != new and named) or (before != now and document.date == before)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _belongs_to_the_folder(source: str) -> DocumentError:
    return DocumentError(
        source,
        kind="conflict",
        reason="a file of the synced folder has that name",
        remedy="choose another source for the document",
    )
