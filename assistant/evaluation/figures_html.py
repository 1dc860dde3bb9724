"""The figures of a run in the page of a report: the cards above, and the table of all."""

from collections.abc import Iterable, Iterator
from html import escape

from assistant.evaluation.comparing import ROUNDING, SAME, Compared, judged
from assistant.evaluation.figures import GROUPS, LATENCY, METRICS, Metric, value_of
from assistant.evaluation.statistics import Comparison, Figure
from assistant.evaluation.summary import Part, Summary

# What a reader wants to know first.
HEADLINES = (
    *("accepted", "faithfulness", "citation_recall", "citation_precision"),
    *("refusal_precision", "refusal_recall", "false_refusals", "calibration_error"),
)
INTERVALS = (
    "95 % intervals are a bootstrap's that draws whole conversations and documents, as their cases "
    "are not independent; where all came out alike, what the number of them allows (rule of three)."
)


def headlines(overall: Part, compared: Compared | None) -> str:
    """What a reader wants to know first, each on a card."""
    cards = []
    for name in HEADLINES:
        figure = overall.figures.get(name)
        if figure is not None and figure.value is not None:
            cards.append(
                f"<div><dt>{escape(METRICS[name].title)}</dt><dd><b>{figure.value:.3f}</b>"
                f"{_moved(METRICS[name], compared)}"
                f'<span class="quiet">{_around(figure)}{figure.cases} cases</span>'
                f'<span class="quiet about">{_about(METRICS[name])}</span></dd></div>'
            )
    return f'<dl class="cards">{"".join(cards)}</dl>'


def _moved(metric: Metric, compared: Compared | None) -> str:
    """What was gained since the earlier run."""
    one = None if compared is None else compared.figures.get(metric.name)
    if one is None or one.difference is None:
        return ""
    kind, told = _told(metric.name, one)
    return f'<span class="{kind}">{told}</span>'


def _around(figure: Figure) -> str:
    interval = _interval(figure)
    return f"95 %: {interval}<br>" if interval else ""


def _about(metric: Metric) -> str:
    return escape(metric.about) + ("; less is better" if metric.falling else "")


def figures_table(found: Summary, compared: Compared | None) -> str:
    """All figures by group, with the halves, and what changed since an earlier run."""
    halves = {name: one for name, one in found.halves.items() if one.cases}
    if len(halves) < 2:
        halves = {}
    heads = ["", "all", "95 % interval", "cases", *halves]
    if compared is not None:
        heads += ["before", "change", "95 % interval", "cases better", "cases worse"]
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    groups = []
    for group, metrics in GROUPS.items():
        lines = "".join(
            f"<tr>{''.join(cells)}</tr>"
            for metric in metrics
            if (cells := list(_cells(metric, found.overall, halves.values(), compared)))
        )
        if lines:
            groups.append(
                f'<tbody><tr class="group"><th colspan="{len(heads)}" scope="rowgroup">{group}</th>'
                f"</tr>{lines}</tbody>"
            )
    over = ""
    if compared is not None:
        over = (
            f" Before and change are {compared.told}; a change is unsure if its interval holds 0."
        )
    return (
        f'<section id="figures"><h2>Figures</h2><p class="quiet">{INTERVALS}{over}</p>'
        '<div class="scroll" tabindex="0" role="region" aria-label="Figures">'
        '<table class="figures">'
        f"<thead><tr>{head}</tr></thead>{''.join(groups)}</table></div></section>"
    )


def _cells(
    metric: Metric, overall: Part, halves: Iterable[Part], compared: Compared | None
) -> Iterator[str]:
    value = value_of(overall, metric.name)
    figure = overall.figures.get(metric.name)
    if value is None and figure is None:
        return
    yield (
        f'<th scope="row"><span>{escape(metric.title)}</span><small>{_about(metric)}</small></th>'
    )
    latency = metric.name.startswith(LATENCY)
    yield f"<td><b>{_number(value)}{' s' if latency else ''}</b></td>"
    yield f"<td>{_interval(figure) if figure else ''}</td><td>{figure.cases if figure else ''}</td>"
    for half in halves:
        yield f"<td>{_number(value_of(half, metric.name))}</td>"
    if compared is not None:
        one = compared.figures.get(metric.name)
        if one is None or one.difference is None:
            yield '<td colspan="5"></td>'
        else:
            yield from _change_cells(metric, one, one.difference)


def _change_cells(metric: Metric, one: Comparison, difference: float) -> Iterator[str]:
    kind, told = _told(metric.name, one)
    yield f'<td>{_number(one.before)}</td><td class="{kind}">{told}</td>'
    if told == SAME:
        yield '<td colspan="3"></td>'
        return
    yield f"<td>{'' if one.low is None else f'{one.low:+.3f} to {one.high:+.3f}'}</td>"
    if one.probability is None:
        yield "<td></td><td></td>"
    else:
        yield f"<td>{one.better}</td><td>{one.worse}</td>"


def _told(name: str, one: Comparison) -> tuple[str, str]:
    """A change as a class and in words."""
    kind = judged(name, one)
    if kind == SAME:
        return "quiet", SAME
    difference = one.difference or 0.0
    shown = f"{difference:+.3f}" if abs(difference) >= ROUNDING else "±0.000"
    return (kind if kind in ("better", "worse") else "quiet"), f"{shown} {kind}"


def _interval(figure: Figure) -> str:
    return "" if figure.low is None else f"{figure.low:.2f} to {figure.high:.2f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
