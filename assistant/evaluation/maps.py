"""Monotone maps from a confidence to a probability, fitted to what came true."""

import numpy as np
from numpy.typing import NDArray

from assistant.catalog.calibration import Knots, Method, log_odds, mapped

# Newton's method on two parameters is there after a handful of steps.
MOST_STEPS = 100
NEARLY_NOTHING = 1e-10
# Of a knot, as it is kept.
DIGITS = 6

Numbers = NDArray[np.float64]
Truths = NDArray[np.bool_]


def fit(method: Method, raw: Numbers, able: Truths) -> Knots:
    """The map, as `Calibration.knots` has it."""
    if method == "as it is":
        return ()
    return _platt(raw, able) if method == "Platt" else _isotonic(raw, able)


def applied(method: Method, knots: Knots, raw: Numbers) -> Numbers:
    """The map of each confidence."""
    return np.array([mapped(method, knots, float(x)) for x in raw])


def _platt(raw: Numbers, able: Truths) -> Knots:
    """Slope and offset of a logistic regression on the log odds, with Platt's targets.

    Platt, "Probabilistic Outputs for Support Vector Machines" (1999), section 2.2.
    """
    yes, no = int(able.sum()), int((~able).sum())
    wanted = np.where(able, (yes + 1) / (yes + 2), 1 / (no + 2))
    table = np.column_stack([[log_odds(float(x)) for x in raw], np.ones(len(raw))])
    weights = np.array([1.0, 0.0])

    def loss(tried: Numbers) -> float:
        odds = table @ tried
        return float((np.logaddexp(0, odds) - wanted * odds).sum())

    for _ in range(MOST_STEPS):
        chances = 1 / (1 + np.exp(-table @ weights))
        slopes = table.T @ (chances - wanted)
        bends = (table * (chances * (1 - chances))[:, None]).T @ table
        step = np.linalg.solve(bends + NEARLY_NOTHING * np.eye(2), slopes)
        size = 1.0
        while size > NEARLY_NOTHING and loss(weights - size * step) > loss(weights):
            size /= 2
        weights = weights - size * step
        if float(np.abs(size * step).max()) < NEARLY_NOTHING:
            break
    slope, offset = (round(float(weight), DIGITS) for weight in weights)
    if slope <= 0:  # no use, and it must not turn the order round
        slope, offset = 0.0, log_odds(yes / (yes + no))
    return ((slope, offset),)


def _isotonic(raw: Numbers, able: Truths) -> Knots:
    """The rising map of least squares, by pooling neighbours, with lines between its steps.

    Zadrozny and Elkan, "Transforming Classifier Scores into Accurate Multiclass Probability
    Estimates" (2002). Its ends are kept from 0 and 1 by one case of the other kind.
    """
    blocks: list[list[float]] = []  # sum of confidences, sum of truths, cases
    for place in np.argsort(raw, kind="stable"):
        blocks.append([float(raw[place]), float(able[place]), 1.0])
        while len(blocks) > 1 and (
            blocks[-2][1] * blocks[-1][2] >= blocks[-1][1] * blocks[-2][2]
            or blocks[-2][0] * blocks[-1][2] >= blocks[-1][0] * blocks[-2][2]
        ):
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    least = 1 / (len(raw) + 2)
    return tuple(
        (round(total / many, DIGITS), round(min(max(true / many, least), 1 - least), DIGITS))
        for total, true, many in blocks
    )
