"""Splits by rule: grouped by artist, and stratified folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from genrelab.datasets.index import DatasetIndex, SplitName
from genrelab.datasets.splits.grouping import assign_groups, find_groups, refine
from genrelab.datasets.splits.registry import SPLITS
from genrelab.datasets.splits.split import Artists, Split, SplitError, check_apart, crossing_artists
from genrelab.utils.errors import ConfigError

GroupBy = Literal["artist"] | None
RATIOS = (0.7, 0.2, 0.1)  # train, val, test


@SPLITS.register("grouped")
def grouped(
    dataset_index: DatasetIndex,
    ratios: Sequence[float] = RATIOS,
    seed: int = 0,
    group_by: GroupBy = "artist",
) -> Split:
    """Split by track at random, stratified by genre, artists and albums kept apart, copies of one recording together.

    Args:
        dataset_index: tracks; artists that are unknown count as one artist a track.
        ratios: shares of train, val and test.
        seed: of this split alone.
        group_by: "artist" keeps artists (and albums) apart; None ignores them and marks the results `artist_leak`.

    Raises:
        ConfigError: ratios that are not three positive numbers summing to 1.
        SplitError: a genre has fewer than three artists (or tracks); names the genres and the remedies.
    """
    place = assign(dataset_index, np.array(check_ratios(ratios)), seed, group_by, "parts (train, val, test)")
    names: list[SplitName] = ["train", "val", "test"]
    return _made(dataset_index, [names[number] for number in place], "grouped", seed, group_by)


@SPLITS.register("stratified")
def stratified(
    dataset_index: DatasetIndex, folds: int = 5, fold: int | None = None, seed: int = 0, group_by: GroupBy = "artist"
) -> Split:
    """Stratified k-fold: test is fold k, val the next one, train the rest; every track is tested once in k runs.

    Args:
        dataset_index: tracks; artists that are unknown count as one artist a track.
        folds: their number, 3 or more.
        fold: which one is tested, from 0; None stands for all in turn, which the run resolves by `split_folds`.
        seed: of this split alone.
        group_by: "artist" keeps artists (and albums) apart; None ignores them and marks the results `artist_leak`.

    Raises:
        ConfigError: fewer than three folds, no fold named, or none of that number.
        SplitError: a genre has fewer artists (or tracks) than folds; names the genres and the remedies.
    """
    if folds < 3:
        raise ConfigError([f"split.folds: {folds}; use 3 or more, since test, val and train each need one"])
    if fold is None or not 0 <= fold < folds:
        raise ConfigError([f"split.fold: {fold}; one split tests one fold, 0 to {folds - 1}"])
    place = assign(dataset_index, np.full(folds, 1 / folds), seed, group_by, f"folds (split.folds={folds})")
    names: list[SplitName] = ["train"] * folds
    names[fold], names[(fold + 1) % folds] = "test", "val"
    return _made(dataset_index, [names[number] for number in place], "stratified", seed, group_by, fold, folds)


def check_ratios(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Shares of train, val and test. Raises ConfigError where they are not three positive numbers summing to 1."""
    if len(ratios) != 3 or min(ratios) <= 0 or abs(sum(ratios) - 1) > 1e-6:
        raise ConfigError([f"split.ratios: {list(ratios)}; use three positive numbers that sum to 1: train, val, test"])
    train, val, test = (float(share) for share in ratios)
    return train, val, test


def split_folds(params: Mapping[str, Any]) -> list[int]:
    """The folds that a run goes through: all of them for `fold: null`, the one named, or none for other splits."""
    if not params.get("folds"):
        return []
    return list(range(params["folds"])) if params.get("fold") is None else [int(params["fold"])]


def assign(dataset_index: DatasetIndex, shares: np.ndarray, seed: int, group_by: GroupBy, what: str) -> np.ndarray:
    """The place `[N]` of each track among `shares`, every genre in every place; of several genres a track all count."""
    genres = dataset_index.genres
    rows, codes = _labels(dataset_index)
    groups = find_groups(dataset_index, artists=group_by == "artist")
    _check_tracks(codes, list(genres), len(shares), what)
    counts = np.zeros((groups.max() + 1, len(genres)), dtype=np.int64)
    np.add.at(counts, (groups[rows], codes), 1)
    if few := [f"{genres[c]} ({n})" for c, n in enumerate((counts > 0).sum(axis=0)) if n < len(shares)]:
        raise SplitError(_too_few_groups(few, len(shares), what, group_by))
    of_group = assign_groups(counts, shares, np.random.default_rng(abs(seed)))
    if dataset_index.multi_label:
        sizes = np.bincount(groups)  # of their tracks, which genres counted twice do not tell
        refine(np.column_stack([counts, sizes]), shares, of_group)
    place = of_group[groups]
    table = np.zeros((len(shares), len(genres)), dtype=np.int64)
    np.add.at(table, (place[rows], codes), 1)
    if gaps := [str(genres[int(c)]) for c in np.flatnonzero((table == 0).any(axis=0))]:
        raise SplitError(_too_few_groups(gaps, len(shares), what, group_by))
    return np.asarray(place)


def _labels(dataset_index: DatasetIndex) -> tuple[np.ndarray, np.ndarray]:
    """The genres of tracks: row of the track and index of the genre, of each pair of them."""
    index = {genre: number for number, genre in enumerate(dataset_index.genres)}
    each = [[index[genre] for genre in genres] for genres in dataset_index.genres_of.values()]
    rows = np.repeat(np.arange(len(each)), [len(one) for one in each])
    return rows, np.array([code for one in each for code in one], dtype=np.int64)


def _check_tracks(codes: np.ndarray, genres: list[str], need: int, what: str) -> None:
    counts = np.bincount(codes, minlength=len(genres))
    if few := [f"{genres[c]} ({n})" for c, n in enumerate(counts) if n < need]:
        raise SplitError(
            f"too few tracks for {need} {what} in {_some(few)}: add tracks, or leave these genres out of the dataset"
        )


def _too_few_groups(few: list[str], need: int, what: str, group_by: GroupBy) -> str:
    if group_by is None:
        return (
            f"too few recordings to keep copies together in {need} {what} in {_some(few)}: add tracks, or leave these "
            "genres out of the dataset (genrelab check lists the copies)"
        )
    return (
        f"too few artists to keep them apart in {need} {what} in {_some(few)}: add tracks of other artists, "
        "or set split.group_by=null (every result is then marked artist_leak)"
    )


def _some(names: list[str]) -> str:
    """The names, shortened: a dataset of 248 genres must not fill the screen."""
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more genres" if len(names) > 8 else "")


def _made(
    dataset_index: DatasetIndex,
    parts: list[SplitName],
    kind: str,
    seed: int,
    group_by: GroupBy,
    fold: int | None = None,
    folds: int | None = None,
) -> Split:
    """The split, its artists asserted apart where grouped by them."""
    by_track = dict(zip(dataset_index.tracks["track_id"], parts, strict=True))
    state, leak, crossing, notes = judge_artists(by_track, dataset_index, group_by)
    return Split(by_track, kind, seed, state, leak, crossing, fold=fold, folds=folds, notes=notes)


def judge_artists(
    parts: Mapping[str, SplitName], dataset_index: DatasetIndex, group_by: GroupBy
) -> tuple[Artists, bool, int, tuple[str, ...]]:
    """What a split does to artists: (state, artist_leak, number crossing, notes).

    Raises:
        SplitError: grouped by artist, and a known artist or album crosses parts.
    """
    crossing = len(crossing_artists(parts, dataset_index))
    if group_by == "artist":
        check_apart(parts, dataset_index)
    if dataset_index.artists == "none" and dataset_index.tracks["album_id"].isna().all():
        return "unknown", False, 0, ("no artist is known: the same artist may stand in train and test",)
    if group_by is None:
        note = f"artists are ignored: {crossing} of them stand in several parts (artist_leak)"
        return "ignored", True, crossing, (note,)
    unknown = int(dataset_index.tracks["artist_id"].isna().sum())
    return "apart", False, 0, (f"the artists of {unknown} tracks are unknown",) if unknown else ()
