"""`report/genres/`: a small page for each genre, with its tracks and what it is confused with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genrelab.evaluation.report.page import load_template
from genrelab.metrics import top_k_classes
from genrelab.runs.run_dir import Level, RunDir
from genrelab.utils.io import write_text

MOST_TRACKS = 200
NEAREST = 5


def write_genre_pages(run: RunDir, rows: Level, confusion: np.ndarray, folder: Path) -> list[Path]:
    """Write a page for each genre.

    Args:
        run: the folder.
        rows: tracks of the part that the report is about.
        confusion: `[C, C]` counts of them.
        folder: gets `000.html`, `001.html`, ... in the taxonomy's order, since names may hold anything.

    Returns:
        the pages.
    """
    page = load_template("genre.html.jinja")
    tracks = _tracks(run, rows)
    written = []
    for place, title in enumerate(run.taxonomy.titles):
        count, answers = int(confusion[place].sum()), int(confusion[:, place].sum())
        right = int(confusion[place, place])
        written.append(folder / genre_page_name(place))
        text = page.render(
            title=title,
            run_id=run.record.get("run_id", run.path.name),
            split=run.primary_split,
            unsafe=run.unsafe,
            code=run.taxonomy.genres[place],
            supergenre=None if run.taxonomy.flat else run.taxonomy.supergenres[run.taxonomy.supergenre_of[place]],
            count=count,
            answers=answers,
            recall=right / count if count else None,
            precision=right / answers if answers else None,
            taken_for=_others(run, confusion[place], place),
            taken_as_it=_others(run, confusion[:, place], place),
            nearest=[] if run.taxonomy.flat else _nearest(run, place),
            tracks=[one for one in tracks if place in (one["target"], one["place"])][:MOST_TRACKS],
            own=place,
        )
        write_text(written[-1], text, durable=False)
    return written


def genre_page_name(place: int) -> str:
    """The file of a genre's page."""
    return f"{place:03d}.html"


def _tracks(run: RunDir, rows: Level) -> list[dict[str, Any]]:
    """Each track's truth and answer, surest answers first."""
    prediction = top_k_classes(rows.logits, 1)[:, 0]
    p = np.exp(rows.logits - rows.logits.max(axis=1, keepdims=True))
    confidence = p[np.arange(len(rows)), prediction] / p.sum(axis=1)
    titles = run.taxonomy.titles
    return [
        {
            "track": str(rows.track[row]),
            "target": int(rows.target[row]),
            "place": int(prediction[row]),
            "genre": titles[int(rows.target[row])],
            "answer": titles[int(prediction[row])],
            "probability": float(confidence[row]),
        }
        for row in np.argsort(-confidence, kind="stable")
    ]


def _others(run: RunDir, counts: np.ndarray, own: int) -> list[dict[str, Any]]:
    """The other genres of a row or column of the confusion, commonest first."""
    order: Sequence[int] = np.argsort(-counts, kind="stable").tolist()
    return [
        {"title": run.taxonomy.titles[place], "file": genre_page_name(place), "count": int(counts[place])}
        for place in order
        if place != own and counts[place]
    ]


def _nearest(run: RunDir, place: int) -> list[dict[str, Any]]:
    away = run.distances[place]
    order = [one for one in np.argsort(away, kind="stable").tolist() if one != place and np.isfinite(away[one])]
    return [
        {"title": run.taxonomy.titles[one], "file": genre_page_name(one), "distance": float(away[one])}
        for one in order[:NEAREST]
    ]
