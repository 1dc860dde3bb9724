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

from assistant.evaluation.cases_html import KINDS, case_html, change_html
from assistant.evaluation.comparing import Compared
from assistant.evaluation.figures import FAILING, OUTCOMES, outcome
from assistant.evaluation.figures_html import figures_table, headlines
from assistant.evaluation.plots import Curve, bars, histogram, reliability_plot, risk_coverage_plot
from assistant.evaluation.refusal import Bin
from assistant.evaluation.reports import Header, Report, rows_of
from assistant.evaluation.statistics import EQUAL
from assistant.evaluation.summary import HALVES, Summary, part

FIRST_LINE = "<!doctype html><!-- assistant eval -->\n"
# What is seldom the same twice, and no reason for other answers.
PASSING = ("made_at", "seconds", "notices", "index.revision")
FOLDER = Path(__file__).parent / "page"
DASHED = " The dashed line is the earlier run, over the cases that both have."
PERCENTILES = {"p50": "half within", "p90": "90 % within", "p99": "99 % within"}


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
        _head(report, baseline, changes=compared is not None),
        headlines(found.overall, compared),
        _plots(report, found, baseline),
        figures_table(found, compared),
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


def _head(report: Report, baseline: Report | None, *, changes: bool) -> str:
    header = report.header
    asked = header["cases"]
    edited = " with changes" if str(header.get("git")).endswith("+") else ""
    about = [
        f"{asked['count']} cases of {asked['file']}",
        *([f"half {asked['half']}"] if asked["half"] != "both" else []),
        f"answers: {header['model']}",
        *([f"judge: {header['judge']}"] if header["judge"] else []),
        f"{header['seconds']:.1f} s",
        _time(header),
        *([f"version {header['version']}"] if header.get("version") else []),
        *([f"git {header['git'][:10]}{edited}"] if header.get("git") else []),
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
        f'<p class="quiet">{" · ".join(map(escape, about))}</p>'
        f"{'' if baseline is None else _beside(report, baseline)}{noticed}"
        f'{_stripe(header["outcomes"])}<ul class="outcomes">{parts}</ul>'
        f"{_contents(changes=changes)}</header>"
    )


def _time(header: Header) -> str:
    return str(header["made_at"]).replace("T", " ").replace("+00:00", " UTC")


def _beside(report: Report, baseline: Report) -> str:
    """With which run it is compared, and what was not the same then."""
    made = f"the run of {_time(baseline.header)}" if "made_at" in baseline.header else "a baseline"
    names = [name for name, *_, differs in _settings(report, baseline) if differs]
    told = (
        f"not the same then: {', '.join(names)}"
        if names
        else "settings, models, prompts and documents were the same"
    )
    return f'<p class="quiet">compared with {escape(made)}; {escape(told)}</p>'


def _contents(*, changes: bool) -> str:
    """Links to the parts of the page."""
    parts = {"plots": "Plots", "figures": "Figures", "changes": "Changes", "cases": "Cases"}
    listed = "".join(
        f'<a href="#{name}">{title}</a>'
        for name, title in (parts | {"run": "What was run"}).items()
        if changes or name != "changes"
    )
    return f'<nav aria-label="Parts of this page">{listed}</nav>'


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


def _plots(report: Report, found: Summary, baseline: Report | None) -> str:
    overall = found.overall
    before = None
    if baseline is not None:
        keys = {entry.row.id: entry.case_key for entry in report.entries}
        both = [one for one in baseline.entries if keys.get(one.row.id) == one.case_key]
        before = part(rows_of(both), sure=False).risk_coverage
    latency = overall.latency or {}
    seconds = [row.seconds for row in rows_of(report.entries) if not row.error]
    marks = [(text, latency[name]) for name, text in PERCENTILES.items() if name in latency]
    figures = [
        (
            "Risk and coverage",
            risk_coverage_plot(overall.risk_coverage, before)
            + _risk_numbers(overall.risk_coverage, before),
            "If only the surest questions were answered, so many of the answers would be wrong. "
            f"The lower, the better.{DASHED if before else ''}",
        ),
        (
            "Reliability",
            reliability_plot(overall.reliability) + _reliability_numbers(overall.reliability),
            "How often the documents hold the answer, by the confidence that they do. On the "
            "diagonal, it is a probability; the larger a dot, the more cases.",
        ),
        (
            "Right outcomes by tag",
            bars(
                (tag, one.figures["right"])
                for tag, one in found.tags.items()
                if "right" in one.figures  # of none, if all its cases crashed
            ),
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
    return f'<section class="plots" id="plots">{drawn}</section>'


def _risk_numbers(now: Curve, before: Curve | None) -> str:
    """The curves at each tenth."""
    curves = [curve for curve in (now, before) if curve]
    if not curves:
        return ""
    rows = [
        [f"{share:.0%}", *(f"{_risk_at(share, curve):.3f}" for curve in curves)]
        for share in (tenth / 10 for tenth in range(1, 11))
    ]
    return _numbers(["answered", "wrong", *(["wrong before"] if before else [])], rows)


def _risk_at(share: float, curve: Curve) -> float:
    return next((risk for coverage, risk in curve if coverage >= share - EQUAL), curve[-1][1])


def _reliability_numbers(bins: Iterable[Bin]) -> str:
    rows = [
        (
            f"{one.low:.1f} to {one.high:.1f}",
            str(one.cases),
            f"{one.confidence:.2f}",
            f"{one.share:.2f}",
        )
        for one in bins
        if one.cases
    ]
    return _numbers(["confidence", "cases", "on average", "the documents answer"], rows)


def _numbers(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """What a plot shows, for who cannot see it."""
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    listed = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f"<details><summary>as numbers</summary><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{listed}</tbody></table></details>"
    )


def _changes(compared: Compared) -> str:
    if not compared.changes:
        return (
            '<section id="changes"><h2>Changes</h2>'
            "<p>The same came of every case of both runs.</p></section>"
        )
    kinds = [change.kind for change in compared.changes]
    told = ", ".join(f"{kinds.count(kind)} {KINDS[kind]}" for kind in dict.fromkeys(kinds))
    return (
        f'<section id="changes"><h2>Changes <small class="quiet">{told}</small></h2>'
        '<p class="quiet">Both runs side by side; those that are worse are open.</p>'
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
        '<p class="quiet">Those that failed come first, and are open.</p>'
        f'<div class="filters">{"".join(choices)}'
        '<input id="words" type="search" placeholder="find words" aria-label="Find words">'
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
    lines = []
    for name, value, old, differs in _settings(report, baseline):
        cells = f'<th scope="row">{escape(name)}</th><td>{escape(value)}</td>'
        if baseline is not None:
            kind, mark = (' class="differs"', "differs: ") if differs else ("", "")
            cells += f"<td{kind}>{mark}{escape(old)}</td>"
        lines.append(f"<tr>{cells}</tr>")
    titles = ("", "now", "before")
    heads = "".join(f'<th scope="col">{title}</th>' for title in titles)
    head = "" if baseline is None else f"<thead><tr>{heads}</tr></thead>"
    return (
        '<section id="run"><h2>What was run</h2><p class="quiet">Prompts, embedding and index are '
        "told by fingerprints, which change with what is in them.</p>"
        f'<table class="run{" both" if baseline is not None else ""}">{head}'
        f"<tbody>{''.join(lines)}</tbody></table></section>"
    )


def _settings(report: Report, baseline: Report | None) -> Iterator[tuple[str, str, str, bool]]:
    """What was run, line by line: name, value, that of the baseline, whether they differ."""
    before = {} if baseline is None else dict(_flat(baseline.header))
    for name, value in _flat(report.header):
        old = before.get(name)
        differs = old is not None and old != value and name not in PASSING
        yield name, value, old or "", differs


def _flat(value: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, inner in value.items():
        if name in ("figures", "eval", "outcomes"):
            continue
        if isinstance(inner, dict):
            yield from _flat(inner, f"{before}{name}.")
        else:
            empty = inner is None or inner == ""
            text = inner if isinstance(inner, str) else json.dumps(inner)
            yield f"{before}{name}", "none" if empty else text
