"""A run against an earlier one: every figure over the cases of both, and which cases changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from assistant.evaluation.figures import METRICS, outcome
from assistant.evaluation.refusal import Refusals, calibration_error, risk_coverage_area
from assistant.evaluation.reports import DIGITS, Entry
from assistant.evaluation.running import Row
from assistant.evaluation.statistics import Comparison, Indices, bootstrap
from assistant.evaluation.summary import compared

# What is no mean of scores of cases, and is computed anew for each sample of the bootstrap.
OF_ALL = ("refusal_precision", "refusal_f1", "calibration_error", "risk_coverage_area")
# A figure that nothing changed.
SAME = "same"
# A difference that is 0.000.
ROUNDING = 0.0005


@dataclass(frozen=True, slots=True)
class Change:
    """A case of which something else came than before."""

    before: Entry
    after: Entry

    @property
    def kind(self) -> str:
        """Whether it is "better", "worse", or only "other" than before."""
        old, new = (entry.row.scores.get("right") for entry in (self.before, self.after))
        if bool(self.before.row.error) != bool(self.after.row.error):
            return "better" if self.before.row.error else "worse"
        if old is not None and new is not None and old != new:
            return "better" if new > old else "worse"
        if outcome(self.before.row) != outcome(self.after.row):
            return "better" if outcome(self.after.row) == "right" else "worse"
        return "other"


@dataclass(frozen=True, slots=True)
class Compared:
    """A run against an earlier one.

    Attributes:
        figures: By name, over the cases that both have and that are still the same.
        changes: The cases of which something else came, those that are worse first.
        both: How many cases both have.
        edited: How many of them read otherwise since; they are left out.
        new: How many only this run has.
        gone: How many only the earlier one has.
        crashed: How many of those that are compared crashed in one of the runs; no figure has them.
    """

    figures: dict[str, Comparison]
    changes: tuple[Change, ...]
    both: int
    edited: int
    new: int
    gone: int
    crashed: int = 0

    @property
    def told(self) -> str:
        """Over which cases it is, for people."""
        parts = [f"over the {self.both - self.edited} cases of both runs"]
        for count, what in (
            (self.edited, "were edited since and left out"),
            (self.crashed, "crashed in one of them and are in no figure"),
            (self.new, "only this run has"),
            (self.gone, "only the earlier one had"),
        ):
            if count:
                parts.append(f"{count} {what}")
        return "; ".join(parts)

    def drops(self, most: float) -> dict[str, Comparison]:
        """The figures that are worse by more than so much."""
        return {
            name: one
            for name, one in self.figures.items()
            if one.difference is not None and _gain(name, one.difference) < -most
        }


def against(before: Sequence[Entry], after: Sequence[Entry]) -> Compared:
    """Compare a run with an earlier one."""
    old, new = ({entry.row.id: entry for entry in entries} for entries in (before, after))
    common = [key for key in new if key in old]
    same = [key for key in common if old[key].case_key == new[key].case_key]
    pairs = [(old[key], new[key]) for key in same]
    changes = [Change(*pair) for pair in pairs if _changed(*pair)]
    order = ("worse", "better", "other")
    return Compared(
        figures=_figures([(one.row, other.row) for one, other in pairs]),
        changes=tuple(sorted(changes, key=lambda change: order.index(change.kind))),
        both=len(common),
        edited=len(common) - len(same),
        new=len(new) - len(common),
        gone=len(old) - len(common),
        crashed=sum(bool(one.row.error or other.row.error) for one, other in pairs),
    )


def judged(name: str, one: Comparison) -> str:
    """Whether a figure is `SAME`, "better", "worse", or that is "unsure".

    It is better or worse only if its interval leaves 0 out, and the same if neither it nor its
    interval is anything in three digits.
    """
    difference = one.difference or 0.0
    moved = difference if one.probability is not None else _farthest(one)
    if abs(moved) < ROUNDING and not (one.better or one.worse):
        return SAME
    if one.low is None or one.high is None or one.low <= 0 <= one.high:
        return "unsure"
    return "better" if _gain(name, difference) > 0 else "worse"


def _farthest(one: Comparison) -> float:
    """The largest of a difference and the ends of its interval."""
    return max((one.difference or 0.0, one.low or 0.0, one.high or 0.0), key=abs)


def _gain(name: str, difference: float) -> float:
    return -difference if METRICS[name].falling else difference


def _changed(before: Entry, after: Entry) -> bool:
    if outcome(before.row) != outcome(after.row):
        return True
    # A baseline without texts has nothing else to compare.
    texts = [entry.row.answer["text"] for entry in (before, after) if entry.row.answer]
    return len(texts) == 2 and texts[0] != texts[1]


def _figures(pairs: Sequence[tuple[Row, Row]]) -> dict[str, Comparison]:
    # What a case is (its half, tags, cluster) is told by the run of now.
    before = [
        _rounded(replace(old, cluster=new.cluster, answerable=new.answerable)) for old, new in pairs
    ]
    after = [_rounded(new) for _, new in pairs]
    found = compared(map(_with_refusals, before), map(_with_refusals, after))
    answered = [place for place, (old, new) in enumerate(pairs) if not (old.error or new.error)]
    for name in OF_ALL:
        found[name] = _of_all(name, [before[n] for n in answered], [after[n] for n in answered])
    told = {name: found[name] for name in METRICS if name in found and found[name].cases}
    # Better is better, also where that is less.
    for name, one in told.items():
        if METRICS[name].falling:
            told[name] = replace(one, better=one.worse, worse=one.better)
    return told


def _rounded(row: Row) -> Row:
    """As in a report without texts, so that what was rounded is not taken for a change."""
    scores = {name: None if one is None else round(one, DIGITS) for name, one in row.scores.items()}
    return replace(row, scores=scores, confidence=round(row.confidence or 0.0, DIGITS))


def _with_refusals(row: Row) -> Row:
    """Refusals as scores of a case, whose means the figures are."""
    if row.error or row.answerable is None:
        return row
    name = "false_refusals" if row.answerable else "refusal_recall"
    return replace(row, scores=row.scores | {name: float(bool(row.refused))})


def _of_all(name: str, before: Sequence[Row], after: Sequence[Row]) -> Comparison:
    """The paired bootstrap of a figure that is computed of many cases at once."""
    old, new = _statistic(name, before), _statistic(name, after)

    def difference(chosen: Indices) -> float | None:
        one, other = old(chosen), new(chosen)
        return None if one is None or other is None else other - one

    figure = bootstrap(difference, [row.cluster for row in after])
    everything = np.arange(len(after))
    return Comparison(
        before=old(everything),
        after=new(everything),
        difference=figure.value,
        low=figure.low,
        high=figure.high,
        probability=None,
        cases=0 if figure.value is None else len(after),
        better=0,
        worse=0,
    )


def _statistic(name: str, rows: Sequence[Row]) -> Callable[[Indices], float | None]:
    """The figure over some of the rows, given by their places."""
    labelled = np.array([row.answerable is not None for row in rows], bool)
    able = np.array([bool(row.answerable) for row in rows], bool)
    refused = np.array([bool(row.refused) for row in rows], bool)
    sure = np.array([row.confidence or 0.0 for row in rows], float)
    told = np.array([row.scores.get("right") is not None for row in rows], bool)
    loss = np.array([1.0 - (row.scores.get("right") or 0.0) for row in rows], float)

    def figure(chosen: Indices) -> float | None:
        if name == "risk_coverage_area":
            chosen = chosen[told[chosen]]
            return risk_coverage_area(sure[chosen], loss[chosen])
        chosen = chosen[labelled[chosen]]
        if name == "calibration_error":
            return calibration_error(sure[chosen], able[chosen])
        counted = Refusals.count(able[chosen].tolist(), refused[chosen].tolist())
        return counted.precision if name == "refusal_precision" else counted.f1

    return figure
