"""What a figure is worth: how many cases it is over, its 95 % interval, and two runs compared.

Cases of one conversation, or about one document, are not independent: what is drawn anew in the
bootstrap is whole clusters of cases. Field and Welsh, "Bootstrapping clustered data" (2007).
Seeded, so that the same figures have the same intervals.

Where all clusters are alike, as if every case is right, each sample is the same, and the bootstrap
would claim to be sure. Then a share has the interval that the number of clusters allows, see
`_alike`, and any other figure has none.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SAMPLES = 2000
LEVEL = 0.95
# Of so many clusters, all 1,024 ways to swap two runs are tried.
FEW = 10
# Draws of no more clusters than these are kept for the next figure: 16 MB.
KEPT = 1000
# Two values are equal if they differ by no more than this (rounding).
EQUAL = 1e-12

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure over some cases.

    Attributes:
        value: The figure; None if it applies to no case.
        cases: Over how many cases it is.
        low: Where its 95 % interval begins; None for fewer than two clusters, and where it cannot
            be told.
        high: Where it ends.
    """

    value: float | None
    cases: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A second run against a first, over the cases that both have a score for.

    Attributes:
        before: The first one's mean; None without cases.
        after: The second one's mean.
        difference: What was gained, on average.
        low: Where its 95 % interval begins (paired bootstrap); None as a figure's is.
        high: Where it ends.
        probability: How often a difference as large comes about by chance, if the two runs are
            alike (paired permutation test, two-sided).
        cases: How many cases both have a score for.
        better: In how many of them the second is better.
        worse: In how many it is worse.
    """

    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None
    probability: float | None
    cases: int
    better: int
    worse: int


def mean(values: Sequence[float | None], clusters: Sequence[Hashable]) -> Figure:
    """The mean of scores of 0 to 1; a None is a case that the measure does not apply to."""
    return _mean(values, clusters, least=0.0)


def _mean(values: Sequence[float | None], clusters: Sequence[Hashable], *, least: float) -> Figure:
    scored = [
        (value, key) for value, key in zip(values, clusters, strict=True) if value is not None
    ]
    ones = [1.0] * len(scored)
    return ratio([value for value, _ in scored], ones, [key for _, key in scored], least=least)


def ratio(
    numerators: Sequence[float],
    denominators: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    least: float = 0.0,
) -> Figure:
    """A sum over cases by another, as precision, recall and F1 are; None for 0 / 0.

    `cases` counts those whose denominator is not 0. No case's ratio is below `least` or above 1.
    """
    below = np.asarray(denominators, float)
    cases = int((below != 0).sum())
    if not cases:
        return Figure(None, 0)
    above, total = np.asarray(numerators, float), float(below.sum())
    value = float(above.sum()) / total
    # Clusters that have no part in the figure have none in its interval, either.
    counted = [key for key, weight in zip(clusters, below, strict=True) if weight]
    above, below = above[below != 0], below[below != 0]
    draws, members = _draws(counted)
    if draws is None:
        return Figure(value, cases)
    tops, bottoms = (np.bincount(members, weights=one) for one in (above, below))
    interval = _interval(draws @ tops / (draws @ bottoms))
    return Figure(value, cases, *(interval or _alike(value, len(tops), least=least)))


def bootstrap(statistic: Callable[[Indices], float | None], clusters: Sequence[Hashable]) -> Figure:
    """Any figure that is computed of a choice of cases, given by their places.

    It has no interval if all samples are the same.
    """
    everything = np.arange(len(clusters))
    value = statistic(everything) if len(clusters) else None
    draws, members = _draws(clusters)
    if value is None or draws is None:
        return Figure(value, len(clusters))
    samples = []
    for counts in draws[: SAMPLES // 4]:  # the interval of such a figure may be a little rougher
        one = statistic(np.repeat(everything, counts[members].astype(int)))
        if one is not None:
            samples.append(one)
    return Figure(value, len(clusters), *(_interval(np.asarray(samples)) or (None, None)))


def compare(
    before: Mapping[str, float | None],
    after: Mapping[str, float | None],
    clusters: Mapping[str, Hashable],
) -> Comparison:
    """Compare the scores of two runs, by case; what one of them did not score is left out."""
    pairs = [
        (old, new, clusters[key])
        for key, old in sorted(before.items())
        if old is not None and (new := after.get(key)) is not None
    ]
    if not pairs:
        return Comparison(None, None, None, None, None, None, 0, 0, 0)
    gains = np.asarray([new - old for old, new, _ in pairs])
    keys = [key for _, _, key in pairs]
    difference = _mean(gains.tolist(), keys, least=-1.0)
    return Comparison(
        before=float(np.mean([old for old, _, _ in pairs])),
        after=float(np.mean([new for _, new, _ in pairs])),
        difference=difference.value,
        low=difference.low,
        high=difference.high,
        probability=_by_chance(gains, keys),
        cases=len(pairs),
        better=int((gains > EQUAL).sum()),
        worse=int((gains < -EQUAL).sum()),
    )


def percentiles(values: Sequence[float], wanted: Sequence[float]) -> list[float] | None:
    """Percentiles, interpolated between neighbours (as numpy does); None without values."""
    return [float(value) for value in np.percentile(values, wanted)] if values else None


def _by_chance(gains: Numbers, clusters: Sequence[Hashable]) -> float:
    """Swap the runs at random, cluster by cluster: how often is the difference as large?

    Of a few clusters every way of swapping is tried; of more, `SAMPLES` ways drawn at random, the
    one that was measured among them, so that it is never 0 (Phipson and Smyth, "Permutation
    P-values should never be zero", 2010).
    """
    sums = np.bincount(_places(clusters), weights=gains)
    count = len(sums)
    if count <= FEW:
        ways = np.arange(2**count)[:, None] >> np.arange(count) & 1
    else:
        drawn = np.random.default_rng(0).integers(0, 2, size=(SAMPLES - 1, count))
        ways = np.vstack([np.zeros((1, count), np.int64), drawn])
    differences = np.abs((1 - 2 * ways) @ sums)
    return float((differences >= abs(sums.sum()) - EQUAL).mean())


def _draws(clusters: Sequence[Hashable]) -> tuple[Numbers | None, Indices]:
    """How often each cluster is drawn in each sample, and the cluster of each case."""
    members = _places(clusters)
    count = int(members.max()) + 1 if len(members) else 0
    if count < 2:
        return None, members
    return (_kept(count) if count <= KEPT else _drawn(count)), members


def _drawn(count: int) -> Numbers:
    """As many clusters drawn as there are, with replacement, `SAMPLES` times."""
    random = np.random.default_rng(0)
    return random.multinomial(count, [1 / count] * count, size=SAMPLES).astype(float)


# The figures of a run are mostly over the same number of clusters.
_kept = lru_cache(4)(_drawn)


def _places(clusters: Sequence[Hashable]) -> Indices:
    """The clusters as numbers from 0, in order of first appearance."""
    numbers = {key: number for number, key in enumerate(dict.fromkeys(clusters))}
    return np.asarray([numbers[key] for key in clusters], np.int64)


def _alike(value: float, count: int, *, least: float) -> tuple[float, float]:
    """The interval of a share if all of so many clusters, taken as equally large, have this one.

    If a cluster were another with the probability p, none of n would be with (1 - p) ** n; that is
    5 % or more for all p up to 1 - .05 ** (1 / n), about 3 / n: the rule of three, Hanley and
    Lippman-Hand, "If nothing goes wrong, is everything all right?" (1983). Those others are taken
    to be as bad, or as good, as can be; and as nothing tells how far the cases of a cluster go
    wrong together, they count as one.
    """
    same = (1 - LEVEL) ** (1 / count)
    return same * value + (1 - same) * least, same * value + (1 - same)


def _interval(samples: Numbers) -> tuple[float, float] | None:
    """Percentile interval; None if all samples are the same."""
    if not len(samples) or float(np.ptp(samples)) <= EQUAL:
        return None
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(samples, [tail, 100 - tail])
    return float(low), float(high)
