"""Dense search: which of the two ways answers, exact search or Chroma, and when."""

import threading
from typing import Literal

from assistant.catalog import Catalog, WriteLock
from assistant.catalog.catalog import Ids
from assistant.embedding.embedding import Vectors
from assistant.errors import IndexStorageError
from assistant.indexes import chroma
from assistant.indexes.exact import ExactIndex, Ranking, best

# Up to here comparing with every vector takes about as long as asking Chroma and looking up what
# it found (3 ms; at 46,000 sentences of SciFact 6.9 against 2.3), needs no import, and is exact.
EXACT_IS_FASTER = 20_000
# A filter that lets through no more than this is answered by reading just those vectors.
FEW_IDS = 500

Preference = Literal["auto", "exact", "chroma"]


class DenseIndex:
    """The nearest passages to a question's vector; scores are exact whichever way they come.

    `auto`: exact search answers the first question of a process, as importing Chroma takes two
    seconds; at the second question a thread opens Chroma, if the index is large enough to gain
    by it, and exact search goes on until that is done. What Chroma finds is scored anew with the
    stored vectors, and what came after it was built is searched exactly, so an index that was
    just changed needs no waiting. A filter is always answered exactly. If Chroma's files are
    damaged they are built anew, where nobody else is writing, and exact search goes on.

    `exact` never uses Chroma; `chroma` waits for it at the first question. Safe to use from many
    threads.
    """

    def __init__(self, catalog: Catalog, *, prefer: Preference = "auto") -> None:
        self._catalog = catalog
        self._prefer = prefer
        self._whole = ExactIndex(catalog)
        self._rest: ExactIndex | None = None
        self._chroma: chroma.ChromaIndex | None = None
        self._guard = threading.Lock()  # over Chroma and the thread that opens it
        self._opener: threading.Thread | None = None
        self._tried: str | None = None  # the last generation that was opened, or would not open
        self._searches = 0
        self._closed = False
        self.problem: str | None = None

    @property
    def answers_by(self) -> str:
        """Whether "chroma" or "exact" search, as the next unfiltered question will be answered."""
        return "exact" if self._chroma is None else "chroma"

    def search(self, vector: Vectors, limit: int, *, allowed: Ids | None = None) -> Ranking:
        """The nearest passages: (passage id, dot product), best first, ties by id.

        `allowed` is a filter of ascending passage ids.
        """
        if allowed is not None:
            return self._filtered(vector, limit, allowed)
        self._searches += 1
        if self._prefer == "chroma" or (self._prefer == "auto" and self._searches > 1):
            self._follow(wait=self._prefer == "chroma")
            with self._guard:
                if self._chroma is not None:
                    try:
                        return self._approximate(self._chroma, vector, limit)
                    except IndexStorageError as error:
                        self._let_go(str(error))
        return self._whole.search(vector, limit)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the thread that opens Chroma, if there is one, has come to its end."""
        opener = self._opener
        if opener is not None:
            opener.join(timeout)

    def close(self) -> None:
        """Let go of Chroma's files."""
        self._closed = True
        self.wait()
        with self._guard:
            self._let_go(None)

    def _filtered(self, vector: Vectors, limit: int, allowed: Ids) -> Ranking:
        if len(allowed) <= FEW_IDS:
            ids, vectors = self._catalog.passage_vectors(allowed)
            return best(ids, vectors, vector, limit)
        return self._whole.search(vector, limit, allowed=allowed)

    def _approximate(self, index: chroma.ChromaIndex, vector: Vectors, limit: int) -> Ranking:
        reach = limit + 16
        while True:
            found = index.candidates(vector, reach)
            ids, vectors = self._catalog.passage_vectors(found)
            if len(ids) >= limit or reach >= index.projection.count:
                break
            reach *= 4  # Many of the candidates have left the catalog.
        ranking = best(ids, vectors, vector, limit)
        if self._rest is not None:
            ranking += self._rest.search(vector, limit)
        return sorted(ranking, key=lambda hit: (-hit[1], hit[0]))[:limit]

    def _follow(self, *, wait: bool) -> None:
        """See that the generation that the catalog names is open, or being opened."""
        projection = self._catalog.projection(chroma.NAME)
        generation = projection.generation if projection is not None else None
        with self._guard:
            if self._closed or generation == self._tried:
                return
            if self._prefer == "auto" and (
                projection is None or projection.count <= EXACT_IS_FASTER
            ):
                self._let_go(None)
                return
            if self._opener is None or not self._opener.is_alive():
                self._opener = threading.Thread(target=self._open, name="open-chroma", daemon=True)
                self._opener.start()
        if wait:
            self.wait()

    def _open(self) -> None:
        problem, index, generation = None, None, None
        try:
            for attempt in ("open", "build and open"):
                projection = self._catalog.projection(chroma.NAME)
                generation = projection.generation if projection is not None else None
                if projection is not None:
                    try:
                        index = chroma.ChromaIndex(self._catalog, projection)
                        break
                    except IndexStorageError as error:
                        problem = str(error)
                if attempt == "open":
                    with WriteLock(self._catalog.folder, purpose="mending the dense index"):
                        self._mend(generation)
        except IndexStorageError as error:
            problem = problem or str(error)
        with self._guard:
            self._let_go(problem if index is None else None)
            self._tried = generation
            if index is not None:
                self._chroma = index
                self._rest = ExactIndex(self._catalog, after=index.projection.high_water)
                self._whole = ExactIndex(self._catalog)  # Gives back the memory.

    def _mend(self, damaged: str | None) -> None:
        """Build anew, unless another process did so while this one waited for the lock."""
        projection = self._catalog.projection(chroma.NAME)
        if projection is None or projection.generation == damaged:
            built = chroma.build(self._catalog)
            if built is not None:
                with self._catalog.transaction() as transaction:
                    transaction.project(built)

    def _let_go(self, problem: str | None) -> None:
        if self._chroma is not None:
            self._chroma.close()
        self._chroma = self._rest = None
        self.problem = problem
