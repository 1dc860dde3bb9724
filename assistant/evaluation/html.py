"""A report as a page: one file that asks for nothing, and in which every case can be looked at.

What cases, documents and models say is escaped, and the page runs no script and takes no style but
its own two, by their hashes.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from assistant.evaluation.cases_html import case_html, change_html
from assistant.evaluation.comparing import Compared
from assistant.evaluation.figures import (
    FAILING,
    GROUPS,
    LATENCY,
    METRICS,
    OUTCOMES,
    Metric,
    outcome,
    value_of,
)
from assistant.evaluation.plots import bars, histogram, reliability_plot, risk_coverage_plot
from assistant.evaluation.reports import Report, rows_of
from assistant.evaluation.statistics import Comparison, Figure
from assistant.evaluation.summary import HALVES, Part, Summary, part

FIRST_LINE = "<!doctype html><!-- assistant eval -->\n"
FOLDER = Path(__file__).parent / "page"
# What a reader wants to know first.
HEADLINES = (
    *("accepted", "faithfulness", "citation_recall", "citation_precision"),
    *("refusal_precision", "refusal_recall", "false_refusals", "calibration_error"),
)
# A difference that is smaller says nothing.
ROUNDING = 0.0005


def is_page(start: str) -> bool:
    """Whether a file that begins like this is such a page."""
    return start.startswith(FIRST_LINE)


def page(
    report: Report,
    found: Summary,
    *,
    baseline: Report | None = None,
    compared: Compared | None = None,
) -> str:
    """The page of a run, whose summary is `found`, beside that of an earlier one."""
    style, script = (
        (FOLDER / name).read_text(encoding="utf-8") for name in ("eval.css", "eval.js")
    )
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    title = f"Eval: {report.header['cases']['file']}"
    body = [
        _head(report),
        _headlines(found.overall),
        _plots(report, found, baseline),
        _figures(found, compared),
        "" if compared is None else _changes(compared),
        _cases(report, found),
        _conditions(report, baseline),
    ]
    return (
        f'{FIRST_LINE}<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{style}</style></head>\n"
        f"<body><main>{''.join(body)}</main><script>{script}</script></body></html>\n"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _head(report: Report) -> str:
    header = report.header
    asked = header["cases"]
    about = [
        f"{asked['count']} cases of {asked['file']}",
        *([f"half {asked['half']}"] if asked["half"] != "both" else []),
        f"answers: {header['model']}",
        *([f"judge: {header['judge']}"] if header["judge"] else []),
        f"{header['seconds']:.1f} s",
        header["made_at"].replace("T", " ").replace("+00:00", " UTC"),
    ]
    notices = header["notices"]
    noticed = (
        f'<p class="warning">{notices} answers have a notice, such as that the language model '
        "failed and the documents' own sentences stand in.</p>"
        if notices
        else ""
    )
    parts = "".join(
        f'<li><a href="#cases" data-outcome="{name}"><i class="dot {name}"></i><b>{count}</b> '
        f"{escape(OUTCOMES[name])}</a></li>"
        for name, count in reversed(header["outcomes"].items())
    )
    return (
        f"<header><h1>Can the answers be trusted?</h1>"
        f'<p class="quiet">{" · ".join(map(escape, about))}</p>{noticed}'
        f'{_stripe(header["outcomes"])}<ul class="outcomes">{parts}</ul></header>'
    )


def _stripe(counts: dict[str, int]) -> str:
    """The outcomes as parts of one bar."""
    total, x, parts = sum(counts.values()) or 1, 0.0, []
    for name, count in reversed(counts.items()):
        width = 1000 * count / total
        parts.append(
            f'<rect class="fill-{name}" x="{x:.1f}" width="{width:.1f}" height="12">'
            f"<title>{count} {escape(OUTCOMES[name])}</title></rect>"
        )
        x += width
    return (
        '<svg class="stripe" viewBox="0 0 1000 12" preserveAspectRatio="none" role="img" '
        f'aria-label="Outcomes">{"".join(parts)}</svg>'
    )


def _headlines(overall: Part) -> str:
    cards = []
    for name in HEADLINES:
        figure = overall.figures.get(name)
        if figure is not None and figure.value is not None:
            cards.append(
                f"<div><dt>{escape(METRICS[name].title)}</dt><dd><b>{figure.value:.3f}</b>"
                f'<span class="quiet">{_interval(figure)} · {figure.cases} cases</span></dd></div>'
            )
    return f'<dl class="cards">{"".join(cards)}</dl>'


def _plots(report: Report, found: Summary, baseline: Report | None) -> str:
    overall = found.overall
    before = None
    if baseline is not None:
        before = part(rows_of(baseline.entries), sure=False).risk_coverage
    latency = overall.latency or {}
    seconds = [row.seconds for row in rows_of(report.entries) if not row.error]
    marks = [(name, latency[name]) for name in ("p50", "p90", "p99") if name in latency]
    dashed = " The dashed line is the baseline." if before else ""
    figures = [
        (
            "Risk and coverage",
            risk_coverage_plot(overall.risk_coverage, before),
            "If only the surest questions were answered, so many of the answers would be wrong. "
            f"The lower, the better.{dashed}",
        ),
        (
            "Reliability",
            reliability_plot(overall.reliability),
            "How often the documents hold the answer, by the confidence that they do. On the "
            "diagonal, it is a probability; the larger a dot, the more cases.",
        ),
        (
            "Right outcomes by tag",
            bars((tag, one.figures["right"]) for tag, one in found.tags.items()),
            "With 95 % intervals, and the number of cases.",
        ),
        (
            "Seconds to an answer",
            histogram(seconds, marks),
            f"With {report.header['threads']} questions side by side.",
        ),
    ]
    drawn = "".join(
        f"<figure><h3>{title}</h3>{plot}<figcaption>{escape(caption)}</figcaption></figure>"
        for title, plot, caption in figures
    )
    return f'<section class="plots">{drawn}</section>'


def _figures(found: Summary, compared: Compared | None) -> str:
    halves = {name: one for name, one in found.halves.items() if one.cases}
    if len(halves) < 2:
        halves = {}
    heads = ["", "all", "95 % interval", "cases", *halves]
    if compared is not None:
        heads += ["before", "change", "95 % interval", "better", "worse"]
    head = "".join(f"<th>{text}</th>" for text in heads)
    groups = []
    for group, metrics in GROUPS.items():
        lines = "".join(
            f"<tr>{''.join(cells)}</tr>"
            for metric in metrics
            if (cells := list(_cells(metric, found.overall, halves.values(), compared)))
        )
        if lines:
            groups.append(
                f'<tbody><tr class="group"><th colspan="{len(heads)}">{group}</th></tr>'
                f"{lines}</tbody>"
            )
    over = ""
    if compared is not None:
        over = f'<p class="quiet">Before and change are {compared.told}.</p>'
    return (
        f'<section><h2>Figures</h2>{over}<div class="scroll"><table class="figures">'
        f"<thead><tr>{head}</tr></thead>{''.join(groups)}</table></div></section>"
    )


def _cells(
    metric: Metric, overall: Part, halves: Iterable[Part], compared: Compared | None
) -> Iterator[str]:
    value = value_of(overall, metric.name)
    figure = overall.figures.get(metric.name)
    if value is None and figure is None:
        return
    better = " (less is better)" if metric.falling else ""
    yield f'<th title="{escape(metric.about + better)}">{escape(metric.title)}</th>'
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
    if difference == 0 and not (one.better or one.worse):
        yield f'<td>{_number(one.before)}</td><td class="quiet">same</td><td colspan="3"></td>'
        return
    gain = -difference if metric.falling else difference
    kind = "better" if gain > ROUNDING else "worse" if gain < -ROUNDING else "quiet"
    around = "" if one.low is None else f"{one.low:+.3f} to {one.high:+.3f}"
    yield f"<td>{_number(one.before)}</td>"
    yield f'<td class="{kind}">{difference:+.3f}</td><td>{around}</td>'
    if one.probability is None:
        yield "<td></td><td></td>"
    else:
        yield f"<td>{one.better}</td><td>{one.worse}</td>"


def _changes(compared: Compared) -> str:
    if not compared.changes:
        return "<section><h2>Changes</h2><p>The same came of every case of both runs.</p></section>"
    kinds = [change.kind for change in compared.changes]
    told = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    return (
        f'<section id="changes"><h2>Changes <small class="quiet">{told}</small></h2>'
        f"{''.join(change_html(change) for change in compared.changes)}</section>"
    )


def _cases(report: Report, found: Summary) -> str:
    tags = list(found.tags)
    names = [outcome(entry.row) for entry in report.entries]
    options = [
        ("", "any outcome"),
        *([("failing", "failing")] if any(name in FAILING for name in names) else []),
        *((name, text) for name, text in OUTCOMES.items() if name in names),
    ]
    halves = sorted({entry.row.half for entry in report.entries})
    choices = (
        _select("outcome", "Outcome", options),
        _select("half", "Half", [("", "both halves"), *((str(n), HALVES[n]) for n in halves)]),
        _select("tag", "Tag", [("", "any tag"), *((str(n), tag) for n, tag in enumerate(tags))]),
    )
    # Those that failed come first, the worst before the others.
    order = list(OUTCOMES)
    entries = sorted(report.entries, key=lambda entry: order.index(outcome(entry.row)))
    places = {tag: place for place, tag in enumerate(tags)}
    listed = "".join(
        case_html(entry, tags=[places[tag] for tag in entry.row.tags]) for entry in entries
    )
    return (
        f'<section id="cases"><h2>Cases <small class="quiet" id="count" role="status"></small></h2>'
        f'<div class="filters">{"".join(choices)}'
        '<input id="words" type="search" placeholder="words in it" aria-label="Words in it">'
        '<button type="button" id="open">open all</button>'
        f'<button type="button" id="close">close all</button></div>{listed}</section>'
    )


def _select(name: str, label: str, options: Iterable[tuple[str, str]]) -> str:
    listed = "".join(
        f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options
    )
    return f'<select id="{name}" aria-label="{label}">{listed}</select>'


def _conditions(report: Report, baseline: Report | None) -> str:
    """What was run; with a baseline, both, and where they differ."""
    now = dict(_flat(report.header))
    before = dict(_flat(baseline.header)) if baseline is not None else None
    lines = []
    for name, value in now.items():
        cells = f"<th>{escape(name)}</th><td>{escape(value)}</td>"
        if before is not None:
            old = before.get(name, "")
            differs = old not in ("", value) and name not in ("made_at", "seconds")
            kind = ' class="differs"' if differs else ""
            cells += f"<td{kind}>{escape(old)}</td>"
        lines.append(f"<tr>{cells}</tr>")
    head = "" if before is None else "<thead><tr><th></th><th>now</th><th>before</th></tr></thead>"
    return (
        "<section><details><summary><h2>What was run</h2></summary>"
        f'<div class="scroll"><table class="run">{head}<tbody>{"".join(lines)}</tbody></table>'
        "</div></details></section>"
    )


def _flat(value: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, inner in value.items():
        if name in ("figures", "eval", "outcomes"):
            continue
        if isinstance(inner, dict):
            yield from _flat(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}", inner if isinstance(inner, str) else json.dumps(inner)


def _interval(figure: Figure) -> str:
    return "" if figure.low is None else f"{figure.low:.2f} to {figure.high:.2f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
