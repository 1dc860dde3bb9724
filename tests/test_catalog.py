"""The catalog through its public API: what is put in comes out, and its errors speak."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.catalog import Catalog, Projection, WriteLock, open_catalog
from assistant.catalog.vectors import pack_sentences, unpack_sentences, vector_key
from assistant.documents import Block, Document
from assistant.documents.document import text_hash
from assistant.embedding import Encoded
from assistant.errors import (
    DocumentError,
    IndexCorruptError,
    IndexLockedError,
    IndexMismatchError,
    IndexMissingError,
)
from assistant.passages import Passage, Span

DIMENSIONS = 8


class Model:
    """The identity of a model; vectors in these tests come from a random generator."""

    name = "test"
    fingerprint = "test-1"
    dimensions = DIMENSIONS


def unit(seed: int, count: int | None = None) -> np.ndarray:
    shape = (DIMENSIONS,) if count is None else (count, DIMENSIONS)
    vectors = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def document(source: str, *lines: str, title: str = "A title", day: date | None = None) -> Document:
    text = "\n\n".join(lines)
    blocks, start = [], 0
    for number, line in enumerate(lines, 1):
        blocks.append(Block(start, start + len(line), heading=("H",), page=number, page_end=number))
        start += len(line) + 2
    return Document(
        source=source,
        title=title,
        text=text,
        type=source.rpartition(".")[2],
        blocks=tuple(blocks),
        date=day,
        content_hash=text_hash(text),
    )


def passages(doc: Document) -> list[Passage]:
    """One passage for each block, of one sentence."""
    return [
        Passage(
            source=doc.source,
            title=doc.title,
            position=position,
            start=block.start,
            end=block.end,
            text=doc.text[block.start : block.end],
            sentences=(Span(block.start, block.end),),
            heading=block.heading,
            page=block.page,
            page_end=block.page_end,
            tokens=3,
        )
        for position, block in enumerate(doc.blocks)
    ]


def put(catalog: Catalog, doc: Document, *, origin: str = "folder") -> None:
    parts = passages(doc)
    keys = [vector_key(Model.fingerprint, part.text, [(0, len(part.text))]) for part in parts]
    with catalog.transaction() as transaction:
        model = transaction.model(Model())
        transaction.describe(
            embedding=Model.name, fingerprint=Model.fingerprint, dimensions=DIMENSIONS
        )
        encoded = [
            (key, Encoded(unit(int.from_bytes(key[:4])), unit(int.from_bytes(key[4:8]), 1)))
            for key in keys
        ]
        ids = transaction.store_vectors(encoded, model=model)
        transaction.put(
            doc, parts, [ids[key] for key in keys], origin=origin, size=len(doc.text), mtime_ns=7
        )


@pytest.fixture
def catalog(tmp_path):
    with open_catalog(tmp_path / "index", create=True) as catalog:
        yield catalog


def test_what_is_put_in_comes_out(catalog):
    doc = document("a/one.txt", "First line.", "Zweite Zeile – 中文.", day=date(2024, 5, 1))
    put(catalog, doc)
    assert catalog.document("a/one.txt") == doc
    stored = catalog.passages_of("a/one.txt")
    assert [hit.passage for hit in stored] == passages(doc)
    assert {(hit.type, hit.date, hit.origin) for hit in stored} == {
        ("txt", date(2024, 5, 1), "folder")
    }
    (listed,) = catalog.documents()
    assert (listed.source, listed.passages) == ("a/one.txt", 2)
    assert catalog.counts().passages == 2
    assert catalog.check() == []


def test_passages_come_in_the_order_asked_for_without_the_missing(catalog):
    put(catalog, document("a.txt", "One.", "Two.", "Three."))
    first, second, third = catalog.passage_ids().tolist()
    assert [hit.id for hit in catalog.passages([third, 999, first])] == [third, first]
    assert catalog.passages([]) == []
    assert catalog.vectors([second, 999]).keys() == {second}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.text(st.characters(min_codepoint=1), min_size=1, max_size=20),
    text=st.text(st.characters(), min_size=1, max_size=60),
)
def test_any_text_and_any_name_survive(catalog, name, text):
    """Names with odd bytes hold lone surrogates; text may hold them and NUL as well."""
    doc = document(name, text, title=name)
    put(catalog, doc)
    assert catalog.document(name) == doc
    assert [hit.passage for hit in catalog.passages_of(name)] == passages(doc)
    ids = [hit.id for hit in catalog.passages_of(name)]
    assert set(catalog.selected(within=[name]).tolist()) >= set(ids)


def test_a_new_version_takes_the_place_of_the_old_at_once(catalog):
    put(catalog, document("a.txt", "Old one.", "Old two."))
    old = catalog.passage_ids().tolist()
    revision = catalog.revision()
    put(catalog, document("a.txt", "New."))
    new = catalog.passage_ids().tolist()
    assert [hit.passage.text for hit in catalog.passages(old + new)] == ["New."]
    assert min(new) > max(old), "ids are never used again"
    assert catalog.removals() == old
    assert catalog.revision() > revision


def test_a_failed_transaction_leaves_nothing(catalog):
    put(catalog, document("a.txt", "Kept."))
    with pytest.raises(DocumentError, match="torn"):
        remove_and_stumble(catalog)
    assert [doc.source for doc in catalog.documents()] == ["a.txt"]
    assert catalog.removals() == []


def remove_and_stumble(catalog: Catalog) -> None:
    with catalog.transaction() as transaction:
        assert transaction.remove(["a.txt"]) == 1
        raise DocumentError("b.pdf", kind="corrupt", reason="it is torn", remedy="mend it")


def test_a_moved_document_keeps_its_passages(catalog):
    put(catalog, document("old/a.txt", "One.", "Two.", day=date(2020, 1, 1)))
    before = catalog.passages_of("old/a.txt")
    vectors = catalog.vectors([hit.id for hit in before])
    with catalog.transaction() as transaction:
        transaction.relocate(
            "old/a.txt", "new/a.txt", title="A title", day=None, size=10, mtime_ns=8
        )
    after = catalog.passages_of("new/a.txt")
    assert [hit.id for hit in after] == [hit.id for hit in before]
    assert {(hit.passage.source, hit.date) for hit in after} == {("new/a.txt", None)}
    with catalog.transaction() as transaction:
        transaction.relocate("new/a.txt", "b.txt", title="B", day=None, size=10, mtime_ns=8)
    renamed = catalog.passages_of("b.txt")
    assert {hit.passage.title for hit in renamed} == {"B"}
    assert [hit.passage.text for hit in renamed] == ["One.", "Two."]
    assert not {hit.id for hit in renamed} & {hit.id for hit in before}, "they show another title"
    renamed_vectors = catalog.vectors([hit.id for hit in renamed])
    for old, new in zip(before, renamed, strict=True):
        assert np.array_equal(vectors[old.id][0], renamed_vectors[new.id][0])


def test_filters(catalog):
    put(catalog, document("reports/2024/a.txt", "A.", day=date(2024, 3, 1)))
    put(catalog, document("reports/2024.md", "B.", day=date(2024, 6, 1)))
    put(catalog, document("reports/2023/c.md", "C."))
    put(catalog, document("id-1", "D."), origin="program")

    def sources(**filters):
        ids = catalog.selected(**filters)
        assert ids.tolist() == sorted(ids.tolist())
        return {hit.passage.source for hit in catalog.passages(ids)}

    assert catalog.selected() is None
    assert sources(within=["reports/2024/"]) == {"reports/2024/a.txt"}
    assert sources(within=["reports/2024"]) == {"reports/2024/a.txt"}
    assert sources(within=["id-1", "reports/2024.md"]) == {"id-1", "reports/2024.md"}
    assert sources(within=[]) == set()
    assert sources(types=[".MD"]) == {"reports/2024.md", "reports/2023/c.md"}
    assert sources(since=date(2024, 3, 1), until=date(2024, 3, 1)) == {"reports/2024/a.txt"}
    assert sources(since=date(2024, 3, 2), within=["reports/"]) == {"reports/2024.md"}
    assert sources(within=["%/", "_d-1", "reports/20"]) == set()


def test_vectors_of_another_model_are_not_mixed_in(catalog):
    put(catalog, document("a.txt", "One.", "Two."))
    ids = catalog.passage_ids()
    assert sum(len(block) for block, _ in catalog.vector_blocks(size=1)) == 2
    assert catalog.vectors(ids).keys() == set(ids.tolist())
    with catalog.transaction() as transaction:
        transaction.describe(embedding="other", fingerprint="other-1", dimensions=4)
    assert list(catalog.vector_blocks()) == []
    assert catalog.vectors(ids) == {}
    with pytest.raises(IndexMismatchError, match=r"'other', not 'test'.*--rebuild"):
        catalog.require_model(Model())


def test_vector_blocks_agree_with_vectors_and_start_where_told(catalog):
    for number in range(5):
        put(catalog, document(f"{number}.txt", f"Text {number}.", "The same."))
    ids = catalog.passage_ids()
    vectors = catalog.vectors(ids)
    seen = {}
    for block, matrix in catalog.vector_blocks(size=3):
        seen |= dict(zip(block.tolist(), matrix, strict=True))
    assert seen.keys() == set(ids.tolist())
    assert all(np.array_equal(seen[key], vectors[key][0]) for key in seen)
    later = [key for block, _ in catalog.vector_blocks(after=int(ids[6])) for key in block.tolist()]
    assert later == ids[7:].tolist()


def test_unused_vectors_are_pruned_but_for_some(catalog):
    put(catalog, document("a.txt", "One.", "Two.", "Three."))
    put(catalog, document("a.txt", "Three."))
    assert catalog.counts().cached_vectors == 3
    with catalog.transaction() as transaction:
        assert transaction.prune_vectors(spare=1) == 1
    assert catalog.counts().cached_vectors == 2
    assert catalog.check() == []


def test_failures_and_projections_are_kept(catalog):
    error = DocumentError("b.pdf", kind="corrupt", reason="it is torn", remedy="mend it")
    projection = Projection("lexical", "g1", 12, 7, {"meta.json": (30, 99), "x.idx": (5, 0)})
    with catalog.transaction() as transaction:
        transaction.fail(error)
        transaction.project(projection)
    (failure,) = catalog.failures()
    assert (failure.source, failure.kind, failure.reason) == ("b.pdf", "corrupt", "it is torn")
    assert catalog.projection("lexical") == projection
    assert catalog.projection("dense") is None
    with catalog.transaction() as transaction:
        transaction.clear_failures()
    assert catalog.failures() == []


def test_packed_sentence_vectors_are_close_and_zeros_stay_zero():
    vectors = unit(3, 20)
    vectors[4] = 0
    unpacked = unpack_sentences(pack_sentences(vectors), DIMENSIONS)
    assert np.abs(unpacked - vectors).max() <= np.abs(vectors).max() / 254 + 1e-6
    assert not unpacked[4].any()
    assert unpack_sentences(pack_sentences(vectors[:0]), DIMENSIONS).shape == (0, DIMENSIONS)


def test_many_threads_read_while_one_writes(catalog):
    put(catalog, document("a.txt", "Zero.", "Zero more."))
    stop, wrong = threading.Event(), []

    def read():
        while not stop.is_set():
            texts = [hit.passage.text for hit in catalog.passages(catalog.passage_ids())]
            if len(texts) not in (0, 2):
                wrong.append(texts)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(60):
        put(catalog, document("a.txt", f"{number} one.", f"{number} two."))
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_index_there(tmp_path):
    with pytest.raises(IndexMissingError, match="assistant sync"):
        open_catalog(tmp_path / "none")
    (tmp_path / "catalog.sqlite3").touch()
    with pytest.raises(IndexMissingError):
        open_catalog(tmp_path)
    with sqlite3.connect(tmp_path / "catalog.sqlite3") as connection:  # Killed while being made.
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    assert (tmp_path / "catalog.sqlite3").stat().st_size > 0
    open_catalog(tmp_path, create=True).close()
    open_catalog(tmp_path).close()


def test_a_newer_format_is_refused(tmp_path):
    open_catalog(tmp_path, create=True).close()
    with sqlite3.connect(tmp_path / "catalog.sqlite3") as connection:
        connection.execute("UPDATE manifest SET value = 99 WHERE key = 'format'")
    connection.close()
    with pytest.raises(IndexMismatchError, match="upgrade the program"):
        open_catalog(tmp_path)


@pytest.mark.parametrize("damage", ["not a database" * 999, "SQLite format 3\0" + "x" * 5000])
def test_a_damaged_catalog_says_so(tmp_path, damage):
    (tmp_path / "catalog.sqlite3").write_text(damage)
    with pytest.raises(IndexCorruptError, match=r"move .* aside and sync again"):
        open_catalog(tmp_path)


def test_damage_inside_is_found(tmp_path):
    with open_catalog(tmp_path, create=True) as catalog:
        for number in range(40):
            put(catalog, document(f"{number}.txt", *[f"Text {number} {line}" for line in range(9)]))
        catalog.settle()
    path = tmp_path / "catalog.sqlite3"
    data = bytearray(path.read_bytes())
    for start in range(4096 * 3, len(data), 4096 * 2):
        data[start : start + 1024] = os.urandom(1024)
    path.write_bytes(data)
    with pytest.raises(IndexCorruptError, match=r"move .* aside"):
        read_everything(tmp_path)


def read_everything(folder: Path) -> None:
    with open_catalog(folder) as catalog:
        assert catalog.check() != []
        list(catalog.lexical_entries())
        list(catalog.vector_blocks())


def test_a_foreign_database_is_not_taken_for_a_catalog(tmp_path):
    with sqlite3.connect(tmp_path / "catalog.sqlite3") as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    with pytest.raises(IndexCorruptError):
        open_catalog(tmp_path)
    with pytest.raises(IndexCorruptError):
        open_catalog(tmp_path, create=True)


def test_a_second_writer_is_told_who_writes(tmp_path):
    with WriteLock(tmp_path, purpose="sync"):
        with pytest.raises(IndexLockedError, match=rf"process {os.getpid()} \(sync, since"):
            WriteLock(tmp_path, purpose="doctor").acquire()
        script = (
            "import sys; from pathlib import Path; from assistant.catalog import WriteLock\n"
            "from assistant.errors import IndexLockedError\n"
            "try: WriteLock(Path(sys.argv[1]), purpose='sync').acquire()\n"
            "except IndexLockedError: print('locked')"
        )
        run = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True
        )
        assert run.stdout == "locked\n"
    WriteLock(tmp_path, purpose="sync").acquire().release()


def as_nobody(script: str, folder: Path, *, imports: str = "assistant.catalog") -> str:
    """Run a script as a user who may not write to `folder` (root may, whatever the modes say).

    What it needs is imported before, as that user may not be able to read it.
    """
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    drop = "import os, sys; os.setgid(65534); os.setuid(65534)\n"
    site = [path for path in sys.path if path]
    code = f"import sys; sys.path[:0] = {site!r}\nimport {imports}\n{drop}{script}"
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, cwd="/"
    )
    return run.stdout + run.stderr


def test_a_read_only_folder_can_be_read_but_not_written():
    script = """
from pathlib import Path
from assistant.catalog import WriteLock, open_catalog
from assistant.errors import IndexStorageError

folder = Path(sys.argv[1])
catalog = open_catalog(folder)
print([hit.passage.text for hit in catalog.passages_of("a.txt")])

def write():
    with catalog.transaction() as transaction:
        transaction.remove(["a.txt"])

for attempt in (
    write,
    lambda: WriteLock(folder, purpose="sync").acquire(),
    lambda: open_catalog(folder / "new", create=True),
):
    try:
        attempt()
    except IndexStorageError as error:
        print(error)
"""
    with tempfile.TemporaryDirectory() as temporary:
        Path(temporary).chmod(0o755)
        folder = Path(temporary, "index")
        with open_catalog(folder, create=True) as catalog:
            put(catalog, document("a.txt", "One."))
        told = as_nobody(script, folder).splitlines()
    assert told[0] == "['One.']"
    assert len(told) == 4, told
    assert all("choose" in line and "--index" in line for line in told[1:]), told


def test_a_full_disk_is_told_in_words_and_loses_nothing(tmp_path):
    """A limit on the size of files stands for a full disk: the write fails half-way."""
    with open_catalog(tmp_path, create=True) as catalog:
        put(catalog, document("a.txt", "Kept."))
    script = (
        "import resource, signal, sys; sys.path[:0] = sys.argv[2].split(':')\n"
        "import test_catalog as t\n"
        "from assistant.errors import IndexStorageError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "try:\n"
        "    with t.open_catalog(sys.argv[1]) as catalog:\n"
        "        for n in range(3000): t.put(catalog, t.document('b.txt', *map(str, range(n))))\n"
        "except IndexStorageError as error: print(type(error).__name__, error)\n"
    )
    here = str(Path(__file__).parent)
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), here], capture_output=True, text=True
    )
    assert run.stdout.startswith("IndexStorageError"), run.stderr
    assert "full" in run.stdout
    with open_catalog(tmp_path) as catalog:
        assert catalog.check() == []
        assert [hit.passage.text for hit in catalog.passages_of("a.txt")] == ["Kept."]
        put(catalog, document("c.txt", "Goes on."))
