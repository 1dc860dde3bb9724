"""`assistant calibrate`: what a confidence is worth on one's own documents, and where to refuse."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from assistant.assistant import Assistant
from assistant.catalog import Calibration
from assistant.cli.evaluating import Asked, default_cases
from assistant.cli.progress import shown
from assistant.cli.screen import Screen, complain
from assistant.evaluation.calibration import Fitted, Trial, calibrate
from assistant.evaluation.cases import load
from assistant.evaluation.refusal import Bin
from assistant.evaluation.statistics import Figure
from assistant.evaluation.summary import HALVES
from assistant.payloads import plain
from assistant.settings import Settings

FINE = 0
TITLES = {
    "refusal_precision": "refusal precision",
    "refusal_recall": "refusal recall",
    "refusal_f1": "refusal F1",
    "false_refusals": "false refusals",
    "calibration_error": "calibration error",
    "log_loss": "log loss",
}


def run(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant calibrate`."""
    if options.forget:
        return forget(assistant, options, screen)
    assistant.retrieve("Is it ready?", limit=1)  # what cannot work is told before anything else
    file = Path(options.file or default_cases(assistant))
    cases = [case for case in load(file) if options.half in ("both", HALVES[case.half])]
    with shown() as progress:
        fitted = calibrate(
            assistant,
            cases,
            false_refusals=options.false_refusals,
            threads=options.threads,
            asked=lambda done, total: progress(Asked(done, total)),
        )
    if not options.dry_run:
        assistant.calibrate(fitted.calibration)
    if options.json:
        screen.json(payload(fitted, kept=not options.dry_run))
    else:
        show(fitted, screen)
        screen.write(told(fitted.calibration, kept=not options.dry_run))
    if assistant.settings.refusal_threshold != Settings().refusal_threshold:
        complain(
            f"refusal_threshold is set to {assistant.settings.refusal_threshold:g}, which goes "
            f"before the one that was fitted; leave it out of the settings to use that"
        )
    return FINE


def forget(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant calibrate --forget`."""
    known = assistant.status().manifest.calibration is not None
    if known:
        assistant.calibrate(None)
    if options.json:
        screen.json({"forgotten": known})
    else:
        screen.write(
            "forgotten; confidences are as shipped again" if known else "there was none to forget"
        )
    return FINE


def told(calibration: Calibration, *, kept: bool) -> str:
    """What becomes of it, in words."""
    if not kept:
        return "A dry run: nothing is kept, and answers are as before."
    return (
        f"Kept in the index: answers are refused below {calibration.threshold:.2f}, and their "
        f"confidence is a probability. To undo it: assistant calibrate --forget"
    )


def show(fitted: Fitted, screen: Screen) -> None:
    """The figures before and after, and what was promised against what came true."""
    one = fitted.calibration
    screen.write(
        f"{one.cases} cases, {one.cases - one.unanswerable} answerable; the map is {one.method}, "
        f"for {100 * one.wanted:g} % false refusals"
    )
    screen.write("")
    head = f"{'':24}{'as shipped':>12}{'calibrated':>12}{'95 %':>15}{'cases':>7}"
    screen.write((head, "dim"))
    for name, title in TITLES.items():
        before, after = (trial.figures[name] for trial in (fitted.before, fitted.after))
        screen.write(
            f"{title:24}{_number(before.value):>12}",
            (f"{_number(after.value):>12}", "bold"),
            (f"{_interval(after):>15}{after.cases:>7}", "dim"),
        )
    screen.write(
        ("calibrated: each case by what was fitted to other conversations and documents", "dim")
    )
    screen.write("")
    head = (
        f"{'confidence':24}{'as shipped':>12}{'came true':>12}{'calibrated':>15}{'came true':>12}"
    )
    screen.write((head, "dim"))
    for old, new in zip(fitted.before.reliability, fitted.after.reliability, strict=True):
        place = f"{old.low:.1f} to {old.high:.1f}"
        screen.write(
            f"{place:24}{_cases(old):>12}{_number(old.share):>12}"
            f"{_cases(new):>15}{_number(new.share):>12}"
        )
    screen.write("")


def payload(fitted: Fitted, *, kept: bool) -> dict[str, object]:
    """What `--json` prints."""
    return {
        "kept": kept,
        "calibration": plain(fitted.calibration),
        "as_shipped": _trial(fitted.before),
        "calibrated": _trial(fitted.after),
    }


def _trial(trial: Trial) -> dict[str, object]:
    bins: Sequence[Bin] = trial.reliability
    return {
        "figures": {name: plain(figure) for name, figure in trial.figures.items()},
        "reliability": [plain(one) for one in bins],
    }


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(figure: Figure) -> str:
    return "" if figure.low is None else f"{figure.low:.3f}-{figure.high:.3f}"


def _cases(one: Bin) -> str:
    return f"{one.cases} cases" if one.cases != 1 else "1 case"
