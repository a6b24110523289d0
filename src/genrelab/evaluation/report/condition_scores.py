"""Scores of new songs by condition (cover, live, genre swap): top 1, 2 and 3 of songs and of their excerpts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from genrelab.metrics.confidence_intervals import percentile_interval
from genrelab.runs.run_dir import LevelName, RunDir

TOP = (1, 2, 3)
RESAMPLES = 1000
LEVELS: tuple[LevelName, ...] = ("track", "segment")


def score_conditions(run: RunDir) -> list[dict[str, Any]]:
    """A row for all songs and one for each condition; nothing where the folder has no `songs.csv`.

    Returns:
        of each row `condition`, `songs`, `excerpts`, and of each level `top1`, `top2`, `top3` with
        `{"value", "low", "high"}`: 95 % over songs.
    """
    path = run.path / "songs.csv"
    if not path.exists():
        return []
    songs = pd.read_csv(path, dtype=str)
    given = songs.get("condition", pd.Series(dtype=str))
    condition = dict(zip(songs["track_id"], given.reindex(songs.index).fillna("none given"), strict=True))
    rows = {level: run.at_level("test", level) for level in LEVELS}
    of = {level: np.array([condition[track] for track in one.track]) for level, one in rows.items()}
    names = sorted(set(of["track"]))
    found = []
    for name in ["all songs", *(names if len(names) > 1 or names != ["none given"] else [])]:
        line: dict[str, Any] = {"condition": name}
        for level, count in zip(LEVELS, ("songs", "excerpts"), strict=True):
            keep = (of[level] == name) | (name == "all songs")
            one = rows[level]
            line[count] = int(keep.sum())
            line[level] = {f"top{k}": top_k_share(one.logits[keep], one.target[keep], one.track[keep], k) for k in TOP}
        found.append(line)
    return found


def top_k_share(logits: np.ndarray, target: np.ndarray, track: np.ndarray, k: int) -> dict[str, float]:
    """Share of rows whose truth is among the k likeliest, with its interval: see `share_interval`."""
    own = np.take_along_axis(logits, target[:, None].astype(np.int64), axis=1)
    return share_interval((logits > own).sum(axis=1) < k, track)


def share_interval(hits: np.ndarray, track: np.ndarray, n: int = RESAMPLES, seed: int = 0) -> dict[str, float]:
    """A share of rows and its 95 % percentile bootstrap interval over tracks; Wilson's bound where all are alike."""
    _, place = np.unique(np.asarray(track, dtype=str), return_inverse=True)
    right, rows = np.bincount(place, weights=hits), np.bincount(place)
    count, value = len(rows), float(hits.mean())
    if right.sum() in (0, rows.sum()):
        bound = 1.96**2 / (count + 1.96**2)
        return {"value": value, "low": 0.0 if value == 0 else 1 - bound, "high": bound if value == 0 else 1.0}
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=n)  # [n, tracks]
    low, high = percentile_interval((drawn @ right) / (drawn @ rows), 0.95)
    return {"value": value, "low": float(low), "high": float(high)}
