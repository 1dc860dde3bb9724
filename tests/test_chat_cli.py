"""The conversation on the terminal, and the commands about conversations that are kept."""

import io
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant import Assistant, Document
from assistant.cli import main

QUESTION = "Which payment system is Russia banned from?"
UNKNOWN = "Which yeast makes the best sourdough pancakes?"
FOLLOW_UP = "And what did Jalali say about it?"


class Ran:
    """What a command printed and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder, nothing set, and a terminal of one width."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ASSISTANT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def index(seeds_index: Path, tmp_path: Path) -> Path:
    """An index of the default corpus, to be written to."""
    return Path(shutil.copytree(seeds_index, tmp_path / "index"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The entry point, in this process; the lines are its standard input."""

    def call(*arguments: str | Path, lines: tuple[str, ...] = (), data: bytes = b"") -> Ran:
        given = "".join(f"{line}\n" for line in lines).encode() or data
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), encoding="ascii"))
        code = main([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return call


# Not on a terminal.


def test_each_line_is_a_question_and_follow_ups_are_understood(run: Run, seeds_index: Path) -> None:
    done = run("chat", "--index", seeds_index, lines=(QUESTION, "", FOLLOW_UP, UNKNOWN))
    assert (done.code, done.err) == (0, "")
    first, rest = done.out.split("searched for: ", 1)
    assert re.search(r"SWIFT.*\[1\] \(quoted\)\n  \[1\] .+ · \S+\.\w+", first, re.DOTALL)
    assert "Jalali" in rest.splitlines()[0]
    assert "The documents do not say." in rest
    assert "Closest, but not an answer" in rest
    assert "> " not in done.out.replace(" > ", ""), "no prompt"


def test_json_is_one_object_a_turn(run: Run, seeds_index: Path) -> None:
    done = run(
        "chat", "--json", "--index", seeds_index, lines=(QUESTION, FOLLOW_UP, "/history", UNKNOWN)
    )
    first, second, third = done.objects
    assert first["sentences"][0]["verdict"] == "quoted"
    assert first["conversation"] is None
    assert "Jalali" in second["search_query"]
    assert second["question"] == FOLLOW_UP
    assert third["refused"] is True
    assert QUESTION in done.err, "what is for people goes elsewhere"


def test_filters_hold_for_every_question(run: Run, seeds_index: Path) -> None:
    done = run(
        *("chat", "--json", "--index", seeds_index, "--within", "overview.md"),
        lines=("What is the treaty about?", "Who signs it?"),
    )
    cited = [citation["source"] for turn in done.objects for citation in turn["citations"]]
    assert cited
    assert set(cited) == {"overview.md"}


def test_a_source_is_shown_whole_with_its_quote_apart(run: Run, seeds_index: Path) -> None:
    done = run("chat", "--index", seeds_index, lines=(QUESTION, "/sources", "/sources 1"))
    with Assistant.open(seeds_index) as assistant:
        citation = assistant.ask(QUESTION).citations[0]
    words = " ".join(done.out.split())
    assert f"“{' '.join(citation.quote.split())}”" in words
    assert f"»{' '.join(citation.quote.split())}«" in words
    whole = " ".join(citation.passage.split())
    assert len(whole) > len(citation.quote)
    assert whole in words.replace("»", "").replace("«", "")
    assert "cosine" in words


def test_asking_again_replaces_the_turn(run: Run, seeds_index: Path) -> None:
    done = run(
        *("chat", "--index", seeds_index),
        lines=(UNKNOWN, "/search SWIFT", "/retry", "/new", QUESTION, "/history"),
    )
    assert (done.code, done.err) == (0, "")
    assert "searched for: SWIFT\nSWIFT is" in done.out
    assert done.out.count("do not say") == 2
    history = done.out.split("a new conversation")[1]
    assert f" 1  {QUESTION}" in history
    assert " 2  " not in history
    assert UNKNOWN not in history


def test_the_help_in_the_chat_is_the_help(run: Run, seeds_index: Path) -> None:
    done = run("chat", "--index", seeds_index, lines=("/help", "/quit", QUESTION))
    assert "SWIFT" not in done.out
    names = re.findall(r"^(/\w+)", done.out, re.MULTILINE)
    assert names == [
        *("/sources", "/search", "/retry", "/history", "/save", "/export", "/good", "/new"),
        "/help",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/foo", "no command /foo; /help"),
        ("/sources 9", "no source 9; the last answer has none"),
        ("/search", "say what to search"),
        ("/search x", "nothing was asked"),
        ("/retry", "nothing was asked"),
        ("/good", "nothing was asked"),
        ("/export", "say which file"),
        ("/export missing/x.md", "missing/x.md cannot be written: No such file"),
        ("/export index", "index exists already"),
    ],
)
def test_what_cannot_be_done_is_one_line(run: Run, index: Path, line: str, said: str) -> None:
    done = run("chat", "--index", index, lines=(line,))
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert done.err.startswith("assistant: ")
    assert said in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        *(["chat"], ["chat", "--resume", "x"], ["chat", "--json"]),
        *(["conversations"], ["conversations", "--export", "x"], ["feedback"]),
    ],
)
def test_a_missing_index_is_one_line_with_its_remedy(run: Run, arguments: list[str]) -> None:
    done = run(*arguments, "--index", "none", lines=(QUESTION,))
    assert (done.code, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert "assistant sync" in done.err


@pytest.mark.parametrize("command", [["ask", "x"], ["search", "x"], ["chat"]])
def test_days_of_which_none_is_both_are_a_usage_error(
    run: Run, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*command, "--since", "2025-01-02", "--until", "2025-01-01")
    assert ended.value.code == 2
    assert "--since 2025-01-02 is after --until 2025-01-01; swap them" in capsys.readouterr().err


def test_questions_that_are_no_text_are_asked_all_the_same(run: Run, seeds_index: Path) -> None:
    done = run("chat", "--index", seeds_index, data=b"Wh\xff is SWIFT?\n\x1b[2J\x00\n")
    assert (done.code, done.err) == (0, "")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.out)


# Keeping.


def test_a_conversation_is_kept_only_when_saved_and_goes_on(run: Run, index: Path) -> None:
    assert run("chat", "--index", index, lines=(QUESTION,)).code == 0
    assert run("conversations", "--json", "--index", index).out == '{\n  "conversations": []\n}\n'
    assert "No conversation is kept" in run("conversations", "--index", index).out

    saved = run("chat", "--index", index, lines=(QUESTION, "/save On payments", FOLLOW_UP))
    found = re.search(r"kept as “On payments”; to go on: assistant chat --resume (\S+)", saved.out)
    assert found
    (kept,) = json.loads(run("conversations", "--json", "--index", index).out)["conversations"]
    assert (kept["id"], kept["title"], kept["turns"]) == (found[1], "On payments", 2)
    listed = run("conversations", "--index", index).out
    assert found[1] in listed
    assert "On payments · 2 turns" in listed

    resumed = run("chat", "--resume", found[1], "--index", index, lines=("/sources 1", "Why?"))
    assert resumed.out.startswith("On payments · 2 turns\n")
    assert "»" in resumed.out, "what was cited still opens"
    again = run("chat", "--json", "--resume", found[1], "--index", index, lines=("/retry",))
    assert again.objects[0]["question"] == "Why?"
    assert again.objects[0]["conversation"] == found[1]

    exported = run("conversations", "--export", found[1], "--index", index)
    assert exported.out.startswith(f"# On payments\n\n## {QUESTION}\n\n")
    assert "[^1]: " in exported.out
    as_json = run("conversations", "--export", found[1], "--json", "--index", index)
    assert json.loads(as_json.out)["markdown"] == exported.out

    assert run("conversations", "--delete", found[1], "--index", index).out == "deleted\n"
    gone = run("conversations", "--delete", found[1], "--index", index)
    assert (gone.code, gone.err.count("\n")) == (1, 1)
    assert found[1] in gone.err
    assert run("chat", "--resume", found[1], "--index", index, lines=(QUESTION,)).code == 1


def test_a_conversation_is_written_to_a_file(run: Run, seeds_index: Path, tmp_path: Path) -> None:
    done = run("chat", "--index", seeds_index, lines=(QUESTION, "/export out.md", "/export out.md"))
    assert "written to out.md" in done.out
    assert "out.md exists already" in done.err
    assert "[^1]: " in (tmp_path / "out.md").read_text(encoding="utf-8")


def test_ratings_become_cases(run: Run, index: Path) -> None:
    lines = (QUESTION, "/good just so", UNKNOWN, "/bad there is a recipe", "/bad none, sorry")
    done = run("chat", "--index", index, lines=lines)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("kept as") == 1, "rating keeps the conversation"
    good, bad = run("feedback", "--index", index).objects
    assert (good["question"], good["rating"], good["comment"]) == (QUESTION, "good", "just so")
    assert good["answerable"] is True
    assert good["sources"]
    assert (bad["rating"], bad["comment"], bad["answerable"]) == ("bad", "none, sorry", None)
    assert bad["history"][0]["question"] == QUESTION


def test_a_choice_is_made_by_its_number(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTANT_REFUSAL_THRESHOLD", "0")
    texts = {
        "fish.md": "The minister Jan Berg said that the herring quota rises next year.",
        "wood.md": "The minister Ida Holm said that the timber tax falls next year.",
    }
    with Assistant.open(tmp_path / "ministers") as assistant:
        assistant.add(Document.from_text(text, source=name) for name, text in texts.items())
        asked = assistant.ask("What did the minister say?")
    assert len(asked.choices) == 2, "the question fits both"
    lines = ("What did the minister say?", "2")
    done = run("chat", "--index", tmp_path / "ministers", lines=lines)
    back, answer = done.out.split("type a number", 1)
    for number, choice in enumerate(asked.choices, start=1):
        assert f"  {number}   {choice}" in back
    assert asked.choices[1] in answer
    assert asked.choices[0] not in answer


# On a terminal.


class Terminal:
    """A real process on a real terminal: what it shows, and a keyboard."""

    def __init__(self, *command: str) -> None:
        self._ours, theirs = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "INPUTRC": "/dev/null"},
            preexec_fn=lambda: _control(theirs),
            start_new_session=True,
        )
        os.close(theirs)

    def see(self, words: str, *, seconds: float = 30) -> str:
        """Wait until it shows the words; returns what it showed until then, since the last time."""
        deadline = time.monotonic() + seconds
        while words not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._ours, 65536).decode(errors="replace")
                except OSError as error:  # Linux says so when the other end is closed
                    raise AssertionError(self.shown) from error
        before, _, self.shown = self.shown.partition(words)
        return before

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def ended(self) -> int:
        """The exit code, once it has ended."""
        code = self.process.wait(30)
        os.close(self._ours)
        return code


def _control(terminal: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


@contextmanager
def opened_terminals() -> Iterator[Callable[..., Terminal]]:
    """What opens terminals, which are closed at the end of the block."""
    opened: list[Terminal] = []

    def open_(*command: str) -> Terminal:
        opened.append(Terminal(*command))
        return opened[-1]

    try:
        yield open_
    finally:
        for each in opened:
            if each.process.poll() is None:
                os.killpg(each.process.pid, signal.SIGKILL)
                each.process.wait(10)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    with opened_terminals() as open_terminal:
        yield open_terminal


def test_on_a_terminal_there_is_a_prompt_colour_and_history(
    terminal: Callable[..., Terminal], seeds_index: Path
) -> None:
    screen = terminal(sys.executable, "-m", "assistant", "chat", "--index", str(seeds_index))
    assert "documents to ask about" in screen.see("> ")
    screen.type(f"{QUESTION}\n")
    answered = screen.see("\n> ")
    assert re.search(r"\x1b\[2;32m ?\(quoted\)", answered)
    screen.type("/sources 1\n")
    assert "\x1b[7m" in screen.see("\n> "), "the quote stands out"
    screen.type("/nonsense\n")
    assert "assistant: there is no command /nonsense" in screen.see("> ")
    screen.type("\x1b[A\x1b[A\x1b[A\n")  # three lines up
    assert "SWIFT" in screen.see("(quoted)")
    screen.see("> ")
    screen.type("\x04")
    assert screen.ended() == 0


SLOW = """
import sys, time
from assistant import Assistant
from assistant.cli import main
whole = Assistant.stream
def slow(self, *arguments, **options):
    for event in whole(self, *arguments, **options):
        yield event
        print("WAITING", flush=True)
        time.sleep(0.1 if FAST else 30)
FAST = True
Assistant.stream = slow
with Assistant.open(sys.argv[1]) as assistant:
    assistant.ask("What is SWIFT?")
FAST = False
sys.exit(main(["chat", "--index", sys.argv[1]]))
"""


def test_the_keyboard_stops_an_answer_and_then_leaves(
    terminal: Callable[..., Terminal], seeds_index: Path
) -> None:
    screen = terminal(sys.executable, "-c", SLOW, str(seeds_index))
    screen.see("> ")
    screen.type(f"{QUESTION}\n")
    screen.see("WAITING")
    screen.type("\x03")
    screen.see("stopped; /retry asks again", seconds=10)
    screen.see("> ")
    screen.type("/history\n")
    assert "SWIFT" not in screen.see("> "), "what was stopped is not part of the conversation"
    screen.type("/retry\n")
    screen.see("WAITING")
    screen.type("\x03")
    screen.see("stopped")
    screen.see("> ")
    screen.type("\x03")
    assert screen.ended() == 0
    assert "Traceback" not in screen.shown
