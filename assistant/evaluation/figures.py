"""Which figures a report has: their names, groups and order, and which way is better."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.evaluation.running import Row
from assistant.evaluation.summary import Part


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of a report.

    Attributes:
        name: As programs know it.
        title: For people.
        about: What it says, in a line.
        falling: Whether less is better.
    """

    name: str
    title: str
    about: str
    falling: bool = False


GROUPS: dict[str, tuple[Metric, ...]] = {
    "answers": (
        Metric("accepted", "accepted answers", "the answer says what an accepted answer says"),
        Metric("right", "right outcomes", "accepted, or refused where nothing is to be found"),
        Metric("exact_match", "exact match", "the answer is a reference, word for word"),
        Metric("token_f1", "token F1", "words shared with the likest reference"),
        Metric("rouge_l", "ROUGE-L", "longest common subsequence with the likest reference"),
        Metric("question_likeness", "question likeness", "a proxy of answer relevancy"),
    ),
    "faithfulness": (
        Metric(
            "faithfulness", "faithfulness", "share of the sentences that the passages read bear out"
        ),
        Metric("groundedness", "groundedness", "how well they do, sentence by sentence"),
        Metric(
            "citation_recall",
            "citation recall",
            "share of the sentences that their citations bear out",
        ),
        Metric(
            "citation_precision", "citation precision", "share of the citations that are of use"
        ),
        Metric("citation_recall_by_model", "cit. recall, by model", "as --judge sees it"),
        Metric("judge_agreement", "judges agree", "sentences on which check and --judge agree"),
    ),
    "refusal": (
        Metric("refusal_precision", "refusal precision", "share of the refusals that are right"),
        Metric("refusal_recall", "refusal recall", "unanswerable questions that were refused"),
        Metric("refusal_f1", "refusal F1", "the harmonic mean of both"),
        Metric(
            "false_refusals",
            "false refusals",
            "answerable questions that were refused",
            falling=True,
        ),
    ),
    "calibration": (
        Metric(
            "calibration_error",
            "calibration error",
            "how far confidences are from how often they come true",
            falling=True,
        ),
        Metric(
            "risk_coverage_area",
            "risk-coverage area",
            "share that is wrong, averaged over how many are answered",
            falling=True,
        ),
    ),
    "retrieval": (
        Metric("recall@5", "recall@5", "evidence among the first 5 passages"),
        Metric("recall@10", "recall@10", "evidence among the first 10 passages"),
        Metric("precision@5", "precision@5", "of the first 5 passages, those with evidence"),
        Metric("mrr", "MRR", "1 / place of the first passage with evidence"),
        Metric("map", "MAP", "mean precision at the places of evidence"),
        Metric("ndcg@10", "nDCG@10", "the ranking against the best possible one"),
        Metric("context_precision", "context precision", "whether evidence stands first"),
        Metric("context_recall", "context recall", "stretches of evidence that were found"),
    ),
    "latency": (
        Metric("seconds_p50", "median", "seconds to an answer", falling=True),
        Metric("seconds_p90", "90 % within", "seconds to an answer", falling=True),
        Metric("seconds_p99", "99 % within", "seconds to an answer", falling=True),
        Metric("seconds_max", "longest", "seconds to an answer", falling=True),
    ),
}
METRICS = {metric.name: metric for metrics in GROUPS.values() for metric in metrics}
LATENCY = "seconds_"


def value_of(part: Part, name: str) -> float | None:
    """A figure by its name, latency as well; None if it is over no case."""
    if name.startswith(LATENCY):
        return part.latency[name.removeprefix(LATENCY)] if part.latency else None
    figure = part.figures.get(name)
    return figure.value if figure else None


@dataclass(frozen=True, slots=True)
class Miss:
    """A figure that is not as good as was asked for.

    Attributes:
        name: The metric's.
        wanted: What was asked for: at least, or, where less is better, at most.
        value: What it is; None if it is over no case.
    """

    name: str
    wanted: float
    value: float | None

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name} is over no case; it should be {self.wanted:g}"
        least, by = ("at most", "more") if METRICS[self.name].falling else ("at least", "less")
        gap = abs(self.value - self.wanted)
        return f"{self.name} is {self.value:.4g}, {gap:.4g} {by} than {least} {self.wanted:g}"


def missed(part: Part, wanted: Sequence[tuple[str, float]]) -> list[Miss]:
    """Which figures are not as good as wanted."""
    found = []
    for name, limit in wanted:
        value = value_of(part, name)
        worse = value is None or (value > limit if METRICS[name].falling else value < limit)
        if worse:
            found.append(Miss(name, limit, value))
    return found


def limits(text: str) -> list[tuple[str, float]]:
    """What `--fail-under` means: "faithfulness=0.98,accepted=0.9".

    Raises:
        ValueError: A metric is unknown or named twice, or its limit is no number.
    """
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in METRICS:
            raise ValueError(f"{name!r} is no metric; known: {', '.join(METRICS)}")
        if name in found:
            raise ValueError(f"{name} is there twice")
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = float("nan")
        if not 0 <= found[name] < float("inf"):
            raise ValueError(f"{name} needs a number, as in {name}=0.9, not {number!r}")
    return list(found.items())


# What came of a case, the worst first: its name, and for people.
OUTCOMES = {
    "crashed": "crashed",
    "wrong": "wrong answer",
    "refused": "refused, though the documents say it",
    "answered": "answered, though the documents do not say it",
    "unfaithful": "right, but not borne out",
    "unlabelled": "nobody has told what is right",
    "right": "right",
}
FAILING = ("crashed", "wrong", "refused", "answered", "unfaithful")
TRUST = ("faithfulness", "citation_recall", "citation_precision")


def outcome(row: Row) -> str:
    """What came of a case, as one of `OUTCOMES`."""
    if row.error:
        return "crashed"
    right = row.scores.get("right")
    if right is not None and right < 1:
        if not row.answerable:
            return "answered"
        return "refused" if row.refused else "wrong"
    if any((score := row.scores.get(name)) is not None and score < 1 for name in TRUST):
        return "unfaithful"
    return "right" if right is not None else "unlabelled"


def outcomes(rows: Iterable[Row]) -> dict[str, int]:
    """How often each of them came about, the worst first."""
    found = [outcome(row) for row in rows]
    return {name: found.count(name) for name in OUTCOMES if name in found}
