"""`write_comparison`: tables, pictures and one page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from genrelab.evaluation.comparison import png_plots as figures
from genrelab.evaluation.comparison import tables
from genrelab.evaluation.comparison.comparison import Comparison
from genrelab.evaluation.comparison.page import render
from genrelab.evaluation.comparison.pairwise import two_runs
from genrelab.evaluation.comparison.plot_series import beta_series
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path, write_text


def write_comparison(found: Comparison, folder: Path) -> Path:
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
    two = two_runs(*found.two) if found.two else None
    known = {"table": tables.table(found), "runs": tables.runs_table(found)}
    if two is not None:
        known |= {"genres": two.genres, "changes": two.changes}
    for name, table in known.items():
        _csv(table, folder / f"{name}.csv")
    write_text(folder / "table.md", tables.markdown(found))
    figures.draw_dots(found, folder / "metrics.png")
    if len(found.rows) > 1 and "distance_skill" in found.metrics:
        figures.draw_scatter(found, folder / "scatter.png")
    if beta_series(found, found.headline.first):
        figures.draw_beta(found, folder / "beta.png")
    page = folder / "index.html"
    write_text(page, render(found, folder.resolve(), two))
    return page


def _csv(table: pd.DataFrame, path: Path) -> None:
    with atomic_path(path) as part:
        table.to_csv(part, index=False)
