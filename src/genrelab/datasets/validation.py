"""`genrelab check`: look at a dataset before anyone trains on it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from genrelab.audio import AudioError, AudioSpec, load_audio, probe, trim_silence
from genrelab.datasets import DatasetIndex
from genrelab.datasets.splits import grouped
from genrelab.datasets.validation_report import STATES, CheckReport
from genrelab.features.precomputed import PrecomputedFeatures
from genrelab.taxonomy import Taxonomy, UnknownGenre
from genrelab.utils.errors import GenrelabError, report_progress_on_interrupt

SILENT_PEAK = 1e-3  # -60 dB under full scale


def check_dataset(
    dataset_index: DatasetIndex,
    audio: AudioSpec,
    workers: int | None = None,
    progress: bool = True,
    taxonomy: Taxonomy | None = None,
) -> CheckReport:
    """Decode every track once and count what is wrong with the dataset; of given features look at every value.

    Args:
        dataset_index: the tracks.
        audio: says how long a segment is, and how silence is trimmed.
        workers: threads (decoding leaves Python's lock); all cores by default.
        progress: show a bar on the terminal.
        taxonomy: names the genres that can be learnt; None asks nothing of them.
    """
    if dataset_index.precomputed is None:
        found = _scan_files(list(dataset_index.tracks["path"]), audio, workers or os.cpu_count() or 1, progress)
    else:
        found = [_scan_rows(dataset_index.precomputed, rows) for rows in _rows_of(dataset_index)]
    columns = ["track_id", "genre", "artist_id", "path"]
    scanned = pd.DataFrame(found).astype({"sample_rate": "Int64", "channels": "Int64"})  # unknown where unreadable
    tracks = pd.concat([dataset_index.tracks[columns], scanned], axis=1)
    tracks = _mark_duplicates(tracks).drop(columns="sha256")
    return CheckReport(dataset_index.name, tracks, _summary(dataset_index, tracks, audio, taxonomy))


BLANK = {"duration": np.nan, "usable": np.nan, "sample_rate": None, "channels": None, "sha256": None}
GOOD = {"unreadable": False, "silent": False, "too_short": False, "reason": ""}


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


def _scan_rows(precomputed: PrecomputedFeatures, rows: np.ndarray) -> dict[str, Any]:
    """What the features of one track hold."""
    digest, faults, silent = hashlib.sha256(), [], True
    for feature in precomputed.features:
        values = np.asarray(feature.values[rows])
        digest.update(np.ascontiguousarray(values).tobytes())
        silent = silent and not values.any()
        if bad := int((~np.isfinite(values)).sum()):
            faults.append(f"{bad} of {values.size} values of {feature.name} are not finite")
    found = {**BLANK, **GOOD, "silent": silent, "sha256": digest.hexdigest()}
    return {**found, "unreadable": bool(faults), "reason": "; ".join(faults)}


def _scan_files(paths: list[str], audio: AudioSpec, workers: int, progress: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def read() -> str:
        return f"{len(found)} of {len(paths)} files were read, none of it is kept"

    again = "the same command starts anew"
    with (
        report_progress_on_interrupt(read, again),
        _progress(len(paths), progress) as advance,
        ThreadPoolExecutor(workers) as pool,
    ):
        try:
            for one in pool.map(lambda path: _scan(path, audio), paths):
                found.append(one)
                advance()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def _scan(path: str, audio: AudioSpec) -> dict[str, Any]:
    """What one file holds, decoded at its own rate."""
    try:
        info = probe(path)
        samples = load_audio(path, info.sample_rate)
    except AudioError as error:
        return {**BLANK, **GOOD, "unreadable": True, "reason": error.reason}
    kept = samples if audio.trim_top_db is None else trim_silence(samples, audio.trim_top_db)
    usable = len(kept) / info.sample_rate
    return {
        **GOOD,
        "duration": len(samples) / info.sample_rate,
        "usable": usable,
        "sample_rate": info.sample_rate,
        "channels": info.channels,
        "sha256": hashlib.sha256(samples.tobytes()).hexdigest(),
        "silent": bool(np.abs(samples).max() < SILENT_PEAK),
        "too_short": round(usable * audio.sample_rate) < audio.segment_samples,
    }


def _mark_duplicates(tracks: pd.DataFrame) -> pd.DataFrame:
    """Add `duplicate`, `duplicate_of`, `across_genres`; silence is its own kind of fault."""
    sound = tracks["sha256"].where(~tracks["silent"])
    groups = tracks[sound.notna()].groupby(sound[sound.notna()])
    first = groups["track_id"].transform("first").reindex(tracks.index)
    genres = groups["genre"].transform("nunique").reindex(tracks.index)
    duplicate = first.notna() & (first != tracks["track_id"])
    return tracks.assign(
        duplicate=duplicate,
        duplicate_of=first.where(duplicate),
        across_genres=(genres > 1) & duplicate,
    )


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
    """Whether the default split works on what can be read, and if not, why."""
    try:
        split = grouped(dataset_index.only(tracks.loc[~tracks["unreadable"], "track_id"]))
    except GenrelabError as error:
        return {"possible": False, "reason": str(error), "artists": None}
    return {"possible": True, "reason": "", "artists": split.artists, "notes": list(split.notes)}


@contextmanager
def _progress(total: int, show: bool) -> Iterator[Any]:
    if not show:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("checking"), BarColumn(), MofNCompleteColumn(), TextColumn("files"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("checking", total=total)
        yield lambda: bar.advance(task)
