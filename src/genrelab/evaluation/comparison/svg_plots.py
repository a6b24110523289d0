"""The comparison drawn as SVG for the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
from markupsafe import Markup, escape

from genrelab.evaluation.comparison.comparison import Comparison
from genrelab.evaluation.comparison.formatting import metric_title
from genrelab.evaluation.comparison.groups import RunGroup
from genrelab.evaluation.comparison.plot_series import BetaSeries, beta_series, log2_positions, reference_values
from genrelab.evaluation.report import svg
from genrelab.evaluation.report.formatting import MINUS, PERCENT_METRICS, format_metric
from genrelab.evaluation.report.heatmap import shorten_name

STYLES = ("accent", "second", "third")
NUMBERED = 60  # more rows than this are a cloud


def dot_plot(comparison: Comparison, metric: str) -> Markup:
    """Every row's value with its interval over tracks, and a small dot for each of its runs."""
    groups = [group for group in comparison.groups if group.mean(metric) is not None]
    share = metric in PERCENT_METRICS
    left, width, line, top = 10 + 6.2 * min(34, max(len(group.label) for group in groups)), 560.0, 24.0, 40.0
    height = top + line * len(groups) + 26
    low, high = _limits(groups, metric, reference_values(comparison, metric))

    def across(value: float) -> float:
        return float(left + (value - low) / (high - low) * (width - left - 16))

    parts = [svg.text(0, 14, metric_title(metric), "ink strong")]
    for tick in svg.nice_ticks(low, high, 6):
        parts.append(f'<path d="M{across(tick):.1f} {top - 8:.1f}V{height - 22:.1f}" class="line"/>')
        parts.append(svg.text(across(tick), height - 6, _tick(tick, share), anchor="middle"))
    for name, value in reference_values(comparison, metric).items():
        u = across(value)
        parts.append(
            f'<path d="M{u:.1f} {top - 8:.1f}V{height - 22:.1f}" class="mark"><title>{escape(name)}</title></path>'
        )
        parts.append(svg.text(u, top - 12, name, anchor="end" if u > width * 0.75 else "middle"))
    for place, group in enumerate(groups):
        v, style = top + line * place + 10, "second" if group is comparison.reference else "accent"
        parts.append(
            svg.text(left - 8, v + 4, shorten_name(group.label) if len(group.label) > 34 else group.label, "ink", "end")
        )
        if bounds := group.interval(metric):
            parts.append(f'<path d="M{across(bounds[0]):.1f} {v:.1f}H{across(bounds[1]):.1f}" class="bar {style}"/>')
        if len(group.runs) > 1:
            parts += [
                f'<circle cx="{across(one):.1f}" cy="{v - 6:.1f}" r="2" class="dot {style}"/>'
                for one in group.values(metric)
            ]
        mean = group.mean(metric) or 0.0
        tip = f"{group.label}: {format_metric(metric, mean)}"
        dot = f'<circle cx="{across(mean):.1f}" cy="{v:.1f}" r="5" class="dot {style}">'
        parts.append(f"{dot}<title>{escape(tip)}</title></circle>")
    return svg.svg_document(width, height, parts, metric_title(metric))


def _tick(value: float, share: bool) -> str:
    return f"{100 * value:g} %" if share else f"{value:g}".replace("-", MINUS)


def _limits(groups: Sequence[RunGroup], metric: str, reference_values: dict[str, float]) -> tuple[float, float]:
    values = [end for group in groups for end in (*group.values(metric), *(group.interval(metric) or ()))]
    values += list(reference_values.values())
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return low - pad, high + pad


def scatter_plot(comparison: Comparison) -> Markup | None:
    """Accuracy against distance skill, by the number of the row; None on flat taxonomies."""
    points = [
        group
        for group in comparison.groups
        if group.mean("accuracy") is not None and group.mean("distance_skill") is not None
    ]
    if not points or "distance_skill" not in comparison.metrics or len(comparison.groups) < 2:
        return None
    width, height, left, bottom, top = 560.0, 380.0, 46.0, 40.0, 28.0
    baseline = [
        reference_values(comparison, metric).get("log. regression") for metric in ("accuracy", "distance_skill")
    ]
    xs, ys = (
        [value for group in points if (value := group.mean(metric)) is not None]
        + ([base] if base is not None and None not in baseline else [])
        for metric, base in zip(("accuracy", "distance_skill"), baseline, strict=True)
    )
    (x0, x1), (y0, y1) = (_padded(values) for values in (xs, ys))

    def at(x: float, y: float) -> tuple[float, float]:
        u = left + (x - x0) / (x1 - x0) * (width - left - 12)
        return float(u), float(height - bottom - (y - y0) / (y1 - y0) * (height - bottom - top))

    parts = [svg.text(0, 14, "Distance skill against accuracy", "ink strong")]
    for tick in svg.nice_ticks(y0, y1, 6):
        _, v = at(x0, tick)
        parts.append(f'<path d="M{left:.1f} {v:.1f}H{width - 12:.1f}" class="line"/>')
        parts.append(svg.text(left - 6, v + 3.5, _tick(tick, False), anchor="end"))
    for tick in svg.nice_ticks(x0, x1, 6):
        u, _ = at(tick, y0)
        parts.append(f'<path d="M{u:.1f} {top:.1f}V{height - bottom:.1f}" class="line"/>')
        parts.append(svg.text(u, height - bottom + 16, f"{100 * tick:g} %", anchor="middle"))
    parts.append(svg.text((left + width) / 2, height - 6, "accuracy", anchor="middle"))
    if baseline[0] is not None and baseline[1] is not None:
        u, v = at(baseline[0], baseline[1])
        parts.append(f'<circle cx="{u:.1f}" cy="{v:.1f}" r="5" class="dot third"/>')
        parts.append(svg.text(u - 9, v + 4, "logistic regression", anchor="end"))
    for place, group in enumerate(comparison.groups):
        if group in points:
            u, v = at(group.mean("accuracy") or 0.0, group.mean("distance_skill") or 0.0)
            style = "second" if group is comparison.reference else "accent"
            tip = f"<title>{escape(group.label)}</title>"
            parts.append(f'<circle cx="{u:.1f}" cy="{v:.1f}" r="9" class="dot {style}" opacity=".8">{tip}</circle>')
            if len(comparison.groups) <= NUMBERED:
                parts.append(svg.text(u, v + 4, place + 1, "onheat through", "middle"))
    return svg.svg_document(width, height, parts, "distance skill against accuracy")


def _padded(values: Sequence[float]) -> tuple[float, float]:
    pad = 0.1 * (max(values) - min(values)) or abs(max(values)) * 0.1 or 0.1
    return min(values) - pad, max(values) + pad


def beta_plot(comparison: Comparison, metric: str) -> Markup | None:
    """A metric against beta, whose axis doubles; a loss without a beta is a level line."""
    series = beta_series(comparison, metric)
    if not series:
        return None
    width, height, left, right, bottom = 560.0, 300.0, 50.0, 14.0, 40.0
    top = 28.0 + 18 * ((len(series) + 1) // 2)
    known = np.concatenate([one.beta[~np.isnan(one.beta)] for one in series])
    values = [
        end for one in series for end in (*one.mean, *one.intervals[~np.isnan(one.intervals)], *chain(*one.values))
    ]
    y0, y1 = _padded(values)
    steps = log2_positions(known)
    x0, x1 = steps.min() - 0.4, steps.max() + 0.4
    share = metric in PERCENT_METRICS

    def at(x: float, y: float) -> tuple[float, float]:
        u = left + (x - x0) / (x1 - x0) * (width - left - right)
        return float(u), float(height - bottom - (y - y0) / (y1 - y0) * (height - bottom - top))

    parts = [svg.text(0, 14, metric_title(metric), "ink strong")]
    for tick in svg.nice_ticks(y0, y1, 6):
        _, v = at(x0, tick)
        parts.append(f'<path d="M{left:.1f} {v:.1f}H{width - right:.1f}" class="line"/>')
        parts.append(svg.text(left - 6, v + 3.5, _tick(tick, share), anchor="end"))
    for value, step in sorted(set(zip(known.tolist(), steps.tolist(), strict=True))):
        parts.append(svg.text(at(step, y0)[0], height - bottom + 16, f"{value:g}", anchor="middle"))
    parts.append(svg.text((left + width) / 2, height - 6, "beta", anchor="middle"))
    for place, one in enumerate(series):
        parts += _curve(one, STYLES[place % len(STYLES)], at, (x0, x1), known, 4.0 * (place - (len(series) - 1) / 2))
        u, v = 270.0 * (place % 2), 30.0 + 18 * (place // 2)
        parts.append(f'<path d="M{u:.1f} {v:.1f}h14" class="curve {STYLES[place % len(STYLES)]}"/>')
        parts.append(svg.text(u + 19, v + 4, one.label))
    return svg.svg_document(width, height, parts, f"{metric_title(metric)} against beta")


def _curve(
    one: BetaSeries,
    style: str,
    at: Callable[[float, float], tuple[float, float]],
    x_range: tuple[float, float],
    known: np.ndarray,
    aside: float,
) -> list[str]:
    """A line with bars and dots; `aside` keeps the bars of several lines apart."""
    if np.isnan(one.beta).all():
        (a, v), (b, _) = (at(x, float(one.mean[0])) for x in x_range)
        return [f'<path d="M{a:.1f} {v:.1f}H{b:.1f}" class="curve {style}" stroke-dasharray="5 4"/>']
    steps = log2_positions(np.concatenate([one.beta, known]))[: len(one.beta)]
    points = [at(x, y) for x, y in zip(steps, one.mean, strict=True)]
    path = "M" + "L".join(f"{u:.1f} {v:.1f}" for u, v in points)
    parts = [f'<path d="{path}" class="curve {style}"/>']
    for (u, v), (low, high), each in zip(points, one.intervals, one.values, strict=True):
        if np.isfinite(low):
            a, b = at(0, low)[1], at(0, high)[1]
            parts.append(f'<path d="M{u + aside:.1f} {a:.1f}V{b:.1f}" class="curve {style}" opacity=".35"/>')
        parts += [
            f'<circle cx="{u + aside:.1f}" cy="{at(0, value)[1]:.1f}" r="2" class="dot {style}"/>'
            for value in (each if len(each) > 1 else ())
        ]
        parts.append(f'<circle cx="{u:.1f}" cy="{v:.1f}" r="4" class="dot {style}"/>')
    return parts
