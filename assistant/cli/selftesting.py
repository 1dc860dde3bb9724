"""`assistant eval --self-test`: how often each metric tells good answers from bad ones."""

import argparse
from collections.abc import Iterator, Sequence

from assistant.assistant import Assistant
from assistant.cli.evaluating import Asked, default_cases
from assistant.cli.progress import shown
from assistant.cli.screen import Screen, complain
from assistant.errors import EvaluationError
from assistant.evaluation.cases import Case, load
from assistant.evaluation.selftest import (
    ABOUT,
    RIGHT,
    TRUST,
    Outcome,
    Told,
    results,
    seen_by,
    self_test,
)
from assistant.evaluation.statistics import Figure
from assistant.evaluation.summary import HALVES
from assistant.payloads import plain

FINE, ERROR = 0, 1
TITLE, COUNT, CELL = 20, 4, 14
TITLES = {
    "faithfulness": "faithfulness",
    "groundedness": "groundedness",
    "citation_recall": "cit. recall",
    "citation_precision": "cit. prec.",
    "accepted": "accepted",
    "exact_match": "exact match",
    "token_f1": "token F1",
    "rouge_l": "ROUGE-L",
    "question_likeness": "q. likeness",
}
GROUPS = {"borne out or not": TRUST, "right or wrong": RIGHT, "about it or not": ABOUT}


def run(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant eval --self-test`; the exit code is 1 if a metric is of no use."""
    assistant.retrieve("Is it ready?", limit=1)  # what cannot work is told before anything else
    cases = chosen(assistant, options)
    with shown() as progress:
        outcomes = self_test(
            assistant,
            cases,
            threads=options.threads,
            tried=lambda done, total: progress(Asked(done, total, doing="making bad answers")),
        )
    found = results(outcomes)
    problems = [one.problem for one in found.values() if one.problem]
    if not found["faithfulness"].apart.cases:
        problems.append("nothing could be tried: there is no sentence in the documents")
    if options.json:
        metrics = {name: plain(one) for name, one in found.items()}
        screen.json({"metrics": metrics, "missed": list(missed(outcomes)), "problems": problems})
    else:
        show(found, screen)
    for problem in problems:
        complain(problem)
    return ERROR if problems else FINE


def missed(outcomes: Sequence[Outcome]) -> Iterator[dict[str, str]]:
    """What a metric should have told apart and did not."""
    for one in outcomes:
        for metric in one.before:
            if seen_by(metric, one.kind) and one.fell(metric) is False:
                found = {name: getattr(one, name) for name in ("origin", "kind", "good", "bad")}
                yield {"metric": metric, **found}


def chosen(assistant: Assistant, options: argparse.Namespace) -> list[Case]:
    """The cases; without any, sentences of the documents alone are made bad."""
    file = options.file
    if file is None:
        try:
            file = default_cases(assistant)
        except EvaluationError:
            return []
    return [case for case in load(file) if options.half in ("both", HALVES[case.half])]


def show(found: dict[str, Told], screen: Screen) -> None:
    """A table for each group of metrics: for each kind, how many scored below the good ones."""
    screen.write(("share of the answers made bad that score below the good ones; false", "dim"))
    screen.write(("alarms: of those that say the same otherwise, and lose as much", "dim"))
    screen.write("")
    for title, metrics in GROUPS.items():
        tried = [found[name] for name in metrics if found[name].apart.cases]
        if not tried:
            continue
        heads = "".join(f"{TITLES[one.metric]:>{CELL}}" for one in tried)
        screen.write((f"{title:{TITLE + COUNT}}", "bold"), (heads, "dim"))
        for kind in dict.fromkeys(kind for one in tried for kind in one.kinds):
            _line(kind, [one.kinds.get(kind) for one in tried], screen)
        _line("what it must see", [one.apart for one in tried], screen, style="bold")
        low = "".join(f"{_interval(one.apart):>{CELL}}" for one in tried)
        screen.write((f"  {'95 %':{TITLE - 2 + COUNT}}{low}", "dim"))
        if any(one.alarms.cases for one in tried):
            _line("false alarms", [one.alarms for one in tried], screen)
        _line("good ones' score", [one.before for one in tried], screen, style="dim")
        screen.write("")
    if untried := [TITLES[name] for name, one in found.items() if not one.apart.cases]:
        screen.write((f"without cases to try it on: {', '.join(untried)}", "dim"))


def _line(title: str, figures: Sequence[Figure | None], screen: Screen, style: str = "") -> None:
    count = max(figure.cases for figure in figures if figure is not None)
    cells = "".join(f"{_number(figure):>{CELL}}" for figure in figures)
    screen.write(f"  {title:{TITLE - 2}}{count:{COUNT}}", (cells, style))


def _number(figure: Figure | None) -> str:
    return "-" if figure is None or figure.value is None else f"{figure.value:.3f}"


def _interval(figure: Figure) -> str:
    return "" if figure.low is None else f"{figure.low:.3f}-{figure.high:.3f}"
