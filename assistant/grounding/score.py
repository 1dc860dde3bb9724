"""How well a claim is covered, as a probability that it is supported."""

import math
from collections.abc import Mapping, Sequence

from assistant.grounding.alignment import Claim, Window, weight_of

SUPPORTED = 0.5
WEAK = 0.25
# A fact that no source has keeps a sentence from being supported, however much else is there.
JUST_WEAK = 0.49

# Logistic regression, both classes weighing the same, ridge 1. With vectors: on the 349 claims of
# WiCE dev, and at a fifth of their weight 370 claims of SciFact train against the abstract that
# supports them and 505 against the most similar other one, which teach it how much the similarity
# of sentences says. Without vectors: on WiCE dev alone. `python -m evals.wice` shows the fits on
# half of the claims, which come out alike, and how well they do on the other half.
WITH_VECTORS = {
    "bias": -1.89,
    "window": 1.75,
    "union": 0.17,
    "pairs": 0.48,
    "missing": -0.83,
    "names": -1.35,
    "figures": -1.99,
    "unknown": -0.76,
    "similarity": 2.72,
}
WITHOUT_VECTORS = {
    "bias": -1.6,
    "window": 2.02,
    "union": 1.38,
    "pairs": 0.64,
    "missing": -0.14,
    "names": -1.46,
    "figures": -1.84,
    "unknown": -1.02,
    "similarity": 0.0,
}
FEATURES = tuple(name for name in WITH_VECTORS if name != "bias")


def features(claim: Claim, union: Sequence[Window], unknown: Sequence[str]) -> dict[str, float]:
    """What the score is made of, each from 0 to 1.

    `window` is the weight covered by the best window, `union` by all supports together;
    `pairs` the neighbouring words of the claim that are neighbours there too; `missing`,
    `names` and `figures` how many words, capitalised words and numbers are not there at all;
    `unknown` whether a fact is in none of the sources; `similarity` the highest cosine.
    """
    mask = 0
    pairs: set[tuple[str, str]] = set()
    for window in union:
        mask |= window.mask
        for piece in window.pieces:
            pairs |= piece.pairs
    missing = [bit for bit in range(len(claim.terms)) if not mask >> bit & 1]
    return {
        "window": union[0].coverage,
        "union": weight_of(claim, mask) / sum(claim.weights),
        "pairs": sum(p in pairs for p in claim.pairs) / len(claim.pairs) if claim.pairs else 1.0,
        "missing": min(len(missing), 10) / 10,
        "names": min(sum(claim.roots[bit] is not None for bit in missing), 3) / 3,
        "figures": min(sum(claim.terms[bit][0].isdigit() for bit in missing), 3) / 3,
        "unknown": float(bool(unknown)),
        "similarity": max((window.similarity for window in union), default=0.0),
    }


def probability(values: Mapping[str, float]) -> float:
    """The features as a probability."""
    coefficients = WITH_VECTORS if values["similarity"] else WITHOUT_VECTORS
    total = coefficients["bias"] + sum(coefficients[name] * value for name, value in values.items())
    return 1 / (1 + math.exp(-total))
