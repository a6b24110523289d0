"""`graph_study.png`: distance skill and top-1 of every loss, by both decisions, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genrelab.evaluation.report.figures import COLORS, save_figure
from genrelab.reproduction.graph_study.score import DECISIONS, StudyScores

ROWS = {"distance_skill": "distance skill", "accuracy": "top-1, %"}
NAMES = {"argmax": "argmax", "crm": "least expected distance (CRM)"}


def plot_study(studies: Sequence[StudyScores], path: Path) -> None:
    """One column a dataset; the dotted line is the control, cross-entropy with CRM."""
    from matplotlib.figure import Figure

    losses = list(dict.fromkeys(one.loss for study in studies for one in study.conditions))
    figure = Figure(figsize=(3.2 + 3.3 * len(studies), 1.6 + 0.56 * len(losses)), layout="constrained")
    grid = figure.subplots(len(ROWS), len(studies), squeeze=False, sharey=True)
    for axes, (metric, title) in zip(grid, ROWS.items(), strict=True):
        scale = 100 if metric == "accuracy" else 1
        for ax, study in zip(axes, studies, strict=True):
            control = scale * study.get(*study.controls[0]).scores[metric][0]
            ax.axvline(control, color=COLORS[2], linestyle=":", linewidth=1.2)
            for one in study.conditions:
                place = losses.index(one.loss) + (-0.17 if one.decision == "argmax" else 0.17)
                value, low, high = (scale * number for number in one.scores[metric])
                color = COLORS[DECISIONS.index(one.decision)]
                ax.plot((low, high), (place, place), color=color, linewidth=1.6, alpha=0.55)
                ax.plot([value], [place], "o", color=color, markersize=4.5, label=NAMES[one.decision])
            ax.set_title(f"{study.title}: {title}", loc="left", fontsize=9, fontweight="bold")
            ax.grid(axis="x", alpha=0.25)
            ax.tick_params(labelsize=8)
            ax.spines[["top", "right"]].set_visible(False)
        axes[0].set_yticks(range(len(losses)), losses)
        axes[0].set_ylim(len(losses) - 0.5, -0.5)
    handles, labels = grid[0][0].get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))
    figure.legend(known.values(), known.keys(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    save_figure(figure, path)
