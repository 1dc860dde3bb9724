"""Retrieval: the fusion by properties, the search on real indexes with the real model."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant import Assistant, Document
from assistant.catalog import open_catalog
from assistant.embedding import Encoded, load_embedding
from assistant.embedding.embedding import Vectors
from assistant.indexes import DenseIndex, LexicalIndex
from assistant.retrieval import (
    FEEDBACK_HITS,
    FEEDBACK_WEIGHT,
    LEXICAL_WEIGHT,
    PASSAGE_WEIGHT,
    SENTENCE_WEIGHT,
    Filters,
    Hit,
    Retrieval,
    feedback,
    fuse,
    merge_neighbours,
    reread,
    retrieve,
)
from assistant.settings import Settings

EXACTLY = settings(derandomize=True, deadline=None)

# The fusion, which is pure.

ids = st.integers(1, 30)
cosine = st.floats(-1, 1, allow_subnormal=False)
cosines = st.dictionaries(ids, cosine, max_size=12)
bm25 = st.dictionaries(ids, st.floats(0, 40, allow_subnormal=False), max_size=12)


@EXACTLY
@given(cosines, bm25, cosines, cosines, st.randoms(use_true_random=False))
def test_fusion_is_a_total_order_whatever_the_order_of_its_parts(
    passages: dict[int, float],
    lexical: dict[int, float],
    sentences: dict[int, float],
    likeness: dict[int, float],
    chance: Any,
) -> None:
    ranking = fuse(passages, lexical, sentences, likeness)
    assert {key for key, _ in ranking} == set(passages)
    assert ranking == sorted(ranking, key=lambda pair: (-pair[1], pair[0]))

    def shuffled(part: dict[int, float]) -> dict[int, float]:
        return dict(chance.sample(sorted(part.items()), len(part)))

    parts = (passages, lexical, sentences, likeness)
    assert fuse(*map(shuffled, parts)) == ranking


@EXACTLY
@given(cosines, bm25, cosines, cosines)
def test_missing_parts_count_as_told(
    passages: dict[int, float],
    lexical: dict[int, float],
    sentences: dict[int, float],
    likeness: dict[int, float],
) -> None:
    filled = fuse(
        passages,
        {key: lexical.get(key, 0.0) for key in passages},
        {key: sentences.get(key, own) for key, own in passages.items()},
        {key: likeness.get(key, 0.0) for key in passages},
    )
    assert fuse(passages, lexical, sentences, likeness) == filled
    assert fuse(passages, lexical) == fuse(passages, lexical, None, None)
    assert fuse(passages, lexical) == fuse(passages, lexical, {}, {})


@EXACTLY
@given(cosines.filter(bool), bm25, st.data())
def test_more_of_anything_never_ranks_lower(
    passages: dict[int, float], lexical: dict[int, float], data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(passages)))
    more = data.draw(st.floats(0, 0.5))

    def place(*parts: dict[int, float]) -> int:
        return [found for found, _ in fuse(*parts)].index(key)

    before = place(passages, lexical)
    assert place({**passages, key: passages[key] + more}, lexical) <= before
    assert place(passages, {**lexical, key: lexical.get(key, 0.0) + more}) <= before
    assert place(passages, lexical, {key: passages[key] + more}) <= before
    assert place(passages, lexical, {}, {key: more}) <= before


def test_what_a_score_is_made_of() -> None:
    assert sum((PASSAGE_WEIGHT, SENTENCE_WEIGHT, LEXICAL_WEIGHT, FEEDBACK_WEIGHT)) == (
        pytest.approx(1)
    )
    ((_, best),) = fuse({1: 1.0}, {1: 7.0}, {1: 1.0}, {1: 1.0})
    assert best == pytest.approx(1)
    scores = dict(fuse({1: 0.5, 2: 0.25}, {1: 4.0, 2: 8.0, 3: 80.0}, {2: 0.75}, {1: 0.125}))
    # Passage 3 is no candidate: its BM25 score is not what others are measured by.
    first = 0.5 * (PASSAGE_WEIGHT + SENTENCE_WEIGHT + LEXICAL_WEIGHT) + 0.125 * FEEDBACK_WEIGHT
    second = 0.25 * PASSAGE_WEIGHT + 0.75 * SENTENCE_WEIGHT + LEXICAL_WEIGHT
    assert scores == pytest.approx({1: first, 2: second})
    assert [key for key, _ in fuse({9: 0.5, 3: 0.5, 5: 0.5}, {})] == [3, 5, 9]
    assert fuse({}, {}) == fuse({}, {1: 2.0}) == []


def units(seed: int, count: int) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((count, 8)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@EXACTLY
@given(st.lists(cosine, min_size=1, max_size=9), st.integers(0, 1000))
def test_feedback_is_likeness_to_the_best_few(scores: list[float], seed: int) -> None:
    ranking = list(enumerate(sorted(scores, reverse=True)))
    vectors = dict(enumerate(units(seed, len(scores))))
    alike = feedback(ranking, vectors)
    assert set(alike) == set(vectors)
    assert all(abs(value) <= 1 + 1e-5 for value in alike.values())
    assert feedback(ranking[:FEEDBACK_HITS], vectors) == alike, "the rest has no say"
    assert feedback(ranking, dict(reversed(vectors.items()))) == alike
    moved = feedback([(key, score + 3) for key, score in ranking], vectors)
    assert moved == pytest.approx(alike, abs=1e-5), "only the differences count"


def test_feedback_follows_the_better_one() -> None:
    first, second = units(1, 2)
    vectors = {1: first, 2: second, 3: first, 4: second}
    assert feedback([(1, 0.9)], vectors)[3] == pytest.approx(1, abs=1e-6)
    alike = feedback([(1, 0.9), (2, 0.6)], vectors)
    assert alike[3] > alike[4]
    even = feedback([(1, 0.9), (2, 0.9)], vectors)
    assert even[3] == pytest.approx(even[4], abs=1e-6)
    assert feedback([], {}) == {}


# The search, on real indexes.


NOTES = {
    "ships/2023/cog.txt": ("The cog Adler carried salt and herring to Lund.", date(2023, 5, 1)),
    "ships/2024/brig.txt": ("The brig Fortuna carried timber and tar to Lund.", date(2024, 5, 1)),
    "ships/list.txt": ("Ships in port: none is known to have sunk.", None),
    "ships2/raft.txt": ("The raft of Lund carried nobody but its builder.", date(2024, 6, 1)),
    "ships": ("A note on ships as such, and on the sea.", date(2024, 7, 1)),
    "trade.txt": ("Merchants paid a toll for salt at every bridge.", date(2022, 1, 1)),
    "50%_off": ("The chandler of Lund sells rope at half the price.", None),
}


def documents() -> list[Document]:
    return [
        Document.from_text(text, source=source, title="", date=day)
        for source, (text, day) in NOTES.items()
    ]


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """To be read only."""
    with Assistant.open(tmp_path_factory.mktemp("notes") / "index") as opened:
        opened.add(documents())
        yield opened


def found(assistant: Assistant, query: str, **given: Any) -> Retrieval:
    """What `retrieve` finds, by default from a single candidate of each search."""
    options: dict[str, Any] = {"limit": 10, "candidates": 1, **given}
    with open_catalog(assistant.settings.index) as catalog:
        return retrieve(
            query,
            catalog=catalog,
            dense=DenseIndex(catalog, prefer="exact"),
            lexical=LexicalIndex(catalog),
            embedding=load_embedding("embedded"),
            **options,
        )


def test_a_candidate_of_one_search_alone_is_explained_by_both(notes: Assistant) -> None:
    # By its sense a shop is meant, by its words the raft.
    query = "Where can I buy a cord cheaply, in a store of a builder?"
    retrieval, both = found(notes, query), found(notes, query, candidates=10)
    assert retrieval.searched == 1
    by_words = [hit for hit in retrieval.hits if hit.dense_rank is None]
    by_sense = [hit for hit in retrieval.hits if hit.lexical_rank is None]
    assert len(by_words) == len(by_sense) == 1
    cosines = {hit.id: hit.cosine for hit in both.hits}
    for hit in retrieval.hits:
        assert hit.cosine == pytest.approx(cosines[hit.id], abs=1e-5)
        assert f"(cosine {hit.cosine:.2f})" in hit.why
        assert retrieval.vectors[hit.id] is not None
    (worded,), (sensed,) = by_words, by_sense
    assert (worded.source, sensed.source) == ("ships2/raft.txt", "50%_off")
    assert worded.why.startswith("dense beyond reach")
    assert f"lexical #1 (BM25 {worded.lexical_score:.1f}) · matches builder" in worded.why
    assert sensed.lexical_score == 0
    assert sensed.why.startswith("dense #1")
    assert sensed.why.endswith("lexical none · matches no word")


def test_ranks_are_those_of_the_two_searches(notes: Assistant) -> None:
    query = "salt carried to Lund"
    hits = found(notes, query, candidates=10).hits
    assert sorted(hit.dense_rank for hit in hits) == list(range(1, len(NOTES) + 1))
    by_cosine = sorted(hits, key=lambda hit: -hit.cosine)
    assert [hit.dense_rank for hit in by_cosine] == list(range(1, len(NOTES) + 1))
    worded = sorted((h for h in hits if h.lexical_rank), key=lambda hit: -hit.lexical_score)
    assert [hit.lexical_rank for hit in worded] == list(range(1, len(worded) + 1))
    assert all(hit.lexical_score > 0 for hit in worded)
    words = {"salt", "carried", "Lund"}
    for hit in hits:
        assert set(hit.matched) == {word for word in words if word in hit.text}
        assert bool(hit.matched) == (hit.lexical_rank is not None)
        assert all(word in hit.why for word in hit.matched)


LAST_YEAR = {"ships/2024/brig.txt", "ships2/raft.txt", "ships"}


@pytest.mark.parametrize(
    ("filters", "sources"),
    [
        (Filters(), set(NOTES)),
        (Filters(within=["trade.txt"]), {"trade.txt"}),
        (Filters(within=["ships/2024"]), {"ships/2024/brig.txt"}),
        (Filters(within=["ships/2024/"]), {"ships/2024/brig.txt"}),
        (
            Filters(within=["ships/"]),
            {"ships/2023/cog.txt", "ships/2024/brig.txt", "ships/list.txt"},
        ),
        (
            Filters(within=["ships"]),
            {"ships", "ships/2023/cog.txt", "ships/2024/brig.txt", "ships/list.txt"},
        ),
        (Filters(within=["trade.txt", "ships2", "trade.txt"]), {"trade.txt", "ships2/raft.txt"}),
        (Filters(within=["50%_off"]), {"50%_off"}),
        (Filters(within=["%", "*", "ships/%", "SHIPS", ".", "/", ""]), set()),
        (Filters(within=[]), set()),
        (Filters(types=["txt"]), set(NOTES)),
        (Filters(types=["pdf", "docx"]), set()),
        (Filters(types=[]), set()),
        (Filters(since=date(2024, 5, 1)), LAST_YEAR),
        (Filters(until=date(2023, 5, 1)), {"ships/2023/cog.txt", "trade.txt"}),
        (Filters(since=date(2024, 6, 2), until=date(2024, 6, 3)), set()),
        (Filters(within=["ships/"], since=date(2024, 1, 1)), {"ships/2024/brig.txt"}),
    ],
)
def test_filters_come_before_the_search(
    notes: Assistant, filters: Filters, sources: set[str]
) -> None:
    retrieval = found(notes, "salt to Lund", filters=filters, candidates=10)
    assert {hit.source for hit in retrieval.hits} == sources
    assert retrieval.searched == len(sources)
    # One candidate is enough to find what the filter lets through, far down as it may be.
    single = found(notes, "salt to Lund", filters=filters)
    assert bool(single.hits) == bool(sources)
    assert {hit.source for hit in single.hits} <= sources


def test_the_limit_is_kept_and_duplicates_leave_room_for_others(tmp_path: Path) -> None:
    notice = "The mill of Lund is closed to visitors."
    copies = [Document.from_text(notice, source=f"copy-{n:02}", title="Mill") for n in range(30)]
    others = [
        Document.from_text(f"The mill of Lund ground {grain}.", source=grain, title="Mill")
        for grain in ("rye", "barley", "oats", "wheat", "millet")
    ]
    with Assistant.open(tmp_path / "index") as assistant:
        assistant.add([*copies, *others])
        for limit in range(1, 7):
            hits = assistant.retrieve("the closed mill of Lund", limit=limit).hits
            assert len(hits) == limit
        assert {hit.source for hit in hits} >= {"rye", "barley", "oats", "wheat", "millet"}
        texts = Counter(hit.text for hit in hits)
        assert max(texts.values()) == 1
        (copy,) = [hit for hit in hits if hit.text == notice]
        assert copy.source == "copy-00", "of equals the first"
        assert list(copy.also_in) == [f"copy-{n:02}" for n in range(1, 30)]
        assert all(hit.also_in == () for hit in hits if hit is not copy)
        assert len(assistant.search("mill", limit=100)) == 6


# Neighbours.


PARTS = ("Tower", "Bell", "Clock", "Stair", "Vane", "Crypt", "Door", "Roof")


@pytest.fixture(scope="module")
def church(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """A document of many small passages, white space of all kinds between them."""
    root = tmp_path_factory.mktemp("church")
    (root / "documents").mkdir()
    text = "# The church\n\n" + "\n\n\n".join(
        f"## {part}\n\nThe {part.lower()} of the church is {n * 7} years old.  It was paid for\n"
        f"by the guild of {part.lower()} makers.\n\nThe church has one {part.lower()} only 🙂."
        for n, part in enumerate(PARTS, start=1)
    )
    (root / "documents/church.md").write_text(text, encoding="utf-8")
    (root / "documents/other.md").write_text("# Other\n\nThe church is not the town hall.\n")
    with Assistant.open(root / "index", chunk_tokens=40) as opened:
        opened.sync(root / "documents")
        yield opened


@settings(max_examples=40, derandomize=True, deadline=None)
@given(data=st.data())
def test_neighbours_are_merged_as_they_stand_in_the_document(
    church: Assistant, data: st.DataObject
) -> None:
    everything = church.retrieve("the church", limit=50).hits
    assert len(everything) == 9
    subset = data.draw(st.lists(st.sampled_from(everything), unique_by=lambda hit: hit.id))
    with open_catalog(church.settings.index) as catalog:
        merged = merge_neighbours(subset, catalog=catalog)
        stored = {
            source: {item.passage.position: item.passage for item in catalog.passages_of(source)}
            for source in ("church.md", "other.md")
        }
    wanted = {(hit.source, hit.passage.position) for hit in subset}
    seen: set[tuple[str, int]] = set()
    for hit in merged:
        document = church.document(hit.source)
        assert document is not None
        passage, parts = hit.passage, stored[hit.source]
        assert document.text[passage.start : passage.end] == passage.text == hit.text
        inside = [
            place
            for place, part in parts.items()
            if passage.start <= part.start and part.end <= passage.end
        ]
        assert inside == list(range(inside[0], inside[-1] + 1))
        assert passage.position == inside[0]
        assert parts[inside[0]].start == passage.start
        assert parts[inside[-1]].end == passage.end
        assert passage.sentences == tuple(s for place in inside for s in parts[place].sentences)
        for place in inside:
            assert parts[place].heading[: len(passage.heading)] == passage.heading
        places = {(hit.source, place) for place in inside}
        assert places <= wanted
        assert not places & seen
        assert not {(hit.source, inside[0] - 1), (hit.source, inside[-1] + 1)} & wanted
        seen |= places
    assert seen == wanted
    # Each stands where its best part stood.
    order = {hit.id: rank for rank, hit in enumerate(subset)}
    assert [order[hit.id] for hit in merged] == sorted(order[hit.id] for hit in merged)


def test_hits_of_an_older_version_are_not_merged(church: Assistant) -> None:
    hits = church.retrieve("the church", limit=50, within=["church.md"]).hits
    old = [replace(hit, content_hash="of another version") for hit in hits]
    with open_catalog(church.settings.index) as catalog:
        (best,) = merge_neighbours(old, catalog=catalog)
    assert best == old[0]


# Hostile queries.


@pytest.mark.parametrize(
    "query",
    [
        *(
            "",
            " ",
            "\n\t\r\x0b\u2028",
            "\x00",
            "a\x00b",
            "\ud800",
            "salt \udfff Lund",
            "🙂",
            "👩‍👩‍👧‍👦🏳️‍🌈",
        ),
        *("the of and", "?", "...", '"', '"AND (*)', "salt AND (", "text:salt^1e9", "[a TO b]"),
        *("-salt", "salt~99", "id:>0", "{", "\\", "'; DROP TABLE passages; --", "%s%n", "../../x"),
        *("x" * 100_000, "\u0301" * 1000, "塩と鰊", "ملح", "a\u202eb"),
    ],
)
def test_no_query_breaks_the_search(notes: Assistant, query: str) -> None:
    hits = notes.search(query)
    assert len(hits) == len(NOTES), "the dense search ranks all that there is"
    assert all(np.isfinite(hit.score) for hit in hits)
    assert [hit.id for hit in notes.search(query)] == [hit.id for hit in hits]
    if re.search(r"\bsalt\b", query):
        assert {hit.source for hit in hits if hit.lexical_rank} == {
            *("ships/2023/cog.txt", "trade.txt"),
            *(["ships/2024/brig.txt", "ships2/raft.txt", "50%_off"] if "Lund" in query else []),
        }


def test_a_hit_of_the_lexical_search_needs_a_word_of_content(notes: Assistant) -> None:
    for query in ("", "?", "\x00", "🙂", "xyzzy"):
        assert {hit.lexical_rank for hit in notes.search(query)} == {None}


# Always the same, always of the moment.


def essence(hits: Sequence[Hit]) -> list[Any]:
    return [
        [hit.source, hit.passage.start, round(hit.score, 4), hit.dense_rank, hit.lexical_rank]
        for hit in hits
    ]


QUERIES = ("bell of the church", "who paid?", "old", "the church")


def test_the_same_in_every_process_and_after_a_rebuild(tmp_path: Path, church: Assistant) -> None:
    expected = [essence(church.search(query)) for query in QUERIES]
    code = (
        "import json, sys\nsys.path.insert(0, sys.argv[1])\n"
        "from test_retrieval import Assistant, essence\n"
        "with Assistant.open(sys.argv[2]) as assistant:\n"
        "    print(json.dumps([essence(assistant.search(query)) for query in sys.argv[3:]]))\n"
    )
    done = subprocess.run(
        [
            *(sys.executable, "-c", code, str(Path(__file__).parent)),
            *(church.settings.index, *QUERIES),
        ],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == expected
    folder = church.status().manifest.folder
    with Assistant.open(tmp_path / "index", chunk_tokens=40) as again:
        again.sync(folder)
        assert [essence(again.search(query)) for query in QUERIES] == expected
        again.sync(folder, rebuild=True)
        assert [essence(again.search(query)) for query in QUERIES] == expected


def test_an_open_assistant_finds_what_was_synced_a_moment_ago(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "old.txt").write_text("The weather vane of Lund is a gilded cock.")
    query = "At what hour does the ropewalk close?"

    def hits() -> dict[str, Hit]:
        return {hit.source: hit for hit in assistant.search(query)}

    def sync_elsewhere() -> None:
        command = [sys.executable, "-m", "assistant", "sync", "--index", assistant.settings.index]
        subprocess.run(command, capture_output=True, check=True)

    with Assistant.open(tmp_path / "index") as assistant:
        assistant.sync(folder)
        for sync in (assistant.sync, sync_elsewhere):
            assert set(hits()) == {"old.txt"}
            (folder / "rope.txt").write_text("The ropewalk closes at the hour of four.")
            sync()
            assert hits()["rope.txt"].lexical_rank == hits()["rope.txt"].dense_rank == 1
            (folder / "rope.txt").write_text("The ropewalk burned down.")
            sync()
            assert hits()["rope.txt"].text == "The ropewalk burned down."
            assert hits()["rope.txt"].matched == ("ropewalk",)
            (folder / "rope.txt").unlink()
            sync()


# Exact search, Chroma, and other models.


CARGOES = ("salt", "rye", "tar", "glass", "wool", "tin", "wax", "beer", "furs", "slate")
TOWNS = ("Lund", "Visby", "Riga", "Bergen", "Danzig", "Reval", "Hull", "Lynn", "Ghent", "Turku")


def test_exact_search_and_chroma_find_the_same(tmp_path: Path) -> None:
    texts = [
        f"In {1300 + n} the {TOWNS[n % 10]} fleet took {CARGOES[n // 10 % 10]} to "
        f"{TOWNS[n // 100 % 10]}, {n * 7919 % 1009} barrels in all."
        for n in range(3000)
    ]
    with Assistant.open(tmp_path / "index", chunk_tokens=40) as assistant:
        report = assistant.add(
            Document.from_text("\n\n".join(texts[n : n + 100]), source=f"{n}")
            for n in range(0, len(texts), 100)
        )
    assert report.passages > 2000
    with open_catalog(tmp_path / "index") as catalog:
        exact, chroma = DenseIndex(catalog, prefer="exact"), DenseIndex(catalog, prefer="chroma")
        lexical = LexicalIndex(catalog)

        def top(dense: DenseIndex, query: str) -> list[tuple[int, float]]:
            retrieval = retrieve(
                query,
                catalog=catalog,
                dense=dense,
                lexical=lexical,
                embedding=load_embedding("embedded"),
                limit=10,
                candidates=100,
            )
            return [(hit.id, round(hit.score, 5)) for hit in retrieval.hits]

        for query in (
            "Which fleet took wool to Bergen?",
            "furs",
            "barrels of beer for Riga in 1402",
            "Who shipped glass?",
            "the trade of Turku",
        ):
            assert top(exact, query) == top(chroma, query)
        assert (exact.answers_by, chroma.answers_by) == ("exact", "chroma")
        chroma.close()


class Counting:
    """A model of another kind: bins of words, no vectors for sentences."""

    name = "counting"
    fingerprint = "counting-16"
    dimensions = 16

    def encode(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]] | None = None
    ) -> list[Encoded]:
        return [Encoded(self.encode_query(text), None) for text in texts]

    def encode_query(self, text: str) -> Vectors:
        vector = np.full(16, 0.01, np.float32)
        for word in text.lower().split():
            vector[sum(word.encode()) % 16] += 1
        return np.asarray(vector / np.linalg.norm(vector))


def test_hits_of_another_model_are_read_again_by_the_embedded_one(tmp_path: Path) -> None:
    other, own = Counting(), load_embedding("embedded")
    with Assistant(Settings(index=str(tmp_path / "index")), embedding=other) as assistant:
        assistant.add(documents())
        found = assistant.retrieve("salt to Lund")
        hits = assistant.search("salt to Lund")
    assert len(found.hits) == len(NOTES)
    assert [hit.id for hit in found.hits] == [hit.id for hit in hits], "by the other's ranking"
    assert found.vector == pytest.approx(own.encode_query("salt to Lund"), abs=1e-5)
    for hit, plain in zip(found.hits, hits, strict=True):
        (code,) = own.encode([f"{hit.passage.context}\n{hit.text}"])
        assert hit.cosine == pytest.approx(float(code.vector @ found.vector), abs=0.02)
        assert replace(hit, cosine=plain.cosine) == plain, "nothing else is changed"
        vectors = found.vectors[hit.id]
        assert vectors is not None
        assert vectors.shape == (len(hit.passage.sentences), own.dimensions)
    again = reread(found, embedding=own)
    assert [hit.cosine for hit in again.hits] == pytest.approx([hit.cosine for hit in found.hits])
