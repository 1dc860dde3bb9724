"""The plots of a report, drawn as SVG: no library, no picture from elsewhere, no style of its own.

Colours are the style sheet's, by class. Whatever is written in them comes from the caller, who may
have it from anybody: it is escaped here.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from assistant.evaluation.refusal import Bin
from assistant.evaluation.statistics import Figure

WIDTH, HEIGHT = 460, 280
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 14, 40
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
ROW, LABEL = 24, 150
HISTOGRAM_BARS = 24
# Lines of a grid, about.
TICKS = 5
# Above the highest bar: room for the names of the percentiles.
HEADROOM = 1.25
# What is less is drawn as nothing.
LEAST = 1e-6
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)

Curve = Sequence[tuple[float, float]]


def risk_coverage_plot(now: Curve, before: Curve | None = None) -> str:
    """What share of the answers would be wrong, if only the surest were given."""
    risks = [risk for _, risk in (*now, *(before or ()))]
    ticks = _ticks(max(risks, default=0.0))
    top = ticks[-1]
    parts = [
        _grid(
            SHARES,
            ticks,
            "share of the questions answered, the surest first",
            "share of them wrong",
        )
    ]
    for curve, kind in ((before or (), "before"), (now, "now")):
        if curve:
            points = " ".join(f"{_x(one):.1f},{_y(risk / top):.1f}" for one, risk in curve)
            parts.append(f'<polyline class="curve {kind}" points="{points}"/>')
    if before:
        for place, kind in enumerate(("now", "before")):
            x, y = LEFT + 10, TOP + 12 + 16 * place
            parts.append(f'<path class="curve {kind}" d="M{x},{y}h26"/>')
            parts.append(_text(x + 34, y + 4, kind, "start", "label"))
    return _svg("Risk and coverage", HEIGHT, parts)


def reliability_plot(bins: Sequence[Bin]) -> str:
    """What a confidence promises, and what came of it; the larger a dot, the more cases."""
    most = max((one.cases for one in bins), default=0)
    parts = [_grid(SHARES, SHARES, "confidence", "share that the documents answer")]
    parts.append(f'<path class="ideal" d="M{_x(0)},{_y(0)}L{_x(1)},{_y(1)}"/>')
    told = [one for one in bins if one.confidence is not None and one.share is not None]
    points = " ".join(f"{_x(one.confidence or 0):.1f},{_y(one.share or 0):.1f}" for one in told)
    parts.append(f'<polyline class="curve now" points="{points}"/>')
    for one in told:
        confidence, share = one.confidence or 0.0, one.share or 0.0
        radius = 3 + 7 * (one.cases / most) ** 0.5
        parts.append(
            f'<circle class="dot" cx="{_x(confidence):.1f}" cy="{_y(share):.1f}" r="{radius:.1f}">'
            f"<title>{one.cases} cases: confidence {confidence:.2f}, true {share:.2f}</title>"
            f"</circle>"
        )
    return _svg("Reliability of the confidence", HEIGHT, parts)


def bars(figures: Iterable[tuple[str, Figure]]) -> str:
    """A figure for each of several names, with its interval and its number of cases."""
    told = [(name, figure) for name, figure in figures if figure.value is not None]
    width = WIDTH - LABEL - 74
    bottom = ROW * len(told) + 2
    height = bottom + 40
    parts = []
    for share in SHARES:
        x = LABEL + width * share
        parts.append(f'<path class="grid" d="M{x:.1f},0V{bottom}"/>')
        parts.append(_text(x, bottom + 16, f"{share:g}", "middle"))
    parts.append(
        _text(LABEL + width / 2, bottom + 35, "share that came out right", "middle", "label title")
    )
    parts.append(_text(WIDTH, bottom + 16, "(cases)", "end"))
    for place, (name, figure) in enumerate(told):
        y, value = ROW * place + 4, figure.value or 0.0
        short = name if len(name) <= 22 else name[:21] + "…"
        parts += [
            f"<g><title>{escape(name)}: {_shown(figure)}</title>",
            _text(LABEL - 8, y + 12, short, "end", "label"),
            f'<rect class="bar" x="{LABEL}" y="{y}" width="{width * value:.1f}" height="15"/>',
        ]
        if figure.low is not None and figure.high is not None:
            low, high = LABEL + width * figure.low, LABEL + width * figure.high
            parts.append(
                f'<path class="interval" d="M{low:.1f},{y + 7.5}H{high:.1f}'
                f'M{low:.1f},{y + 3.5}v8M{high:.1f},{y + 3.5}v8"/>'
            )
        parts += [_text(WIDTH, y + 12, f"{value:.2f} ({figure.cases})", "end"), "</g>"]
    return _svg("Right outcomes by tag", height, parts)


def histogram(seconds: Sequence[float], marks: Sequence[tuple[str, float]]) -> str:
    """How long answers took; marks are percentiles."""
    across = _ticks(max(seconds, default=0.0))
    most = across[-1]
    counts, edges = np.histogram(seconds, bins=HISTOGRAM_BARS, range=(0.0, most))
    up = _ticks(HEADROOM * int(counts.max()), whole=True)
    top = up[-1]
    parts = [_grid(across, up, "seconds to an answer", "cases")]
    for count, left, right in zip(counts.tolist(), edges, edges[1:], strict=False):
        if count:
            x, y, end = _x(left / most), _y(count / top), _x(right / most)
            parts.append(
                f'<rect class="bar" x="{x + 0.5:.1f}" y="{y:.1f}" width="{end - x - 1:.1f}" '
                f'height="{_y(0) - y:.1f}"><title>{count} cases: {left:.2f} to {right:.2f} s'
                f"</title></rect>"
            )
    for place, (name, value) in enumerate(marks):
        x = _x(value / most)
        # Below the names of those before it, so that it crosses none.
        parts.append(f'<path class="mark" d="M{x:.1f},{TOP + 16 * place}V{_y(0)}"/>')
        side, shift = ("end", -4) if x > WIDTH - 130 else ("start", 4)
        parts.append(
            _text(x + shift, TOP + 10 + 16 * place, f"{name} {value:.2f} s", side, "label")
        )
    return _svg("Seconds to an answer", HEIGHT, parts)


def _svg(title: str, height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


def _grid(across: Sequence[float], up: Sequence[float], below: str, beside: str) -> str:
    """The axes with their titles, and a line for each number up."""
    parts = []
    for value in up:
        y = _y(value / up[-1])
        parts.append(f'<path class="grid" d="M{LEFT},{y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{value:g}", "end"))
    for value in across:
        x = _x(value / across[-1])
        parts.append(_text(x, HEIGHT - BOTTOM + 16, f"{value:g}", "middle"))
    parts.append(_text(LEFT + INNER_WIDTH / 2, HEIGHT - 5, below, "middle", "label title"))
    parts.append(
        f'<text class="label title" text-anchor="middle" '
        f'transform="translate(11 {TOP + INNER_HEIGHT / 2:g}) rotate(-90)">{escape(beside)}</text>'
    )
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _x(share: float) -> float:
    return LEFT + INNER_WIDTH * share


def _y(share: float) -> float:
    return TOP + INNER_HEIGHT * (1 - share)


def _ticks(most: float, *, whole: bool = False) -> list[float]:
    """Round numbers from 0 to `most` or a little above, as steps of 1, 2 or 5 make them."""
    most = most if most > LEAST else 1.0
    power = 10.0 ** math.floor(math.log10(most / TICKS))
    steps = (power, 2 * power, 5 * power)
    step = next((one for one in steps if most <= TICKS * one), 10 * power)
    if whole:
        step = max(step, 1.0)
    return [round(step * n, 10) for n in range(math.ceil(most / step - LEAST) + 1)]


def _shown(figure: Figure) -> str:
    interval = "" if figure.low is None else f" ({figure.low:.2f} to {figure.high:.2f})"
    return f"{figure.value:.3f}{interval}, {figure.cases} cases"
