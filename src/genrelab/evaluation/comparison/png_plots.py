"""The comparison drawn as PNG, from the same numbers as the page's pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genrelab.evaluation.comparison.comparison import Comparison
from genrelab.evaluation.comparison.formatting import metric_title
from genrelab.evaluation.comparison.plot_series import beta_series, log2_positions, plotted_metrics, reference_values
from genrelab.evaluation.report.figures import COLORS, save_figure
from genrelab.evaluation.report.formatting import PERCENT_METRICS
from genrelab.evaluation.report.heatmap import shorten_name


def draw_dots(comparison: Comparison, path: Path) -> None:
    """`metrics.png`: every row's metrics with their intervals."""
    from matplotlib.figure import Figure

    metrics = plotted_metrics(comparison)
    labels = [shorten_name(group.label) for group in comparison.groups]
    lines = (len(metrics) + 1) // 2
    figure = Figure(figsize=(11, lines * (1.1 + 0.26 * len(labels))), layout="constrained")
    axes = figure.subplots(lines, 2, squeeze=False, sharey=True).flat
    for ax, metric in zip(axes, metrics, strict=False):
        for place, group in enumerate(comparison.groups):
            color = COLORS[1 if group is comparison.reference else 0]
            if bounds := group.interval(metric):
                ax.plot(bounds, (place, place), color=color, linewidth=2, alpha=0.6)
            each = group.values(metric)
            ax.plot(each, [place] * len(each), ".", color=color, markersize=4)
            if each:
                ax.plot([np.mean(each)], [place], "o", color=color, markersize=6)
        for name, value in reference_values(comparison, metric).items():
            ax.axvline(value, color=COLORS[2], linestyle=":" if name == "constant" else "--", label=name)
        if ax.get_legend_handles_labels()[1]:
            ax.legend(frameon=False, fontsize=8)
        ax.set_title(metric_title(metric), loc="left", fontweight="bold")
        if metric in PERCENT_METRICS:
            ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        ax.grid(axis="x", alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    first = figure.axes[0]
    first.set_yticks(range(len(labels)), labels)
    first.set_ylim(len(labels) - 0.5, -0.5)
    for ax in figure.axes[len(metrics) :]:
        ax.set_visible(False)
    save_figure(figure, path)


def draw_scatter(comparison: Comparison, path: Path) -> None:
    """`scatter.png`: distance skill against accuracy."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    ax = figure.subplots()
    named: list[tuple[float, float]] = []
    for place, group in enumerate(comparison.groups):
        x, y = group.mean("accuracy"), group.mean("distance_skill")
        if x is not None and y is not None:
            ax.plot([x], [y], "o", color=COLORS[1 if group is comparison.reference else 0])
            name = shorten_name(group.label) if len(comparison.groups) <= 15 else str(place + 1)
            near = sum(abs(x - u) < 0.02 and abs(y - v) < 0.01 for u, v in named)  # labels under one another
            named.append((x, y))
            ax.annotate(name, (x, y), xytext=(6, 4 - 10 * near), textcoords="offset points", fontsize=8)
    baseline = [
        reference_values(comparison, metric).get("log. regression") for metric in ("accuracy", "distance_skill")
    ]
    if baseline[0] is not None and baseline[1] is not None:
        ax.plot([baseline[0]], [baseline[1]], "s", color=COLORS[2], label="logistic regression")
        ax.legend(frameon=False)
    ax.set_xlabel("accuracy")
    ax.set_ylabel("distance skill")
    ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    ax.margins(0.12)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def draw_beta(comparison: Comparison, path: Path) -> None:
    """`beta.png`: metrics against beta, with intervals; the axis doubles."""
    from matplotlib.figure import Figure

    metrics = [
        name
        for name in comparison.metric_selection.over_beta
        if name in comparison.metrics and beta_series(comparison, name)
    ]
    lines = (len(metrics) + 1) // 2
    figure = Figure(figsize=(11, 3.6 * lines), layout="constrained")
    for ax, metric in zip(figure.subplots(lines, 2, squeeze=False).flat, metrics, strict=False):
        series = beta_series(comparison, metric)
        known = np.concatenate([one.beta[~np.isnan(one.beta)] for one in series])
        for one, color in zip(series, COLORS * len(series), strict=False):
            if np.isnan(one.beta).all():
                ax.axhline(float(one.mean[0]), color=color, linestyle="--", label=one.label)
                continue
            steps = log2_positions(np.concatenate([one.beta, known]))[: len(one.beta)]
            ax.plot(steps, one.mean, "o-", color=color, label=one.label)
            ax.fill_between(steps, one.intervals[:, 0], one.intervals[:, 1], color=color, alpha=0.12, linewidth=0)
            for step, each in zip(steps, one.values, strict=True):
                ax.plot([step] * len(each), each, ".", color=color, markersize=4, alpha=0.7)
        ticks = sorted(set(zip(log2_positions(known).tolist(), known.tolist(), strict=True)))
        ax.set_xticks([step for step, _ in ticks], [f"{value:g}" for _, value in ticks])
        ax.set_title(metric_title(metric), loc="left", fontweight="bold")
        if metric in PERCENT_METRICS:
            ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        ax.set_xlabel("beta")
        ax.legend(frameon=False, fontsize=8)
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in figure.axes[len(metrics) :]:
        ax.set_visible(False)
    save_figure(figure, path)
