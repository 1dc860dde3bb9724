"""The figures of a run: overall, by half and by tag, each with its interval and its cases."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.evaluation.refusal import (
    Bin,
    Refusals,
    calibration_error,
    reliability,
    risk_coverage,
    risk_coverage_area,
)
from assistant.evaluation.running import Row
from assistant.evaluation.statistics import (
    Comparison,
    Figure,
    Indices,
    bootstrap,
    compare,
    mean,
    percentiles,
    ratio,
)

PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "max": 100.0}
HALVES = ("dev", "test")


@dataclass(frozen=True, slots=True)
class Part:
    """The figures over some rows.

    Attributes:
        cases: How many rows there are.
        crashed: How many of them have no answer; they are in no other figure.
        unlabelled: Of how many nobody has told whether they can be answered.
        refusals: How often what was refused; without crashed and unlabelled ones.
        figures: By name, each over the cases to which it applies.
        latency: Seconds to an answer, by percentile; None if there is no answer.
        risk_coverage: See `refusal.risk_coverage`; what could be answered and was refused counts
            as wrong, as nobody knows what would have been answered.
        reliability: The confidence that the documents hold the answer, against whether they do.
    """

    cases: int
    crashed: int
    unlabelled: int
    refusals: Refusals
    figures: dict[str, Figure]
    latency: dict[str, float] | None
    risk_coverage: list[tuple[float, float]]
    reliability: list[Bin]


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a run.

    Attributes:
        overall: Over all rows.
        halves: By half, "dev" (which may be tuned on) and "test".
        tags: By tag, in alphabetical order.
    """

    overall: Part
    halves: dict[str, Part]
    tags: dict[str, Part]


def summary(rows: Iterable[Row]) -> Summary:
    """Sum rows up; their order does not matter."""
    ordered = sorted(rows, key=lambda row: row.id)
    tags = sorted({tag for row in ordered for tag in row.tags})
    return Summary(
        overall=part(ordered),
        halves={
            name: part([row for row in ordered if row.half == half])
            for half, name in enumerate(HALVES)
        },
        tags={tag: part([row for row in ordered if tag in row.tags], sure=False) for tag in tags},
    )


def compared(before: Iterable[Row], after: Iterable[Row]) -> dict[str, Comparison]:
    """A second run against a first, score by score, over the cases that both have."""
    old, new = ({row.id: row for row in rows if not row.error} for rows in (before, after))
    names = sorted({name for row in (*old.values(), *new.values()) for name in row.scores})
    clusters = {row.id: row.cluster for row in (*old.values(), *new.values())}
    return {
        name: compare(
            {key: row.scores.get(name) for key, row in old.items()},
            {key: row.scores.get(name) for key, row in new.items()},
            clusters,
        )
        for name in names
    }


def part(rows: Sequence[Row], *, sure: bool = True) -> Part:
    """The figures over some rows.

    `sure` has those of the confidence among them: they take long, and say nothing of few cases.
    """
    answered = [row for row in rows if not row.error]
    labelled = [row for row in answered if row.answerable is not None]
    able = [bool(row.answerable) for row in labelled]
    clusters = [row.cluster for row in answered]
    names = dict.fromkeys(name for row in answered for name in row.scores)
    figures = {
        name: mean([row.scores.get(name) for row in answered], clusters) for name in sorted(names)
    }
    seconds = [row.seconds for row in answered]
    latency = percentiles(seconds, list(PERCENTILES.values()))
    figures |= _refusal_figures(labelled)
    if sure:
        figures |= _confidence_figures(labelled)
    return Part(
        cases=len(rows),
        crashed=len(rows) - len(answered),
        unlabelled=len(answered) - len(labelled),
        refusals=Refusals.count(able, [bool(row.refused) for row in labelled]),
        figures=figures,
        latency=None if latency is None else dict(zip(PERCENTILES, latency, strict=True)),
        risk_coverage=risk_coverage(*_losses(labelled)),
        reliability=reliability([row.confidence or 0.0 for row in labelled], able),
    )


def _refusal_figures(rows: Sequence[Row]) -> dict[str, Figure]:
    """Precision, recall, F1 and false refusals, which are sums by sums, with their intervals."""
    clusters = [row.cluster for row in rows]
    refused = np.asarray([bool(row.refused) for row in rows], float)
    able = np.asarray([bool(row.answerable) for row in rows], float)
    right, wrong, unable = refused * (1 - able), refused * able, 1 - able
    sums = {
        "refusal_precision": (right, refused),
        "refusal_recall": (right, unable),
        "refusal_f1": (2 * right, refused + unable),
        "false_refusals": (wrong, able),
    }
    return {name: ratio(*pair, clusters) for name, pair in sums.items()}


def _confidence_figures(rows: Sequence[Row]) -> dict[str, Figure]:
    """What the confidence is worth."""
    sure = np.asarray([row.confidence or 0.0 for row in rows])
    able = np.asarray([bool(row.answerable) for row in rows])
    surely, losses = map(np.asarray, _losses(rows))

    def error(chosen: Indices) -> float | None:
        return calibration_error(sure[chosen], able[chosen])

    def area(chosen: Indices) -> float | None:
        return risk_coverage_area(surely[chosen], losses[chosen])

    return {
        "calibration_error": bootstrap(error, [row.cluster for row in rows]),
        "risk_coverage_area": bootstrap(area, [row.cluster for row in _told(rows)]),
    }


def _losses(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    """The confidences and losses of the cases for which right and wrong can be told."""
    told = _told(rows)
    return (
        [row.confidence or 0.0 for row in told],
        [1.0 - (row.scores["right"] or 0.0) for row in told],
    )


def _told(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.scores.get("right") is not None]
