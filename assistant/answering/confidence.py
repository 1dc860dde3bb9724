"""How probable is it that the documents hold the answer?"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from assistant.answering.reading import Question, Reading
from assistant.grounding.words import tokens

# How many of the best passages speak for or against it.
WITNESSES = 3
# Fitted by evals/clapnq.py on one half of its questions; the figures are for the other half.
COEFFICIENTS = {
    "bias": -7.0,
    "passage": 4.0,
    "sentence": 4.0,
    "sentences": 2.0,
    "coverage": 1.5,
    "overlap": 0.5,
    "pairs": 0.5,
}


def signals(question: Question, readings: Sequence[Reading]) -> dict[str, float]:
    """What speaks for the answer being there, each about 0 to 1.

    `passage` is the best passage's cosine with the question, `sentence` the best sentence's,
    `sentences` the mean of the best three; `coverage` the share of the question's words in one
    passage with its title and headings, `overlap` in one sentence, and `pairs` the share of its
    neighbouring words that are neighbours in a passage. All are 0 where nothing was found.
    """
    witnesses = readings[:WITNESSES]
    if not witnesses:
        return dict.fromkeys((name for name in COEFFICIENTS if name != "bias"), 0.0)
    cosines = np.sort(np.concatenate([reading.cosines for reading in witnesses]))[::-1]
    asked = set(pairwise(question.stems))
    coverage, pairs = 0.0, 0.0
    for reading in witnesses:
        content = [token.stem for token in reading.evidence.tokens if token.content]
        context = [token.stem for token in tokens(reading.evidence.context)]
        coverage = max(coverage, question.overlap({*content, *context}))
        found = set(pairwise(content)) | set(pairwise(context))
        pairs = max(pairs, len(asked & found) / len(asked) if asked else coverage)
    return {
        "passage": max(reading.hit.cosine for reading in witnesses),
        "sentence": float(cosines[0]),
        "sentences": float(cosines[:3].mean()),
        "coverage": coverage,
        "overlap": max(float(reading.overlaps.max()) for reading in witnesses),
        "pairs": pairs,
    }


def probability(values: Mapping[str, float]) -> float:
    """The signals as a probability that the documents hold the answer."""
    total = COEFFICIENTS["bias"] + sum(COEFFICIENTS[k] * value for k, value in values.items())
    return 1 / (1 + math.exp(-total))
