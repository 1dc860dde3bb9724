"""How probable is it that the documents hold the answer?"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from assistant.answering.kinds import asks
from assistant.answering.question import Question
from assistant.answering.reading import Reading, one_text
from assistant.grounding.words import tokens
from assistant.retrieval import Retrieval

# How many of the best passages speak for or against it.
WITNESSES = 3
# A name that no text has is decisive, in a question to either: in the tuning half all six
# questions with one cannot be answered. That is too few to fit, so that its weight is a guess.
FOREIGN = -3.0
# Both were fitted by logistic regression: for one text to CLAPNQ with the passage given, all
# questions (cross-validated: 86 % of the unanswerable refused, and 12 % of the answerable); for a
# corpus to the tuning halves of the seeds' cases and, by half their weight each, of the other
# collections, of CLAPNQ with all passages searched, and of questions about another collection.
# `evals.calibration` fits them anew beside these, and prints what each achieves.
ONE_TEXT = {
    "bias": -6.92,
    "sentence": 4.72,
    "sentences": 3.95,
    "passage": 4.33,
    "matches": 1.88,
    "rest_sentence": 1.49,
    "spread": 0.63,
    "asks": 1.39,
    "named": -2.71,
    "length": -1.16,
    "figures": -13.02,
    "capitals": -2.15,
    "margin": 0.19,
    "foreign": FOREIGN,
}
CORPUS = {"bias": -3.27, "sentence": 4.18, "fitting": 2.65, "margin": 0.39, "foreign": FOREIGN}
# Words that are less alike than this are not forms of one name.
SAME_NAME = 0.9
# A text may be a list of figures and names all through; that says no more than a passage of them.
MOST_FIGURES = 0.15
MOST_CAPITALS = 0.4


def signals(question: Question, readings: Sequence[Reading]) -> dict[str, float]:
    """What speaks for or against the answer being there, mostly 0 to 1; empty if nothing was found.

    From the best passages: `passage` is the best one's cosine with the question, `sentence` the
    best sentence's, `sentences` the mean of the best three, `spread` the standard deviation of
    all; `matches` is the best match of the question's subjects in a sentence. `named` is the share
    of the question's words that title and headings have, `rest_sentence` that of the others in one
    sentence, weighted by rarity. `asks` is 1 for a question, 0 for words to search for. `length`
    is the logarithm of the number of sentences: in many, one fits better by chance. `figures` and
    `capitals` are the shares of the words that are numbers, and that are capitalised: what has
    many lists what it is like.

    From all passages that were read: `score` is the best sentence's, `fitting` how surely one of
    them answers, as `Reading` has it. `foreign` is 1 if the question has a name that is in no
    text, nor one like it in these passages.

    `margin` is how far the reader puts its best sentence above that none answers.
    """
    witnesses = readings[:WITNESSES]
    if not witnesses:
        return {}
    cosines = np.sort(np.concatenate([reading.cosines for reading in witnesses]))[::-1]
    titled = {token.stem for reading in witnesses for token in tokens(reading.evidence.context)}
    weights = dict(zip(question.stems, question.weights, strict=True))
    rest = [stem for stem in question.stems if stem not in titled]
    total = sum(weights[stem] for stem in rest)

    def share(stems: frozenset[str]) -> float:
        return sum(weights[s] for s in rest if s in stems) / total if total > 0 else 1.0

    stems = [stems for reading in witnesses for stems in reading.stems]
    text = witnesses[0].evidence.tokens
    met = np.max([reading.met for reading in readings], axis=0)
    foreign = [
        token.stem in question.unheard & question.names and best < SAME_NAME
        for token, best in zip(question.subjects, met, strict=True)
    ]
    return {
        "passage": max(reading.hit.cosine for reading in witnesses),
        "sentence": float(cosines[0]),
        "sentences": float(cosines[:3].mean()),
        "spread": float(cosines.std()),
        "matches": max(float(reading.matches.max()) for reading in witnesses),
        "named": 1 - len(rest) / max(1, len(question.stems)),
        "rest_sentence": max(map(share, stems)),
        "length": math.log(len(cosines)),
        "figures": min(MOST_FIGURES, sum(t.kind == "number" for t in text) / max(1, len(text))),
        "capitals": min(MOST_CAPITALS, sum(t.capitalised for t in text) / max(1, len(text))),
        "asks": float(asks(question.text)),
        "score": max(float(reading.scores.max()) for reading in readings),
        "foreign": float(any(foreign)),
        "margin": max(reading.margin for reading in readings),
        "fitting": max(float(reading.fitting.max()) for reading in readings),
    }


def confidence(question: Question, readings: Sequence[Reading], retrieval: Retrieval) -> float:
    """The probability that the documents hold the answer."""
    coefficients = ONE_TEXT if one_text(retrieval) else CORPUS
    return probability(signals(question, readings), coefficients=coefficients)


def probability(values: Mapping[str, float], *, coefficients: Mapping[str, float]) -> float:
    """The signals, weighed, as a probability; 0 for none."""
    if not values:
        return 0.0
    total = sum(weight * values.get(name, 1.0) for name, weight in coefficients.items())
    return 1 / (1 + math.exp(-total))
