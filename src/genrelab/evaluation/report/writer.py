"""`write_report`: scores, tables, pictures and the page, from the files of a run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genrelab.evaluation.report import examples as example_images
from genrelab.evaluation.report import formatting, pca_plot, tables
from genrelab.evaluation.report.auxiliary_scores import score_auxiliary_targets
from genrelab.evaluation.report.condition_scores import score_conditions
from genrelab.evaluation.report.examples import Example
from genrelab.evaluation.report.figures import draw_confusion, draw_curves, draw_pca_plot
from genrelab.evaluation.report.genre_pages import write_genre_pages
from genrelab.evaluation.report.multilabel_page import write_multilabel_report
from genrelab.evaluation.report.multilabel_scores import score_multilabel_run
from genrelab.evaluation.report.page import ReportData, render_report
from genrelab.evaluation.report.scores import score_multiclass_run
from genrelab.runs.run_dir import RunDir
from genrelab.utils.io import write_json, write_table, write_text


def score_run(run: RunDir) -> dict[str, Any]:
    """The scores of `metrics.json` without what only reports need: of one genre a track, or of several."""
    return score_multilabel_run(run) if run.multi_label else score_multiclass_run(run)


def write_report(run_dir: Path, examples: Sequence[Example] = (), page: bool = True) -> Path:
    """Score a run and write `metrics.json` and `report/`; done again, it gives the same.

    It reads `predictions.parquet`, `taxonomy.json`, `run.json`, `metrics.csv`, `config.yaml` and the baselines'
    predictions, never the model.

    Args:
        run_dir: the run's folder.
        examples: pictures of some tracks; by default those of the report that is there.
        page: with tables, pictures and the page; False writes `metrics.json` alone.

    Returns:
        path of `report/index.html`, or of `metrics.json`.

    Raises:
        GenrelabError: predictions or taxonomy are missing or do not fit each other.
    """
    run = RunDir.read(Path(run_dir), allow_multilabel=True)
    if run.multi_label:
        return write_multilabel_report(run, page)
    metrics = score_run(run)
    if clusters := pca_plot.clustering_scores(run):
        metrics["clustering"] = clusters
    if found := score_conditions(run):
        metrics["conditions"] = found
    if auxiliary := score_auxiliary_targets(run):
        metrics["labels"] = auxiliary
    metrics |= {
        "verdict": formatting.summary_sentences(run, metrics),
        "warnings": [text for _, text in formatting.report_warnings(run, metrics)],
    }
    write_json(run.path / "metrics.json", metrics)
    if not page:
        return run.path / "metrics.json"
    return _write_page(run, metrics, examples)


def _write_page(run: RunDir, metrics: dict[str, Any], examples: Sequence[Example]) -> Path:
    folder = run.path / "report"
    folder.mkdir(exist_ok=True)
    if examples:
        example_images.save_examples(folder, examples)
    rows = run.at_level(run.primary_split, "track")
    confusion = tables.confusion_matrix(rows, len(run.taxonomy.genres))
    genres = tables.per_genre_table(run, confusion)
    write_table(genres, folder / "per_genre.csv")
    write_table(tables.mistakes_table(run, rows), folder / "mistakes.csv")
    _write_confusions(run, confusion, folder)
    write_genre_pages(run, rows, confusion, folder / "genres")
    best = (run.record.get("monitor") or {}).get("best_epoch")
    if not run.without_epochs:
        draw_curves(run.curves, folder / "metrics.png", None if best is None else best + 1, run.taxonomy.flat)
    if (projection := pca_plot.load_pca_projection(run)) is not None:
        draw_pca_plot(projection, pca_plot.build_legend(run), folder / "plane.png")
    index = folder / "index.html"
    write_text(
        index,
        render_report(ReportData(run, metrics, confusion, genres, example_images.load_examples(folder), projection)),
    )
    return index


def _write_confusions(run: RunDir, confusion: np.ndarray, folder: Path) -> None:
    """Genres and supergenres, counts and per cent, each as CSV and PNG."""
    taxonomy = run.taxonomy
    of_super = tables.supergenre_confusion(confusion, run.supergenres)
    super_titles = [taxonomy.supergenres[code] for code in run.supergenre_codes]
    sets = (
        ("genre", confusion, taxonomy.genres, taxonomy.titles),
        ("supergenre", of_super, run.supergenre_codes, super_titles),
    )
    for noun, counts, codes, titles in sets:
        for kind, matrix in (("counts", counts), ("percent", tables.row_percent(counts).round(2))):
            name = f"confusion_{noun}_{kind}"
            table = pd.DataFrame(matrix, index=pd.Index(codes, name="truth"), columns=list(codes))
            write_table(table.reset_index(), folder / f"{name}.csv")
            title = f"{noun.capitalize()}s, {'% of the row' if kind == 'percent' else 'tracks'} ({run.primary_split})"
            draw_confusion(matrix, titles, folder / f"{name}.png", title, kind == "percent")
