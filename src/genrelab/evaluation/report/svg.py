"""Charts as SVG text: sharp on paper and phone, colored by the page's own style, dark or light.

Colors are CSS classes (`ink muted line accent second third heat`), see `template.html.jinja`. All text is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape


@dataclass(frozen=True)
class Series:
    """One curve: `x` and `y` `[N]`, NaN where there is no value; `style` is a CSS class."""

    label: str
    x: np.ndarray
    y: np.ndarray
    style: str


@dataclass(frozen=True)
class IntervalMark:
    """A value with its interval in a comparison; `strong` for the run itself."""

    label: str
    value: float
    interval: tuple[float, float] | None
    strong: bool = False


def text(x: float, y: float, content: object, style: str = "muted", anchor: str = "start", extra: str = "") -> str:
    """One `<text>`; the content is escaped."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}"{extra}>{escape(content)}</text>'


def svg_document(width: float, height: float, parts: Sequence[str], label: str, least: int = 0) -> Markup:
    """The `<svg>` around parts, which shrinks with the page, to `least` pixels at most."""
    style = f' style="min-width:{least}px"' if least else ""
    head = f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" aria-label="{escape(label)}"'
    return Markup(f"{head}{style}>{''.join(parts)}</svg>")


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two values, at most about `most`."""
    if not high > low:
        return [low]
    rough = (high - low) / max(most - 1, 1)
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    return [round(i * step, 10) for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def line_chart(title: str, lines: Sequence[Series], percent: bool = False, mark: float | None = None) -> Markup:
    """A small line chart over epochs; `mark` is the epoch that was kept. Gaps stay gaps."""
    width, height, left, right, top, bottom = 340.0, 210.0, 44.0, 10.0, 46.0, 26.0
    ys = np.concatenate([line.y[np.isfinite(line.y)] for line in lines])
    xs = np.concatenate([line.x for line in lines])
    low, high = float(ys.min()), float(ys.max())
    pad = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    low, high = (low if low == 0 else low - pad), high + pad
    if percent:  # no share lies outside 0 to 100 %
        low, high = max(low, 0.0), min(high, 1.0)
    first, last = float(xs.min()), float(xs.max())

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - first) / (last - first) if last > first else 0.5
        return left + across * (width - left - right), height - bottom - (y - low) / (high - low) * (
            height - top - bottom
        )

    parts = [text(0, 14, title, "ink strong")]
    for y in nice_ticks(low, high, 5):
        _, v = at(first, y)
        parts.append(f'<path d="M{left:.1f} {v:.1f}H{width - right:.1f}" class="line"/>')
        parts.append(text(left - 6, v + 3.5, f"{100 * y:g} %" if percent else f"{y:g}", anchor="end"))
    for x in sorted({round(x) for x in nice_ticks(first, last, 6)}):
        u, _ = at(x, low)
        parts.append(text(u, height - 8, f"{x:g}", anchor="middle"))
    if mark is not None and first <= mark <= last:
        u, _ = at(mark, low)
        parts.append(
            f'<path d="M{u:.1f} {top:.1f}V{height - bottom:.1f}" class="mark"><title>best epoch</title></path>'
        )
    offset = 0.0
    for line in lines:
        parts.append(f'<path d="M{offset:.1f} 28h14" class="curve {line.style}"/>')
        parts.append(text(offset + 18, 32, line.label))
        offset += 18 + 6.1 * len(line.label) + 16
        parts.append(_stroke(line, at))
    return svg_document(width, height, parts, f"{title} over epochs")


def _stroke(line: Series, at: Callable[[float, float], tuple[float, float]]) -> str:
    points = [at(float(x), float(y)) if np.isfinite(y) else None for x, y in zip(line.x, line.y, strict=True)]
    path, pen = [], False
    for point in points:
        if point is not None:
            path.append(f"{'L' if pen else 'M'}{point[0]:.1f} {point[1]:.1f}")
        pen = point is not None
    alone = [
        p
        for i, p in enumerate(points)
        if p is not None and (i == 0 or points[i - 1] is None) and (i == len(points) - 1 or points[i + 1] is None)
    ]
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" class="dot {line.style}"/>' for x, y in alone)
    return f'<path d="{"".join(path)}" class="curve {line.style}"/>{dots}'


def interval_chart(title: str, marks: Sequence[IntervalMark], percent: bool, note: str = "") -> Markup:
    """Values with intervals under one another on one axis: the run, and what it is read against."""
    width, left, right, row, top = 520.0, 0.0, 12.0, 40.0, 44.0
    bounds = [end for mark in marks for end in (mark.value, *(mark.interval or ()))]
    high = max([*bounds, 1e-9]) * 1.04
    high = min(high, 1.0) if percent and max(bounds) <= 1 else high
    low = min(0.0, *bounds)
    height = top + row * len(marks) + 24

    def across(value: float) -> float:
        return float(left + (value - low) / (high - low) * (width - left - right))

    parts = [text(0, 14, title, "ink strong"), text(0, 31, note)]
    for tick in nice_ticks(low, high, 6):
        u = across(tick)
        parts.append(f'<path d="M{u:.1f} {top:.1f}V{height - 22:.1f}" class="line"/>')
        anchor = "start" if u < 10 else "end" if u > width - 30 else "middle"
        parts.append(text(u, height - 6, f"{100 * tick:g} %" if percent else f"{tick:g}", anchor=anchor))
    for number, mark in enumerate(marks):
        v = top + row * number + 26
        style = "accent" if mark.strong else "quiet"
        shown = f"{100 * mark.value:.1f} %" if percent else f"{mark.value:.2f}"
        parts.append(text(2, v - 9, f"{mark.label}: {shown}", "ink strong" if mark.strong else "muted"))
        parts.append(f'<path d="M{across(min(0.0, low)):.1f} {v:.1f}H{across(mark.value):.1f}" class="stem {style}"/>')
        if mark.interval is not None:
            a, b = (across(end) for end in mark.interval)
            parts.append(
                f'<path d="M{a:.1f} {v:.1f}H{b:.1f}M{a:.1f} {v - 4:.1f}v8M{b:.1f} {v - 4:.1f}v8" class="bar {style}"/>'
            )
        parts.append(
            f'<circle cx="{across(mark.value):.1f}" cy="{v:.1f}" r="{5 if mark.strong else 4}" class="dot {style}"/>'
        )
    return svg_document(width, height, parts, title)


def histogram(values: Sequence[float], counts: Sequence[float], expected: Sequence[float], unit: str) -> Markup:
    """Bars of `counts` over distances, and a step line of what chance would give."""
    if len(values) > 40:  # weights of one's own may give a different distance to every pair
        edges = np.linspace(min(values), max(values), 31)
        place = np.clip(np.digitize(values, edges) - 1, 0, 29)
        counts = np.bincount(place, weights=counts, minlength=30).tolist()
        expected = np.bincount(place, weights=expected, minlength=30).tolist()
        values = ((edges[:-1] + edges[1:]) / 2).round(2).tolist()
    width, height, left, top, bottom = 680.0, 260.0, 44.0, 16.0, 42.0
    high = max([*counts, *expected, 1]) * 1.08
    slot = (width - left - 8) / len(values)
    parts = []

    def up(value: float) -> float:
        return height - bottom - value / high * (height - top - bottom)

    for tick in nice_ticks(0, high, 5):
        parts.append(f'<path d="M{left:.1f} {up(tick):.1f}H{width - 8:.1f}" class="line"/>')
        parts.append(text(left - 6, up(tick) + 3.5, f"{tick:g}", anchor="end"))
    every = math.ceil(len(values) * 34 / (width - left))
    for i, (value, count, chance) in enumerate(zip(values, counts, expected, strict=True)):
        x, bar = left + slot * i, min(slot * 0.72, 64.0)
        middle = x + slot / 2
        tip = f"distance {value:g}: {count:g} {unit}, {chance:.1f} by chance"
        body = f'x="{middle - bar / 2:.1f}" y="{up(count):.1f}" width="{bar:.1f}" height="{up(0) - up(count):.1f}"'
        parts.append(f'<rect {body} class="fill accent"><title>{escape(tip)}</title></rect>')
        parts.append(f'<path d="M{middle - bar * 0.62:.1f} {up(chance):.1f}h{bar * 1.24:.1f}" class="chance"/>')
        if i % every == 0:
            parts.append(text(middle, height - bottom + 16, f"{value:g}", anchor="middle"))
    parts.append(text((left + width) / 2, height - 6, "distance on the genre graph", anchor="middle"))
    return svg_document(width, height, parts, "distances of the mistakes", least=460)
