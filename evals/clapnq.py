"""CLAPNQ: long answers from one given passage, and refusal where it does not hold the answer.

    python -m evals.clapnq FOLDER [--index DIR]

FOLDER holds `clapnq_dev_answerable.jsonl` and `clapnq_dev_unanswerable.jsonl` (Apache-2.0,
arXiv 2404.02103). Every passage is indexed as a document of its own, and each question asked
`within` its passage, as published systems are given it. Questions are split in halves by the hash
of their id; what is tuned is tuned on the first half, and each figure is printed for both.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from rouge_score.rouge_scorer import RougeScorer

from assistant import Assistant, Document
from evals import half

ANCHORS = """published, whole dev set    ROUGE-L   unanswerable refused
fine-tuned T5-large            57.2   89.2 %
GPT-3.5                        39.8   37.0 %
GPT-4                          35.9   18.0 %
the whole passage              49.5    0.0 %"""


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its passage; no references means that it cannot be answered."""

    id: str
    question: str
    document: Document
    references: tuple[str, ...]

    @property
    def half(self) -> int:
        """0 for tuning, 1 for reporting."""
        return half(self.id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the assistant made of a case; `rouge` is of the answer it has or would have given."""

    case: Case
    confidence: float
    rouge: float
    whole: float


def load(folder: Path) -> list[Case]:
    """Read both files."""
    cases = []
    for name in ("answerable", "unanswerable"):
        path = folder / f"clapnq_dev_{name}.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            passage = row["passages"][0]
            answers = tuple(output["answer"] for output in row["output"] if output["answer"])
            document = Document.from_text(passage["text"], source=row["id"], title=passage["title"])
            cases.append(Case(row["id"], row["input"], document, answers))
    return cases


def run(assistant: Assistant, cases: Sequence[Case]) -> list[Outcome]:
    """Ask every question within its passage."""
    scorer = RougeScorer(["rougeL"])

    def rouge(references: Sequence[str], text: str) -> float:
        scores = [scorer.score(reference, text)["rougeL"].fmeasure for reference in references]
        return 100 * max(scores, default=0.0)

    outcomes = []
    for case in cases:
        answer = assistant.ask(case.question, within=[case.id])
        text = " ".join(sentence.text for sentence in answer.sentences)
        outcomes.append(
            Outcome(
                case=case,
                confidence=answer.confidence,
                rouge=rouge(case.references, text),
                whole=rouge(case.references, case.document.text),
            )
        )
    return outcomes


def report(outcomes: Sequence[Outcome], *, threshold: float) -> str:
    """Figures of some outcomes in a line."""
    answerable = [outcome for outcome in outcomes if outcome.case.references]
    others = [outcome for outcome in outcomes if not outcome.case.references]
    given = [outcome for outcome in answerable if outcome.confidence >= threshold]
    refused = sum(outcome.confidence < threshold for outcome in others) / len(others)
    composed = statistics.mean(outcome.rouge for outcome in answerable)
    counted = sum(outcome.rouge for outcome in given) / len(answerable)
    return (
        f"{composed:8.1f} {statistics.mean(outcome.rouge for outcome in given):10.1f} "
        f"{counted:10.1f} {statistics.mean(outcome.whole for outcome in answerable):9.1f} "
        f"{100 * refused:13.1f} % {100 * (1 - len(given) / len(answerable)):11.1f} %"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--index", help="keep the index here, and use it again")
    arguments = parser.parse_args()
    cases = load(arguments.folder)
    place = nullcontext(arguments.index) if arguments.index else tempfile.TemporaryDirectory()
    # Threshold 0: every answer is composed, and the figures are worked out for the shipped one.
    with place as index, Assistant.open(index, refusal_threshold=0.0) as assistant:
        assistant.add(case.document for case in cases)
        outcomes = run(assistant, cases)
    threshold = type(assistant.settings)().refusal_threshold
    print("ROUGE-L  composed  answered  refusals=0  passage  unanswerable refused  false refusals")
    for name, parts in (("tuning half", {0}), ("reporting half", {1}), ("both", {0, 1})):
        chosen = [outcome for outcome in outcomes if outcome.case.half in parts]
        print(f"{name:15}", report(chosen, threshold=threshold))
    print(ANCHORS)


if __name__ == "__main__":
    main()
