"""The dense index: Chroma's HNSW over the passage vectors, built from the catalog.

A generation is built in a fresh folder, written out whole, checked, and only then named in the
catalog; from then on it never changes. So no reader ever loads half-written files, a killed
build leaves nothing but a folder to delete, and a damaged file is told by its checksum before
Chroma's native code reads it. (Chroma updated in place was broken for ever by the 5th kill, and
it searches truncated files without a word.) What came after a generation is searched exactly,
until it is worth a new one.
"""

import contextlib
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from assistant.catalog import Catalog, Projection
from assistant.embedding.embedding import Vectors
from assistant.errors import IndexStorageError
from assistant.indexes.folders import file_sizes, problem_with_files

if TYPE_CHECKING:
    from chromadb.api.client import Client

NAME = "dense"
FOLDER = "chroma"
COLLECTION = "passages"
DATABASE = "chroma.sqlite3"  # Chroma writes to it on opening; the HNSW files stay as they were
# On the 46,000 sentences of SciFact, .995 of the true 10 nearest are found, .983 of 100.
SEARCH_BREADTH = 200
# Below a tenth, or a thousand passages, searching the rest exactly costs less than a build.
WORTH_A_BUILD = 0.1
LEAST_WORTH_A_BUILD = 1000

Progress = Callable[[int, int], None]


class ChromaIndex:
    """One generation, opened; its candidates may have left the catalog since it was built."""

    def __init__(self, catalog: Catalog, projection: Projection) -> None:
        """Open a generation whose files are as they were written.

        Raises:
            IndexStorageError: They are not, or Chroma will not open them.
        """
        self.projection = projection
        path = folder(catalog, projection.generation)
        problem = problem_with_files(path, projection, checksums=True)
        if problem:
            raise IndexStorageError(f"{path}: {problem}; run `assistant doctor`")
        with _told(path):
            self._client = _client(path)
            try:
                self._collection = self._client.get_collection(COLLECTION, embedding_function=None)
                self._size = self._collection.count()
            except BaseException:
                self._client.close()
                raise
        if self._size != projection.count:
            self._client.close()
            raise IndexStorageError(
                f"{path} holds {self._size} passages instead of {projection.count}; "
                f"run `assistant doctor --mend`"
            )

    def candidates(self, vector: Vectors, limit: int) -> list[int]:
        """The ids of about the `limit` nearest passages, nearest first.

        Raises:
            IndexStorageError: Chroma cannot answer.
        """
        with _told(Path(self.projection.generation)):
            found = self._collection.query(
                query_embeddings=vector[None, :],
                n_results=max(1, min(limit, self._size)),
                include=[],
            )
        return [int(key) for key in found["ids"][0]]

    def close(self) -> None:
        """Let go of the files."""
        self._client.close()


def folder(catalog: Catalog, generation: str) -> Path:
    """Where a generation of the dense index lies."""
    return catalog.folder / FOLDER / generation


def check(catalog: Catalog, *, deep: bool = False) -> str | None:
    """What is wrong with the dense index, or None.

    Only its files are looked at, which takes no time; `deep` reads them and asks Chroma.
    """
    projection = catalog.projection(NAME)
    if projection is None:
        return None if not catalog.counts().passages else "it was never built"
    path = folder(catalog, projection.generation)
    problem = problem_with_files(path, projection, checksums=deep)
    if problem:
        return problem
    if not (path / DATABASE).is_file():
        return f"{DATABASE} is missing"
    if deep:
        try:
            index = ChromaIndex(catalog, projection)
        except IndexStorageError as error:
            return str(error)
        try:
            return _sample(catalog, index)
        except IndexStorageError as error:
            return str(error)
        finally:
            index.close()
    return None


def wants_build(catalog: Catalog) -> bool:
    """Whether so much has come or gone since the generation was built that a new one pays."""
    size = catalog.counts().passages
    projection = catalog.projection(NAME)
    if projection is None:
        return size > 0
    kept = catalog.count_passages(up_to=projection.high_water)
    changed = (size - kept) + (projection.count - kept)
    return changed > max(LEAST_WORTH_A_BUILD, WORTH_A_BUILD * size)


def build(catalog: Catalog, *, progress: Progress | None = None) -> Projection | None:
    """Build a new generation; only under the write lock.

    Returns the state to be recorded in the catalog, or None if there is no vector to index.

    Raises:
        IndexStorageError: Chroma cannot write it.
    """
    total = catalog.count_vectors()
    if not total:
        return None
    path = folder(catalog, uuid.uuid4().hex[:12])
    try:
        return _built(catalog, path, total=total, progress=progress)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _built(catalog: Catalog, path: Path, *, total: int, progress: Progress | None) -> Projection:
    if progress is not None:
        progress(0, total)
    with _told(path):
        path.mkdir(parents=True)
        client = _client(path)
        try:
            # With the threshold at the whole number, the graph is written out once, at the end.
            whole = max(2, total)
            collection = client.create_collection(
                COLLECTION,
                embedding_function=None,
                configuration={
                    "hnsw": {
                        "space": "cosine",
                        "ef_search": SEARCH_BREADTH,
                        "batch_size": min(100, whole),
                        "sync_threshold": whole,
                    }
                },
            )
            high_water = done = 0
            for ids, vectors in catalog.vector_blocks(size=client.get_max_batch_size()):
                names = [str(key) for key in ids.tolist()]
                collection.add(ids=names, embeddings=vectors)
                high_water = max(high_water, int(ids.max()))
                done += len(ids)
                if progress is not None:
                    progress(done, total)
            if total == 1:
                collection.upsert(ids=names, embeddings=vectors)  # The least threshold is 2.
        finally:
            client.close()
        _shrink(path / DATABASE)
        projection = Projection(
            name=NAME,
            generation=path.name,
            high_water=high_water,
            count=done,
            files=file_sizes(path, ignore={DATABASE}),
        )
        index = ChromaIndex(catalog, projection)
        try:
            problem = _sample(catalog, index)
        finally:
            index.close()
        if problem:
            raise IndexStorageError(f"{path} came out wrong: {problem}; sync again")
        return projection


def preload() -> None:
    """Import Chroma, which takes two seconds: to be called in a thread, beside other work."""
    import chromadb  # noqa: F401


def _client(path: Path) -> "Client":
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    return cast("Client", chromadb.PersistentClient(str(path), settings=settings))


def _sample(catalog: Catalog, index: ChromaIndex) -> str | None:
    """Whether some passages are found by their own vectors."""
    ids = catalog.passage_ids(after=max(0, index.projection.high_water - 50))
    vectors = catalog.vectors(ids[ids <= index.projection.high_water][:3])
    for key, (vector, _) in vectors.items():
        # Others may have the very same vector, so the best candidate need not be this one.
        nearest = catalog.vectors(index.candidates(vector, 10))
        best = max((float(vector @ other) for other, _ in nearest.values()), default=0.0)
        if best < float(vector @ vector) - 0.01:
            return f"it does not find passage {key}"
    return None


def _shrink(database: Path) -> None:
    """Give back the space of Chroma's queue, which is emptied but not shrunk (40 MB in 44)."""
    connection = sqlite3.connect(database)
    try:
        connection.execute("VACUUM")
    finally:
        connection.close()


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Let nothing of Chroma's leave but as IndexStorageError."""
    try:
        yield
    except IndexStorageError:
        raise
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # A panic in Chroma is no Exception.
        raise IndexStorageError(
            f"the dense index {path} cannot be used ({type(error).__name__}: {error}); "
            f"check that the disk is neither full nor failing and run `assistant doctor --mend`"
        ) from error
