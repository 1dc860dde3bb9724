"""Renew the baseline that the tests compare with, and print what changed since the last one.

    python -m evals.baseline

Do so when the figures are better, or when cases were added, and look at what it prints: from then
on, whatever it has become worse is what the tests hold on to.
"""

import sys
import tempfile
from pathlib import Path

from assistant import Assistant
from assistant.bundled import shipped
from assistant.cli import main

CASES = Path(__file__).parent / "cases" / "seeds.jsonl"
BASELINE = Path(__file__).parent / "baselines" / "seeds.json"


def renew() -> int:
    """Run the seeds' cases, and write their scores in place of the earlier ones."""
    with tempfile.TemporaryDirectory() as index:
        with Assistant.open(index) as assistant:
            assistant.sync(shipped("seeds"))
        compared = ("--baseline", str(BASELINE)) if BASELINE.exists() else ()
        written = ("--out", str(BASELINE), "--no-texts")
        return main(["eval", str(CASES), "--index", index, *compared, *written])


if __name__ == "__main__":
    sys.exit(renew())
