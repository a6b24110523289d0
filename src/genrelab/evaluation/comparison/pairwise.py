"""Two runs closely: genre by genre, and which mistakes went and came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from genrelab.evaluation.comparison.groups import RunGroup
from genrelab.evaluation.comparison.loader import Run
from genrelab.evaluation.comparison.significance import comparable_tracks, select_tracks
from genrelab.evaluation.report import tables
from genrelab.metrics import fill_unreachable, top_k_classes

MAX_CONFUSIONS = 12
CHANGE_KINDS = ("both right", "mended", "broken", "both wrong, alike", "both wrong, otherwise")


@dataclass(frozen=True)
class PairwiseComparison:
    """How a second run answers otherwise than a first, track by track.

    Args:
        names: of the two.
        flat: whether distances say nothing.
        counts: how many tracks fall to each of `KINDS`.
        genres: a line a genre with tracks: recall and mean distance of both, and their differences.
        changes: a line a track on which the answers differ.
        resolved_confusions: confusions that became rarer: truth, answer, count of each run, distance.
        new_confusions: confusions that became more.
    """

    names: tuple[str, str]
    flat: bool
    counts: dict[str, int]
    genres: pd.DataFrame
    changes: pd.DataFrame
    resolved_confusions: list[dict[str, Any]]
    new_confusions: list[dict[str, Any]]


def compare_two_runs(first: Run, second: Run) -> PairwiseComparison:
    """Compare two runs on the tracks that both were tested on.

    Raises:
        GenrelabError: their genres or targets differ, or they have no track in common.
    """
    tracks, _ = comparable_tracks(RunGroup({}, (first,)), RunGroup({}, (second,)), common=True)
    a, b = select_tracks(first, tracks), select_tracks(second, tracks)
    taxonomy, distances = first.run_dir.taxonomy, first.run_dir.distances
    predictions = [top_k_classes(one.logits, 1)[:, 0] for one in (a, b)]
    right = [one == a.target for one in predictions]
    kind = np.select(
        [right[0] & right[1], ~right[0] & right[1], right[0] & ~right[1], predictions[0] == predictions[1]],
        CHANGE_KINDS[:4],
        CHANGE_KINDS[4],
    )
    confusions = [tables.confusion_matrix(one, len(taxonomy.genres)) for one in (a, b)]
    titles = np.array(taxonomy.titles, dtype=object)
    away = fill_unreachable(distances)
    changes = pd.DataFrame(
        {
            "track_id": a.track,
            "genre": titles[a.target],
            "first": titles[predictions[0]],
            "second": titles[predictions[1]],
            "change": kind,
            "first_distance": away[a.target, predictions[0]],
            "second_distance": away[a.target, predictions[1]],
        }
    )
    changed = _changed_confusions(confusions[0], confusions[1], titles, distances)
    return PairwiseComparison(
        names=(first.name, second.name),
        flat=taxonomy.flat,
        counts={name: int((kind == name).sum()) for name in CHANGE_KINDS},
        genres=_per_genre_changes(first, confusions),
        changes=changes.loc[predictions[0] != predictions[1]],
        resolved_confusions=[one for one in changed if one["change"] < 0][:MAX_CONFUSIONS],
        new_confusions=[one for one in changed if one["change"] > 0][:MAX_CONFUSIONS],
    )


def _per_genre_changes(run: Run, confusions: list[np.ndarray]) -> pd.DataFrame:
    """Genres with tracks, those that gained most recall first."""
    first, second = (tables.per_genre_table(run.run_dir, one) for one in confusions)
    found = first[["title", "supergenre", "tracks"]].copy()
    for name in ("recall", "distance"):
        found[f"{name}_first"], found[f"{name}_second"] = first[name], second[name]
        found[f"{name}_change"] = second[name] - first[name]
    found = found.loc[found["tracks"] > 0]
    order = ["recall_change", "distance_change", "title"]
    return found.sort_values(by=order, ascending=[False, True, True], kind="stable")


def _changed_confusions(
    first: np.ndarray, second: np.ndarray, titles: np.ndarray, distances: np.ndarray
) -> list[dict[str, Any]]:
    """Confusions whose count differs, the greatest change first; of equal ones the farther."""
    change = second - first
    np.fill_diagonal(change, 0)
    truth, prediction = np.nonzero(change)
    away = distances[truth, prediction]
    order = np.lexsort((prediction, truth, -np.nan_to_num(away, posinf=1e9), -np.abs(change[truth, prediction])))
    return [
        {
            "truth": titles[truth[i]],
            "answer": titles[prediction[i]],
            "first": int(first[truth[i], prediction[i]]),
            "second": int(second[truth[i], prediction[i]]),
            "change": int(change[truth[i], prediction[i]]),
            "distance": float(away[i]) if np.isfinite(away[i]) else None,
        }
        for i in order
    ]
