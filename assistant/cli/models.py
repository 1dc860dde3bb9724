"""`assistant models`: what is reachable, and whether it works."""

import argparse
from collections.abc import Sequence
from contextlib import closing

from assistant.assistant import Assistant
from assistant.cli.screen import Screen, one_line
from assistant.models.trial import (
    BRIEF_SECONDS,
    EXTRACTIVE,
    Reachable,
    Trial,
    reachable,
    to_try,
    tried,
    tried_briefly,
)
from assistant.payloads import plain

FINE, ERROR = 0, 1
LISTED = 30


def models(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant models`."""
    settings = assistant.settings
    found = [] if options.names else reachable()
    names = options.names or [settings.model]
    if not options.json and found:
        show_reachable(found, screen)
    trials = []
    for name in names:
        trial = tried(
            name,
            context=settings.model_context,
            seconds=settings.model_seconds,
            prompts=settings.prompts,
        )
        trials.append(trial)
        if not options.json:
            show_trial(trial, screen)
    # Nobody has asked for those that happen to run here: they may fail.
    fine = all(trial.works for trial in trials)
    others = {name: one for name, one in to_try(found).items() if name not in names}
    trials += _others(others, assistant, None if options.json else screen)
    if options.json:
        payload = {"tried": [plain(trial) for trial in trials]}
        if not options.names:
            payload |= {"reachable": [plain(one) for one in found]}
        screen.json({"model": settings.model} | payload)
    return FINE if fine else ERROR


def _others(
    servers: dict[str, Reachable], assistant: Assistant, screen: Screen | None
) -> list[Trial]:
    """Try what runs here, and show each as soon as it is known; the trials as the servers are."""
    settings = assistant.settings
    left = list(servers)
    trials = {}
    trying = tried_briefly(servers, context=settings.model_context, prompts=settings.prompts)
    try:
        with closing(trying):
            while left:
                if screen:
                    screen.draft(f"asking {', '.join(left)}: {BRIEF_SECONDS:g} seconds at most")
                trial = next(trying)
                trials[trial.model] = trial
                left.remove(trial.model)
                if screen:
                    show_trial(trial, screen)
    finally:
        if screen:
            screen.draft("")
    return [trials[name] for name in servers]


def show_reachable(found: Sequence[Reachable], screen: Screen) -> None:
    """What this machine can reach, each model by the name to give to --model."""
    screen.write(("On this machine", "bold"), (", as --model or the setting model takes it", "dim"))
    for one in found:
        where = " ".join(filter(None, (one.url, one.note)))
        screen.write(
            (one.program, "green" if one.ready else "dim"),
            (f"  {one_line(where)}" if where else "", "dim"),
            indent=2,
        )
        for name in one.models[:LISTED]:
            screen.write(one_line(name), indent=4)
        if len(one.models) > LISTED:
            screen.write(f"and {len(one.models) - LISTED:,} more; --json lists them all", indent=4)
    screen.write("")


def show_trial(trial: Trial, screen: Screen) -> None:
    """How a model did when it was asked something."""
    how = "works" if trial.works else "does not work"
    if trial.kind == "timeout":
        how = "did not answer in time"
    screen.write((one_line(trial.model), "bold"), (f" {how}", "green" if trial.works else "red"))
    if trial.problem:
        screen.write(one_line(trial.problem), indent=2)
    elif trial.context is None:
        screen.write((EXTRACTIVE, "dim"), indent=2)
    else:
        screen.write((f"“{one_line(trial.text)} …”", "italic"), indent=2)
        screen.write((_figures(trial), "dim"), indent=2)


def _figures(trial: Trial) -> str:
    figures = [f"{trial.context or 0:,} tokens of context"]
    if trial.loading_seconds is not None:
        figures.append(f"loaded in {trial.loading_seconds:.1f} s")
    if trial.first_word_seconds is not None:
        figures.append(f"first word after {trial.first_word_seconds:.1f} s")
    if trial.words_per_second is not None:
        digits = 0 if trial.words_per_second >= 10 else 1
        figures.append(f"{trial.words_per_second:.{digits}f} words a second")
    return " · ".join(figures)
