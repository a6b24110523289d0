"""Datasets that are a table of numbers: one row a track, its features measured by others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genrelab.datasets.audio_folder import normalize_id
from genrelab.datasets.gtzan import clip_name, published_tracks
from genrelab.datasets.index import LABEL, UNLABELED, DatasetIndex
from genrelab.datasets.registry import DATASETS
from genrelab.features.precomputed import PrecomputedFeature, PrecomputedFeatures, segment_numbers
from genrelab.utils.errors import ConfigError, GenrelabError, suggest

LABEL_HINT = " of the genre (join.<name>.label=null where a file that is joined has none)"


@DATASETS.register("table", "given")
def table(
    path: str | None = None,
    label: str | None = "genre",
    track: str | None = None,
    artist: str | None = None,
    album: str | None = None,
    columns: Sequence[str] | None = None,
    labels: list[str] | None = None,
    name: str | None = None,
) -> DatasetIndex:
    """Read a CSV or Parquet file with a label column and columns of numbers, one row a track or several.

    Rows with a missing number are left out and listed. Rows with the very same numbers stay in one part of a split:
    they are one recording, whatever their names.

    Args:
        path: the file.
        label: column of the genre; None where a file that is joined to another dataset has no genres.
        track: column that names the track; rows that share it are its segments. None makes each row a track.
        artist: column of the artist.
        album: column of the album.
        columns: the features; None takes all columns of numbers but the named ones.
        labels: further columns to learn beside the genre, each by a head of its own; empty cells are unknown.
        name: of the dataset; None takes the file's.

    Raises:
        ConfigError: no path named.
        GenrelabError: the file is missing or unreadable, a column is not there or holds no numbers, or rows of one
            track differ in a label.
    """
    source = existing(path)
    data = read_table(source)
    named = [one for one in (label, track, artist, album, *(labels or [])) if one is not None]
    for one in [*named, *(columns or [])]:
        if one not in data.columns:
            whose = ", which dataset.labels names" if one in (labels or []) else LABEL_HINT if one == label else ""
            raise GenrelabError(f"{source}: no column {one!r}{whose}{suggest(one, [str(c) for c in data.columns])}")
    numbers = [str(c) for c in data.columns if pd.api.types.is_numeric_dtype(data[c]) and c not in named]
    chosen = list(columns) if columns else numbers
    ids = [f"row-{i:06d}" for i in range(len(data))] if track is None else [normalize_id(str(v)) for v in data[track]]
    genres = [UNLABELED] * len(data) if label is None else data[label]
    facts_of = {"genre": genres, "artist_id": _optional(data, artist), "album_id": _optional(data, album)}
    facts_of |= {LABEL + one: _label(source, data[one], ids) for one in labels or []}
    return _make_index(name or source.stem, source, ids, pd.DataFrame(facts_of), data, chosen, "table")


@DATASETS.register("gtzan_features", "given")
def gtzan_features(path: str | None = None) -> DatasetIndex:
    """Read GTZAN's published feature table, `features_30_sec.csv` or `features_3_sec.csv` (B04).

    57 features a row; file names become clips ("blues.00000"), so that the fault-filtered lists and the known artists
    apply; the ten rows of a clip in the 3-s table are its segments. Fourteen pairs of rows carry the same numbers: one
    recording twice, which stays in one part of a grouped or stratified split.

    Args:
        path: the CSV file.

    Raises:
        ConfigError: no path named.
        GenrelabError: the file is missing, or no such table.
    """
    source = existing(path)
    data = read_table(source)
    if not {"filename", "label"} <= set(data.columns):
        raise GenrelabError(f"{source}: no columns filename and label; dataset=table reads tables of other layouts")
    clips = [clip_name(".".join(str(file).split(".")[:2])) for file in data["filename"]]
    unknown = [file for file, clip in zip(data["filename"], clips, strict=True) if clip not in published_tracks()]
    if unknown:
        raise GenrelabError(f"{source}: {unknown[0]!r} is no clip of GTZAN; dataset=table reads other tables")
    known = pd.DataFrame({"genre": data["label"], "artist_id": [published_tracks()[clip][1] for clip in clips]})
    known["official_split"] = [published_tracks()[clip][0] for clip in clips]
    columns = [c for c in data.columns if c not in ("filename", "length", "label")]
    return _make_index("gtzan_features", source, clips, known, data, columns, "tabular57")


def read_table(source: Path) -> pd.DataFrame:
    """A CSV or Parquet file as a table.

    Raises:
        GenrelabError: unreadable.
    """
    try:
        if source.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(source)
        return pd.read_csv(source, encoding="utf-8-sig", sep=None if source.suffix == ".txt" else ",", low_memory=False)
    except (OSError, ValueError) as error:
        raise GenrelabError(f"dataset.path: {source}: unreadable ({str(error).splitlines()[0]})") from error


def existing(path: str | None) -> Path:
    """The file that `dataset.path` names."""
    if not path:
        raise ConfigError(["dataset.path: name the file, as in dataset.path=features.csv"])
    source = Path(path).expanduser()
    if not source.is_file():
        raise GenrelabError(f"dataset.path: {source}: no such file")
    return source


def _label(source: Path, column: pd.Series[Any], ids: Sequence[str]) -> pd.Series[Any]:
    """A label's column, the same on all rows of a track; whole numbers are written without a point."""
    whole = pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all()
    values = column.astype("Int64") if whole else column
    tracks = pd.Series(ids, index=column.index, dtype=object)
    several = values.groupby(tracks).nunique()
    if (several > 1).any():
        track = several.index[several > 1][0]
        found = " and ".join(repr(str(value)) for value in values[tracks == track].dropna().unique()[:2])
        raise GenrelabError(f"{source}: rows of track {track!r} have the {column.name} {found}; a track has one")
    return values.groupby(tracks).transform("first")


def _optional(data: pd.DataFrame, column: str | None) -> Any:
    return [None] * len(data) if column is None else data[column]


def _make_index(
    name: str,
    source: Path,
    ids: Sequence[str],
    known: pd.DataFrame,
    data: pd.DataFrame,
    columns: Sequence[str],
    feature: str,
) -> DatasetIndex:
    """The dataset index of a table: `ids` and `known` (genre, artist) describe its rows, `columns` its features."""
    values = _numbers(source, data, columns)
    finite, titled = np.isfinite(values), known["genre"].notna().to_numpy()
    whole = finite.all(axis=1) & titled
    rejected = [
        (f"{source}, row {i + 1}", f"no number in {columns[finite[i].argmin()]!r}" if titled[i] else "no genre")
        for i in np.flatnonzero(~whole).tolist()
    ]
    values, known = values[whole], known.loc[whole].reset_index(drop=True)
    tracks = np.array(ids, dtype=object)[whole]
    twins = one_recording(values, tracks)
    rows = known.assign(track_id=tracks, genre=known["genre"].astype(str).str.strip())
    rows["album_id"] = [
        twins.get(t) or a for t, a in zip(tracks, rows.get("album_id", [None] * len(rows)), strict=True)
    ]
    rows["path"] = [f"{source}, row {i + 1}" for i in np.flatnonzero(whole).tolist()]
    rows = rows.drop_duplicates("track_id")
    notes = [f"features measured by others: {source.name}, {len(columns)} numbers a row"]
    if rejected:
        notes.append(f"{len(rejected)} rows left out: a number or the genre is missing")
    if twins:
        notes.append(f"{len(twins)} tracks carry another's numbers: they stay together in a split")
    precomputed = PrecomputedFeatures(
        tracks, segment_numbers(tracks.tolist()), (PrecomputedFeature(feature, values, tuple(map(str, columns))),)
    )
    return DatasetIndex(name, rows, tuple(notes), tuple(rejected), precomputed=precomputed)


def _numbers(source: Path, data: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """`[N, D]` float32; raises GenrelabError where a column holds text."""
    if not columns:
        raise GenrelabError(f"{source}: no column of numbers to learn from")
    for column in columns:
        if not pd.api.types.is_numeric_dtype(data[column]):
            raise GenrelabError(f"{source}: column {column!r} holds text; name the features in dataset.columns")
    return np.ascontiguousarray(data[list(columns)].to_numpy(np.float32))


def one_recording(values: np.ndarray, tracks: np.ndarray) -> dict[str, str]:
    """Tracks that share a row of numbers with another: a common name by track id, for `album_id`."""
    first: dict[bytes, str] = {}
    same: dict[str, str] = {}
    for row, track in zip(values, tracks.tolist(), strict=True):
        other = first.setdefault(row.tobytes(), track)
        if other != track:
            name = same.get(other, f"same recording as {other}")
            same[other] = same[track] = name
    return same
