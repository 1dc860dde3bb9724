"""Sync through its public API, with the real parsers, encoder, Chroma and tantivy."""

import os
import shutil
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import pytest

from assistant.catalog import Catalog, WriteLock, open_catalog
from assistant.documents import Block, Document, text_hash
from assistant.embedding import Embedding, Encoded, load_embedding
from assistant.errors import (
    CorpusError,
    DocumentError,
    EmbeddingError,
    IndexLockedError,
    IndexMismatchError,
)
from assistant.indexes import DenseIndex, LexicalIndex, doctor
from assistant.settings import Settings
from assistant.sync import Plan, Step, SyncReport, add, apply, plan, remove

SETTINGS = Settings()


class Counting:
    """The real model, counting what it encodes; it can be told to go by another fingerprint."""

    def __init__(self, *, version: str = "", fail_after: int | None = None) -> None:
        self.model: Embedding = load_embedding("embedded")
        self.name = self.model.name
        self.fingerprint = self.model.fingerprint + version
        self.dimensions = self.model.dimensions
        self.texts: list[str] = []
        self.fail_after = fail_after

    def encode(self, texts, spans=None) -> list[Encoded]:
        if self.fail_after is not None and len(self.texts) >= self.fail_after:
            raise EmbeddingError("the model went away; start it again")
        self.texts += texts
        return self.model.encode(texts, spans)

    def encode_query(self, text):
        return self.model.encode_query(text)


class Corpus:
    """A folder of documents, its index, and the model."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "documents"
        self.folder.mkdir()
        self.catalog: Catalog = open_catalog(tmp_path / "index", create=True)
        self.model = Counting()

    def write(self, source: str, text: str) -> Path:
        path = self.folder / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def plan(self, **options) -> Plan:
        options = {"embedding": self.model, "settings": SETTINGS} | options
        return plan(self.catalog, options.pop("folder", self.folder), **options)

    def sync(self, *, progress=None, **options) -> SyncReport:
        chosen = {"embedding": self.model, "settings": SETTINGS} | options
        return apply(
            self.catalog,
            self.plan(**options),
            embedding=chosen["embedding"],
            settings=chosen["settings"],
            progress=progress,
        )

    def sources(self) -> list[str]:
        return [document.source for document in self.catalog.documents()]

    def found(self, query: str) -> list[str]:
        hits = LexicalIndex(self.catalog).search(query, 10)
        return [hit.passage.source for hit in self.catalog.passages([key for key, _ in hits])]

    def nearest(self, query: str) -> str:
        ((key, _),) = DenseIndex(self.catalog).search(self.model.encode_query(query), 1)
        return self.catalog.passages([key])[0].passage.source


@pytest.fixture
def corpus(tmp_path):
    corpus = Corpus(tmp_path)
    corpus.write("grain.txt", "The harvest of wheat was good.\n\nBread became cheaper.")
    corpus.write("law/treaty.md", "# Treaty\n\nBoth parties signed it. It lasts twenty years.")
    corpus.write("law/visas.md", "# Visas\n\nTravellers need no visa for thirty days.")
    yield corpus
    corpus.catalog.close()


@pytest.fixture
def synced(corpus):
    corpus.sync()
    corpus.model.texts.clear()
    return corpus


def counted(report: SyncReport) -> dict[str, int]:
    names = ("added", "changed", "moved", "removed", "unchanged", "embedded")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def healthy(catalog: Catalog) -> bool:
    return all(finding.ok for finding in doctor(catalog))


def test_a_folder_is_indexed_and_found(corpus):
    assert [entry.source for entry in corpus.plan().added] == corpus_sources()
    report = corpus.sync()
    assert counted(report) == {"added": 3, "embedded": report.passages}
    assert report.failed == ()
    assert corpus.sources() == corpus_sources()
    assert corpus.found("signing") == ["law/treaty.md"]
    assert corpus.nearest("What does bread cost?") == "grain.txt"
    assert healthy(corpus.catalog)
    assert (corpus.folder / "grain.txt").exists()


def corpus_sources() -> list[str]:
    return ["grain.txt", "law/treaty.md", "law/visas.md"]


def test_vectors_of_sentences_are_those_of_the_sentences(synced):
    (hit,) = synced.catalog.passages_of("law/treaty.md")
    vector, sentences = synced.catalog.vectors([hit.id])[hit.id]
    text = f"{hit.passage.context}\n{hit.passage.text}"
    shift = len(text) - len(hit.passage.text) - hit.passage.start
    spans = [(start + shift, end + shift) for start, end in hit.passage.sentences]
    assert [text[start:end] for start, end in spans][-1] == "It lasts twenty years."
    (encoded,) = synced.model.model.encode([text], [spans])
    assert float(vector @ encoded.vector) == pytest.approx(1, abs=1e-3)
    assert (sentences * encoded.sentences).sum(axis=1) == pytest.approx(1, abs=5e-3)


def test_what_storing_costs_in_precision_is_as_documented(synced):
    questions = ["How long does it last?", "Who needs a visa?", "wheat prices"]
    hits = [hit for source in synced.sources() for hit in synced.catalog.passages_of(source)]
    stored = synced.catalog.vectors([hit.id for hit in hits])
    for hit in hits:
        context = len(hit.passage.context) + 1 - hit.passage.start
        spans = [(start + context, end + context) for start, end in hit.passage.sentences]
        text = f"{hit.passage.context}\n{hit.passage.text}"
        (encoded,) = synced.model.model.encode([text], [spans])
        vector, sentences = stored[hit.id]
        for question in questions:
            asked = synced.model.encode_query(question)
            assert float(asked @ vector) == pytest.approx(float(asked @ encoded.vector), abs=5e-4)
            assert sentences @ asked == pytest.approx(encoded.sentences @ asked, abs=3e-3)


def test_nothing_changed_nothing_done(synced):
    revision = synced.catalog.projection("dense"), synced.catalog.projection("lexical")
    assert counted(synced.sync()) == {"unchanged": 3}
    assert synced.model.texts == []
    after = synced.catalog.projection("dense"), synced.catalog.projection("lexical")
    assert after == revision


def test_an_unchanged_corpus_is_not_even_opened(synced, monkeypatch):
    opened = []
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *rest: opened.append(self) or real(self, *rest))
    assert synced.plan().unchanged == 3
    assert opened == []


def test_added_changed_and_removed(synced):
    synced.write("ports.txt", "The port of Astara opened.")
    synced.write("grain.txt", "The harvest of barley was poor.")
    (synced.folder / "law/visas.md").unlink()
    planned = synced.plan()
    assert [entry.source for entry in planned.added] == ["ports.txt"]
    assert [entry.source for entry in planned.changed] == ["grain.txt"]
    assert planned.removed == ("law/visas.md",)
    assert synced.sources() == corpus_sources(), "a plan touches nothing"
    assert counted(synced.sync()) == {
        "added": 1, "changed": 1, "removed": 1, "unchanged": 1, "embedded": 2,
    }  # fmt: skip
    assert synced.found("wheat") == []
    assert synced.found("visa") == []
    assert synced.found("barley") == ["grain.txt"]
    assert healthy(synced.catalog)


def test_what_did_not_change_within_a_document_is_not_encoded_again(corpus):
    sections = [f"# Part {number}\n\n" + f"Of {number} ships. " * 40 for number in range(12)]
    corpus.write("ships.md", "\n\n".join(sections))
    corpus.sync()
    corpus.model.texts.clear()
    corpus.write("ships.md", "\n\n".join([*sections[:-1], "# The end\n\nNo ships."]))
    report = corpus.sync()
    assert report.changed == 1
    assert report.reused > report.embedded == len(corpus.model.texts)


def test_a_moved_file_keeps_its_passages(synced):
    before = synced.catalog.passages_of("law/treaty.md")
    (synced.folder / "old").mkdir()
    (synced.folder / "law/treaty.md").rename(synced.folder / "old/pact.md")
    assert [(old, new.source) for old, new in synced.plan().moved] == [
        ("law/treaty.md", "old/pact.md")
    ]
    assert counted(synced.sync()) == {"moved": 1, "unchanged": 2}
    after = synced.catalog.passages_of("old/pact.md")
    assert [hit.id for hit in after] == [hit.id for hit in before]
    assert synced.model.texts == []
    assert synced.found("signing") == ["old/pact.md"]


def test_a_file_named_anew_gets_its_new_title_and_nothing_is_encoded(synced):
    (synced.folder / "grain.txt").rename(synced.folder / "Bread prices.txt")
    assert counted(synced.sync()) == {"moved": 1, "unchanged": 2}
    assert synced.model.texts == []
    assert {document.title for document in synced.catalog.documents()} == {
        "Bread prices", "Treaty", "Visas",
    }  # fmt: skip
    assert synced.found("prices") != []
    assert healthy(synced.catalog)


def test_a_swap_of_two_files_encodes_nothing_new_but_titles(synced):
    law = synced.folder / "law"
    (law / "treaty.md").rename(law / "x")
    (law / "visas.md").rename(law / "treaty.md")
    (law / "x").rename(law / "visas.md")
    assert counted(synced.sync()) == {"changed": 2, "unchanged": 1}
    assert synced.found("signing") == ["law/visas.md"]
    assert synced.model.texts == []


def test_a_touched_file_is_as_it_was_but_for_its_date(synced):
    ids = synced.catalog.passage_ids().tolist()
    day = 1_600_000_000
    for source in corpus_sources():
        os.utime(synced.folder / source, (day, day))
    assert len(synced.plan().touched) == 3
    assert counted(synced.sync()) == {"unchanged": 3}
    assert synced.catalog.passage_ids().tolist() == ids
    assert {document.date for document in synced.catalog.documents()} == {date(2020, 9, 13)}
    assert synced.plan().unchanged == 3


def test_a_file_that_cannot_be_read_is_told_and_its_old_version_stays(synced):
    synced.write("new.pdf", "%PDF-1.7 torn")
    (synced.folder / "grain.txt").write_bytes(b"")
    for _ in range(2):
        report = synced.sync()
        assert [failed.source for failed in report.failed] == ["grain.txt", "new.pdf"]
        assert all(failed.reason and failed.remedy for failed in report.failed)
        assert [failure.source for failure in synced.catalog.failures()] == ["grain.txt", "new.pdf"]
        assert synced.found("wheat") == ["grain.txt"]
    synced.write("grain.txt", "Rye.")
    (synced.folder / "new.pdf").unlink()
    assert counted(synced.sync()) == {"changed": 1, "unchanged": 2, "embedded": 1}
    assert synced.catalog.failures() == []


def test_a_suddenly_empty_folder_empties_nothing(synced, tmp_path):
    shutil.rmtree(synced.folder)
    with pytest.raises(CorpusError, match="cannot be read"):
        synced.sync()
    synced.folder.mkdir()
    with pytest.raises(CorpusError, match="--allow-empty"):
        synced.sync()
    assert synced.sources() == corpus_sources()
    assert counted(synced.sync(allow_empty=True)) == {"removed": 3}
    assert synced.sources() == []
    assert synced.found("treaty") == []
    with pytest.raises(CorpusError):
        synced.plan(folder=tmp_path / "nowhere")


def test_hidden_files_other_types_links_and_indexes_are_left_aside(corpus, tmp_path):
    outside = tmp_path / "secret.txt"
    outside.write_text("secret")
    (corpus.folder / "leak.txt").symlink_to(outside)
    (corpus.folder / "all").symlink_to("/")
    (corpus.folder / "loop").symlink_to(corpus.folder)
    (corpus.folder / "again.txt").symlink_to(corpus.folder / "grain.txt")
    (corpus.folder / "broken.txt").symlink_to("nowhere")
    os.mkfifo(corpus.folder / "pipe.txt")
    corpus.write(".git/config.txt", "hidden")
    corpus.write(".hidden.txt", "hidden")
    corpus.write("photo.JPG", "no text")
    corpus.write("Makefile", "no extension")
    open_catalog(corpus.folder / "indexes/one", create=True).close()
    corpus.write("indexes/one/meta.json", '{"not": "a document"}')
    planned = corpus.plan()
    assert [entry.source for entry in planned.added] == ["again.txt", *corpus_sources()]
    assert planned.skipped == {"": 1, ".jpg": 1}
    assert planned.failed == ()


def test_the_folder_of_an_index_is_no_folder_of_documents(synced):
    with pytest.raises(CorpusError, match="is the folder of an index"):
        synced.plan(folder=synced.catalog.folder, rebuild=True)


def test_a_folder_that_cannot_be_listed_keeps_its_documents(synced, monkeypatch):
    real = os.scandir

    def scandir(path):
        if Path(path).name == "law":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    planned = synced.plan()
    assert planned.removed == ()
    assert [error.source for error in planned.failed] == ["law/"]
    report = synced.sync()
    assert [failed.source for failed in report.failed] == ["law/"]
    assert synced.sources() == corpus_sources()


def test_a_name_with_odd_bytes(corpus):
    odd = os.fsdecode(b"caf\xe9.txt")
    corpus.write(odd, "Coffee is served.")
    assert corpus.sync().failed == ()
    assert odd in corpus.sources()
    assert corpus.found("coffee") == [odd]
    assert corpus.plan().unchanged == 4


def test_another_folder_model_or_chunking_is_refused_with_the_remedy(synced, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.txt").write_text("Something else.")
    with pytest.raises(IndexMismatchError, match=r"--index indexes/NAME.*--rebuild"):
        synced.plan(folder=other)
    with pytest.raises(IndexMismatchError, match="--rebuild"):
        synced.plan(embedding=Counting(version="-2"))
    with pytest.raises(IndexMismatchError, match=r"set chunk_tokens to 200.*--rebuild"):
        synced.plan(settings=Settings(chunk_tokens=100))
    assert synced.sync().unchanged == 3
    report = synced.sync(folder=other, rebuild=True)
    assert counted(report) == {"added": 1, "removed": 3, "embedded": 1}
    assert synced.sources() == ["a.txt"]


def test_a_rebuild_reads_all_anew_but_encodes_nothing_twice(synced):
    assert counted(synced.sync(rebuild=True)) == {"changed": 3}
    assert synced.model.texts == []
    assert healthy(synced.catalog)


def test_a_rebuild_with_another_model_can_be_interrupted(synced):
    add(synced.catalog, [program("id-1", "A note.")], embedding=synced.model, settings=SETTINGS)
    failing = Counting(version="-2", fail_after=0)
    with pytest.raises(EmbeddingError):
        synced.sync(rebuild=True, embedding=failing)
    assert synced.found("wheat") == ["grain.txt"], "the old version still answers"
    with pytest.raises(IndexMismatchError):
        synced.sync()
    synced.model = Counting(version="-2")
    report = synced.sync()
    assert report.changed == 3
    assert len(synced.model.texts) == report.passages == 4, "and the document of the program"
    assert synced.nearest("What does bread cost?") == "grain.txt"
    assert counted(synced.sync()) == {"unchanged": 3}
    assert healthy(synced.catalog)


def test_chunking_changes_with_a_rebuild(corpus):
    corpus.write("long.txt", "A sentence of some words is here. " * 60)
    before = corpus.sync().passages
    assert corpus.sync(settings=Settings(chunk_tokens=32), rebuild=True).passages > before
    assert healthy(corpus.catalog)


def test_when_the_model_goes_away_what_was_done_is_kept(corpus):
    for number in range(150):
        corpus.write(f"many/{number:03}.txt", f"Number {number} is a number.")
    corpus.model = Counting(fail_after=1)
    with pytest.raises(EmbeddingError):
        corpus.sync()
    done = len(corpus.model.texts)
    assert 0 < done < 153
    assert corpus.catalog.check() == []
    corpus.model = Counting()
    report = corpus.sync()
    assert len(corpus.model.texts) == 153 - done
    assert report.passages == 153
    assert healthy(corpus.catalog)


def test_a_second_writer_is_refused_and_readers_go_on(synced):
    synced.write("ports.txt", "A port.")
    with WriteLock(synced.catalog.folder, purpose="sync"):
        with pytest.raises(IndexLockedError, match="process"):
            synced.sync()
        with pytest.raises(IndexLockedError, match="process"):
            add(synced.catalog, [program("x", "y")], embedding=synced.model, settings=SETTINGS)
        assert synced.found("wheat") == ["grain.txt"]
    assert synced.sync().added == 1


def test_readers_see_whole_documents_during_a_sync(synced):
    seen: set[tuple[str, ...]] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            hits = synced.catalog.passages_of("grain.txt")
            seen.add(tuple(hit.passage.text for hit in hits))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(5):
        synced.write("grain.txt", f"Version {number} of the text, all of it.")
        synced.sync()
    stop.set()
    reader.join()
    assert all(len(texts) == 1 for texts in seen)
    assert len(seen) > 1


def test_an_old_plan_is_made_anew(synced):
    synced.write("ports.txt", "A port.")
    old = synced.plan()
    synced.sync()
    report = apply(synced.catalog, old, embedding=synced.model, settings=SETTINGS)
    assert counted(report) == {"unchanged": 4}


def test_progress_is_told_in_order(corpus):
    steps: list[Step] = []
    corpus.sync(progress=steps.append)
    documents = [step for step in steps if step.phase == "documents"]
    assert [step.done for step in documents] == [1, 2, 3]
    assert {step.total for step in documents} == {3}
    assert {step.name for step in documents} == set(corpus_sources())
    phases = list(dict.fromkeys(step.phase for step in steps))
    assert phases == ["documents", "lexical", "dense"]


def test_a_large_document_is_not_silent(corpus):
    corpus.write("log.txt", "\n\n".join(f"Line {n}: " + "a b c " * 40 for n in range(300)))
    steps: list[Step] = []
    report = corpus.sync(progress=steps.append)
    told = [(step.done, step.total) for step in steps if step.phase == "passages"]
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1] == (report.embedded, report.embedded)


@pytest.mark.parametrize("limit", [1_000, 20_000, 70_000, 150_000])
def test_a_full_disk_is_told_and_the_next_sync_goes_on(synced, limit):
    """A limit on the size of files stands for a full disk, whatever is written when it is met."""
    for number in range(30):
        synced.write(f"more/{number}.md", f"# Ship {number}\n\nShip {number} sails. It is new.")
    for name in ("chroma", "lexical"):
        shutil.rmtree(synced.catalog.folder / name)
    script = (
        "import resource, signal, sys\n"
        "from assistant.catalog import open_catalog\n"
        "from assistant.embedding import load_embedding\n"
        "from assistant.errors import IndexStorageError\n"
        "from assistant.settings import Settings\n"
        "from assistant.sync import apply, plan\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "settings = {'embedding': load_embedding('embedded'), 'settings': Settings()}\n"
        "try:\n"
        "    with open_catalog(sys.argv[1]) as catalog:\n"
        "        apply(catalog, plan(catalog, sys.argv[2], **settings), **settings)\n"
        "except IndexStorageError as error: print('told:', error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(synced.catalog.folder), str(synced.folder)],
        capture_output=True,
        text=True,
    )
    assert run.stdout.startswith("told: "), run.stderr
    assert "disk" in run.stdout or "write" in run.stdout
    assert synced.nearest("What does bread cost?") == "grain.txt", "what was there still answers"
    synced.sync()
    assert len(synced.sources()) == 33
    assert healthy(synced.catalog)


# Documents from a program.


def program(source: str, text: str, title: str = "") -> Document:
    return Document(
        source=source,
        title=title or source,
        text=text,
        type="txt",
        blocks=(Block(0, len(text)),),
        date=None,
        content_hash=text_hash(text),
    )


def test_documents_from_a_program_live_beside_the_folder(synced):
    def put(*documents: Document) -> SyncReport:
        return add(synced.catalog, iter(documents), embedding=synced.model, settings=SETTINGS)

    assert counted(put(program("id-1", "Zebras."), program("id-2", "Lions."))) == {
        "added": 2, "embedded": 2,
    }  # fmt: skip
    assert counted(put(program("id-1", "Zebras."), program("id-2", "Tigers."))) == {
        "changed": 1, "unchanged": 1, "embedded": 1,
    }  # fmt: skip
    assert counted(synced.sync()) == {"unchanged": 3}
    assert synced.found("zebra") == ["id-1"]
    assert synced.found("lion") == []
    assert counted(synced.sync(rebuild=True)) == {"changed": 3}

    report = put(program("grain.txt", "Mine."), program("id-3", "Cats."))
    assert [(failed.source, failed.kind) for failed in report.failed] == [("grain.txt", "conflict")]
    assert report.added == 1
    synced.write("id-3", "no type")
    synced.write("id-3.txt", "A file.")
    put(program("id-4.txt", "A program's."))
    synced.write("id-4.txt", "A file's.")
    report = synced.sync()
    assert [failed.source for failed in report.failed] == ["id-4.txt"]
    assert synced.catalog.document("id-4.txt").text == "A program's."

    report = put(program("id-5", "One."), program("id-5", "Two."), program("id-5", "One."))
    assert (report.added, report.changed) == (1, 2)
    put(program("id-5", "Two."), program("id-5", "One."))
    assert synced.catalog.document("id-5").text == "One."
    assert remove(synced.catalog, "id-5") == 1

    assert remove(synced.catalog, ["id-1", "id-2", "none"]) == 2
    assert synced.found("zebra") == []
    with pytest.raises(DocumentError, match="delete the file"):
        remove(synced.catalog, ["id-3", "grain.txt"])
    assert "id-3" in synced.sources()
    assert healthy(synced.catalog)
