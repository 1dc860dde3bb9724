"""The confidence as a probability on one's own documents, and where to refuse, by their cases."""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from assistant.answering import Answer
from assistant.assistant import Assistant
from assistant.catalog import Calibration
from assistant.catalog.calibration import Method, log_odds
from assistant.errors import EvaluationError
from assistant.evaluation.cases import Case, dump
from assistant.evaluation.maps import Numbers, Truths, applied, fit
from assistant.evaluation.refusal import Bin, calibration_error, reliability
from assistant.evaluation.running import THREADS, Row, in_order, run
from assistant.evaluation.scoring import Scored
from assistant.evaluation.statistics import Figure, Indices, bootstrap, ratio

# With fewer cases, or fewer of one kind, the figures would say next to nothing.
LEAST = 30
LEAST_OF_EACH = 8
# A map of steps has as many parameters as cases; with fewer than these it learns their noise
# (Niculescu-Mizil and Caruana, "Predicting Good Probabilities With Supervised Learning", 2005,
# found it worse than Platt's below about 1,000, and never so by much above 200).
LEAST_FOR_STEPS = 200
FOLDS = 5
# Of a threshold and a figure, as they are kept.
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Observed:
    """What came of asking a case.

    Attributes:
        confidence: Of the answer, as shipped.
        answerable: Whether the documents hold the answer.
        asks_back: Whether the answer is a question back, which is never a refusal.
        cluster: What the case is not independent of.
    """

    confidence: float
    answerable: bool
    asks_back: bool
    cluster: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What confidences and refusals are worth.

    Attributes:
        figures: By name: refusal_precision, refusal_recall, refusal_f1, false_refusals,
            calibration_error, log_loss.
        reliability: What was promised, and what came true.
    """

    figures: dict[str, Figure]
    reliability: list[Bin]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration, and what it is worth.

    Attributes:
        calibration: Fitted to all cases.
        before: As shipped.
        after: Each case with what was fitted to others, of other conversations and documents.
    """

    calibration: Calibration
    before: Trial
    after: Trial


def calibrate(
    assistant: Assistant,
    cases: Sequence[Case],
    *,
    false_refusals: float = 0.1,
    threads: int = THREADS,
    asked: Callable[[int, int], None] = lambda done, total: None,
) -> Fitted:
    """Ask the cases, and fit a calibration to them; it is not kept, see `Assistant.calibrate`.

    Args:
        assistant: Whose confidences; no language model has a part in them.
        cases: Those that say whether they can be answered are used.
        false_refusals: The share of answerable questions that may be refused.
        threads: Questions side by side.
        asked: Told after each case how many of how many are done.

    Raises:
        EvaluationError: The cases are too few, or one crashes, or confidences do not tell them
            apart.
        IndexMissingError, IndexStorageError, EmbeddingError: As `Assistant.ask`.
    """
    labelled = [case for case in cases if case.answerable is not None]
    require_enough(labelled)
    with assistant.as_shipped() as shipped:
        observed = observe(shipped, labelled, threads=threads, asked=asked)
        model, threshold = shipped.confidence_model, shipped.settings.refusal_threshold
    method, after = tried(observed, false_refusals=false_refusals)
    raw, able = _columns(observed)
    knots = fit(method, raw, able)
    if method == "Platt" and knots[0][0] <= 0:
        raise EvaluationError(
            "the confidence does not tell these cases apart: it is no higher where the documents "
            "hold the answer; see that `answerable` is right in each, or add cases"
        )
    chances = applied(method, knots, raw)
    before = trial(observed, raw, raw < threshold)
    figures = {
        "calibration_error_before": before.figures["calibration_error"].value,
        **{name: figure.value for name, figure in after.figures.items()},
    }
    text = "\n".join(sorted(map(dump, labelled)))
    calibration = Calibration(
        method=method,
        threshold=threshold_for(chances, observed, false_refusals=false_refusals),
        knots=knots,
        model=model,
        cases=len(observed),
        unanswerable=int((~able).sum()),
        cases_hash=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        fitted_at=datetime.now(UTC).isoformat(timespec="seconds"),
        wanted=false_refusals,
        figures={key: None if v is None else round(v, DIGITS) for key, v in figures.items()},
    )
    return Fitted(calibration, before, after)


def require_enough(cases: Sequence[Case]) -> None:
    """See that there are enough cases of each kind.

    Raises:
        EvaluationError: There are not; the message says how many are needed.
    """
    able = sum(bool(case.answerable) for case in cases)
    counts = {"answerable": able, "unanswerable": len(cases) - able}
    if len(cases) >= LEAST and min(counts.values()) >= LEAST_OF_EACH:
        return
    told = " and ".join(f"{count} {name}" for name, count in counts.items())
    raise EvaluationError(
        f"there are {told} cases; at least {LEAST} are needed, {LEAST_OF_EACH} or more of each: "
        f"add some, or draft them with assistant eval --make draft.jsonl"
    )


def observe(
    assistant: Assistant,
    cases: Sequence[Case],
    *,
    threads: int,
    asked: Callable[[int, int], None],
) -> list[Observed]:
    """Ask the cases.

    Raises:
        EvaluationError: One of them crashes.
    """

    def unscored(_: Case, __: Answer) -> Scored:
        return Scored()

    rows: list[Row] = []
    for row in run(cases, ask=assistant.ask, score=unscored, threads=threads):
        if row.error:
            raise EvaluationError(f"case {row.id} crashed: {row.error}")
        rows.append(row)
        asked(len(rows), len(cases))
    return [
        Observed(
            row.confidence or 0.0,
            bool(row.answerable),
            bool(row.answer and row.answer["choices"]),
            row.cluster,
        )
        for row in in_order(rows, cases)
    ]


def tried(observed: Sequence[Observed], *, false_refusals: float) -> tuple[Method, Trial]:
    """The method whose held-out log loss is least, and how it does on what it has not seen."""
    raw, able = _columns(observed)
    methods: list[Method] = ["as it is", "Platt"]
    if len(observed) >= LEAST_FOR_STEPS:
        methods.append("isotonic")
    trials = {}
    for method in methods:
        chances, refused = raw.copy(), np.zeros(len(raw), bool)
        for held in folds(observed):
            seen = ~held
            knots = fit(method, raw[seen], able[seen])
            chances[held] = applied(method, knots, raw[held])
            threshold = threshold_for(
                applied(method, knots, raw[seen]),
                [one for one, use in zip(observed, seen, strict=True) if use],
                false_refusals=false_refusals,
            )
            refused[held] = chances[held] < threshold
        trials[method] = trial(observed, chances, refused)
    best = min(methods, key=lambda method: trials[method].figures["log_loss"].value or 0.0)
    return best, trials[best]


def trial(observed: Sequence[Observed], chances: Numbers, refused: Truths) -> Trial:
    """What these probabilities and refusals are worth, with intervals."""
    _, able = _columns(observed)
    clusters = [one.cluster for one in observed]
    asks_back = np.array([one.asks_back for one in observed])
    no, unable = (refused & ~asks_back).astype(float), (~able).astype(float)
    losses = _log_losses(chances, able)

    def error(chosen: Indices) -> float | None:
        return calibration_error(chances[chosen], able[chosen])

    def of(above: Numbers, below: Numbers) -> Figure:
        return ratio(above.tolist(), below.tolist(), clusters)

    figures = {
        "refusal_precision": of(no * unable, no),
        "refusal_recall": of(no * unable, unable),
        "refusal_f1": of(2 * no * unable, no + unable),
        "false_refusals": of(no * able, able.astype(float)),
        "calibration_error": bootstrap(error, clusters),
        "log_loss": of(losses, np.ones(len(losses))),
    }
    return Trial(figures, reliability(chances, able))


def folds(observed: Sequence[Observed]) -> Iterator[Truths]:
    """Which cases are held out in each fold: whole clusters, both kinds spread evenly.

    Where the cases of a kind are all of one cluster, each case is one by itself.
    """
    names = [one.cluster for one in observed]
    kinds = [{one.cluster for one in observed if one.answerable is kind} for kind in (True, False)]
    fewest = min(map(len, kinds))
    if fewest < 2:
        names, fewest = [str(place) for place in range(len(observed))], FOLDS
    many = min(FOLDS, fewest)
    _, able = _columns(observed)
    totals = np.array([able.sum(), (~able).sum()], float)
    members = {name: np.array([one == name for one in names]) for name in dict.fromkeys(names)}
    loads, held = np.zeros(many), np.zeros((many, len(observed)), bool)
    weights = {
        name: float((np.array([able[inside].sum(), (~able)[inside].sum()]) / totals).sum())
        for name, inside in members.items()
    }
    for name in sorted(members, key=lambda name: (-weights[name], name)):
        place = int(loads.argmin())
        loads[place] += weights[name]
        held[place] |= members[name]
    yield from held


def threshold_for(
    chances: Numbers, observed: Sequence[Observed], *, false_refusals: float
) -> float:
    """The highest threshold that refuses no more than this share of the answerable ones."""
    answerable = [one.answerable for one in observed]
    sure = np.sort(
        [
            math.inf if one.asks_back else chance
            for chance, one, able in zip(chances, observed, answerable, strict=True)
            if able
        ]
    )
    refused = int(false_refusals * len(sure) + 1e-9)
    if refused >= len(sure) or not math.isfinite(sure[refused]):
        return 1.0
    least = float(sure[refused])
    below = chances[chances < least]
    # Midway to the next one below, whichever kind it is: the least likely to be wrong anew.
    return round((least + float(below.max(initial=0.0))) / 2, DIGITS)


def _log_losses(chances: Numbers, able: Truths) -> Numbers:
    odds = np.array([log_odds(float(chance)) for chance in chances])
    return np.logaddexp(0, np.where(able, -odds, odds))


def _columns(observed: Sequence[Observed]) -> tuple[Numbers, Truths]:
    return (
        np.array([one.confidence for one in observed]),
        np.array([one.answerable for one in observed], bool),
    )
