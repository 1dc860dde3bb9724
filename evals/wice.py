"""Does the cited page support the claim? Agreement with WiCE's annotators, no language model.

    python -m evals.wice DIR            DIR holds flat_dev.jsonl.gz (arXiv 2303.01432)
    python -m evals.wice DIR --lexical  without sentence vectors

For who works on the score: what its features could do if they were weighed anew. How well the
shipped judge agrees, and with which sentences, is in `evals.agreement`, beside other sets.

Balanced accuracy, the mean of the shares of supported and of other claims told right. Claims fall
into two halves by a hash of their text; whatever is chosen (threshold, coefficients) is chosen on
one half and counted on the other, both ways round. Printed side by side: overlap of stems, the
shipped score with a threshold chosen so, the score with coefficients fitted so, and the shipped
verdicts as they are (their coefficients have seen both halves: shown only to compare). With
bootstrap 95 % intervals.
"""

import argparse
import gzip
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assistant.embedding import Embedding, load_embedding
from assistant.embedding.embedding import Vectors
from assistant.evaluation.agreement import balanced_accuracy, best_threshold
from assistant.evaluation.judging import supported
from assistant.evaluation.statistics import Indices, bootstrap
from assistant.grounding import Evidence, ground
from assistant.grounding.alignment import make_claim
from assistant.grounding.assessment import assess
from assistant.grounding.score import FEATURES, SUPPORTED, probability
from assistant.grounding.words import tokens
from assistant.passages import Span

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Balanced accuracy on the test claims, in per cent.
PUBLISHED = {
    "Bespoke-MiniCheck-7B": 83.0,
    "GPT-4o": 78.5,
    "HHEM-2.1-open": 75.9,
    "FactCG-DeBERTa-L": 74.2,
    "MiniCheck-Flan-T5-L": 72.2,
    "AlignScore": 66.0,
    "SummaC-ZS": 62.8,
    "word overlap": 62.6,
}
WEAKER = """By a weaker protocol than the published: ours are over the development claims, theirs
over the test claims, and the coefficients and word lists that are shipped were made with both
halves of the development claims in sight. Only the coefficients "from the other half" had not seen
the claims that they are counted on; the word lists had."""

RIDGE = 1.0
PAGE_PART = 20
"""Lines of a page that are encoded together."""


class Judged(NamedTuple):
    """One claim: what the annotators say, and what we have to say by."""

    supported: bool
    first_half: bool
    overlap: float
    features: list[float]
    score: float
    vetoed: bool
    said: bool


def lines(page: str) -> tuple[Span, ...]:
    """The lines of a page that are not blank: WiCE has a sentence on each."""
    spans, start = [], 0
    for line in page.split("\n"):
        if line.strip():
            spans.append(Span(start, start + len(line)))
        start += len(line) + 1
    return tuple(spans)


def encode_page(page: str, spans: Sequence[Span], embedding: Embedding) -> Vectors:
    """A vector for each line, pooled from passes over some lines at a time."""
    vectors = []
    for first in range(0, len(spans), PAGE_PART):
        part = spans[first : first + PAGE_PART]
        start = part[0].start
        inside = [(span.start - start, span.end - start) for span in part]
        (encoded,) = embedding.encode([page[start : part[-1].end]], [inside])
        if encoded.sentences is not None:
            vectors.append(encoded.sentences)
    return np.concatenate(vectors)


def judge(path: Path, embedding: Embedding | None) -> Iterator[Judged]:
    """Each claim of the file, compared with its page."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            page, text = row["doc"], row["claim"]
            spans = lines(page)
            vectors = vector = None
            if embedding is not None:
                vectors = encode_page(page, spans, embedding)
                vector = embedding.encode([text])[0].vector
            claim = make_claim(tokens(text))
            evidence = Evidence(page, spans, vectors)
            assessed = assess(claim, [evidence], vector)
            if assessed is None:
                continue
            stems = {token.stem for token in evidence.tokens}
            yield Judged(
                supported=row["label"] == 1,
                first_half=hashlib.sha256(text.encode()).digest()[0] % 2 == 0,
                overlap=sum(term in stems for term in claim.terms) / max(1, len(claim.terms)),
                features=[assessed.features[name] for name in FEATURES],
                score=probability(assessed.features),
                vetoed=bool(assessed.contradiction or assessed.unknown),
                said=supported(ground(text, [evidence], vector=vector)),
            )


def fit(features: Floats, true: Flags) -> Floats:
    """Logistic regression, both classes weighing the same, a ridge on all but the bias."""
    design = np.column_stack([np.ones(len(features)), features])
    weights = np.where(true, 0.5 / true.mean(), 0.5 / (~true).mean())
    ridge = np.diag([1e-6, *[RIDGE] * features.shape[1]])
    coefficients = np.zeros(design.shape[1])
    for _ in range(50):
        chances = 1 / (1 + np.exp(-design @ coefficients))
        gradient = design.T @ (weights * (chances - true)) + ridge @ coefficients
        curvature = (design.T * (weights * chances * (1 - chances))) @ design + ridge
        coefficients -= np.linalg.solve(curvature, gradient)
    return coefficients


def apply(coefficients: Floats, features: Floats) -> Floats:
    """The probabilities that such coefficients give."""
    total = coefficients[0] + features @ coefficients[1:]
    return np.asarray(1 / (1 + np.exp(-total)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path, help="folder with flat_dev.jsonl.gz")
    parser.add_argument("--lexical", action="store_true", help="no sentence vectors")
    arguments = parser.parse_args()
    started = time.perf_counter()
    embedding = None if arguments.lexical else load_embedding("embedded")
    judged = list(judge(arguments.path / "flat_dev.jsonl.gz", embedding))

    true = np.array([item.supported for item in judged])
    half = np.array([item.first_half for item in judged])
    overlap = np.array([item.overlap for item in judged])
    features = np.array([item.features for item in judged])
    vetoed = np.array([item.vetoed for item in judged])
    # What is contradicted or unknown is never called supported, whatever the score.
    score = np.where(vetoed, 0.0, [item.score for item in judged])

    said = {name: np.zeros(len(judged), dtype=bool) for name in ("overlap", "score", "fitted")}
    for chosen_on in (half, ~half):
        counted = ~chosen_on
        for name, values in (("overlap", overlap), ("score", score)):
            threshold = best_threshold(values[chosen_on], true[chosen_on])
            said[name][counted] = values[counted] >= threshold
        coefficients = fit(features[chosen_on], true[chosen_on])
        chances = apply(coefficients, features[counted])
        said["fitted"][counted] = (chances >= SUPPORTED) & ~vetoed[counted]
    titles = {
        "overlap": "overlap of stems, threshold from the other half",
        "score": "shipped score, threshold from the other half",
        "fitted": "coefficients from the other half",
    }
    print(f"{len(judged)} claims, {true.sum()} supported, {time.perf_counter() - started:.0f} s")
    print(f"{'balanced accuracy':48} {'both':>22} {'half 1':>7} {'half 2':>7}")
    for name, title in titles.items():
        print_row(title, said[name], true, half)
    print_row("shipped verdicts", np.array([item.said for item in judged]), true, half)
    everything = fit(features, true)
    rounded = {n: round(float(c), 2) for n, c in zip(("bias", *FEATURES), everything, strict=True)}
    print("coefficients on all claims:", rounded)
    for name, value in PUBLISHED.items():
        print(f"{name + ', published, test':48} {value:6.1f}")
    print(WEAKER)


def print_row(title: str, said: Flags, true: Flags, half: Flags) -> None:
    """One line of the table."""

    def agreed(chosen: Indices) -> float | None:
        return balanced_accuracy(said[chosen], true[chosen])

    figure = bootstrap(agreed, list(range(len(said))))
    inside = ""
    if figure.low is not None and figure.high is not None:
        inside = f"[{100 * figure.low:.1f}, {100 * figure.high:.1f}]"
    value = 100 * (figure.value or 0.0)
    halves = [100 * (agreed(np.flatnonzero(part)) or 0.0) for part in (half, ~half)]
    print(f"{title:48} {value:6.1f} {inside:14} {halves[0]:7.1f} {halves[1]:7.1f}")


if __name__ == "__main__":
    main()
