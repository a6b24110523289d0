"""How sure answers are against how often they are right: a reliability diagram and a risk-coverage curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from genrelab.evaluation.report import svg
from genrelab.runs.run_dir import RunDir

# Behind the headline's metrics; precision and recall on the tree equal F where every answer is a genre.
DETAILS_SHOWN = ("distance_at_3", "distance_at_5", "cluster_accuracy", "cluster_top3", "hierarchical_f")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 340.0, 300.0, 44.0, 12.0, 46.0, 42.0
FEW = 3  # answers in a bin, whose share says little


def displayed_extended_metrics(run: RunDir) -> list[str]:
    """The details that say something of this run's genres."""
    mute = set()
    if run.taxonomy.flat:
        mute |= {"distance_at_3", "distance_at_5", "centrality_gap"}
    if len(run.taxonomy.genres) <= 3:
        mute |= {"distance_at_3", "distance_at_5"}
    elif len(run.taxonomy.genres) <= 5:
        mute |= {"distance_at_5"}
    if len(set(run.clusters)) == 1:
        mute |= {"cluster_accuracy", "cluster_top3"}
    if len(set(run.supergenres)) in (1, len(run.supergenres)) and len(set(run.clusters)) == 1:
        mute |= {"hierarchical_f"}  # accuracy itself
    return [name for name in (*DETAILS_SHOWN, "centrality_gap", "brier", "ece", "aurc") if name not in mute]


def calibration_plots(run: RunDir, metrics: Mapping[str, Any]) -> list[Markup]:
    """Both charts of the headline part: tracks, and segments behind them."""
    found = metrics.get("calibration", {}).get(run.primary_split)
    if not found:
        return []
    levels = [("segments", "second", found["segment"]), ("tracks", "accent", found["track"])]
    return [_reliability(levels), _risk(levels)]


def _reliability(levels: Sequence[tuple[str, str, Mapping[str, Any]]]) -> Markup:
    parts = _axes("Reliability", "probability of the answer", "right answers")
    (a, b), (c, d) = _at(0, 0), _at(1, 1)
    parts.append(f'<path d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" class="mark"/>')
    for name, style, found in levels:
        most = max(one["count"] for one in found["reliability"])
        for one in found["reliability"]:
            x, y = _at(one["confidence"], one["accuracy"])
            tip = f"{name}: {one['count']} at {one['confidence']:.0%}, {one['accuracy']:.0%} right"
            radius = 2 + 5 * (one["count"] / most) ** 0.5
            quiet = ' opacity="0.35"' if one["count"] < FEW else ""
            dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="dot {style}"{quiet}>'
            parts.append(f"{dot}<title>{tip}</title></circle>")
    return svg.svg_document(WIDTH, HEIGHT, [*parts, *_legend(levels)], "reliability of the answers' probabilities")


def _risk(levels: Sequence[tuple[str, str, Mapping[str, Any]]]) -> Markup:
    parts = _axes("Risk and coverage", "answers kept, the surest first", "wrong answers")
    for _, style, found in levels:
        points = [_at(coverage, risk) for coverage, risk in found["risk_coverage"]]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        parts.append(f'<path d="M{path}" class="curve {style}"/>')
    return svg.svg_document(WIDTH, HEIGHT, [*parts, *_legend(levels)], "share of wrong answers by coverage")


def _at(x: float, y: float) -> tuple[float, float]:
    return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)


def _axes(title: str, across: str, up: str) -> list[str]:
    """Title, grid and labels of a square from 0 to 100 % both ways."""
    parts = [svg.text(0, 14, f"{title}: {up}", "ink strong")]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x, y = _at(tick, tick)
        parts.append(f'<path d="M{LEFT:.1f} {y:.1f}H{WIDTH - RIGHT:.1f}" class="line"/>')
        parts.append(svg.text(LEFT - 6, y + 3.5, f"{100 * tick:g} %", anchor="end"))
        anchor = "end" if tick == 1 else "middle"
        parts.append(svg.text(x, HEIGHT - BOTTOM + 16, f"{100 * tick:g} %", anchor=anchor))
    parts.append(svg.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, across, anchor="middle"))
    return parts


def _legend(levels: Sequence[tuple[str, str, Mapping[str, Any]]]) -> list[str]:
    parts, offset = [], 0.0
    for name, style, _ in reversed(levels):
        parts.append(f'<path d="M{offset:.1f} 28h14" class="curve {style}"/>')
        parts.append(svg.text(offset + 18, 32, name))
        offset += 34 + 6.1 * len(name)
    return parts
