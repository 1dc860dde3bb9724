"""Formatting, lint and types, so that one command checks everything."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


# By name, so that nobody's virtual environment beside them is looked at.
FOLDERS = "assistant evals tests README.md"


@pytest.mark.parametrize(
    "command",
    [f"ruff check {FOLDERS}", f"ruff format --check {FOLDERS}", "mypy"],
    ids=["lint", "format", "types"],
)
def test_the_code_is_clean(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
