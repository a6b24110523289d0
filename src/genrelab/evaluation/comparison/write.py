"""`write_comparison`: tables, pictures and one page."""

from __future__ import annotations

from pathlib import Path

from genrelab.evaluation.comparison import png_plots, tables
from genrelab.evaluation.comparison.comparison import Comparison
from genrelab.evaluation.comparison.page import render_comparison
from genrelab.evaluation.comparison.pairwise import compare_two_runs
from genrelab.evaluation.comparison.plot_series import beta_series
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import write_table, write_text


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write a comparison: `table.csv`, `runs.csv`, `table.md`, `index.html`, `metrics.png`.

    There are also `scatter.png` where rows have distances, `beta.png` where beta varies, and `genres.csv` and
    `changes.csv` of two runs tested on the same tracks.

    Returns:
        path of the page.

    Raises:
        GenrelabError: the folder is a file, or the folder of a run.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise GenrelabError(f"--out {folder}: a file, not a folder")
    if (folder / "run.json").exists():
        raise GenrelabError(f"--out {folder}: the folder of a run; name another")
    folder.mkdir(parents=True, exist_ok=True)
    pairwise = compare_two_runs(*comparison.run_pair) if comparison.run_pair else None
    known = {"table": tables.group_table(comparison), "runs": tables.runs_table(comparison)}
    if pairwise is not None:
        known |= {"genres": pairwise.genres, "changes": pairwise.changes}
    for name, table in known.items():
        write_table(table, folder / f"{name}.csv")
    write_text(folder / "table.md", tables.markdown_table(comparison))
    png_plots.draw_dots(comparison, folder / "metrics.png")
    if len(comparison.groups) > 1 and "distance_skill" in comparison.metrics:
        png_plots.draw_scatter(comparison, folder / "scatter.png")
    if beta_series(comparison, comparison.metric_selection.primary):
        png_plots.draw_beta(comparison, folder / "beta.png")
    page = folder / "index.html"
    write_text(page, render_comparison(comparison, folder.resolve(), pairwise))
    return page
