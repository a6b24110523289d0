"""PNG pictures beside the page (row A35): curves over epochs, heat maps of confusion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from genrelab.evaluation.report.heatmap import shorten_name
from genrelab.utils.io import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genrelab.evaluation.report.pca_plot import Legend, PcaProjection

Panel = tuple[str, bool, tuple[tuple[str, str], ...]]
# (title, whether shares, ((column, label), ...)): the six panels of page and PNG.
PANELS: tuple[Panel, ...] = (
    ("Loss", False, (("train/loss", "train"), ("val/loss", "val"))),
    (
        "Accuracy",
        True,
        (
            ("val/track/accuracy", "val tracks"),
            ("val/segment/accuracy", "val segments"),
            ("train/accuracy", "train segments"),
        ),
    ),
    ("Distance", False, (("val/track/distance", "val tracks"), ("val/segment/distance", "val segments"))),
    ("Top 3 and top 5", True, (("val/track/top3", "val tracks, top 3"), ("val/track/top5", "val tracks, top 5"))),
    (
        "Supergenre accuracy",
        True,
        (("val/track/supergenre_accuracy", "val tracks"), ("val/segment/supergenre_accuracy", "val segments")),
    ),
    ("Learning rate", False, (("lr", "learning rate"),)),
)
COLORS = ("#3156c4", "#d9702b", "#8a94a6")


def curve_panels(flat: bool) -> tuple[Panel, ...]:
    """The panels to draw: on a flat taxonomy distances and supergenres say nothing."""
    return tuple(one for one in PANELS if not (flat and one[0] in ("Distance", "Supergenre accuracy")))


def draw_curves(table: pd.DataFrame, path: Path, best_epoch: float | None, flat: bool = False) -> None:
    """The 3 x 2 curves of `metrics.png` (2 x 2 for a flat taxonomy); epochs, `best_epoch` too, count from 1."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    shown = curve_panels(flat)
    rows = len(shown) // 2
    figure = Figure(figsize=(10, 3.7 * rows))
    # Fixed margins in inches: a constrained layout measures every label and takes as long as the drawing.
    margins = {
        "left": 0.075,
        "right": 0.985,
        "wspace": 0.2,
        "top": 1 - 0.4 / (3.7 * rows),
        "bottom": 0.55 / (3.7 * rows),
    }
    plots = figure.subplots(rows, 2, gridspec_kw={**margins, "hspace": 0.35})
    for axes, (title, share, columns) in zip(plots.flat, shown, strict=True):
        axes.set_title(title, loc="left", fontweight="bold")
        for (column, label), color in zip(columns, COLORS, strict=False):
            if column in table and table[column].notna().any():
                axes.plot(table["epoch"] + 1, table[column], marker=".", color=color, label=label, clip_on=False)
        if best_epoch is not None:
            axes.axvline(best_epoch, color="#9aa3b2", linestyle=":", label="best epoch")
        if share:
            low, high = axes.get_ylim()
            axes.set_ylim(max(low, 0.0), min(high, 1.0))
            axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        if axes.get_legend_handles_labels()[1]:
            axes.legend(frameon=False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def draw_confusion(matrix: np.ndarray, names: Sequence[str], path: Path, title: str, percent: bool) -> None:
    """A heat map of a confusion matrix; names are drawn where they can be read."""
    from matplotlib.figure import Figure

    size = len(names)
    names = [shorten_name(name) for name in names]
    side = float(np.clip(2.6 + 0.3 * size, 4.5, 16))
    figure = Figure(figsize=(side + 1.2, side), layout="constrained")
    axes = figure.subplots()
    drawn = np.ma.masked_equal(matrix, 0)
    image = axes.imshow(drawn, cmap="viridis_r", vmin=0, vmax=100 if percent else None, interpolation="nearest")
    figure.colorbar(image, ax=axes, label="% of the genre's tracks" if percent else "tracks", shrink=0.8)
    if size <= 60:
        axes.set_xticks(range(size), names, rotation=90, fontsize=7 if size > 20 else 9)
        axes.set_yticks(range(size), names, fontsize=7 if size > 20 else 9)
    if size <= 20:
        middle = float(drawn.max()) / 2 if drawn.count() else 0.0
        for row, column in zip(*np.nonzero(matrix), strict=True):
            value = float(matrix[row, column])
            color = "white" if value > middle else "black"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=color, fontsize=8)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    axes.set_title(title, loc="left", fontweight="bold")
    save_figure(figure, path)


def draw_pca_plot(projection: PcaProjection, legend: Legend, path: Path) -> None:
    """`plane.png`: segments by their first two principal components, colored by truth and by answer."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6), layout="constrained")
    palette = [css_to_rgb(legend.color(number)) for number in range(len(legend.names))]
    left, right = figure.subplots(1, 2)
    for axes, title, genres in ((left, "truth", projection.target), (right, "answer", projection.prediction)):
        colors = legend.color_index[genres]
        for number, name in enumerate(legend.names):
            axes.scatter(*projection.points[colors == number].T, s=14, alpha=0.75, color=palette[number], label=name)
        for axis, share in zip(("x", "y"), projection.explained, strict=True):
            axes.set(**{f"{axis}label": f"component {'xy'.index(axis) + 1} ({100 * share:.0f} % of the variance)"})
        axes.set_title(title, loc="left", fontweight="bold")
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False)
    save_figure(figure, path)


def css_to_rgb(color: str) -> tuple[float, float, float]:
    """A CSS color "hsl(120 70% 46%)" as matplotlib wants it."""
    from colorsys import hls_to_rgb

    hue, saturation, lightness = (float(component.rstrip("%")) for component in color[4:-1].split())
    return hls_to_rgb(hue / 360, lightness / 100, saturation / 100)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, the same bytes for the same figure.

    `Figure.savefig` draws twice, the first time for the bounding box that only `bbox_inches` needs.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(110)
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary, metadata={"Software": None})  # type: ignore[no-untyped-call]
