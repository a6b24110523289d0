"""`genrelab check`: look at a dataset before anyone trains on it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genrelab.audio import AudioError, AudioSpec, probe
from genrelab.datasets import DatasetIndex
from genrelab.datasets.duplicates import group_copies, mark_duplicates
from genrelab.datasets.genre_names import note_genre_names
from genrelab.datasets.recordings import Recording, scan_recordings
from genrelab.datasets.splits import grouped
from genrelab.datasets.splits.split import crossing_duplicates
from genrelab.datasets.validation_report import STATES, CheckReport
from genrelab.features.precomputed import PrecomputedFeatures
from genrelab.taxonomy import Taxonomy, UnknownGenre
from genrelab.utils.errors import GenrelabError


def check_dataset(
    dataset_index: DatasetIndex,
    audio: AudioSpec,
    workers: int | None = None,
    progress: bool = True,
    taxonomy: Taxonomy | None = None,
    cache: Path | None = None,
) -> CheckReport:
    """Decode every track once and count what is wrong with the dataset; of given features look at every value.

    Args:
        dataset_index: the tracks.
        audio: says how long a segment is, and how silence is trimmed.
        workers: threads (decoding leaves Python's lock); all cores by default.
        progress: show a bar on the terminal.
        taxonomy: names the genres that can be learnt; None asks nothing of them.
        cache: folder that keeps what was read for `prepare` and `train`; None keeps nothing.
    """
    dataset_index = note_genre_names(dataset_index, _class_of(taxonomy))
    if dataset_index.precomputed is None:
        paths = list(dataset_index.tracks["path"])
        recordings = scan_recordings(paths, audio, cache, workers, progress)
        with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
            channels = list(pool.map(_channels, paths))
        found = [_facts(one, count, audio) for one, count in zip(recordings, channels, strict=True)]
    else:
        scanned = [_scan_rows(dataset_index.precomputed, rows) for rows in _rows_of(dataset_index)]
        found, recordings = [facts for facts, _ in scanned], [one for _, one in scanned]
    columns = ["track_id", "genre", "artist_id", "path"]
    facts = pd.DataFrame(found).astype({"sample_rate": "Int64", "channels": "Int64"})  # unknown where unreadable
    groups = group_copies(recordings)
    tracks = pd.concat([dataset_index.tracks[columns], facts], axis=1)
    tracks = tracks.assign(**_duplicate_columns(tracks, recordings, groups))
    marked = mark_duplicates(dataset_index, groups)
    return CheckReport(dataset_index.name, tracks, _summary(marked, tracks, audio, taxonomy))


BLANK = {"duration": np.nan, "usable": np.nan, "sample_rate": None, "channels": None}
GOOD = {"unreadable": False, "silent": False, "too_short": False, "reason": "", "notes": ""}


def _rows_of(dataset_index: DatasetIndex) -> Iterator[np.ndarray]:
    """Of each track, the rows of its segments."""
    assert dataset_index.precomputed is not None
    rows = (
        pd.Series(np.arange(len(dataset_index.precomputed.track_id)))
        .groupby(dataset_index.precomputed.track_id)
        .agg(list)
    )
    for track in dataset_index.tracks["track_id"]:
        yield np.asarray(rows.get(track, []), dtype=np.int64)


def _scan_rows(precomputed: PrecomputedFeatures, rows: np.ndarray) -> tuple[dict[str, Any], Recording]:
    """What the features of one track hold; equal values are taken for one recording."""
    digest, faults, silent = hashlib.sha256(), [], True
    for feature in precomputed.features:
        values = np.asarray(feature.values[rows])
        digest.update(np.ascontiguousarray(values).tobytes())
        silent = silent and not values.any()
        if bad := int((~np.isfinite(values)).sum()):
            faults.append(f"{bad} of {values.size} values of {feature.name} are not finite")
    found = {**BLANK, **GOOD, "silent": silent, "unreadable": bool(faults), "reason": "; ".join(faults)}
    return found, Recording(peak=0.0 if silent else 1.0, sha256=digest.hexdigest())


def _channels(path: str) -> int | None:
    try:
        return probe(path).channels
    except AudioError:
        return None


def _facts(recording: Recording, channels: int | None, audio: AudioSpec) -> dict[str, Any]:
    """What one file holds."""
    if recording.reason:
        return {**BLANK, **GOOD, "unreadable": True, "reason": recording.reason}
    return {
        **GOOD,
        "reason": recording.fault(audio),
        "duration": recording.duration,
        "usable": recording.usable,
        "sample_rate": recording.sample_rate,
        "channels": channels,
        "silent": recording.silent,
        "notes": recording.notes,
        "too_short": round(recording.usable * audio.sample_rate) < audio.segment_samples,
    }


def _duplicate_columns(
    tracks: pd.DataFrame, recordings: Sequence[Recording], groups: Sequence[Sequence[int]]
) -> dict[str, list[Any]]:
    """`duplicate`, `duplicate_of`, `same_samples`, `across_genres` of each track; the first of a group is no copy."""
    first_of = {place: group[0] for group in groups for place in group[1:]}
    ids, genres = tracks["track_id"].tolist(), tracks["genre"].tolist()
    found: dict[str, list[Any]] = {"duplicate": [], "duplicate_of": [], "same_samples": [], "across_genres": []}
    for place, recording in enumerate(recordings):
        first = first_of.get(place)
        found["duplicate"].append(first is not None)
        found["duplicate_of"].append(None if first is None else ids[first])
        found["same_samples"].append(first is not None and recordings[first].sha256 == recording.sha256)
        found["across_genres"].append(first is not None and genres[first] != genres[place])
    return found


def _summary(
    dataset_index: DatasetIndex, tracks: pd.DataFrame, audio: AudioSpec, taxonomy: Taxonomy | None
) -> dict[str, Any]:
    readable = tracks[~tracks["unreadable"]]
    rates = readable["sample_rate"].value_counts().sort_index()
    per_genre = {}
    for genre, part in tracks.groupby("genre"):
        artists = int(part["artist_id"].nunique())
        per_genre[str(genre)] = {**_durations(part), "artists": artists, **{s: int(part[s].sum()) for s in STATES}}
    return {
        "dataset": dataset_index.name,
        "stand_in": dataset_index.stand_in,
        "tracks": len(tracks),
        **_durations(tracks),
        **{state: int(tracks[state].sum()) for state in STATES},
        "duplicates_across_genres": int(tracks["across_genres"].sum()),
        "duplicates_across_official_split": _across_official_split(dataset_index),
        "segment_seconds": audio.segment_duration,
        "features": {f.name: list(f.values.shape[1:]) for f in dataset_index.precomputed.features}
        if dataset_index.precomputed
        else {},
        "sample_rates": {str(rate): int(count) for rate, count in rates.items()},
        "artists": dataset_index.artists,
        "artist_tracks": {str(k): int(v) for k, v in tracks["artist_id"].dropna().value_counts().items()},
        "genres": per_genre,
        "notes": list(dataset_index.notes),
        "taxonomy": taxonomy.name if taxonomy else None,
        "unknown_genres": _unknown(taxonomy, per_genre),
        "rejected": [list(pair) for pair in dataset_index.rejected],
        "default_split": _try_split(dataset_index, tracks),
    }


def _across_official_split(dataset_index: DatasetIndex) -> list[list[str]]:
    """The copies that stand in several parts of the split that the dataset itself names."""
    listed = dataset_index.tracks.dropna(subset="official_split")
    parts = dict(zip(listed["track_id"], listed["official_split"], strict=True))
    return [[f"{track} ({part})" for track, part in group] for group in crossing_duplicates(parts, dataset_index)]


def _class_of(taxonomy: Taxonomy | None) -> Callable[[str], str] | None:
    """The class of a genre's name; an unknown genre is a class of its own."""
    if taxonomy is None:
        return None

    def resolve(name: str) -> str:
        try:
            return taxonomy.resolve(name)
        except UnknownGenre:
            return name

    return resolve


def _unknown(taxonomy: Taxonomy | None, genres: Iterable[str]) -> dict[str, str]:
    """Genres that the taxonomy lacks, each with what it says about them."""
    found: dict[str, str] = {}
    if taxonomy is None:
        return found
    for name in genres:
        try:
            taxonomy.resolve(name)
        except UnknownGenre as error:
            found[name] = str(error)
    return found


def _durations(tracks: pd.DataFrame) -> dict[str, Any]:
    known = tracks["duration"].dropna()
    pick = {"min": known.min(), "median": known.median(), "max": known.max()} if len(known) else {}
    seconds = {f"{name}_seconds": round(float(value), 2) for name, value in pick.items()}
    return {"tracks": len(tracks), "hours": round(float(known.sum()) / 3600, 3), **seconds}


def _try_split(dataset_index: DatasetIndex, tracks: pd.DataFrame) -> dict[str, Any]:
    """Whether the default split works on what can be used, and if not, why."""
    try:
        split = grouped(dataset_index.only(tracks.loc[tracks["reason"] == "", "track_id"]))
    except GenrelabError as error:
        return {"possible": False, "reason": str(error), "artists": None}
    return {"possible": True, "reason": "", "artists": split.artists, "notes": list(split.notes)}
