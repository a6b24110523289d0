"""Features of several files in one dataset, joined by track id."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from genrelab.datasets.index import DatasetIndex
from genrelab.features.precomputed import PrecomputedFeature, PrecomputedFeatures
from genrelab.taxonomy.name_matching import key
from genrelab.utils.errors import GenrelabError

SHOWN = 3  # lost tracks that a note names


def join_features(dataset_index: DatasetIndex, name: str, other: DatasetIndex) -> DatasetIndex:
    """Add the features of another dataset: an inner join by track id.

    Genres, artists, albums and official splits are those of `dataset_index`. A track with one row in `other` has it
    beside each of its segments; otherwise both must have the same segments.

    Args:
        dataset_index: Main dataset, with precomputed features.
        name: Key of the other dataset in the configuration's `join`; it prefixes feature names that are taken.
        other: Dataset with precomputed features of the same tracks; it may be without genres.

    Returns:
        The tracks of both. Those of the main dataset that the other lacks are listed under `rejected`.

    Raises:
        GenrelabError: A dataset has audio, they share no track, a track has different genres, or its segments differ.
    """
    at = f"join.{name}"
    for index in (dataset_index, other):
        if index.precomputed is None:
            raise GenrelabError(f"{at}: {index.name} has audio and no features to join")
    if not set(dataset_index.tracks["track_id"]) & set(other.tracks["track_id"]):
        ids = " and ".join(repr(str(index.tracks["track_id"].iloc[0])) for index in (dataset_index, other))
        raise GenrelabError(
            f"{at}: it shares no track with {dataset_index.name} (track ids such as {ids}); use the same ids in both"
        )
    kept = dataset_index.only(other.tracks["track_id"])
    _check_genres(at, kept, other)
    assert dataset_index.precomputed is not None and other.precomputed is not None  # checked above
    own, rows = _matching_rows(at, kept, dataset_index.precomputed, other.precomputed)
    taken = {feature.name for feature in dataset_index.precomputed.features}
    added = tuple(
        replace(
            feature,
            name=f"{name}_{feature.name}" if feature.name in taken else feature.name,
            values=_take(feature.values, rows),
        )
        for feature in other.precomputed.features
    )
    precomputed = PrecomputedFeatures(
        dataset_index.precomputed.track_id[own],
        dataset_index.precomputed.segment[own],
        (*(_select(feature, own) for feature in dataset_index.precomputed.features), *added),
    )
    gone = dataset_index.tracks[~dataset_index.tracks["track_id"].isin(kept.tracks["track_id"])]
    lost = tuple(
        (str(path), f"{track} is not in {at}") for path, track in zip(gone["path"], gone["track_id"], strict=True)
    )
    note = f"{at}: {len(kept)} of {len(dataset_index)} tracks have its features, {len(lost)} lost"
    if lost:
        some = ", ".join(gone["track_id"].head(SHOWN))
        note += f" ({some}{', ...' if len(lost) > SHOWN else ''})"
    return replace(
        kept,
        notes=(*kept.notes, *(f"{at}: {text}" for text in other.notes), note),
        rejected=(*kept.rejected, *other.rejected, *lost),
        precomputed=precomputed,
    )


def _check_genres(at: str, dataset_index: DatasetIndex, other: DatasetIndex) -> None:
    """Raise GenrelabError where a track's genre in `other`, if it has genres, is none of its own, spellings aside."""
    if not other.labeled:
        return
    genre_of = other.genre_of
    for track, genres in dataset_index.genres_of.items():
        if key(genre_of[track]) not in map(key, genres):
            raise GenrelabError(
                f"{at}: track {track!r} is {genre_of[track]!r} there and {' and '.join(map(repr, genres))} in "
                f"{dataset_index.name}; correct one of the files"
            )


def _matching_rows(
    at: str, dataset_index: DatasetIndex, main: PrecomputedFeatures, other: PrecomputedFeatures
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of `main` that belong to the index, and the row of `other` for each."""
    left = pd.DataFrame({"track_id": main.track_id.astype(object), "segment": main.segment})
    left = left[left["track_id"].isin(dataset_index.tracks["track_id"])]
    right = pd.DataFrame({"track_id": other.track_id.astype(object), "segment": other.segment})
    right["row"] = np.arange(len(right))
    of_track = right.groupby("track_id")["row"].agg(["first", "size"])
    here, there = left.groupby("track_id")["segment"].transform("size"), left["track_id"].map(of_track["size"])
    row = left.merge(right, how="left", on=["track_id", "segment"])["row"].set_axis(left.index)
    row = row.where(there > 1, left["track_id"].map(of_track["first"]))
    unlike = row.isna() | ((there > 1) & (there != here))
    if unlike.any():
        first = int(unlike.to_numpy().argmax())
        raise GenrelabError(
            f"{at}: track {left['track_id'].iloc[first]!r} has {there.iloc[first]} rows there and {here.iloc[first]} "
            "in the main dataset; one row, or the same segments, can be joined"
        )
    return left.index.to_numpy(), row.to_numpy(np.int64)


def _select(feature: PrecomputedFeature, rows: np.ndarray) -> PrecomputedFeature:
    return replace(feature, values=_take(feature.values, rows))


def _take(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Some rows; the array itself, which may be a memory map, where they are all of its rows in order."""
    if len(rows) == len(values) and np.array_equal(rows, np.arange(len(values))):
        return values
    return np.ascontiguousarray(values[rows])
