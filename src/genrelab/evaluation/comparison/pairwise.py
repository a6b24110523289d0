"""Two runs closely: genre by genre, and which mistakes went and came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from genrelab.evaluation.comparison.groups import Row
from genrelab.evaluation.comparison.loader import Run
from genrelab.evaluation.comparison.significance import comparable, rows_on
from genrelab.evaluation.report import tables
from genrelab.metrics import fill_unreachable, top_k_classes

MOST = 12
KINDS = ("both right", "mended", "broken", "both wrong, alike", "both wrong, otherwise")


@dataclass(frozen=True)
class Two:
    """How a second run answers otherwise than a first, track by track.

    Args:
        names: of the two.
        flat: whether distances say nothing.
        counts: how many tracks fall to each of `KINDS`.
        genres: a line a genre with tracks: recall and mean distance of both, and their differences.
        changes: a line a track on which the answers differ.
        vanished: confusions that became rarer: truth, answer, count of each run, distance.
        appeared: confusions that became more.
    """

    names: tuple[str, str]
    flat: bool
    counts: dict[str, int]
    genres: pd.DataFrame
    changes: pd.DataFrame
    vanished: list[dict[str, Any]]
    appeared: list[dict[str, Any]]


def two_runs(first: Run, second: Run) -> Two:
    """Compare two runs on the tracks that both were tested on.

    Raises:
        GenrelabError: their genres or targets differ, or they have no track in common.
    """
    tracks, _ = comparable(Row({}, (first,)), Row({}, (second,)), common=True)
    a, b = rows_on(first, tracks), rows_on(second, tracks)
    taxonomy, distances = first.folder.taxonomy, first.folder.distances
    answers = [top_k_classes(one.logits, 1)[:, 0] for one in (a, b)]
    right = [one == a.target for one in answers]
    kind = np.select(
        [right[0] & right[1], ~right[0] & right[1], right[0] & ~right[1], answers[0] == answers[1]], KINDS[:4], KINDS[4]
    )
    confusions = [tables.confusion_matrix(one, len(taxonomy.genres)) for one in (a, b)]
    titles = np.array(taxonomy.titles, dtype=object)
    away = fill_unreachable(distances)
    changes = pd.DataFrame(
        {
            "track_id": a.track,
            "genre": titles[a.target],
            "first": titles[answers[0]],
            "second": titles[answers[1]],
            "change": kind,
            "first_distance": away[a.target, answers[0]],
            "second_distance": away[a.target, answers[1]],
        }
    )
    moved = _moved(confusions[0], confusions[1], titles, distances)
    return Two(
        names=(first.name, second.name),
        flat=taxonomy.flat,
        counts={name: int((kind == name).sum()) for name in KINDS},
        genres=_genres(first, confusions),
        changes=changes.loc[answers[0] != answers[1]],
        vanished=[one for one in moved if one["change"] < 0][:MOST],
        appeared=[one for one in moved if one["change"] > 0][:MOST],
    )


def _genres(run: Run, confusions: list[np.ndarray]) -> pd.DataFrame:
    """Genres with tracks, those that gained most recall first."""
    first, second = (tables.per_genre(run.folder, one) for one in confusions)
    found = first[["title", "supergenre", "tracks"]].copy()
    for name in ("recall", "distance"):
        found[f"{name}_first"], found[f"{name}_second"] = first[name], second[name]
        found[f"{name}_change"] = second[name] - first[name]
    found = found.loc[found["tracks"] > 0]
    order = ["recall_change", "distance_change", "title"]
    return found.sort_values(by=order, ascending=[False, True, True], kind="stable")


def _moved(first: np.ndarray, second: np.ndarray, titles: np.ndarray, distances: np.ndarray) -> list[dict[str, Any]]:
    """Confusions whose count differs, the greatest change first; of equal ones the farther."""
    change = second - first
    np.fill_diagonal(change, 0)
    truth, answer = np.nonzero(change)
    away = distances[truth, answer]
    order = np.lexsort((answer, truth, -np.nan_to_num(away, posinf=1e9), -np.abs(change[truth, answer])))
    return [
        {
            "truth": titles[truth[i]],
            "answer": titles[answer[i]],
            "first": int(first[truth[i], answer[i]]),
            "second": int(second[truth[i], answer[i]]),
            "change": int(change[truth[i], answer[i]]),
            "distance": float(away[i]) if np.isfinite(away[i]) else None,
        }
        for i in order
    ]
