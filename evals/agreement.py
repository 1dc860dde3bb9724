"""Does the judge behind faithfulness agree with people? With those of WiCE, SciFact and CLAPNQ.

    python -m evals.agreement FOLDER [--sets wice scifact clapnq] [--sentences 6000]

FOLDER holds `wice/flat_dev.jsonl.gz` (arXiv 2303.01432), `scifact/` (2004.14974: corpus,
`queries.test.jsonl`, `qrels/test.tsv`) and `clapnq/clapnq_dev_answerable.jsonl` (2404.02103).

Whether a text bears a statement out:
  WiCE     a claim and the page that it cites: supported, or in part or not at all
  SciFact  a claim and a cited abstract: supports it, or contradicts it or says nothing of it
  CLAPNQ   an answer, and the sentences that its writer took it from, or the rest of that passage
Which sentences of the text are the evidence:
  the supporting sentences of WiCE, the rationales of SciFact, the selected sentences of CLAPNQ;
  a sentence's score is what the judge says to it alone, and what the judge points at is what its
  verdict on the whole text shows. Texts are taken until they have so many sentences: all of
  SciFact's and CLAPNQ's, and as many of WiCE's long pages, in the order of the file.

The judge is the one of `assistant eval`, as shipped: nothing is fitted here. Its coefficients and
word lists were fitted to WiCE, so that its figures there are optimistic; it was not tuned on
SciFact's test claims or on CLAPNQ's labels. "Other half" is a threshold chosen on the half of the
cases that it is not counted on, both ways round, and `overlap` the share of a statement's stems
that the text has. All with bootstrap 95 % intervals, whole texts drawn.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assistant.embedding import load_embedding
from assistant.evaluation.agreement import auroc, balanced_accuracy, best_threshold, kappa
from assistant.evaluation.faithfulness import faithfulness, groundedness
from assistant.evaluation.judging import Judge, Text, grounding_judge, supported
from assistant.evaluation.retrieval import average_precision, reciprocal_rank
from assistant.evaluation.statistics import Figure, Indices, bootstrap, mean
from assistant.grounding.alignment import make_claim
from assistant.grounding.words import tokens
from evals import half
from evals.labelled import LOADERS, Labelled
from evals.wice import PUBLISHED

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

DEFAULT = ("wice", "scifact", "clapnq")


@dataclass(frozen=True, slots=True)
class Opinions:
    """What judge and overlap say to something, beside what people do.

    Attributes:
        clusters: Of each.
        labels: What people say.
        said: What the judge says.
        scores: The judge's score.
        overlaps: The share of stems that are in the text.
    """

    clusters: list[str]
    labels: Flags
    said: Flags
    scores: Numbers
    overlaps: Numbers


def overlap(statement: str, text: str) -> float:
    """The share of the stems of a statement that a text has."""
    terms = make_claim(tokens(statement)).terms
    stems = {token.stem for token in tokens(text)}
    return sum(term in stems for term in terms) / max(1, len(terms))


def on_texts(items: Sequence[Labelled], judge: Judge) -> Opinions:
    """Whether each text bears the statements out: a sentence that fails fails them all."""
    said, scores, overlaps = [], [], []
    for item in items:
        verdicts = [judge(one, [item.text]) for one in item.statements]
        said.append(faithfulness([supported(verdict) for verdict in verdicts]) == 1)
        scores.append(groundedness([verdict.score for verdict in verdicts]))
        shares = [overlap(one, item.text.text) for one in item.statements]
        overlaps.append(groundedness(shares))
    return Opinions(
        [item.cluster for item in items],
        np.array([item.supported for item in items], bool),
        np.array(said, bool),
        np.array(scores, float),
        np.array(overlaps, float),
    )


def on_sentences(item: Labelled, judge: Judge) -> Opinions:
    """Which sentences of a text are the evidence."""
    places = range(len(item.text.sentences))
    said = np.zeros(len(places), bool)
    for one in item.statements:
        verdict = judge(one, [item.text])
        if verdict.label == "unsupported" and not verdict.contradicted:
            continue  # what it shows is only the nearest that there is
        for place, span in enumerate(item.text.sentences):
            said[place] |= any(
                one.start < span.end and span.start < one.end for one in verdict.supports
            )
    scores, overlaps = np.zeros(len(places)), np.zeros(len(places))
    for place, span in enumerate(item.text.sentences):
        alone = Text(item.text.text[span.start : span.end], item.text.context)
        if alone.text.strip():
            scores[place] = max(judge(one, [alone]).score for one in item.statements)
            overlaps[place] = max(overlap(one, alone.text) for one in item.statements)
    labels = np.array([place in (item.evidence or ()) for place in places], bool)
    return Opinions([item.cluster] * len(places), labels, said, scores, overlaps)


def across(scores: Numbers, labels: Flags, clusters: Sequence[str]) -> Flags:
    """Yes or no by a threshold that was chosen on the other half."""
    first = np.array([half(key) == 0 for key in clusters])
    said = np.zeros(len(scores), bool)
    for counted in (first, ~first):
        said[counted] = scores[counted] >= best_threshold(scores[~counted], labels[~counted])
    return said


def shown(figure: Figure) -> str:
    """A figure with its interval."""
    if figure.value is None:
        return f"{'-':>23}"
    inside = "" if figure.low is None else f" [{figure.low:.3f}, {figure.high:.3f}]"
    return f"{figure.value:.3f}{inside}".rjust(23)


def figure(
    measure: Callable[[ArrayLike, ArrayLike], float | None],
    values: Numbers | Flags,
    labels: Flags,
    clusters: Sequence[str],
) -> Figure:
    """A measure of agreement with its interval."""

    def of(chosen: Indices) -> float | None:
        return measure(values[chosen], labels[chosen])

    return bootstrap(of, clusters)


def report(opinions: Opinions) -> None:
    """Print a table: a row for each way to tell."""
    labels, clusters = opinions.labels, opinions.clusters

    def row(name: str, said: Flags, scores: Numbers | None) -> None:
        agreed = [figure(measure, said, labels, clusters) for measure in (balanced_accuracy, kappa)]
        area = "" if scores is None else shown(figure(auroc, scores, labels, clusters))
        print(f"    {name:26}{''.join(map(shown, agreed))}{area}")

    def gained(chosen: Indices) -> float | None:
        ours = auroc(opinions.scores[chosen], labels[chosen])
        words = auroc(opinions.overlaps[chosen], labels[chosen])
        return None if ours is None or words is None else ours - words

    print(f"    {'':26}{'balanced accuracy':>23}{'kappa':>23}{'AUROC':>23}")
    row("the judge, as shipped", opinions.said, opinions.scores)
    for name, scores in (("its score", opinions.scores), ("overlap", opinions.overlaps)):
        told = across(scores, labels, clusters)
        row(f"{name}, other half", told, scores if name == "overlap" else None)
    print(f"    {'AUROC, judge - overlap':72}{shown(bootstrap(gained, clusters))}")


def report_published() -> None:
    """Print what others reached on the test claims of WiCE."""
    print(
        "    published, on the test claims; the judge was fitted to these, the development claims"
    )
    for name, value in PUBLISHED.items():
        print(f"      {name:26} {value / 100:.3f}")


def report_kinds(opinions: Opinions, items: Sequence[Labelled]) -> None:
    """Print how well each kind of what is not borne out is told from what is."""
    kinds = np.array([item.kind for item in items])
    others = dict.fromkeys(kinds[~opinions.labels].tolist())
    for kind in others if len(others) > 1 else ():
        chosen = np.flatnonzero(opinions.labels | (kinds == kind))
        clusters = [opinions.clusters[place] for place in chosen]
        areas = [
            figure(auroc, scores[chosen], opinions.labels[chosen], clusters)
            for scores in (opinions.scores, opinions.overlaps)
        ]
        print(f"    AUROC against {kind:20} judge {shown(areas[0])}   overlap {shown(areas[1])}")


def report_ranking(ranked: Sequence[Opinions]) -> None:
    """Print how well the sentences of a text are put in order: over those with evidence."""
    for name in ("scores", "overlaps"):
        first, precisions = [], []
        for one in ranked:
            order = np.argsort(-getattr(one, name), kind="stable").tolist()
            relevant = set(np.flatnonzero(one.labels).tolist())
            first.append(reciprocal_rank(order, relevant))
            precisions.append(average_precision(order, relevant))
        clusters = [one.clusters[0] for one in ranked]
        found = mean(precisions, clusters)
        title = "the judge's score" if name == "scores" else "overlap"
        print(
            f"    in order by {title:18} MAP {shown(found)}   MRR {shown(mean(first, clusters))}"
            f"   ({found.cases} texts)"
        )


def report_people(items: Sequence[Labelled]) -> None:
    """Print how well people agree with each other: the first two who marked the same text."""
    groups: dict[str, list[Labelled]] = defaultdict(list)
    for item in items:
        groups[item.cluster].append(item)
    pairs = [group for group in groups.values() if len({item.text for item in group}) == 1]
    pairs = [group[:2] for group in pairs if len(group) > 1 and group[0].kind == "passage"]
    if not pairs:
        return
    one, other, clusters = [], [], []
    for first, second in pairs:
        for place in range(len(first.text.sentences)):
            one.append(place in (first.evidence or ()))
            other.append(place in (second.evidence or ()))
            clusters.append(first.cluster)
    found = figure(kappa, np.array(one), np.array(other), clusters)
    print(f"    one person and another, kappa {shown(found)}   ({len(pairs)} texts)")


def measure(name: str, items: Sequence[Labelled], judge: Judge, *, sentences: int) -> None:
    """Print the tables of a set."""
    judged = [item for item in items if item.supported is not None]
    opinions = on_texts(judged, judge)
    kinds = list(dict.fromkeys(item.kind for item in judged))
    told = ", ".join(
        f"{kind} {sum(item.kind == kind for item in judged)} (judged supported: "
        f"{np.mean([s for s, i in zip(opinions.said, judged, strict=True) if i.kind == kind]):.3f})"
        for kind in kinds
    )
    print(f"{name}: is it borne out? {len(judged)} cases: {told}")
    report(opinions)
    report_kinds(opinions, judged)
    if name == "wice":
        report_published()
    marked = [item for item in items if item.evidence]
    read = accumulate(len(item.text.sentences) for item in marked)
    marked = [item for item, count in zip(marked, read, strict=True) if count <= sentences]
    ranked = [on_sentences(item, judge) for item in marked]
    whole = Opinions(
        [key for one in ranked for key in one.clusters],
        *(
            np.concatenate([getattr(one, field) for one in ranked])
            for field in ("labels", "said", "scores", "overlaps")
        ),
    )
    count = f"{int(whole.labels.sum()):,} of {len(whole.labels):,} sentences of {len(marked)} texts"
    print(f"{name}: which sentences are the evidence? {count}", flush=True)
    report(whole)
    report_ranking(ranked)
    report_people(marked)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", choices=LOADERS, default=DEFAULT)
    parser.add_argument("--sentences", type=int, default=6000, help="weigh so many of each set")
    arguments = parser.parse_args()
    embedding = load_embedding("embedded")
    for name in arguments.sets:
        started = time.perf_counter()
        items = list(LOADERS[name](arguments.folder / name.partition("-")[0]))
        measure(name, items, grounding_judge(embedding), sentences=arguments.sentences)
        print(f"    {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
