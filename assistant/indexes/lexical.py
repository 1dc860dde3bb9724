"""The lexical index: BM25 over titles, headings and texts (tantivy); built from the catalog.

tantivy survives a killed process: a commit is there wholly or not at all, and what a killed
update may have added twice is deleted by the next one. So it is updated in place, and built anew
in a fresh folder when it is damaged, or when too much of it is removed passages.
"""

import json
import math
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assistant.catalog import Catalog, Projection, Transaction
from assistant.catalog.catalog import Ids
from assistant.catalog.storage import CATALOG_FILE
from assistant.indexes.folders import file_sizes, problem_with_files

if TYPE_CHECKING:
    import tantivy

NAME = "lexical"
FOLDER = "lexical"
ANALYZER = "english_folded"
LONGEST_WORD = 40  # bytes; longer ones are base64 and the like, which nobody searches for
FEW_IDS = 1000  # up to here a filter is part of the query; past it, results are filtered
# Removed passages weigh in BM25's statistics until their files are merged. A small index is
# built anew rather than left so (5,000 passages take a quarter of a second).
SMALL = 5000
MOST_REMOVED = 0.1


@lru_cache(maxsize=1)
def _analyzer() -> "tantivy.TextAnalyzer":
    import tantivy

    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(LONGEST_WORD))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


def terms(text: str) -> list[str]:
    """What the lexical index sees of a text: words in lower case, without accents, stemmed."""
    return list(_analyzer().analyze(_encodable(text)))


class LexicalIndex:
    """Searches the lexical index of a catalog; safe to use from many threads.

    It looks at the catalog before each search, and so follows what another process writes.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._guard = threading.Lock()
        self._projection: Projection | None = None
        self._index: tantivy.Index | None = None

    def search(
        self,
        query: str,
        limit: int,
        *,
        allowed: Ids | None = None,
    ) -> list[tuple[int, float]]:
        """The best passages for the words of a query: (passage id, BM25 score), best first.

        Any text is a query; a passage that has one of its words is a candidate. `allowed` is a
        filter of ascending passage ids. Ties (scores equal to four decimals) go by id. Scores
        change a little with updates, as removed passages count in the statistics until they are
        merged away. Empty when nothing matches, or when there is no usable index.
        """
        index = self._current()
        words = sorted(set(terms(query)))
        if index is None or not words or limit < 1 or (allowed is not None and not len(allowed)):
            return []
        searcher = index.searcher()
        wanted = self._query(index, words, allowed)
        total = searcher.num_docs
        reach = limit + 16
        if allowed is not None and len(allowed) > FEW_IDS:
            reach = min(total, math.ceil(2 * limit * total / len(allowed)) + 16)
        while True:
            hits = searcher.search(wanted, limit=max(1, reach), count=False).hits
            ids = searcher.fast_field_values("id", [address for _, address in hits])
            found = [
                (int(key), round(float(score), 4))
                for key, (score, _) in zip(ids, hits, strict=True)
                if key is not None
            ]
            last = found[-1][1] if found else 0.0
            found = sorted(_let_through(found, allowed), key=lambda hit: (-hit[1], hit[0]))
            # Enough, and no passage beyond the reach ties with the last one returned?
            settled = len(found) >= limit and found[limit - 1][1] > last
            if settled or len(hits) < reach:
                return found[:limit]
            reach *= 4

    def idf(self, words: Iterable[str]) -> dict[str, float]:
        """How rare each word is among the texts, as in BM25: ln(1 + (n - df + .5) / (df + .5)).

        A word that the analysis cuts in pieces gets the highest of theirs; one of which nothing
        is left (or for which there is no usable index) gets 0.
        """
        index = self._current()
        if index is None:
            return dict.fromkeys(words, 0.0)
        searcher = index.searcher()
        total = searcher.num_docs
        rarities = {}
        for word in words:
            frequencies = [searcher.doc_freq("text", term) for term in terms(word)]
            rarities[word] = max(
                (
                    math.log1p(max(0.0, total - frequency + 0.5) / (frequency + 0.5))
                    for frequency in frequencies
                ),
                default=0.0,
            )
        return rarities

    def usable(self) -> bool:
        """Whether there is an index that opens."""
        return self._current() is not None

    def _current(self) -> "tantivy.Index | None":
        """The index as the catalog describes it now, or None if it is missing or will not open."""
        projection = self._catalog.projection(NAME)
        with self._guard:
            if projection == self._projection:
                return self._index
            try:
                if projection is None:
                    self._index = None
                else:
                    self._index = _open(folder(self._catalog, projection.generation))
            except (ValueError, OSError):
                self._index = None
            self._projection = projection
            return self._index

    @staticmethod
    def _query(
        index: "tantivy.Index",
        words: list[str],
        allowed: Ids | None,
    ) -> "tantivy.Query":
        from tantivy import Occur, Query

        schema = index.schema
        alternatives = Query.boolean_query(
            [(Occur.Should, Query.term_query(schema, "text", word)) for word in words]
        )
        if allowed is None or len(allowed) > FEW_IDS:
            return alternatives
        filtered = Query.const_score_query(
            Query.term_set_query(schema, "id", allowed.tolist()), 0.0
        )
        return Query.boolean_query([(Occur.Must, filtered), (Occur.Must, alternatives)])


def folder(catalog: Catalog, generation: str) -> Path:
    """Where a generation of the lexical index lies."""
    return catalog.folder / FOLDER / generation


def check(catalog: Catalog, *, deep: bool = False) -> str | None:
    """What is wrong with the lexical index, or None: its files, then its count and a sample.

    `deep` reads the files whole. While somebody writes it may find fault with a sound index, as
    an update changes files before it is recorded.
    """
    projection = catalog.projection(NAME)
    if projection is None:
        return None if not catalog.counts().passages else "it was never built"
    path = folder(catalog, projection.generation)
    problem = problem_with_files(path, projection, checksums=deep)
    if problem:
        return problem
    try:
        index = _open(path)
        searcher = index.searcher()
        if searcher.num_docs != projection.count:
            return f"it holds {searcher.num_docs} passages instead of {projection.count}"
        return _sample(catalog, index, projection)
    except (ValueError, OSError) as error:
        return f"it does not open ({error})"


def lags(catalog: Catalog) -> bool:
    """Whether the catalog has changed since the lexical index was last brought up to date."""
    projection = catalog.projection(NAME)
    if projection is None:
        return bool(catalog.counts().passages)
    # What was removed from beyond its reach was never in it.
    gone = any(key <= projection.high_water for key in catalog.removals())
    return gone or len(catalog.passage_ids(after=projection.high_water)) > 0


def update(catalog: Catalog) -> Projection | None:
    """Bring the lexical index up to date with the catalog; only under the write lock.

    Returns the new state to be recorded with `record`, or None if nothing was to be done.
    """
    projection = catalog.projection(NAME)
    if projection is None:
        return build(catalog) if catalog.counts().passages else None
    gone = [key for key in catalog.removals() if key <= projection.high_water]
    newest = catalog.passage_ids(after=projection.high_water)
    if not gone and not len(newest):
        return None
    path = folder(catalog, projection.generation)
    size = catalog.counts().passages
    removed = len(gone) + _removed_before(path)
    if removed and (size <= SMALL or removed > MOST_REMOVED * size):
        return build(catalog)
    return _write(catalog, path, projection.generation, after=projection.high_water, gone=gone)


def build(catalog: Catalog) -> Projection:
    """Build the lexical index anew, in a fresh folder; only under the write lock."""
    generation = uuid.uuid4().hex[:12]
    path = folder(catalog, generation)
    path.mkdir(parents=True)
    return _write(catalog, path, generation, after=0, gone=[])


def record(transaction: Transaction, projection: Projection) -> None:
    """Make a state that `update` or `build` returned the one that readers see."""
    transaction.project(projection)
    transaction.forget_removals(up_to=projection.high_water)


def _write(
    catalog: Catalog, path: Path, generation: str, *, after: int, gone: list[int]
) -> Projection:
    import tantivy

    index = _open(path) if (path / "meta.json").exists() else _create(path)
    # One thread, so that the same passages always give the same files.
    writer = index.writer(heap_size=64_000_000, num_threads=1)
    for key in gone:
        writer.delete_documents_by_term("id", key)
    high_water = after
    # What an update that was killed after its commit left behind.
    writer.delete_documents_by_query(
        tantivy.Query.range_query(
            index.schema, "id", tantivy.FieldType.Integer, after, None, include_lower=False
        )
    )
    for entries in catalog.lexical_entries(after=after):
        for key, text in entries:
            writer.add_document(tantivy.Document(id=key, text=_encodable(text)))
        high_water = entries[-1][0]
    writer.commit()
    writer.wait_merging_threads()
    # tantivy lets nobody else read; whoever may read the catalog may read this.
    for file in path.iterdir():
        shutil.copymode(catalog.folder / CATALOG_FILE, file)
    index.reload()
    return Projection(
        name=NAME,
        generation=generation,
        high_water=high_water,
        count=index.searcher().num_docs,
        files=file_sizes(path, ignore=_IGNORED),
    )


_LOCKS = frozenset({".tantivy-meta.lock", ".tantivy-writer.lock"})
_IGNORED = _LOCKS | {".managed.json"}


def _create(path: Path) -> "tantivy.Index":
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("id", stored=True, indexed=True, fast=True)
    builder.add_text_field("text", tokenizer_name=ANALYZER, index_option="freq")
    return _prepared(tantivy.Index(builder.build(), path=str(path)))


def _open(path: Path) -> "tantivy.Index":
    import tantivy

    if os.access(path, os.W_OK):
        return _prepared(tantivy.Index.open(str(path)))
    # tantivy locks a file even to read. Where it may not, links stand in for the files; once
    # they are open, nothing looks for their names again.
    with tempfile.TemporaryDirectory(prefix="lexical-") as stand_in:
        for file in path.iterdir():
            if file.name not in _LOCKS:
                (Path(stand_in) / file.name).symlink_to(file.absolute())
        return _prepared(tantivy.Index.open(stand_in))


def _prepared(index: "tantivy.Index") -> "tantivy.Index":
    index.register_tokenizer(ANALYZER, _analyzer())
    index.config_reader("manual")
    index.reload()
    return index


def _sample(catalog: Catalog, index: "tantivy.Index", projection: Projection) -> str | None:
    """Whether the newest passages it should cover are there, under their words."""
    from tantivy import Occur, Query

    searcher = index.searcher()
    ids = catalog.passage_ids(after=max(0, projection.high_water - 20))
    for hit in catalog.passages(ids[ids <= projection.high_water][:3]):
        words = terms(hit.passage.text)[:1]
        wanted = [
            (Occur.Must, Query.term_query(index.schema, "id", hit.id)),
            *((Occur.Must, Query.term_query(index.schema, "text", word)) for word in words),
        ]
        if not searcher.search(Query.boolean_query(wanted), limit=1).hits:
            return f"it lacks passage {hit.id}"
    return None


def _removed_before(path: Path) -> int:
    """How many removed passages still weigh in the statistics (tantivy's meta.json says)."""
    try:
        segments = json.loads((path / "meta.json").read_text(encoding="utf-8"))["segments"]
        deletes = [segment["deletes"] for segment in segments]
        return sum(entry["num_deleted_docs"] for entry in deletes if entry)
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _let_through(found: list[tuple[int, float]], allowed: Ids | None) -> list[tuple[int, float]]:
    if allowed is None or not found:
        return found
    ids = np.array([key for key, _ in found], np.int64)
    places = np.minimum(np.searchsorted(allowed, ids), len(allowed) - 1)
    kept = allowed[places] == ids
    return [hit for hit, keep in zip(found, kept.tolist(), strict=True) if keep]


def _encodable(text: str) -> str:
    """Text that tantivy takes: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
