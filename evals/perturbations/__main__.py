"""Print the table: for each kind how many are flagged, in each half."""

import argparse
import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from assistant.embedding import Embedding, load_embedding
from assistant.embedding.embedding import Vectors
from assistant.grounding import Evidence, Verdict, ground
from evals.perturbations import __doc__ as about
from evals.perturbations.trials import Corpus, Trial, clapnq, seeds

UNTOUCHED = ("untouched", "rearranged", "human answer, verbatim")
PARAPHRASES = ("paraphrase", "human answer, reworded")
PERTURBED = (
    *("number", "name", "date", "unit", "comparative", "modality"),
    *("negation added", "negation removed", "absent", "from elsewhere"),
)


class Outcome(NamedTuple):
    """A trial, and what was said by the passages cited and by eight."""

    corpus: str
    trial: Trial
    cited: Verdict | None
    eight: Verdict


def flagged(verdict: Verdict) -> bool:
    """Whether a reader is warned of the sentence."""
    return verdict.label not in ("quoted", "supported")


def judge(corpus: Corpus, embedding: Embedding | None) -> Iterator[Outcome]:
    """Judge all that a corpus has, by what it rests on and by eight passages."""
    vectors: list[Vectors | None] = [None] * len(corpus.trials)
    if embedding is not None:
        codes = embedding.encode([trial.sentence for trial in corpus.trials])
        vectors = [code.vector for code in codes]
    for trial, vector in zip(corpus.trials, vectors, strict=True):
        cited = [corpus.evidence[place] for place in trial.rests]
        yield Outcome(
            corpus.name,
            trial,
            ground(trial.sentence, cited, vector=vector) if cited else None,
            ground(trial.sentence, corpus.eight(trial, vector), vector=vector),
        )


def right_reason(outcome: Outcome) -> bool:
    """Whether the reason names what was changed."""
    kind, reason = outcome.trial.kind, (outcome.cited or outcome.eight).reason.casefold()
    if kind.startswith("negation"):
        return bool(re.search(r"\bsays \"?(?:\w+n't|\w+)\"? of\b", reason))
    if kind == "modality":
        wanted = r"possible|planned|certain|required|at least|more than|at most|less than"
        return bool(re.search(wanted, reason))
    if kind in ("absent", "from elsewhere"):
        return reason.startswith(("no source", "the source does not say", "the source has its"))
    words = re.findall(r"[\w$€£°]+", " ".join(outcome.trial.changed).casefold())
    return any(re.search(rf"(?<!\w){re.escape(word)}", reason) for word in words)


def share(part: int, whole: int) -> str:
    """A percentage, or a dash where there is nothing."""
    return f"{100 * part / whole:5.1f}" if whole else "    -"


def line(name: str, outcomes: Sequence[Outcome], *, reasons: bool) -> str:
    """One line of the table."""
    cells = [f"{name:24}"]
    for parts in ((0,), (1,), (0, 1)):
        chosen = [outcome for outcome in outcomes if outcome.trial.half in parts]
        cited = [outcome for outcome in chosen if outcome.cited is not None]
        found = [outcome for outcome in chosen if flagged(outcome.cited or outcome.eight)]
        cells.append(
            f"{len(chosen):6}"
            f"{share(sum(flagged(o.cited) for o in cited if o.cited), len(cited)):>7}"
            f"{share(sum(flagged(outcome.eight) for outcome in chosen), len(chosen)):>7}"
        )
        if reasons:
            cells.append(f"{share(sum(map(right_reason, found)), len(found)):>7}")
        else:
            cells.append(" " * 7)
    return "".join(cells)


def report(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The table."""
    yield f"{'':24}" + "".join(f"{name:^27}" for name in ("tuning", "reporting", "both"))
    yield f"{'share flagged, %':24}" + "     n  cited  of 8  reason" * 3
    for corpus in ("seeds", "clapnq", "all"):
        chosen = [outcome for outcome in outcomes if corpus in ("all", outcome.corpus)]
        if not chosen or (corpus == "all" and len({o.corpus for o in outcomes}) == 1):
            continue
        yield f"--- {corpus}"
        for title, kinds in (
            ("PERTURBED", PERTURBED),
            ("UNTOUCHED", UNTOUCHED),
            ("PARAPHRASES", PARAPHRASES),
        ):
            for kind in kinds:
                some = [outcome for outcome in chosen if outcome.trial.kind == kind]
                if some:
                    yield line(kind, some, reasons=kinds is PERTURBED)
            some = [outcome for outcome in chosen if outcome.trial.kind in kinds]
            yield line(title, some, reasons=kinds is PERTURBED)


def wrong(outcome: Outcome) -> bool:
    """Whether the trial did not go as it should, by what it rests on or by eight."""
    verdicts = [verdict for verdict in (outcome.cited, outcome.eight) if verdict is not None]
    return any(flagged(v) != (outcome.trial.kind in PERTURBED) for v in verdicts)


def explain(outcome: Outcome) -> str:
    """A trial with its verdicts, for reading."""
    trial = outcome.trial
    verdicts = "\n".join(
        f"    {name}: {v.label} {v.score} {v.reason}"
        + "".join(f"\n      | {s.text}" for s in v.supports)
        for name, v in (("cited", outcome.cited), ("of 8", outcome.eight))
        if v is not None
    )
    return f"[{outcome.corpus}, {trial.kind}] {trial.sentence}\n    {trial.changed}\n{verdicts}"


def milliseconds(corpora: Sequence[Corpus], embedding: Embedding | None) -> Iterator[str]:
    """What the check of a sentence costs against eight passages, on one core, in its own time."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        for corpus in corpora:
            trials = corpus.trials[:: max(1, len(corpus.trials) // 200)]
            codes = embedding.encode([t.sentence for t in trials]) if embedding else None
            vectors = [code.vector for code in codes] if codes else [None] * len(trials)
            evidence = [corpus.eight(t, v) for t, v in zip(trials, vectors, strict=True)]
            for item in (item for items in evidence for item in items):
                item.pieces  # noqa: B018  a source is read once, when it is found
            checking = []
            for trial, vector, eight in zip(trials, vectors, evidence, strict=True):
                started = time.process_time()
                ground(trial.sentence, eight, vector=vector)
                checking.append(time.process_time() - started)
            fresh = [
                [Evidence(i.text, i.sentences, i.vectors, i.context) for i in e] for e in evidence
            ]
            started = time.process_time()
            for items in fresh:
                for item in items:
                    item.pieces  # noqa: B018
            reading = (time.process_time() - started) / len(trials)
            encoding = 0.0
            if embedding:
                started = time.process_time()
                for trial in trials:
                    embedding.encode([trial.sentence])
                encoding = (time.process_time() - started) / len(trials)
            checking.sort()
            mean = sum(checking) / len(checking)
            yield (
                f"{corpus.name}: {1000 * mean:.2f} ms a sentence against 8 passages on one core "
                f"(95 in 100 below {1000 * checking[int(0.95 * len(checking))]:.2f}), "
                f"{1000 * (mean + encoding):.2f} with encoding it, "
                f"{1000 * reading:.2f} for reading 8 passages once"
            )
    finally:
        os.sched_setaffinity(0, cores)


def main() -> None:
    """Judge, and print."""
    parser = argparse.ArgumentParser(
        prog="evals.perturbations",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clapnq", type=Path, help="folder with clapnq_dev_answerable.jsonl")
    parser.add_argument("--lexical", action="store_true", help="no sentence vectors")
    parser.add_argument("--verbose", nargs="*", metavar="KIND", help="show what went wrong")
    parser.add_argument("--half", type=int, choices=(0, 1), help="of this half only")
    arguments = parser.parse_args()
    embedding = None if arguments.lexical else load_embedding("embedded")
    corpora = [seeds(embedding)]
    if arguments.clapnq:
        corpora.append(clapnq(arguments.clapnq, embedding))
    outcomes = [outcome for corpus in corpora for outcome in judge(corpus, embedding)]
    print("\n".join(report(outcomes)))
    print("\n".join(milliseconds(corpora, embedding)))
    if arguments.verbose is not None:
        for outcome in outcomes:
            kinds = arguments.verbose or (*PERTURBED, *UNTOUCHED, *PARAPHRASES)
            in_half = arguments.half in (None, outcome.trial.half)
            if wrong(outcome) and in_half and outcome.trial.kind in kinds:
                print(explain(outcome))


if __name__ == "__main__":
    main()
