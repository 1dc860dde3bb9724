"""Fifty times `kill -9` at a random moment of a sync: nothing lost, nothing doubled.

A helper process imports everything once and forks for each sync, so that the kills fall into the
work and not into imports. Its syncs are the real thing: real files, parsers, encoder, Chroma and
tantivy; only the thresholds are lowered that would let a small corpus go without new generations.
"""

import json
import random
import sqlite3
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from assistant.catalog import Catalog, open_catalog
from assistant.embedding import load_embedding
from assistant.indexes import DenseIndex, LexicalIndex, chroma, doctor, lexical, mend_for_reading
from assistant.settings import Settings
from assistant.sync import apply, plan

KILLS = 50
COMPARE_EVERY = 5
FILES = 60

HELPER = """
import json, os, sys, time
import chromadb, onnxruntime, tantivy, tokenizers
from assistant.catalog import open_catalog
from assistant.catalog.vectors import vector_key
from assistant.embedding import load_embedding
from assistant.indexes import chroma, lexical
from assistant.settings import Settings
from assistant.sync import apply, encoding, plan

def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

class Telling:
    def __init__(self):
        self.model = load_embedding("embedded")
        self.name, self.fingerprint = self.model.name, self.model.fingerprint
        self.dimensions, self.encode_query = self.model.dimensions, self.model.encode_query

    def encode(self, texts, spans):
        for text, places in zip(texts, spans):
            tell("encode", vector_key(self.fingerprint, text, places).hex())
        return self.model.encode(texts, spans)

def sync(index, folder):
    phase = None
    def progress(step):
        nonlocal phase
        if step.phase != phase:
            phase = step.phase
            tell("phase", phase)
    with open_catalog(index, create=True) as catalog:
        to_do = plan(catalog, folder, embedding=model, settings=Settings())
        apply(catalog, to_do, embedding=model, settings=Settings(), progress=progress)
    tell("done")

model = Telling()
chroma.LEAST_WORTH_A_BUILD, chroma.WORTH_A_BUILD = 0, 0
encoding.BATCH = 4
tell("ready")
for line in sys.stdin:
    index, folder, lexical.SMALL, kill_after = json.loads(line)
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            sync(index, folder)
        except BaseException as error:
            tell("error", repr(error))
        os._exit(0)
    ended = None
    while kill_after is not None and time.monotonic() - started < kill_after and not ended:
        time.sleep(0.005)
        ended, _ = os.waitpid(child, os.WNOHANG)
    if not ended:
        if kill_after is not None:
            os.kill(child, 9)
        os.waitpid(child, 0)
    tell("end", time.monotonic() - started)
"""


class Helper:
    """The process that forks a child for each sync."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HELPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self.line() == ["ready"]

    def line(self) -> list[str]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the helper died"
        return line.split()

    def sync(
        self, index: Path, folder: Path, *, small: int, kill_after: float | None
    ) -> tuple[list[list[str]], float]:
        """Run a sync, and kill it; returns what it told, and how long it ran."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([str(index), str(folder), small, kill_after]) + "\n")
        lines = []
        while (line := self.line())[0] != "end":
            lines.append(line)
        return lines, float(line[1])

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class Corpus:
    """A folder that changes at random: files come, change, move and go."""

    SUBJECTS = ("wheat", "gas", "rail", "ports", "visas", "banks", "tankers", "maps", "satellites")

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.folder = folder
        self.dice = dice
        self.count = 0
        for _ in range(FILES):
            self.add()

    def text(self) -> str:
        self.count += 1
        subject = self.dice.choice(self.SUBJECTS)
        sentences = [
            f"Report {self.count} tells of {subject}; line {line} gives {self.dice.random():.3f}."
            for line in range(self.dice.randint(1, 12))
        ]
        return f"# {subject.title()} {self.count}\n\n{' '.join(sentences)}\n"

    def files(self) -> list[Path]:
        return sorted(self.folder.rglob("*.md"))

    def add(self) -> None:
        text = self.text()
        path = self.folder / self.dice.choice("abc") / f"{self.count}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def change(self) -> None:
        self.dice.choice(self.files()).write_text(self.text(), encoding="utf-8")

    def remove(self) -> None:
        self.dice.choice(self.files()).unlink()

    def move(self) -> None:
        path = self.dice.choice(self.files())
        target = self.folder / self.dice.choice("abcd") / f"moved-{self.count}-{path.name}"
        target.parent.mkdir(exist_ok=True)
        path.rename(target)

    def stir(self) -> None:
        while len(self.files()) < FILES:
            self.add()
        for _ in range(self.dice.randint(3, 6)):
            self.add()
            self.change()
            self.move()
        for _ in range(self.dice.randint(2, 5)):
            self.remove()


def contents(catalog: Catalog) -> list[object]:
    """Everything an index holds but ids and times of indexing."""
    held: list[object] = []
    for listed in catalog.documents():
        hits = catalog.passages_of(listed.source)
        vectors = catalog.vectors([hit.id for hit in hits])
        held.append(
            (
                catalog.document(listed.source),
                listed.passages,
                catalog.files()[listed.source],
                [hit.passage for hit in hits],
                [vectors[hit.id][0].tobytes() for hit in hits],
                [vectors[hit.id][1].tobytes() for hit in hits],
            )
        )
    return held


def lexical_ids(catalog: Catalog) -> list[int]:
    import tantivy

    projection = catalog.projection(lexical.NAME)
    searcher = tantivy.Index.open(str(lexical.folder(catalog, projection.generation))).searcher()
    hits = searcher.search(tantivy.Query.all_query(), limit=100_000).hits
    return sorted(searcher.fast_field_values("id", [address for _, address in hits]))


def dense_ids(catalog: Catalog) -> list[int]:
    index = chroma.ChromaIndex(catalog, catalog.projection(chroma.NAME))
    try:
        return sorted(index.candidates(load_embedding("embedded").encode_query("x"), 100_000))
    finally:
        index.close()


@pytest.mark.timeout(900)
def test_fifty_kills(tmp_path, monkeypatch):
    monkeypatch.setattr(chroma, "LEAST_WORTH_A_BUILD", 0)
    monkeypatch.setattr(chroma, "WORTH_A_BUILD", 0)
    dice = random.Random(20250117)
    index, folder = tmp_path / "index", tmp_path / "documents"
    corpus = Corpus(folder, dice)
    model, settings = load_embedding("embedded"), Settings()
    question = "Which report tells of tankers?"
    asked = model.encode_query(question)
    helper = Helper()
    lasted, phases, kills, runs = [1.0], [], 0, 0

    try:
        while kills < KILLS:
            runs += 1
            assert runs < 3 * KILLS, "the syncs end before they are killed"
            known = stored_keys(index)
            small = dice.choice([0, lexical.SMALL])
            moment = None if runs == 1 else dice.uniform(0, 1.3) * statistics.median(lasted[-5:])
            lines, seconds = helper.sync(index, folder, small=small, kill_after=moment)
            assert not [line for line in lines if line[0] == "error"], lines
            if ["done"] in lines:
                lasted.append(seconds)
            else:
                kills += 1
                told = [line[-1] if line[0] == "phase" else line[0] for line in lines]
                phases.append(told[-1] if told else "plan")

            with open_catalog(index) as catalog:
                assert catalog.check() == []
                encoded = [bytes.fromhex(line[1]) for line in lines if line[0] == "encode"]
                assert not known & set(encoded), "encoded though its vector was stored"
                assert len(encoded) == len(set(encoded)), "encoded twice in one run"
                assert mend_for_reading(catalog) is None
                dense, words = DenseIndex(catalog), LexicalIndex(catalog)
                nearest = dense.search(asked, 3)
                found = [key for key, _ in nearest + words.search(question, 3)]
                assert len(catalog.passages(found)) == 6, "a search answers"
                if kills % COMPARE_EVERY == 0 and ["done"] not in lines:
                    to_do = plan(catalog, folder, embedding=model, settings=settings)
                    apply(catalog, to_do, embedding=model, settings=settings)
                    with open_catalog(tmp_path / f"clean-{kills}", create=True) as clean:
                        to_do = plan(clean, folder, embedding=model, settings=settings)
                        apply(clean, to_do, embedding=model, settings=settings)
                        assert contents(catalog) == contents(clean)
                        assert answers(catalog, asked) == answers(clean, asked)
                    ids = catalog.passage_ids().tolist()
                    assert lexical_ids(catalog) == ids
                    assert dense_ids(catalog) == ids
                    assert all(finding.ok for finding in doctor(catalog))
                    assert len(list((index / "chroma").iterdir())) == 1
                    assert len(list((index / "lexical").iterdir())) == 1
            corpus.stir()
    finally:
        helper.close()
    # Otherwise the moments were badly chosen, and the test shows less than it says.
    print(Counter(phases))
    assert {"encode", "dense"} <= set(phases), phases


def stored_keys(index: Path) -> set[bytes]:
    """The keys of all vectors stored, read from the file itself."""
    if not index.exists():
        return set()
    connection = sqlite3.connect(index / "catalog.sqlite3")
    try:
        return {key for (key,) in connection.execute("SELECT key FROM vectors")}
    finally:
        connection.close()


def answers(catalog: Catalog, asked) -> list[tuple[str, float]]:
    """What dense search finds, by text, as ids differ between two indexes."""
    ranking = DenseIndex(catalog).search(asked, 10)
    texts = {hit.id: hit.passage.text for hit in catalog.passages([key for key, _ in ranking])}
    return [(texts[key], score) for key, score in ranking]
