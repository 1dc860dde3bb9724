"""The seeds' own cases: accepted answers, refusals, and how short the answers are.

    python -m evals.seeds [--cases FILE] [--folder DIR] [--verbose]

Cases are split in halves by the hash of their id; what is tuned is tuned on the first half, and
every figure is printed for both.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import Answer, Assistant
from evals import half

CASES = Path(__file__).parent / "cases" / "seeds.jsonl"
FOLDER = Path(__file__).parent.parent / "seeds"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case and what the assistant made of it."""

    case: dict[str, Any]
    answer: Answer

    @property
    def half(self) -> int:
        """0 for tuning, 1 for reporting."""
        return half(self.case["id"])

    @property
    def accepted(self) -> bool:
        """Whether one of the accepted answers is in the text."""
        text = self.answer.text.casefold()
        return not self.answer.refused and any(
            answer.casefold() in text for answer in self.case["answers"]
        )


def report(outcomes: Sequence[Outcome]) -> str:
    """Figures of some outcomes in a line."""
    answerable = [outcome for outcome in outcomes if outcome.case["answerable"]]
    others = [outcome for outcome in outcomes if not outcome.case["answerable"]]
    refused = [outcome for outcome in outcomes if outcome.answer.refused]
    right = sum(not outcome.case["answerable"] for outcome in refused)
    lengths = [len(outcome.answer.sentences) for outcome in answerable if outcome.answer.sentences]
    quoted = [
        sentence.verdict == "quoted"
        for outcome in outcomes
        for sentence in outcome.answer.sentences
    ]
    return (
        f"{statistics.mean(outcome.accepted for outcome in answerable):8.2f}"
        f"{right / max(1, len(refused)):19.2f}{right / len(others):8.2f}"
        f"{(len(refused) - right) / len(answerable):16.2f}{statistics.mean(lengths):11.2f}"
        f"{statistics.mean(quoted):8.2f}"
    )


def main() -> None:
    """Print the figures, and with --verbose every case that went wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=Path, default=CASES)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--verbose", action="store_true", help="show the cases that went wrong")
    arguments = parser.parse_args()
    cases = [json.loads(line) for line in arguments.cases.read_text().splitlines()]
    with tempfile.TemporaryDirectory() as index, Assistant.open(index) as assistant:
        assistant.sync(arguments.folder)
        outcomes = [Outcome(case, assistant.ask(case["question"])) for case in cases]
    names = ("accepted", "refusal precision", "recall", "false refusals", "sentences", "quoted")
    print(" " * 16 + "  ".join(names))
    for name, parts in (("tuning half", {0}), ("reporting half", {1}), ("both", {0, 1})):
        print(f"{name:15}", report([outcome for outcome in outcomes if outcome.half in parts]))
    if arguments.verbose:
        for outcome in outcomes:
            wrong = outcome.answer.refused == outcome.case["answerable"]
            if wrong or (outcome.case["answerable"] and not outcome.accepted):
                answer = outcome.answer
                print(f"\n{outcome.case['id']} {answer.confidence:.2f} {outcome.case['question']}")
                print(f"  wanted: {outcome.case['answers'] or 'a refusal'}\n  got: {answer.text}")


if __name__ == "__main__":
    main()
