"""Whether an assistant refuses when it should, and knows how sure it may be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10


@dataclass(frozen=True, slots=True)
class Refusals:
    """How refusals went; the figures belong together, as each alone is easily had.

    Refusing everything has recall 1, refusing once and rightly has precision 1, and never
    refusing has no false refusals.

    Attributes:
        right: Questions that the documents do not answer, refused.
        wrong: Questions that they answer, refused.
        missed: Questions that they do not answer, not refused.
        answered: Questions that they answer, not refused.
    """

    right: int
    wrong: int
    missed: int
    answered: int

    @classmethod
    def count(cls, answerable: Sequence[bool], refused: Sequence[bool]) -> "Refusals":
        """Count the cases, each with whether it can be answered, and whether it was refused."""
        pairs = list(zip(answerable, refused, strict=True))
        return cls(
            right=pairs.count((False, True)),
            wrong=pairs.count((True, True)),
            missed=pairs.count((False, False)),
            answered=pairs.count((True, False)),
        )

    @property
    def precision(self) -> float | None:
        """The share of refusals that are right; None if nothing was refused."""
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float | None:
        """The share of what cannot be answered that was refused; None if all can be."""
        return _share(self.right, self.right + self.missed)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both; None if nothing was refused, nor to be refused."""
        return _share(2 * self.right, 2 * self.right + self.wrong + self.missed)

    @property
    def false_refusals(self) -> float | None:
        """The share of what can be answered that was refused; None if nothing can be."""
        return _share(self.wrong, self.wrong + self.answered)


def risk_coverage(confidences: ArrayLike, losses: ArrayLike) -> list[tuple[float, float]]:
    """(coverage, risk) when the surest 1, 2, ... cases are answered and the rest refused.

    Coverage is the share of cases answered, risk their mean loss (0 for a right answer, 1 for a
    wrong one). El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification"
    (2010). Cases of the same confidence are told apart by nothing: each of them gets their mean
    loss, which is what a random order comes to.
    """
    sure, loss = np.asarray(confidences, float), np.asarray(losses, float)
    if not sure.size:
        return []
    _, group, sizes = np.unique(-sure, return_inverse=True, return_counts=True)
    means = np.bincount(group, weights=loss) / sizes
    answered = np.arange(1, len(sure) + 1)
    risks = np.cumsum(np.repeat(means, sizes)) / answered
    return list(zip((answered / len(sure)).tolist(), risks.tolist(), strict=True))


def risk_coverage_area(confidences: ArrayLike, losses: ArrayLike) -> float | None:
    """The area under that curve: the mean risk over all coverages; None without cases.

    AURC: Geifman, Uziel and El-Yaniv, "Bias-Reduced Uncertainty Estimation for Deep Neural
    Classifiers" (2019). Lower is better; no order at all comes to the mean loss.
    """
    curve = risk_coverage(confidences, losses)
    return sum(risk for _, risk in curve) / len(curve) if curve else None


@dataclass(frozen=True, slots=True)
class Bin:
    """The cases whose confidence lies in a range.

    Attributes:
        low: Where the range begins.
        high: Where it ends; only the last one's end belongs to it.
        cases: How many there are.
        confidence: Their mean confidence; None where there are none.
        share: The share of them that came true; None where there are none.
    """

    low: float
    high: float
    cases: int
    confidence: float | None
    share: float | None


def reliability(confidences: ArrayLike, came_true: ArrayLike, *, bins: int = BINS) -> list[Bin]:
    """The reliability curve: what a confidence promises and what came of it, in equal ranges."""
    sure, true = np.asarray(confidences, float), np.asarray(came_true, float)
    places = _bins(sure, bins)
    found = []
    for place in range(bins):
        inside = places == place
        cases = int(inside.sum())
        means = (float(sure[inside].mean()), float(true[inside].mean())) if cases else (None, None)
        found.append(Bin(place / bins, (place + 1) / bins, cases, *means))
    return found


def calibration_error(
    confidences: ArrayLike, came_true: ArrayLike, *, bins: int = BINS
) -> float | None:
    """Expected calibration error: the mean gap between promised and true; None without cases.

    Guo et al., "On Calibration of Modern Neural Networks" (2017), with bins of equal width.
    """
    sure, true = np.asarray(confidences, float), np.asarray(came_true, float)
    if not sure.size:
        return None
    gaps = np.bincount(_bins(sure, bins), weights=sure - true, minlength=bins)
    return float(np.abs(gaps).sum() / len(sure))


def _bins(confidences: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    return np.minimum((confidences * bins).astype(np.int64), bins - 1)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
