"""Uploads through the facade: hostile names, limits, bad files, kills, and what is kept of them."""

import hashlib
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import Assistant
from assistant.bundled import shipped
from assistant.catalog import WriteLock
from assistant.documents import SUPPORTED
from assistant.errors import (
    DocumentError,
    IndexLockedError,
    IndexStorageError,
    UploadError,
)
from assistant.sources import kept_name
from assistant.sync import Step
from assistant.uploads import LONGEST_NAME, UploadReport, harmless

SEA = b"The sea around the island of Lirova is green. It is said to be deep."
HILL = b"The hill behind the town of Varosk is steep. Nobody climbs it in winter."


@pytest.fixture
def assistant(tmp_path: Path) -> Iterator[Assistant]:
    with Assistant.open(tmp_path / "index") as assistant:
        yield assistant


def upload(assistant: Assistant, tmp_path: Path, *files: tuple[str, bytes]) -> UploadReport:
    """Upload these bytes under these names."""
    given = []
    for number, (name, data) in enumerate(files):
        path = tmp_path / f"given-{number}"
        path.write_bytes(data)
        given.append((name, path))
    return assistant.upload(given)


def kept(tmp_path: Path) -> list[str]:
    folder = tmp_path / "index" / "uploads"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def name_of(data: bytes, suffix: str) -> str:
    return hashlib.sha256(data).hexdigest() + suffix


def test_an_uploaded_file_is_answered_from_cited_and_kept(
    assistant: Assistant, tmp_path: Path
) -> None:
    path = tmp_path / "given"
    path.write_bytes(SEA)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    steps: list[Step] = []
    report = assistant.upload([("Notes on Lirova.TXT", path)], progress=steps.append)
    assert (report.added, report.failed) == (1, ())
    assert [(file.name, file.source, file.failed) for file in report.files] == [
        ("Notes on Lirova.TXT", "uploads/Notes on Lirova.TXT", None)
    ]
    assert steps[0] == Step("documents", 0, 1)
    assert Step("documents", 1, 1, "uploads/Notes on Lirova.TXT") in steps
    document = assistant.document("uploads/Notes on Lirova.TXT")
    assert document is not None
    assert (document.title, document.type) == ("Notes on Lirova", "txt")
    assert document.date == date(2020, 9, 13)
    assert document.content_hash == hashlib.sha256(SEA).hexdigest()
    assert kept(tmp_path) == [name_of(SEA, ".txt")]
    original = tmp_path / "index" / "uploads" / name_of(SEA, ".txt")
    assert original.read_bytes() == SEA
    assert not original.stat().st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    answer = assistant.ask("What colour is the sea around the island of Lirova?")
    assert "green" in answer.text
    assert assistant.locate(answer.citations[0]).state == "same"
    assert assistant.locate(answer.citations[0]).file == original.resolve()
    assert path.read_bytes() == SEA


def test_a_pdf_shows_its_pages(assistant: Assistant) -> None:
    assistant.upload([("history.pdf", shipped("seeds") / "background.pdf")])
    quote = "The cooperation agreement now in force between Iran and Russia is 24 years old."
    picture = assistant.page_picture("uploads/history.pdf", 1, quotes=[quote])
    assert picture is not None
    assert len(picture.marks) == 2


def test_the_same_name_again_is_a_new_version(assistant: Assistant, tmp_path: Path) -> None:
    upload(assistant, tmp_path, ("a.txt", SEA))
    (citation, *_) = assistant.ask("What colour is the sea around the island of Lirova?").citations
    assert upload(assistant, tmp_path, ("a.txt", SEA)).unchanged == 1
    report = upload(assistant, tmp_path, ("a.txt", HILL))
    assert (report.added, report.changed) == (0, 1)
    assert kept(tmp_path) == [name_of(HILL, ".txt")]
    assert assistant.changed([citation]) == {citation.number: "changed"}
    assert assistant.ask("What colour is the sea around the island of Lirova?").refused


def test_different_files_of_one_name_stay_apart_and_copies_are_one(
    assistant: Assistant, tmp_path: Path
) -> None:
    report = upload(
        assistant,
        tmp_path,
        *(("x/a.txt", SEA), ("y/a.txt", HILL), ("a.txt", SEA), ("z/a.txt", SEA + HILL)),
        *(("b.txt", SEA),),
    )
    assert [file.source for file in report.files] == [
        *("uploads/a.txt", "uploads/a (2).txt", "uploads/a.txt", "uploads/a (3).txt"),
        "uploads/b.txt",
    ]
    assert report.added == 4
    assert len(kept(tmp_path)) == 3
    assert assistant.remove(["uploads/a.txt"]) == 1
    assert len(kept(tmp_path)) == 3  # b.txt has the same content
    assert assistant.remove(["uploads/b.txt", "uploads/b.txt", "uploads/none.txt"]) == 1
    assert kept(tmp_path) == sorted([name_of(HILL, ".txt"), name_of(SEA + HILL, ".txt")])


HOSTILE = {
    "../../etc/passwd.txt": "passwd.txt",
    "..\\..\\boot.md": "boot.md",
    "C:\\Users\\me\\notes.txt": "notes.txt",
    "/etc/shadow.csv": "shadow.csv",
    "a\0b.txt": "ab.txt",
    "a\nb\tc\x1b[31m.txt": "a b c[31m.txt",
    "harmless\u202etxt.md": "harmlesstxt.md",
    "\u200b\u2066.txt": "document.txt",
    "a" * 5000 + ".txt": "a" * (LONGEST_NAME - 4) + ".txt",
    "....txt": "document.txt",
    ".txt": "document.txt",
    ". . .pdf": "document.pdf",
    "report.pdf. . ": "report.pdf",
    "CON.txt": "CON.txt",
    "\udcff\ud800.txt": "document.txt",
    "folder/": "folder",
    "": "document",
    "...": "document",
    "\0": "document",
    "cafe\u0301.txt": "caf\u00e9.txt",
    "نامه\u200cها.txt": "نامه\u200cها.txt",
    "<img src=x onerror=alert(1)>.md": "<img src=x onerror=alert(1)>.md",
    "a.txt/b": "b",
    "archive.tar.gz": "archive.tar.gz",
}


@pytest.mark.parametrize(("name", "wanted"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_a_hostile_name_becomes_harmless(name: str, wanted: str) -> None:
    assert harmless(name) == wanted


@given(st.one_of(st.text(), st.text(alphabet="./\\ \0\u202e\ud800atxp")))
def test_any_name_becomes_one_that_can_be_shown(name: str) -> None:
    shown = harmless(name)
    assert 1 <= len(shown) <= LONGEST_NAME
    assert not set("/\\\0\n\r\u202e") & set(shown)
    assert shown not in (".", "..")
    assert shown == shown.strip()
    shown.encode()
    assert harmless(shown) == shown


def test_hostile_names_write_nothing_but_their_content(
    assistant: Assistant, tmp_path: Path
) -> None:
    before = {path for path in tmp_path.rglob("*") if "index" not in path.parts}
    report = upload(assistant, tmp_path, *((name, SEA) for name in HOSTILE))
    readable = [file for file in report.files if file.failed is None]
    assert len(readable) >= 15
    assert {file.source for file in readable} <= {d.source for d in assistant.status().documents}
    assert set(kept(tmp_path)) == {name_of(SEA, suffix) for suffix in (".txt", ".md", ".csv")}
    after = {path for path in tmp_path.rglob("*") if "index" not in path.parts}
    assert {path.name for path in after - before} == {f"given-{i}" for i in range(len(HOSTILE))}
    for failed in report.failed:
        assert failed.kind in ("unsupported", "wrong-extension")
        assert failed.source.startswith("uploads/")


def test_no_source_and_no_hash_leads_out_of_the_folder() -> None:
    good = hashlib.sha256(b"").hexdigest()
    assert kept_name("uploads/a.PDF", good) == good + ".pdf"
    for source, content_hash in (
        ("uploads/a.pdf", "../../../etc/passwd"),
        ("uploads/a.pdf", good.upper()),
        ("uploads/a.pdf", good + "\n"),
        ("uploads/a", good),
        ("uploads/a.pdf/../../x", good),
        ("elsewhere/a.pdf", good),
    ):
        assert kept_name(source, content_hash) is None


def test_one_bad_file_does_not_stop_the_others(assistant: Assistant, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    paths = [("good.txt", SEA), ("broken.pdf", b"%PDF-1.7 nothing"), ("empty.md", b" ")]
    paths += [("prog.exe", b"MZ"), ("noext", SEA), ("liar.docx", SEA)]
    given: list[tuple[str, Path]] = []
    for name, data in paths:
        (tmp_path / name).write_bytes(data)
        given.append((name, tmp_path / name))
    given += [("dir.txt", tmp_path / "folder"), ("pipe.txt", tmp_path / "pipe")]
    given += [("none.txt", tmp_path / "none"), ("last.txt", tmp_path / "good.txt")]
    steps: list[Step] = []
    report = assistant.upload(given, progress=steps.append)
    assert report.added == 2
    assert {failed.source: failed.kind for failed in report.failed} == {
        "uploads/broken.pdf": "corrupt",
        "uploads/empty.md": "empty",
        "uploads/prog.exe": "unsupported",
        "uploads/noext": "unsupported",
        "uploads/liar.docx": "wrong-extension",
        "uploads/dir.txt": "unreadable",
        "uploads/pipe.txt": "unreadable",
        "uploads/none.txt": "unreadable",
    }
    assert all(failed.reason and failed.remedy for failed in report.failed)
    assert kept(tmp_path) == [name_of(SEA, ".txt")]
    told = [step for step in steps if step.phase == "documents"]
    assert (told[-1].done, told[-1].total) == (len(given), len(given))
    assert [step.done for step in told] == sorted(step.done for step in told)


def test_a_bomb_is_refused_by_what_it_unpacks_to(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.docx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * 50_000_000)
        archive.writestr("[Content_Types].xml", b"<x/>")
    with Assistant.open(tmp_path / "index", max_unpacked_bytes=10_000_000) as assistant:
        report = assistant.upload([("bomb.docx", bomb)])
        assert [failed.kind for failed in report.failed] == ["too-large"]
        assert kept(tmp_path) == []


def test_limits_of_the_whole_upload_come_first(tmp_path: Path) -> None:
    limits = {"max_upload_files": 2, "max_upload_bytes": 150, "max_file_bytes": 100}
    with Assistant.open(tmp_path / "index", **limits) as assistant:
        with pytest.raises(UploadError, match="more than 2 files") as caught:
            upload(assistant, tmp_path, *[(f"{i}.txt", b"a") for i in range(3)])
        assert caught.value.kind == "too-many"
        with pytest.raises(UploadError, match="more than 150 bytes") as caught:
            upload(assistant, tmp_path, ("a.txt", b"a" * 90), ("b.txt", b"a" * 90))
        assert caught.value.kind == "too-large"
        assert kept(tmp_path) == []
        assert assistant.status().documents == []
        report = upload(assistant, tmp_path, ("a.txt", b"a" * 101), ("b.txt", SEA[:40]))
        assert [failed.kind for failed in report.failed] == ["too-large"]
        assert report.added == 1


def test_a_name_of_the_synced_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder" / "uploads").mkdir(parents=True)
    (tmp_path / "folder" / "uploads" / "a.txt").write_bytes(HILL)
    with Assistant.open(tmp_path / "index") as assistant:
        assistant.sync(tmp_path / "folder")
        report = upload(assistant, tmp_path, ("a.txt", SEA), ("b.txt", SEA))
        assert [file.failed and file.failed.kind for file in report.files] == ["conflict", None]
        assert [failed.kind for failed in report.failed] == ["conflict"]
        with pytest.raises(DocumentError, match="synced folder"):
            assistant.remove(["uploads/b.txt", "uploads/a.txt"])
        assert assistant.document("uploads/b.txt") is not None
        assistant.sync(rebuild=True)  # leaves uploads alone
        assert assistant.document("uploads/b.txt") is not None
        assert kept(tmp_path) == [name_of(SEA, ".txt")]


def test_a_locked_index_says_so_and_nothing_is_kept(assistant: Assistant, tmp_path: Path) -> None:
    upload(assistant, tmp_path, ("a.txt", SEA))
    with WriteLock(tmp_path / "index", purpose="a test"):
        with pytest.raises(IndexLockedError, match="a test"):
            upload(assistant, tmp_path, ("b.txt", HILL))
        with pytest.raises(IndexLockedError):
            assistant.remove(["uploads/a.txt"])
    assert kept(tmp_path) == [name_of(SEA, ".txt")]
    assert [d.source for d in assistant.status().documents] == ["uploads/a.txt"]


def test_a_folder_that_cannot_be_written_says_so(assistant: Assistant, tmp_path: Path) -> None:
    upload(assistant, tmp_path, ("a.txt", SEA))
    folder = tmp_path / "index" / "uploads"
    shutil.rmtree(folder)
    folder.write_text("in the way")
    with pytest.raises(IndexStorageError, match="cannot be kept"):
        upload(assistant, tmp_path, ("b.txt", HILL))
    folder.unlink()
    assert upload(assistant, tmp_path, ("b.txt", HILL)).added == 1


FULL = """
import resource, signal, sys
from pathlib import Path
from assistant import Assistant
with Assistant.open(sys.argv[1]) as assistant:
    assistant.status()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    try:
        assistant.upload([("big.txt", Path(sys.argv[2]))])
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_a_disk_without_room_says_so_and_nothing_half_stays(
    assistant: Assistant, tmp_path: Path
) -> None:
    """A limit on the size of files stands for the full disk: writing fails in the same place."""
    upload(assistant, tmp_path, ("a.txt", SEA))
    big = tmp_path / "big"
    big.write_bytes(SEA * 10_000)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "index"), str(big)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "IndexStorageError" in done.stdout
    assert "see that its disk has room" in done.stdout
    assert kept(tmp_path) == [name_of(SEA, ".txt")]
    assert upload(assistant, tmp_path, ("b.txt", HILL)).added == 1


KILLED = """
import sys
from pathlib import Path
from assistant import Assistant
with Assistant.open(sys.argv[1]) as assistant:
    files = [(path.name, path) for path in sorted(Path(sys.argv[2]).iterdir())]
    print("ready", flush=True)
    assistant.upload(files)
    print("done", flush=True)
"""


def test_a_kill_at_any_moment_leaves_nothing_half(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(12):
        text = f"The house number {number} in Varosk is inhabited by {number} families. "
        (folder / f"{number}.txt").write_text(text + "They keep bees. " * 500 * number)
    chance = random.Random(4)
    killed = 0
    with Assistant.open(tmp_path / "index") as assistant:
        upload(assistant, tmp_path, ("a.txt", SEA))
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path / "index"), str(folder)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.3, 1.5))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
        with Assistant.open(tmp_path / "index") as assistant:
            for listed in assistant.status().documents:
                document = assistant.document(listed.source)
                assert document is not None
                name = kept_name(document.source, document.content_hash)
                data = (tmp_path / "index" / "uploads" / str(name)).read_bytes()
                assert hashlib.sha256(data).hexdigest() == document.content_hash
            assert not assistant.ask("What colour is the sea around the island of Lirova?").refused
    assert killed
    with Assistant.open(tmp_path / "index") as assistant:
        report = assistant.upload([(path.name, path) for path in folder.iterdir()])
        assert not report.failed
        documents = assistant.status().documents
        assert len(documents) == 13
        assert set(kept(tmp_path)) == {
            kept_name(source, content_hash)
            for source, content_hash in (
                (d.source, assistant.document(d.source).content_hash)  # type: ignore[union-attr]
                for d in documents
            )
        }
        assert not [finding for finding in assistant.doctor() if not finding.ok]


def test_every_type_that_is_read_can_be_kept() -> None:
    content_hash = hashlib.sha256(b"").hexdigest()
    for suffix in SUPPORTED:
        assert kept_name(f"uploads/{harmless('a' + suffix.upper())}", content_hash)
