"""What the README says is so: its programs run, its tables are complete, its output is real.

`python tests/test_readme.py` puts what the commands print now into the README.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

import pytest

from assistant.cli import main
from assistant.documents.formats import SUPPORTED
from assistant.errors import DocumentError
from assistant.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPTION = re.compile(r"(?<!\S)--[a-z-]+|(?<=[\[`])--[a-z-]+")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that holds what a clone's top level holds for the program."""
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ASSISTANT_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.usefixtures("clone")
def test_the_python_programs_run() -> None:
    assert blocks("python")
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})


@pytest.mark.usefixtures("clone")
def test_the_output_shown_is_what_the_commands_print() -> None:
    shown = blocks("console")
    assert shown
    for block in shown:
        assert rounded(replayed(block)) == rounded(block)


def replayed(block: str) -> str:
    """A console block with what its commands print now."""
    environment = {**os.environ, "COLUMNS": "90", "NO_COLOR": "1"}
    parts = []
    for line in re.findall(r"^\$ .*$", block, re.MULTILINE):
        program, *arguments = shlex.split(line.removeprefix("$ "))
        assert program == "assistant"
        command = [sys.executable, "-m", "assistant", *arguments]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        parts.append(f"{line}\n{done.stdout.rstrip()}\n")
    return "\n".join(parts)


def rounded(text: str) -> str:
    """The text without what differs between machines and runs: times, last digits, line breaks."""
    text = re.sub(r"\d+(\.\d+)?(?= (s|%|ms)(\s|$))", "0", text)
    text = re.sub(r"(\d\.\d)\d+", r"\1", text)
    return " ".join(text.split())


def test_the_test_line_is_what_continuous_integration_runs() -> None:
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").strip().splitlines()
    single = [block.strip() for block in blocks("bash") if len(block.splitlines()) == 1]
    assert len(single) == 2, "one line to start, one to test"
    assert lines[-1] == single[1]
    assert all(line.startswith("python3 -m venv .venv && ") for line in single)


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \|", README, re.MULTILINE)
    wanted = [(field.name, repr(field.default).replace("'", '"')) for field in fields(Settings)]
    assert rows == wanted


def test_every_command_and_option_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def help_of(*command: str) -> str:
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        return capsys.readouterr().out

    told: dict[str, set[str]] = {}
    for command, rest in re.findall(r"^\| `assistant (\w+)(.*?)` \|", README, re.MULTILINE):
        told.setdefault(command, set()).update(OPTION.findall(rest))
    apart = set(OPTION.findall(README[README.index("Everywhere:") : README.index("## Documents")]))

    listed = help_of().partition("  COMMAND\n")[2].partition("\n\n")[0]
    commands = [line.split()[0] for line in listed.splitlines()]
    # The usage, which comes first, has every option; examples may show other commands, too.
    usages = {command: help_of(command).partition("\n\n")[0] for command in commands}
    known = {command: set(OPTION.findall(usage)) for command, usage in usages.items()}
    assert set(told) == set(known)
    for command, options in known.items():
        assert options <= told[command] | apart, command
        assert told[command] <= options


def test_every_format_is_named() -> None:
    named = set(re.findall(r"`(\.\w+)`", README))
    assert set(SUPPORTED) <= named


def test_every_kind_of_failure_is_in_the_table() -> None:
    kinds = re.search(r"\((`encrypted`.*?)\)", DocumentError.__doc__ or "", re.DOTALL)
    assert kinds
    documents = README[README.index("## Documents") : README.index("## Settings")]
    rows = re.findall(r"^\| `([a-z-]+)` \| [^`]", documents, re.MULTILINE)
    assert rows == re.findall(r"`([a-z-]+)`", kinds[1])


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "seeds", Path(folder) / "seeds")
        os.chdir(folder)
        for block in blocks("console"):
            README = README.replace(block, replayed(block))
    (ROOT / "README.md").write_text(README, encoding="utf-8")
