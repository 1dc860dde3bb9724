"""What cannot be read says so, and harms nothing else."""

import io
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.lib import pdfencrypt
from reportlab.pdfgen import canvas
from test_documents import MAKERS, drawn_pdf, packed, read

from assistant.documents import Document, read_documents
from assistant.documents.wire import frame, pack, unframe, unpack
from assistant.errors import AssistantError, DocumentError
from assistant.settings import Settings

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {name} '{f'&{before};' * 10}'>"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def encrypted_pdf() -> bytes:
    file = io.BytesIO()
    page = canvas.Canvas(file, encrypt=pdfencrypt.StandardEncryption("secret"))
    page.drawString(72, 700, "Text")
    page.save()
    return file.getvalue()


def encrypted_zip(data: bytes) -> bytes:
    """Set the flag that says a member is encrypted, in both of its headers."""
    data = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start = archive.start_dir
    data[6] |= 1
    data[start + 8] |= 1
    return bytes(data)


def encrypted_ods() -> bytes:
    return packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": "<manifest><encryption-data/></manifest>",
            "content.xml": os.urandom(500),
        }
    )


def cut_off_ods() -> bytes:
    with zipfile.ZipFile(io.BytesIO(MAKERS["ods"]())) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return packed(members | {"content.xml": members["content.xml"][:-150]})


FAILURES: list[tuple[str, bytes, str, str]] = [
    ("a.pdf", encrypted_pdf(), "encrypted", "password"),
    ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted", "password"),
    ("a.xlsx", encrypted_zip(MAKERS["xlsx"]()), "encrypted", "password"),
    ("a.ods", encrypted_ods(), "encrypted", "password"),
    ("a.ods", cut_off_ods(), "corrupt", "damaged"),
    ("a.pdf", MAKERS["pdf"]()[:200], "corrupt", "damaged"),
    ("a.docx", MAKERS["docx"]()[:5000], "corrupt", "damaged"),
    ("a.docx", os.urandom(5000), "corrupt", "damaged"),
    ("a.json", b'{"a": 1', "corrupt", "not valid JSON"),
    ("a.json", b"[" * 100_000, "corrupt", "not valid JSON"),
    ("a.jsonl", b'{"a": 1}\n{"a"\n', "corrupt", "line 2"),
    ("a.epub", packed({"META-INF/container.xml": "<container/>"}), "corrupt", "no package"),
    ("a.txt", b"", "empty", "no text"),
    ("a.txt", b" \n\0\n", "empty", "no text"),
    ("a.md", b"<!-- nothing -->", "empty", "no text"),
    ("a.html", b"<p style='display:none'>secret", "empty", "hidden"),
    ("a.pdf", drawn_pdf([], scanned=True), "no-text-layer", "ocrmypdf"),
    ("a.txt", b"x" * 3_000_001, "too-large", "max_file_bytes"),
    ("a.xlsx", packed({"xl/a.xml": bytes(9_000_000)}), "too-large", "max_unpacked_bytes"),
    ("a.doc", OLE, "unsupported", ".doc files are not read"),
    ("README", b"text", "unsupported", "without an extension"),
    ("a.pdf", PNG, "wrong-extension", "a PNG picture"),
    ("a.pdf", b"Just text.", "wrong-extension", "plain text"),
    ("a.docx", MAKERS["pdf"](), "wrong-extension", "a pdf file"),
    ("a.docx", MAKERS["xlsx"](), "wrong-extension", "a xlsx file"),
    ("a.docx", OLE, "wrong-extension", "old Office"),
    ("a.txt", MAKERS["docx"](), "wrong-extension", "a docx file"),
    ("a.txt", packed({"x": "y"}), "wrong-extension", "a zip file"),
    ("a.csv", os.urandom(5000), "wrong-extension", "not text"),
    ("a.eml", b"Only a sentence.", "wrong-extension", "no e-mail headers"),
]


@pytest.mark.parametrize(("name", "data", "kind", "words"), FAILURES)
def test_each_failure_says_what_and_what_to_do(
    tmp_path: Path, name: str, data: bytes, kind: str, words: str
) -> None:
    limits = Settings(max_file_bytes=3_000_000, max_unpacked_bytes=8_000_000)
    with pytest.raises(DocumentError) as caught:
        read(tmp_path, name, data, limits=limits)
    assert (caught.value.kind, caught.value.source) == (kind, f"papers/{name}")
    assert words in str(caught.value)
    assert caught.value.remedy


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "nothing")
    names = ["pipe.txt", "folder.txt", "dangling.txt", "absent.txt"]
    results = list(read_documents(((tmp_path / name, name) for name in names), settings=Settings()))
    assert [kind(result) for result in results] == ["unreadable"] * 4
    assert [result.source for result in results] == names


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("text")
    path.chmod(0)
    (result,) = read_documents([(path, "a.txt")], settings=Settings())
    assert kind(result) == "unreadable"


@pytest.mark.parametrize("type", ["docx", "pptx", "xlsx", "ods", "epub"])
def test_entities_are_not_expanded(tmp_path: Path, type: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(MAKERS[type]())) as source, zipfile.ZipFile(file, "w") as out:
        for member in source.infolist():
            data = source.read(member)
            if member.filename.endswith(("document.xml", "slide1.xml", "Strings.xml")) or (
                member.filename.endswith(("content.xml", "a a.xhtml"))
            ):
                text = data.decode().partition("?>")[2] or data.decode()
                outer = "<!ENTITY x SYSTEM 'file:///etc/passwd'>"
                for word in ("years", "one", "Iran"):
                    text = text.replace(word, f"{word}&i;&x;", 1)
                data = f"{BOMB}{outer}]>{text}".encode()
            out.writestr(member, data)
    path = tmp_path / f"a.{type}"
    path.write_bytes(file.getvalue())
    began = time.monotonic()
    (result,) = read_documents([(path, "a")], settings=Settings())
    assert time.monotonic() - began < 10
    if isinstance(result, Document):
        assert len(result.text) < 5000
        assert "root:" not in result.text
        assert "aaaaaaaaaa" not in result.text
    else:
        assert result.kind in ("corrupt", "empty")


def kind(result: Document | DocumentError) -> str:
    return result.kind if isinstance(result, DocumentError) else "document"


def small_files(folder: Path, count: int) -> list[tuple[Path, str]]:
    files = [(folder / f"{number}.txt", f"{number}.txt") for number in range(count)]
    for path, source in files:
        path.write_text(f"This is file {source}.")
    return files


def slow_file(folder: Path) -> tuple[Path, str]:
    """A file that takes seconds to read."""
    path = folder / "slow.html"
    path.write_text("<p>word <b>word</b></p>" * 200_000)
    return path, "slow.html"


def test_results_come_in_order_from_any_number_of_children(tmp_path: Path) -> None:
    files = small_files(tmp_path, 150)
    (tmp_path / "a.xyz").touch()
    files[40:40] = [(tmp_path / "absent.xyz", "absent.xyz"), (tmp_path / "a.xyz", "a.xyz")]
    for workers in (1, 3):
        results = list(read_documents(iter(files), settings=Settings(parse_workers=workers)))
        assert [result.source for result in results] == [source for _, source in files]
        assert {kind(result) for result in results} == {"document", "unreadable", "unsupported"}
        assert psutil.Process().children() == []


def test_names_of_any_bytes_are_read(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe odd \n name.txt")
    (tmp_path / name).write_text("Text.")
    (result,) = read_documents([(tmp_path / name, name)], settings=Settings())
    assert isinstance(result, Document)
    assert (result.source, result.text) == (name, "Text.")
    result.title.encode()


def test_nothing_starts_for_no_files() -> None:
    assert list(read_documents([], settings=Settings())) == []
    assert psutil.Process().children() == []


def test_children_end_when_the_reader_stops(tmp_path: Path) -> None:
    files = [*small_files(tmp_path, 5), slow_file(tmp_path)]
    reading = read_documents(files, settings=Settings(parse_workers=2))
    next(reading)
    assert psutil.Process().children()
    reading.close()  # type: ignore[attr-defined]
    assert psutil.Process().children() == []

    def broken() -> Iterator[tuple[Path, str]]:
        yield from files
        raise KeyError("stop")

    with pytest.raises(KeyError):
        list(read_documents(broken(), settings=Settings()))
    assert psutil.Process().children() == []


def test_a_file_that_takes_too_long_costs_itself_only(tmp_path: Path) -> None:
    files = small_files(tmp_path, 6)
    files.insert(3, slow_file(tmp_path))
    began = time.monotonic()
    results = list(read_documents(files, settings=Settings(parse_seconds=0.3)))
    assert [kind(result) for result in results] == ["document"] * 3 + ["timeout"] + ["document"] * 3
    assert time.monotonic() - began < 10


def test_a_file_that_takes_too_much_memory_costs_itself_only(tmp_path: Path) -> None:
    files = small_files(tmp_path, 4)
    large = tmp_path / "large.md"
    large.write_bytes(b"- word\n" * 10_000_000)
    files.insert(2, (large, "large.md"))
    results = list(read_documents(files, settings=Settings(parse_memory_bytes=300_000_000)))
    assert [kind(result) for result in results] == ["document"] * 2 + ["memory"] + ["document"] * 2


def test_a_child_that_is_killed_costs_one_file(tmp_path: Path) -> None:
    files = [slow_file(tmp_path), *small_files(tmp_path, 4)]

    def kill() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for child in psutil.Process().children():
                # It has loaded the parser of HTML: it is at work on the slow file.
                if any("selectolax" in entry.path for entry in child.memory_maps()):
                    child.kill()
                    return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    results = list(read_documents(files, settings=Settings()))
    killer.join()
    assert [kind(result) for result in results] == ["crashed"] + ["document"] * 4
    assert "SIGKILL" in str(results[0])


@pytest.fixture
def child_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a program of our own in the place of the Python that runs the children."""

    def install(body: str) -> None:
        script = tmp_path / "python"
        script.write_text(
            f"#!{sys.executable}\nimport os, struct, sys, time\n"
            f"sys.path[:0] = {sys.path!r}\n"
            "from assistant.documents import worker, wire, parsing, plain\n"
            "def say(data):\n    os.write(1, struct.pack('>Q', len(data)) + data)\n" + body
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(script))

    return install


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("say(b'not json')", "crashed"),
        ("say(b'[1, 2]')", "crashed"),
        ('say(b\'{"kind": 1, "reason": "", "remedy": ""}\')', "crashed"),
        ("os.write(1, b'\\xff' * 100)", "crashed"),
        ("os.write(1, b'\\0')", "timeout"),
        ("pass", "timeout"),
        ("os.close(1); time.sleep(60)", "crashed"),
        ("sys.exit(3)", "crashed"),
        ("os.abort()", "crashed"),
    ],
)
def test_a_child_that_answers_nonsense_is_replaced(
    tmp_path: Path, child_that: Callable[[str], None], answer: str, wanted: str
) -> None:
    files = small_files(tmp_path, 2)
    child_that(f"say(b'\"ready\"')\nsys.stdin.buffer.read(1)\n{answer}\ntime.sleep(60)\n")
    results = list(read_documents(files, settings=Settings(parse_seconds=0.5)))
    assert [kind(result) for result in results] == [wanted] * 2
    assert psutil.Process().children() == []


def test_what_libraries_print_does_not_break_the_answers(
    tmp_path: Path, child_that: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    child_that(
        "read = plain.read_text\n"
        "def noisy(data, builder):\n"
        "    print('noise', flush=True); os.write(1, b'noise'); os.write(2, b'noise')\n"
        "    sys.stdin.read(); read(data, builder)\n"
        "plain.read_text = noisy\nworker.main()\n"
    )
    results = list(read_documents(small_files(tmp_path, 5), settings=Settings()))
    assert [kind(result) for result in results] == ["document"] * 5
    assert "noise" not in "".join(capfd.readouterr())


def test_a_crash_that_another_file_caused_is_not_blamed_on_this_one(
    tmp_path: Path, child_that: Callable[[str], None]
) -> None:
    # Every child dies at the third file it reads, whichever that is.
    child_that(
        "read, calls = plain.read_text, []\n"
        "def fragile(data, builder):\n"
        "    calls.append(1)\n"
        "    if len(calls) == 3: os.abort()\n"
        "    read(data, builder)\n"
        "plain.read_text = fragile\nworker.main()\n"
    )
    results = list(read_documents(small_files(tmp_path, 7), settings=Settings()))
    assert [kind(result) for result in results] == ["document"] * 7


def test_children_that_cannot_start_are_an_error_of_the_whole(
    tmp_path: Path, child_that: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    child_that("sys.exit(7)")
    with pytest.raises(AssistantError, match=r"does not start .*exit code 7"):
        list(read_documents(small_files(tmp_path, 50), settings=Settings(parse_workers=2)))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    with pytest.raises(AssistantError, match="does not start"):
        list(read_documents(small_files(tmp_path, 2), settings=Settings()))


def test_a_script_without_a_main_guard_works_in_any_folder(tmp_path: Path) -> None:
    (tmp_path / "assistant.py").write_text("raise SystemExit('the wrong assistant')")
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    script = tmp_path / "scripts" / "script.py"
    script.parent.mkdir()
    files = small_files(tmp_path, 3)
    script.write_text(
        "from pathlib import Path\nfrom assistant.documents import read_documents\n"
        "from assistant.settings import Settings\n"
        f"for document in read_documents({[(str(p), s) for p, s in files]!r} and "
        f"[(Path(p), s) for p, s in {[(str(p), s) for p, s in files]!r}], settings=Settings()):\n"
        "    print(document.text)\n"
    )
    root = str(Path(read_documents.__code__.co_filename).parents[2])
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == [f"This is file {n}.txt." for n in range(3)], done.stderr


def test_children_die_with_their_parent(tmp_path: Path) -> None:
    path, source = slow_file(tmp_path)
    path.write_bytes(path.read_bytes() * 8)
    parent = subprocess.Popen(
        [sys.executable, "-c", "from pathlib import Path\n"
         "from assistant.documents import read_documents\n"
         "from assistant.settings import Settings\n"
         f"list(read_documents([(Path({str(path)!r}), {source!r})], settings=Settings()))"]
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 20
        children: list[psutil.Process] = []
        while not children and time.monotonic() < deadline:
            children = psutil.Process(parent.pid).children()
            time.sleep(0.05)
        assert children
        time.sleep(0.7)  # it is at work by now
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]


def test_a_child_is_light() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "assistant.documents.worker"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "assistant.documents.parsing" in modules
    heavy = {"numpy", "llama_index", "chromadb", "lxml", "pypdfium2", "docx", "charset_normalizer"}
    assert not heavy & modules


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 50) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(
    st.data(),
    st.sampled_from(["title", "text", "type", "date", "hash", "hidden", "headings", "blocks"]),
)
def test_an_answer_is_believed_only_if_it_keeps_every_promise(data: Any, key: str) -> None:
    document = Document.from_text("One.\n\nTwo.", source="id")
    message = unframe(frame(pack(document))[8:])
    assert unpack(message, source="id") == document
    block = st.tuples(*[JSON] * 8).map(list)
    message[key] = data.draw(st.lists(block, max_size=3) if key == "blocks" else JSON)
    try:
        result = unpack(message, source="id")
    except ValueError:
        return
    assert isinstance(result, Document)
    last = 0
    for part in result.blocks:
        assert last <= part.start < part.end <= len(result.text)
        last = part.end
