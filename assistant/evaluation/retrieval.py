"""How well a search ranks: the measures of information retrieval, with yes-or-no relevance.

A ranking is the keys of what was found, best first, each once; relevant is the set of keys that
should be found. Definitions as in Manning, Raghavan and Schütze, "Introduction to Information
Retrieval" (2008), chapter 8. Each is None where nothing is relevant: there is nothing to find.
"""

import math
from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet

Ranking = Sequence[Hashable]
Relevant = AbstractSet[Hashable]


def recall_at(k: int, ranking: Ranking, relevant: Relevant) -> float | None:
    """The share of what is relevant that is among the first k."""
    if not relevant:
        return None
    return sum(key in relevant for key in ranking[:k]) / len(relevant)


def precision_at(k: int, ranking: Ranking, relevant: Relevant) -> float | None:
    """The share of the first k places that are taken by something relevant.

    A ranking that is shorter than k fills no place with it: the divisor is k, as usual.
    """
    if not relevant:
        return None
    return sum(key in relevant for key in ranking[:k]) / k


def reciprocal_rank(ranking: Ranking, relevant: Relevant) -> float | None:
    """1 by the place of the first that is relevant, 0 if none is found; its mean is MRR."""
    if not relevant:
        return None
    places = (place for place, key in enumerate(ranking, start=1) if key in relevant)
    return 1 / next(places, math.inf)


def average_precision(ranking: Ranking, relevant: Relevant) -> float | None:
    """The mean, over all that is relevant, of the precision at its place; its mean is MAP.

    What is relevant and not found counts as 0.
    """
    if not relevant:
        return None
    return sum(_precisions([key in relevant for key in ranking])) / len(relevant)


def ndcg_at(k: int, ranking: Ranking, relevant: Relevant) -> float | None:
    """Discounted cumulative gain of the first k, as a share of the best possible.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002), with the
    discount 1 / log2(place + 1) that trec_eval and BEIR use.
    """
    if not relevant:
        return None
    gain = sum(_discount(n) for n, key in enumerate(ranking[:k], start=1) if key in relevant)
    return gain / sum(_discount(n) for n in range(1, min(k, len(relevant)) + 1))


def context_precision(useful: Sequence[bool]) -> float | None:
    """Whether what is useful stands first among what was read; None if nothing was read.

    RAGAS's definition (Es et al., 2023, arXiv 2309.15217, and its documentation): the mean of the
    precision at the places of the useful ones. Unlike `average_precision` it divides by those
    that were found. 0 if none is useful.
    """
    if not useful:
        return None
    return sum(_precisions(useful)) / max(1, sum(useful))


def context_recall(attributed: Sequence[bool]) -> float | None:
    """The share of what the answer needs that the retrieved text holds (RAGAS, as above).

    RAGAS asks a model whether each sentence of a reference answer can be attributed to the text;
    here each is a labelled stretch of evidence. None if there is none.
    """
    return sum(attributed) / len(attributed) if attributed else None


def _precisions(useful: Sequence[bool]) -> list[float]:
    """The precision at each place that holds something useful."""
    found, precisions = 0, []
    for place, one in enumerate(useful, start=1):
        if one:
            found += 1
            precisions.append(found / place)
    return precisions


def _discount(place: int) -> float:
    return 1 / math.log2(place + 1)
