"""What makes a confidence a probability on one corpus: fitted to its cases, kept in its index."""

import json
import math
from bisect import bisect_right
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

# A confidence of 0 or 1 has no odds; no nearer to them than this.
NEAREST = 1e-4

Method = Literal["as it is", "Platt", "isotonic"]
Knots = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone map from the confidence as shipped to a probability, and where to refuse.

    Both are about the same: that the documents hold the answer.

    Attributes:
        method: How it was fitted: "as it is" (not at all, as nothing fitted better), "Platt" (a
            line through the odds' logarithms) or "isotonic" (steps, with lines between).
        threshold: An answer whose probability is below this is a refusal.
        knots: (confidence as shipped, probability), both ascending. A line between two of them;
            for "Platt", instead, slope and offset.
        model: Of what computes the confidence as shipped; with another, it is of no use.
        cases: How many cases it was fitted to.
        unanswerable: How many of them the documents do not answer.
        cases_hash: Of these cases.
        fitted_at: When, in UTC.
        wanted: The share of answerable questions that may be refused, as was asked for.
        figures: What it achieves on cases that it was not fitted to, and what was before.
    """

    method: Method
    threshold: float
    knots: Knots
    model: str
    cases: int
    unanswerable: int
    cases_hash: str
    fitted_at: str
    wanted: float
    figures: dict[str, float | None]

    def __call__(self, confidence: float) -> float:
        """The probability that a confidence as shipped comes to."""
        return mapped(self.method, self.knots, confidence)

    @property
    def about(self) -> str:
        """When it refuses, and what it was fitted to, in a line for people."""
        return (
            f"below {self.threshold:.2f}, for {100 * self.wanted:g} % false refusals; confidence "
            f"fitted to {self.cases} cases on {self.fitted_at[:10]} ({self.method})"
        )

    def text(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Calibration | None":
        """What `text` wrote; None if this program cannot make sense of it."""
        try:
            values = json.loads(text)
            values["knots"] = tuple((float(x), float(y)) for x, y in values["knots"])
            read = cls(**{field.name: values[field.name] for field in fields(cls)})
            known = read.method in get_args(Method)
            usable = known and 0 <= read.threshold <= 1 and 0 <= read(0.5) <= 1 and read.about
        except (ValueError, TypeError, KeyError, IndexError, ArithmeticError, RecursionError):
            return None
        return read if usable else None


def mapped(method: Method, knots: Knots, confidence: float) -> float:
    """The probability that a confidence comes to."""
    if method == "as it is":
        return confidence
    if method == "Platt":
        ((slope, offset),) = knots
        return 1 / (1 + math.exp(-(slope * log_odds(confidence) + offset)))
    place = bisect_right(knots, (confidence, math.inf))
    if place in (0, len(knots)):
        return knots[max(0, place - 1)][1]
    (left, low), (right, high) = knots[place - 1], knots[place]
    return low + (high - low) * (confidence - left) / (right - left)


def log_odds(confidence: float) -> float:
    """The logarithm of its odds."""
    inside = min(max(confidence, NEAREST), 1 - NEAREST)
    return math.log(inside / (1 - inside))
