"""The figures of an eval set on the terminal."""

from collections.abc import Iterator, Sequence

from assistant.cli.screen import Screen, one_line, visible
from assistant.evaluation.comparing import SAME, Compared, judged
from assistant.evaluation.figures import (
    FAILING,
    GROUPS,
    LATENCY,
    METRICS,
    OUTCOMES,
    Metric,
    value_of,
)
from assistant.evaluation.reports import Report
from assistant.evaluation.statistics import Comparison, Figure
from assistant.evaluation.summary import Part, Summary

TITLE, CELL, WIDE = 24, 8, 11


def show_report(
    report: Report,
    found: Summary,
    compared: Compared | None,
    screen: Screen,
    *,
    tags: bool,
) -> None:
    """All figures, by group; then what came of the cases, and what changed since the baseline."""
    halves = {name: part for name, part in found.halves.items() if part.cases}
    show_figures(found.overall, halves if len(halves) > 1 else {}, screen)
    if tags:
        show_tags(found, screen)
    if compared is not None:
        show_compared(compared, screen)
    show_outcomes(report, found.overall, screen)


def show_figures(overall: Part, halves: dict[str, Part], screen: Screen) -> None:
    """A line a figure: its value, its 95 % interval, over how many cases; and by half."""
    for group, metrics in GROUPS.items():
        lines = [line for metric in metrics for line in _figure_line(metric, overall, halves)]
        if not lines:
            continue
        title, beside = group, ("95 %", "cases")
        if group == "latency":
            title, beside = "latency in seconds", ("", "")
        columns = [f"{'':{CELL}}", f"{beside[0]:>13}", f"{beside[1]:>7}"]
        columns += [f"{name:>{CELL}}" for name in halves]
        screen.write((f"{title:{TITLE}}", "bold"), ("".join(columns).rstrip(), "dim"))
        for title, value, rest in lines:
            screen.write(f"  {title:{TITLE - 2}}", (value, "bold"), (rest, "dim"))
    screen.write("")


def _figure_line(
    metric: Metric, overall: Part, halves: dict[str, Part]
) -> Iterator[tuple[str, str, str]]:
    value = value_of(overall, metric.name)
    if metric.name.startswith(LATENCY):
        if value is not None:
            cells = "".join(_cell(value_of(part, metric.name)) for part in halves.values())
            yield metric.title, _cell(value), f"{'':20}{cells}"
        return
    figure = overall.figures.get(metric.name)
    if figure is None:
        return
    cells = "".join(_cell(value_of(part, metric.name)) for part in halves.values())
    yield metric.title, _cell(value), f"{_interval(figure):>13}{figure.cases:>7}{cells}"


def show_tags(found: Summary, screen: Screen) -> None:
    """For each tag: how many cases, and the figures that matter most."""
    names = ("right", "accepted", "faithfulness", "recall@10")
    screen.write((f"{'by tag':{TITLE}}{'cases':>6}", "bold"), ("".join(_heads(names)), "dim"))
    for tag, part in found.tags.items():
        shown = one_line(visible(tag))[: TITLE - 3]
        cells = "".join(f"{_cell(value_of(part, name)):>{WIDE}}" for name in names)
        screen.write(f"  {shown:{TITLE - 2}}{part.cases:>6}", cells)
    screen.write("")


def _heads(names: Sequence[str]) -> list[str]:
    return [f"{name.replace('faithfulness', 'faithful'):>{WIDE}}" for name in names]


def show_compared(compared: Compared, screen: Screen) -> None:
    """Each figure before and after, over the same cases."""
    screen.write(
        (f"{'against the baseline':{TITLE}}", "bold"),
        (f"{'before':>8}{'now':>8}{'change':>8}{'95 %':>16}{'better':>7}{'worse':>6}", "dim"),
    )
    same = []
    for metric in METRICS.values():
        one = compared.figures.get(metric.name)
        if one is None or one.difference is None:
            continue
        kind = judged(metric.name, one)
        if kind == SAME:
            same.append(metric.title)
            continue
        cells = f"{_cell(one.before)}{_cell(one.after)}{_signed(one.difference):>8}"
        style = {"better": "green", "worse": "red"}.get(kind, "")
        moved = f"{one.better:>7}{one.worse:>6}" if one.probability is not None else ""
        screen.write(
            f"  {metric.title:{TITLE - 2}}", (cells, style), (f"{_around(one):>16}{moved}", "dim")
        )
    if same:
        screen.write((f"the same: {', '.join(same)}", "dim"), indent=2)
    screen.write((compared.told, "dim"), indent=2)
    worse = [change.after.row.id for change in compared.changes if change.kind == "worse"]
    better = [change.after.row.id for change in compared.changes if change.kind == "better"]
    for name, ids in (("worse", worse), ("better", better)):
        if ids:
            rest = "" if len(ids) <= 12 else f" and {len(ids) - 12} more"
            screen.write(f"{name}: {', '.join(map(one_line, ids[:12]))}{rest}")
    screen.write("")


def show_outcomes(report: Report, overall: Part, screen: Screen) -> None:
    """What came of the cases, and what else the reader must know."""
    header = report.header
    parts = [f"{count} {OUTCOMES[name]}" for name, count in header["outcomes"].items()]
    bad = any(name in FAILING for name in header["outcomes"])
    screen.write(
        (f"{overall.cases} cases in {header['seconds']:.1f} s: ", "bold"),
        ("; ".join(parts), "yellow" if bad else "green"),
    )
    about = [f"answers: {header['model']}", f"cases: {header['cases']['file']}"]
    if header["judge"]:
        about.append(f"judge: {header['judge']}")
    if header["notices"]:
        about.append(
            f"{header['notices']} answers have a notice, such as that the language model failed "
            f"and the documents' own sentences stand in"
        )
    screen.write((" · ".join(map(one_line, about)), "dim"))


def _around(one: Comparison) -> str:
    if one.low is None or one.high is None:
        return ""
    return f"{one.low:+.2f} to {one.high:+.2f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _cell(value: float | None) -> str:
    return f"{'-' if value is None else f'{value:.3f}':>{CELL}}"


def _interval(figure: Figure) -> str:
    return "" if figure.low is None else f"{figure.low:.2f} to {figure.high:.2f}"
