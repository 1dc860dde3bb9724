"""The command line: real processes for what only they show, the same entry point for the rest."""

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from assistant import Assistant, Document, __version__
from assistant.bundled import shipped
from assistant.cli import main
from assistant.cli.progress import Lines
from assistant.cli.screen import to_json, visible
from assistant.errors import IndexStorageError
from assistant.sync import Step

COMMANDS = [
    *("sync", "ask", "search", "status", "doctor", "check"),
    *("chat", "conversations", "feedback", "eval", "calibrate", "models", "serve", "user", "mcp"),
]
QUESTION = "Which payment system is Russia banned from?"
UNKNOWN = "Which yeast makes the best sourdough pancakes?"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and nothing set."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ASSISTANT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


def process(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """A real `python -m assistant`."""
    command = [sys.executable, "-m", "assistant", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


class Ran:
    """What a command printed and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny corpora are answered from, however unsure: the output is what is tested."""
    monkeypatch.setenv("ASSISTANT_REFUSAL_THRESHOLD", "0")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """The entry point, in this process."""

    def call(*arguments: str | Path) -> Ran:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as done:
            code = int(done.code or 0)
        return Ran(code, *capsys.readouterr())

    return call


# Help, versions and usage.


def test_help_teaches_where_to_begin(run: Any) -> None:
    done = run("--help")
    assert done.code == 0
    for command in COMMANDS:
        assert re.search(rf"^    {command} ", done.out, re.MULTILINE)
    for begin in ("assistant sync FOLDER", "assistant ask", "assistant status"):
        assert begin in done.out
    assert "exit codes:" in done.out
    assert max(map(len, done.out.splitlines())) <= 100


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_own_help_with_examples(run: Any, command: str) -> None:
    done = run(command, "--help")
    assert done.code == 0
    assert f"\n  assistant {command}" in done.out or f"| assistant {command}" in done.out
    for option in ("--index DIR", "--json"):
        assert option in done.out


def test_every_field_of_an_answer_is_documented(run: Any, seeds_index: Path) -> None:
    told = re.findall(r"\w+", run("ask", "--help").out)
    answer = run("ask", QUESTION, "--index", seeds_index, "--json").json
    fields = {*answer, *answer["sentences"][0], *answer["citations"][0]}
    assert not fields - set(told)


def test_serve_teaches_where_everything_is_and_who_gets_in(run: Any) -> None:
    told = run("serve", "--help").out
    for word in (
        *("127.0.0.1", "7860", "/v1/ask", "/openapi.json", "/v1/chat/completions", "/mcp"),
        *("/metrics", "/healthz", "--auth users.txt", "assistant user anna", "--no-auth"),
    ):
        assert word in told


def test_the_module_is_the_command_and_tells_its_version() -> None:
    done = process("--version")
    assert (done.returncode, done.stdout) == (0, f"assistant {__version__}\n")
    script = Path(sys.executable).parent / "assistant"
    if script.exists():  # where the package is installed
        assert subprocess.check_output([script, "--version"], text=True) == done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["answer"],
        ["ask"],
        ["ask", " "],
        ["search", "x", "--limit", "0"],
        ["search", "x", "--limit", "many"],
        ["search", "x", "--since", "yesterday"],
        ["ask", "x", "--type", "exe"],
        ["check", "x.txt"],
        ["sync", "a", "b"],
        ["sync", "--dry"],
        ["chat", "question"],
        ["conversations", "--export", "a", "--delete", "b"],
        ["serve", "--port", "70000"],
        ["serve", "--auth", "users.txt", "--no-auth"],
        ["user", "anna"],
        ["user", "--file", "users.txt"],
    ],
)
def test_usage_errors_exit_with_two(run: Any, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert "assistant" in done.err.splitlines()[-1]
    assert "Traceback" not in done.err


# Asking.


def test_ask_prints_text_verdicts_and_sources(run: Any, seeds_index: Path) -> None:
    done = run("ask", QUESTION, "--index", seeds_index)
    assert done.code == 0
    assert done.err == ""
    assert "SWIFT" in done.out
    assert "[1]" in done.out
    assert "sentence 1 quoted [1]" in done.out
    sources = done.out[done.out.index("Sources") :]
    assert re.search(r"^  \[1\] .+ · ", sources, re.MULTILINE)
    assert "“" in sources
    assert "sure that the documents hold the answer" in done.out
    assert not CONTROL.search(done.out)
    assert not [line for line in done.out.splitlines() if line != line.rstrip()]


def test_ask_json_is_one_object_of_these_fields(seeds_index: Path) -> None:
    done = process("ask", QUESTION, "--index", seeds_index, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert list(answer) == [
        *("question", "search_query", "text", "refused", "confidence", "sentences"),
        *("citations", "model", "timings", "closest", "choices", "unclear"),
        *("searches", "model_calls", "notice"),
    ]
    assert answer["question"] == QUESTION
    assert answer["refused"] is False
    with Assistant.open(seeds_index) as assistant:
        for sentence in answer["sentences"]:
            assert set(sentence) == {"text", "verdict", "citations", "reason", "lead"}
        for citation in answer["citations"]:
            assert set(citation) == {
                *("number", "source", "title", "page", "page_end", "heading", "sheet", "row"),
                *("start", "end", "quote", "content_hash", "passage", "passage_start"),
                *("score", "cosine", "dense_rank", "lexical_rank", "lexical_score"),
                *("matched", "why"),
            }
            assert isinstance(citation["heading"], list)
            start = citation["start"] - citation["passage_start"]
            assert citation["passage"][start:].startswith(citation["quote"])
            document = assistant.document(citation["source"])
            assert document is not None
            assert document.text[citation["start"] : citation["end"]] == citation["quote"]


def test_options_go_before_and_after_the_command(run: Any, seeds_index: Path) -> None:
    before = run("--json", "--index", seeds_index, "search", "SWIFT").json
    after = run("search", "SWIFT", "--index", seeds_index, "--json").json
    assert before == after
    assert before["hits"]


def test_a_refusal_is_fine_and_clearly_no_answer(run: Any, seeds_index: Path) -> None:
    done = run("ask", UNKNOWN, "--index", seeds_index)
    assert (done.code, done.err) == (0, "")
    assert "do not say" in done.out
    assert "Sources" not in done.out
    assert "not an answer" in done.out
    answer = run("ask", UNKNOWN, "--index", seeds_index, "--json").json
    assert answer["refused"] is True
    assert answer["sentences"] == answer["citations"] == []


def test_words_need_no_quotes_and_filters_hold(run: Any, seeds_index: Path) -> None:
    words = QUESTION.split()
    unquoted = run("ask", *words, "--index", seeds_index, "--json").json
    assert unquoted["question"] == QUESTION
    within = run(
        *("ask", "--within", "timeline.html", "overview.md", "--index", seeds_index, "--json"),
        *("--", QUESTION),
    ).json
    assert {c["source"] for c in within["citations"]} <= {"timeline.html", "overview.md"}
    typed = run("search", "treaty", "--type", "PDF", "--index", seeds_index, "--json").json
    assert {hit["type"] for hit in typed["hits"]} == {"pdf"}
    future = run("search", "treaty", "--since", "2999-01-01", "--index", seeds_index, "--json")
    assert future.json == {"query": "treaty", "hits": []}


def test_search_explains_itself(run: Any, seeds_index: Path) -> None:
    hits = run("search", "SWIFT", "--limit", "2", "--index", seeds_index, "--json").json["hits"]
    assert 1 <= len(hits) <= 2, "neighbours are merged"
    assert "SWIFT" in hits[0]["matched"]
    assert {"score", "cosine", "dense_rank", "lexical_rank", "lexical_score", "why"} <= set(hits[0])
    done = run("search", "SWIFT", "--limit", "2", "--index", seeds_index)
    assert done.code == 0
    assert re.search(r"matches .*SWIFT", done.out)


# Indexing, and looking after the index.


@pytest.mark.usefixtures("answering")
def test_sync_from_first_to_last(run: Any, elsewhere: Path) -> None:
    folder = elsewhere / "papers"
    folder.mkdir()
    (folder / "one.txt").write_text("The ferry leaves at seven.")
    (folder / "two.txt").write_text("The\u200b ferry is blue.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing more")
    (folder / "picture.png").write_bytes(b"\x89PNG")

    dry = run("sync", folder, "--dry-run")
    assert dry.code == 0
    assert re.search(r"add +one.txt", dry.out)
    assert "3 to add" in dry.out
    assert not (elsewhere / "indexes").exists()
    assert run("sync", folder, "--dry-run", "--json").json["added"] == [
        *("broken.pdf", "one.txt", "two.txt"),
    ]

    first = run("sync", folder)
    assert first.code == 1
    assert "2 added" in first.out
    assert "1 failed" in first.out
    assert "left aside: 1 .png" in " ".join(first.out.split())
    assert "1 hidden character left out" in first.out
    named, *_, last = [line for line in first.err.splitlines() if line.startswith("assistant:")]
    assert "broken.pdf" in named
    assert "1 file was left out" in last
    assert "seven" in run("ask", "When does the ferry leave?").out

    (folder / "broken.pdf").unlink()
    second = run("sync", "--json")
    assert (second.code, second.json["unchanged"], second.json["failed"]) == (0, 2, [])

    status = run("status")
    assert status.code == 0
    assert "one.txt" in status.out
    assert str(folder) in " ".join(status.out.split()).replace(" ", "") or len(str(folder)) > 60
    listed = run("status", "--json").json
    assert [document["source"] for document in listed["documents"]] == ["one.txt", "two.txt"]
    assert listed["counts"]["documents"] == 2
    assert listed["manifest"]["folder"] == str(folder)

    for file in folder.iterdir():
        file.unlink()
    emptied = run("sync")
    assert emptied.code == 1
    assert "--allow-empty" in emptied.err
    assert run("sync", "--allow-empty", "--json").json["removed"] == 2


def test_sync_alone_indexes_the_shipped_examples(run: Any) -> None:
    added = run("sync", "--dry-run", "--json").json["added"]
    assert added == sorted(path.name for path in shipped("seeds").iterdir())


def test_doctor_tells_and_mends(run: Any, seeds_index: Path, elsewhere: Path) -> None:
    index = elsewhere / "index"
    shutil.copytree(seeds_index, index)
    assert run("doctor", "--index", index).code == 0
    (generation,) = (index / "lexical").iterdir()
    shutil.rmtree(generation)
    ill = run("doctor", "--index", index)
    assert ill.code == 1
    assert "lexical" in ill.err
    assert "--mend" in ill.err
    mended = run("doctor", "--mend", "--index", index, "--json")
    assert (mended.code, mended.json["ok"]) == (0, True)
    assert run("doctor", "--index", index).code == 0


def test_check_judges_a_file_or_standard_input(run: Any, elsewhere: Path) -> None:
    sources = elsewhere / "sources"
    sources.mkdir()
    (sources / "ferry.md").write_text("# Ferry\n\nThe ferry leaves at seven from pier two.\n")
    draft = elsewhere / "draft.txt"
    draft.write_text(
        "The ferry leaves at seven from pier two. The ferry leaves at nine. It is red."
    )
    done = run("check", draft, "--against", sources)
    assert done.code == 0
    assert "quoted" in done.out
    assert "3 sentences: 1 quoted" in done.out
    piped = process("check", "-", "--against", "sources", "--json", input=draft.read_text())
    assert (piped.returncode, piped.stderr) == (0, "")
    result = json.loads(piped.stdout)
    first, second, _ = result["sentences"]
    assert first["verdict"] == "quoted"
    assert first["supports"][0]["source"] == "sources/ferry.md"
    assert second["verdict"] == "unsupported"
    assert "nine" in second["reason"]
    assert result["sources"] == ["sources/ferry.md"]

    partly = run("check", draft, "--against", sources, "missing.md")
    assert partly.code == 1
    assert "missing.md" in partly.err
    assert "1 quoted" in partly.out
    unreadable = run("check", "missing", "--against", sources)
    assert (unreadable.code, unreadable.out) == (1, "")
    assert "No such file" in unreadable.err


@pytest.mark.parametrize("against", ["missing.md", "nothing"])
def test_check_does_not_judge_by_nothing(run: Any, elsewhere: Path, against: str) -> None:
    (elsewhere / "nothing").mkdir()
    (elsewhere / "draft.txt").write_text("It is red.")
    done = run("check", "draft.txt", "--against", against)
    assert (done.code, done.out) == (1, "")
    assert f"nothing to judge by in {against}" in done.err


# Errors.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask", "x", "--index", "none"], "assistant sync"),
        (["status"], "assistant sync"),
        (["sync", "missing"], "missing"),
        (["sync", ""], "name of the folder is empty"),
        (["sync", "--index", ""], "index is empty"),
        (["sync", ".", "--index", "."], "folder of an index"),
        (["search", "x", "--index", "a\nb"], "a b"),
    ],
)
def test_an_error_is_one_line_with_its_remedy(run: Any, arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert done.err.startswith("assistant: ")
    assert said in done.err
    assert list(Path().iterdir()) == []


def test_a_setting_that_is_wrong_is_an_error(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_CHUNK_TOKENS", "few")
    done = run("status", "--json")
    assert (done.code, done.out) == (1, "")
    assert "ASSISTANT_CHUNK_TOKENS is 'few'" in done.err


def test_the_unexpected_is_one_line_and_a_traceback_only_when_asked_for(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(Assistant, "status", broken)
    done = run("status")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "RuntimeError: two lines" in done.err
    assert "report" in done.err
    monkeypatch.setenv("ASSISTANT_DEBUG", "1")
    assert "Traceback" in run("status").err


@pytest.mark.parametrize(("options", "first"), [(["--json"], "{"), ([], " ")])
def test_a_reader_that_has_enough_is_no_error(
    seeds_index: Path, options: list[str], first: str
) -> None:
    words = " ".join(["search", "treaty", "--limit", "500", *options])
    command = f"PYTHONUNBUFFERED=1 '{sys.executable}' -m assistant {words} --index '{{}}'"
    done = subprocess.run(
        ["bash", "-c", f"{command.format(seeds_index)} | head -c 1; echo ${{PIPESTATUS[0]}} >&2"],
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == (first, "0\n")


def test_stopping_a_sync_loses_nothing(elsewhere: Path) -> None:
    folder = elsewhere / "many"
    folder.mkdir()
    for number in range(400):
        text = "\n\n".join(f"Note {number}.{part} tells of the harbour." for part in range(20))
        (folder / f"{number}.txt").write_text(text)
    running = subprocess.Popen(
        [sys.executable, "-m", "assistant", "sync", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    with Assistant.open() as watching:
        while True:
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < deadline
            with contextlib.suppress(IndexStorageError):
                if watching.status().counts.documents:
                    break
            time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does it: to the child processes too
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert "nothing is lost" in err.splitlines()[-1]
    assert "Traceback" not in err
    with Assistant.open() as assistant:
        kept = assistant.status().counts.documents
        assert kept
        report = assistant.sync()
    assert report.unchanged >= kept
    assert report.added + report.unchanged == 400


# What reaches the terminal.


ESCAPES = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \x1b]8;;http://example.org\x1b\\link \x07\x08"


@pytest.mark.usefixtures("answering")
def test_documents_cannot_command_the_terminal(run: Any, elsewhere: Path) -> None:
    folder = elsewhere / "papers"
    folder.mkdir()
    name = "the \x1b[2J\u202eferry [bold]x.txt"
    text = "The ferry [red]leaves[/red] at seven \u202eevil :smile:."
    (folder / name).write_text(text)
    (folder / os.fsdecode(b"bytes\xff.txt")).write_text("The ferry is blue.")
    (folder / "broken \x1b[31m.pdf").write_bytes(b"%PDF-1.4 nothing more")
    with Assistant.open() as assistant:
        strange = Document.from_text(f"The ferry {ESCAPES}", source=ESCAPES, title=ESCAPES)
        assert assistant.add([strange]).added == 1
    outputs = [
        run("sync", folder, "--dry-run"),
        run("sync", folder),
        run("ask", "When does the ferry leave?"),
        run("search", "ferry"),
        run("status"),
        run("check", folder / name, "--against", folder),
    ]
    for done in outputs:
        for printed in (done.out, done.err):
            assert not CONTROL.search(printed), printed
            assert "\u202e" not in printed
            assert "Traceback" not in printed
    assert "[red]leaves[/red]" in outputs[2].out, "markup is shown as it is"
    assert ":smile:" in outputs[3].out
    for command in (["status"], ["search", "ferry"], ["ask", "When does the ferry leave?"]):
        raw = run(*command, "--json")
        assert not CONTROL.search(raw.out)
        assert "\u202e" not in raw.out
    assert any("\u202e" in d["source"] for d in run("status", "--json").json["documents"])


def test_visible_takes_out_what_a_terminal_obeys() -> None:
    assert visible(ESCAPES) == "red  2J link "
    assert visible("a\tb\nc é 汉 🙂") == "a\tb\nc é 汉 🙂"


def test_json_survives_everything() -> None:
    value = {"text": f"{ESCAPES}\u202e\u2028\ud800é🙂", "none": None, "number": 0.5}
    printed = to_json(value)
    assert json.loads(printed) == value
    assert not CONTROL.search(printed.replace("\n", ""))
    assert "é🙂" in printed
    printed.encode("utf-8")


@pytest.mark.usefixtures("answering")
def test_a_terminal_gets_colour_a_bar_and_its_own_width(elsewhere: Path) -> None:
    folder = elsewhere / "papers"
    folder.mkdir()
    sentence = "The ferry leaves at seven from the second pier of the old harbour each weekday."
    (folder / "one.txt").write_text(sentence)
    synced = on_a_terminal("sync", str(folder), columns=120)
    assert "reading documents" in synced
    assert "1 added" in synced
    narrow = on_a_terminal("ask", "When does the ferry leave?", columns=40)
    assert "\x1b[" in narrow
    plain = on_a_terminal("ask", "When does the ferry leave?", columns=40, NO_COLOR="1")
    assert re.search(r"\x1b\[3[0-7]m", narrow)
    assert not re.search(r"\x1b\[[39][0-7]m", plain)
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", plain).splitlines()
    assert 30 <= max(map(len, lines)) <= 40


def on_a_terminal(*arguments: str, columns: int, **environment: str) -> str:
    """What a command writes to a terminal of that width."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "assistant", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns), **environment},
    )
    os.close(theirs)
    printed = b""
    try:
        while part := os.read(ours, 65536):
            printed += part
    except OSError:  # Linux says so when the other end is closed
        pass
    finally:
        os.close(ours)
    assert running.wait(timeout=60) == 0, printed
    return printed.decode()


def test_without_a_terminal_there_is_no_flood(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lines = Lines(sys.stderr)
    for done in range(1, 1001):
        now += 0.1  # 100 seconds in all
        lines(Step("documents", done, 1000, f"{done}.txt"))
    printed = capsys.readouterr().err.splitlines()
    assert 15 <= len(printed) <= 31
    assert all(line.startswith("reading documents: ") for line in printed)
    assert printed[-1] == "reading documents: 1,000 of 1,000"


def test_a_terminal_without_letters_gets_escapes_and_json_stays_json(seeds_index: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = process("ask", QUESTION, "--index", seeds_index, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    raw = process("search", "treaty", "--json", "--index", seeds_index, env=environment)
    assert any("–" in hit["title"] for hit in json.loads(raw.stdout)["hits"])
