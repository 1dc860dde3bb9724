"""How probable is it that the documents hold the answer?"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from assistant.answering.reading import Question, Reading
from assistant.grounding.words import tokens
from assistant.retrieval import Retrieval

# How many of the best passages speak for or against it.
WITNESSES = 3
# A question put to one named document of prose, of up to so many passages, is weighed by itself.
# Such a text is about the question's subject more often than not, so that likeness says less.
FEW_PASSAGES = 3
# Both were fitted (logistic regression, classes weighed alike) on the tuning halves: the first of
# CLAPNQ with the passage given; the second of CLAPNQ with all passages searched, and of the
# seeds' cases. `evals.calibration` fits them anew beside these, and prints what each achieves.
ONE_TEXT = {
    "bias": -7.08,
    "passage": 1.69,
    "sentence": 3.29,
    "sentences": 3.02,
    "mean": 2.71,
    "coverage": 1.15,
    "overlap": 1.00,
    "pairs": -0.38,
}
CORPUS = {"bias": -4.05, "sentence": 5.29, "words": 0.56, "overlap": 1.76}


def signals(question: Question, readings: Sequence[Reading]) -> dict[str, float]:
    """What speaks for the answer being there, each about 0 to 1; empty if nothing was found.

    `passage` is the best passage's cosine with the question, `sentence` the best sentence's,
    `sentences` the mean of the best three, `mean` of all. `coverage` is the share of the
    question's words in one passage, weighted by rarity, `words` the plain share, titles and
    headings included, `overlap` the weighted share in one sentence, and `pairs` the share of the
    question's neighbouring words that are neighbours in a passage.
    """
    witnesses = readings[:WITNESSES]
    if not witnesses:
        return {}
    cosines = np.sort(np.concatenate([reading.cosines for reading in witnesses]))[::-1]
    asked = set(pairwise(question.stems))
    coverage, words, pairs = 0.0, 0.0, 0.0
    for reading in witnesses:
        content = [token.stem for token in reading.evidence.tokens if token.content]
        context = [token.stem for token in tokens(reading.evidence.context)]
        coverage = max(coverage, question.overlap(set(content)))
        known = {*content, *context}
        words = max(words, sum(s in known for s in question.stems) / max(1, len(question.stems)))
        found = set(pairwise(content)) | set(pairwise(context))
        pairs = max(pairs, len(asked & found) / len(asked) if asked else words)
    return {
        "passage": max(reading.hit.cosine for reading in witnesses),
        "sentence": float(cosines[0]),
        "sentences": float(cosines[:3].mean()),
        "mean": float(cosines.mean()),
        "coverage": coverage,
        "words": words,
        "overlap": max(float(reading.overlaps.max()) for reading in witnesses),
        "pairs": pairs,
    }


def one_text(readings: Sequence[Reading], retrieval: Retrieval) -> bool:
    """Whether the question was put to one short text of prose, named by whoever asked."""
    passages = [reading.hit.passage for reading in readings]
    return (
        retrieval.chosen
        and retrieval.searched <= FEW_PASSAGES
        and len({passage.source for passage in passages}) == 1
        and all(passage.row is None for passage in passages)
    )


def confidence(question: Question, readings: Sequence[Reading], retrieval: Retrieval) -> float:
    """The probability that the documents hold the answer."""
    coefficients = ONE_TEXT if one_text(readings, retrieval) else CORPUS
    return probability(signals(question, readings), coefficients=coefficients)


def probability(values: Mapping[str, float], *, coefficients: Mapping[str, float]) -> float:
    """The signals, weighed, as a probability; 0 for none."""
    if not values:
        return 0.0
    total = sum(weight * values.get(name, 1.0) for name, weight in coefficients.items())
    return 1 / (1 + math.exp(-total))
