"""Fit the coefficients of `assistant.answering.confidence` anew, and print what they achieve.

    python -m evals.calibration CLAPNQ_FOLDER [--index DIR]

Two situations are fitted apart: a question put to one text (CLAPNQ, `within` its passage), and to
a corpus (the cases of the seeds, and, by half their weight each, those of the other collections,
CLAPNQ with all its passages searched, and questions that were put to another collection than
theirs, which does not answer them). The figures are for both halves, of coefficients fitted
to one, and cross-validated by question in folds of all. Needs scikit-learn.
"""

import argparse
import hashlib
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from assistant import Assistant
from assistant.answering.confidence import CORPUS, ONE_TEXT, probability, signals
from assistant.answering.question import Question
from assistant.answering.reading import read
from assistant.evaluation import cases
from assistant.evaluation.refusal import calibration_error
from evals import clapnq, half, seeds

REGULARISATION = {"one text": 0.2, "corpus": 0.3}
SHARES = {"one text": 1.0, seeds.SEEDS: 1.0}
OTHER_SHARE = 0.5
ELSEWHERE = "elsewhere"
# Whoever asks one text loses more by an answer that is not there; whoever asks a corpus, by one
# that is there and is not given.
UNANSWERABLE = {"one text": 1.15, "corpus": 0.75}
FOLDS = 5
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Example:
    """A question's signals, and whether it can be answered."""

    origin: str
    key: str
    half: int
    answerable: bool
    signals: dict[str, float]


def example(
    assistant: Assistant,
    origin: str,
    key: str,
    question: str,
    *,
    answerable: bool,
    **filters: object,
) -> Example:
    """Search for a question, and take down the signals."""
    found = assistant.retrieve(question, **filters)  # type: ignore[arg-type]
    asked = Question.read(question, rarity=assistant.rarity)
    return Example(origin, key, half(key), answerable, signals(asked, read(asked, found)))


def collect(folder: Path, assistant: Assistant) -> list[Example]:
    """All examples of both situations; CLAPNQ is added to the assistant's index."""
    given = clapnq.load(folder)
    assistant.add(one.document for one in given)
    examples = []
    for one in given:
        able = bool(one.references)
        for origin, filters in (("one text", {"within": [one.id]}), ("CLAPNQ", {})):
            examples.append(
                example(assistant, origin, one.id, one.question, answerable=able, **filters)
            )
    names = list(seeds.FOLDERS)
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        with tempfile.TemporaryDirectory() as index, Assistant.open(index) as own:
            own.sync(seeds.FOLDERS[name])
            for asked, origin in ((name, name), (other, ELSEWHERE)):
                for case in cases.load(seeds.cases_of(asked)):
                    if case.answerable is not None and not case.history:
                        able, key = case.answerable and origin == name, case.group or case.id
                        examples.append(example(own, origin, key, case.question, answerable=able))
    return examples


def fit(examples: Sequence[Example], names: Sequence[str], *, situation: str) -> dict[str, float]:
    """Logistic regression of answerable on the signals; each origin weighs as `SHARES` has it."""
    table = np.array([[each.signals[name] for name in names] for each in examples])
    means, spreads = table.mean(axis=0), table.std(axis=0) + 1e-9
    origins = [each.origin for each in examples]
    weights = np.array(
        [
            SHARES.get(each.origin, OTHER_SHARE)
            / origins.count(each.origin)
            * (1 if each.answerable else UNANSWERABLE[situation])
            for each in examples
        ]
    )
    model = LogisticRegression(C=REGULARISATION[situation], max_iter=1000).fit(
        (table - means) / spreads,
        [each.answerable for each in examples],
        sample_weight=weights / weights.mean(),
    )
    slopes = model.coef_[0] / spreads
    bias = float(model.intercept_[0] - (slopes * means).sum())
    pairs = zip(("bias", *names), (bias, *slopes), strict=True)
    return {name: round(float(value), 2) for name, value in pairs}


def cross_validate(examples: Sequence[Example], names: Sequence[str], *, situation: str) -> None:
    """Print what coefficients achieve on questions that they were not fitted to."""
    able = np.array([each.answerable for each in examples])
    found = np.zeros((ROUNDS, len(examples)))
    for number, row in enumerate(found):
        folds = [
            int(hashlib.sha256(f"{number} {each.key}".encode()).hexdigest(), 16) % FOLDS
            for each in examples
        ]
        for fold in range(FOLDS):
            rest = [each for each, own in zip(examples, folds, strict=True) if own != fold]
            fitted = fit(rest, names, situation=situation)
            for place, each in enumerate(examples):
                if folds[place] == fold:
                    row[place] = probability(each.signals, coefficients=fitted)
    print(f"{situation}, cross-validated in {FOLDS} folds, mean of {ROUNDS} rounds")
    for origin in dict.fromkeys(each.origin for each in examples):
        own = np.array([each.origin == origin for each in examples])
        refused = 100 * (found[:, own & ~able] < 0.5).mean()
        falsely = 100 * float((found[:, own & able] < 0.5).mean()) if (own & able).any() else 0.0
        errors = [calibration_error(row[own], able[own]) or 0.0 for row in found]
        print(
            f"  {origin:20} refused {refused:5.1f} %, falsely {falsely:5.1f} %, "
            f"calibration error {np.mean(errors):.3f}"
        )


def report(examples: Sequence[Example], coefficients: dict[str, float]) -> None:
    """Print the share of refusals among the answerable and the others, by origin and half."""
    for origin in dict.fromkeys(each.origin for each in examples):
        for part, name in ((0, "tuning"), (1, "reporting")):
            shares = []
            for answerable in (False, True):
                scores = [
                    sum(c * each.signals.get(n, 1.0) for n, c in coefficients.items())
                    for each in examples
                    if (each.origin, each.half, each.answerable) == (origin, part, answerable)
                ]
                shares.append(100 * sum(score < 0 for score in scores) / max(1, len(scores)))
            print(f"  {origin:9} {name:10} refused {shares[0]:5.1f} %, falsely {shares[1]:5.1f} %")


def main() -> None:
    """Print shipped and fitted coefficients with what they achieve."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--index", help="keep the CLAPNQ index here, and use it again")
    arguments = parser.parse_args()
    place = nullcontext(arguments.index) if arguments.index else tempfile.TemporaryDirectory()
    with place as index, Assistant.open(index) as assistant:
        examples = collect(arguments.folder, assistant)
    for name, shipped, origins in (
        ("one text", ONE_TEXT, ("one text",)),
        ("corpus", CORPUS, ("CLAPNQ", *seeds.FOLDERS, ELSEWHERE)),
    ):
        chosen = [each for each in examples if each.origin in origins]
        names = [key for key in shipped if key not in ("bias", "foreign")]
        fitted = fit([each for each in chosen if each.half == 0], names, situation=name)
        swapped = fit([each for each in chosen if each.half == 1], names, situation=name)
        for label, coefficients in (
            ("shipped", shipped),
            ("fitted to the tuning half", fitted),
            ("fitted to the reporting half", swapped),
        ):
            print(name, label, coefficients)
            report(chosen, coefficients)
        cross_validate(chosen, names, situation=name)


if __name__ == "__main__":
    main()
