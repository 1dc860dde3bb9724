"""CLAPNQ: long answers from one given passage, and refusal where it does not hold the answer.

    python -m evals.clapnq FOLDER [--index DIR]

FOLDER holds `clapnq_dev_answerable.jsonl` and `clapnq_dev_unanswerable.jsonl` (Apache-2.0,
arXiv 2404.02103). Every passage is indexed as a document of its own, and each question asked
`within` its passage, as published systems are given it. Questions are split in halves by the hash
of their id; what was tuned was tuned on the first half, unless the last lines say otherwise.

ROUGE-L is that with the likest of the references that people wrote, in per cent, over the
answerable questions: of the answer as it would be composed if nothing were refused; of those that
are given; and of all with a refusal as 0, which is what the published figures can be held against.
With bootstrap 95 % intervals.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from assistant import Assistant, Document
from assistant.evaluation.answers import rouge_l
from assistant.evaluation.statistics import Figure, mean
from evals import half

# ROUGE-L, and the share of the unanswerable that is refused, over the whole dev set.
PUBLISHED = {
    "fine-tuned T5-large": (57.2, 89.2),
    "GPT-3.5": (39.8, 37.0),
    "Mistral-7B": (39.0, 18.6),
    "GPT-4": (35.9, 18.0),
    "the whole passage": (49.5, 0.0),
}
WEAKER = """By a weaker protocol than the published: the confidences by which ours refuses were
fitted to these questions (python -m evals.calibration cross-validates them), and what chooses its
sentences was chosen with both halves in sight. T5 was fine-tuned on the train set."""
# What an annotator wrote who found no answer in the passage.
NONE = "NA"

COMPOSED = "ROUGE-L as composed, none refused"
GIVEN = "ROUGE-L of the answers given"
COUNTED = "ROUGE-L, a refusal counting 0"
PASSAGE = "ROUGE-L of the whole passage"
REFUSED = "unanswerable refused, %"
FALSELY = "answerable refused, %"


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
    """What the assistant made of a case.

    Attributes:
        case: The case.
        confidence: That the passage holds the answer.
        rouge: ROUGE-L of the answer it has or would have given; None without a reference.
        whole: That of the whole passage.
    """

    case: Case
    confidence: float
    rouge: float | None
    whole: float | None


def load(folder: Path) -> list[Case]:
    """Read both files."""
    cases = []
    for name in ("answerable", "unanswerable"):
        with (folder / f"clapnq_dev_{name}.jsonl").open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                passage = row["passages"][0]
                answers = (output["answer"] for output in row["output"])
                references = tuple(one for one in answers if one not in ("", NONE))
                document = Document.from_text(
                    passage["text"], source=row["id"], title=passage["title"]
                )
                cases.append(Case(row["id"], row["input"], document, references))
    return cases


def run(assistant: Assistant, cases: Sequence[Case]) -> list[Outcome]:
    """Ask every question within its passage."""
    outcomes = []
    for case in cases:
        answer = assistant.ask(case.question, within=[case.id])
        text = " ".join(sentence.text for sentence in answer.sentences)
        rouge, whole = (rouge_l(said, case.references) for said in (text, case.document.text))
        outcomes.append(Outcome(case, answer.confidence, rouge, whole))
    return outcomes


def figures(outcomes: Sequence[Outcome], *, threshold: float) -> dict[str, Figure]:
    """The figures of some outcomes by their titles, as shares of 1."""

    def over(chosen: Sequence[Outcome], score: Callable[[Outcome], float | bool | None]) -> Figure:
        scores = [None if (one := score(each)) is None else float(one) for each in chosen]
        return mean(scores, [each.case.id for each in chosen])

    def refused(one: Outcome) -> bool:
        return one.confidence < threshold

    able = [one for one in outcomes if one.case.references]
    unable = [one for one in outcomes if not one.case.references]
    return {
        COMPOSED: over(able, lambda one: one.rouge),
        GIVEN: over(able, lambda one: None if refused(one) else one.rouge),
        COUNTED: over(able, lambda one: 0.0 if refused(one) else one.rouge),
        PASSAGE: over(able, lambda one: one.whole),
        REFUSED: over(unable, refused),
        FALSELY: over(able, refused),
    }


def shown(figure: Figure) -> str:
    """A figure in per cent."""
    return f"{'-' if figure.value is None else f'{100 * figure.value:.1f}':>11}"


def report(parts: Sequence[dict[str, Figure]]) -> None:
    """Print the figures of the tuning half, the reporting half and both, beside the published."""
    print(f"{'':36}{'tuning':>11}{'reporting':>11}{'both':>11}   95 %")
    for title in parts[-1]:
        figure = parts[-1][title]
        inside = ""
        if figure.low is not None and figure.high is not None:
            inside = f"[{100 * figure.low:.1f}, {100 * figure.high:.1f}]"
        cells = "".join(shown(part[title]) for part in parts)
        print(f"{title:36}{cells}   {inside}")
    print()
    print(f"{'dev, with the passage':36}{'ROUGE-L':>11}{'unanswerable refused, %':>26}")
    ours = shown(parts[-1][COUNTED]), shown(parts[-1][REFUSED])
    print(f"{'ours, a refusal counting 0':36}{ours[0]}{ours[1]:>26}")
    for name, (rouge, refused) in PUBLISHED.items():
        print(f"{name + ', published':36}{rouge:11.1f}{refused:26.1f}")
    print(WEAKER)


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
    print(f"{len(cases)} questions, {sum(bool(one.references) for one in cases)} answerable")
    halves = [[one for one in outcomes if one.case.half == part] for part in (0, 1)]
    report([figures(part, threshold=threshold) for part in (*halves, outcomes)])


if __name__ == "__main__":
    main()
