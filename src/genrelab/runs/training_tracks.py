"""`tracks.parquet` of a run: which tracks, artists and recordings it has seen, and in which part."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.splits import Split
from genrelab.datasets.splits.grouping import group_keys
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path

TRACKS = "tracks.parquet"  # of a run's folder
BLOCK = 1 << 16  # bytes of a file that are hashed at its beginning, middle and end


def audio_hash(path: str | os.PathLike[str]) -> str | None:
    """SHA-256 of a file's size and of 64 KiB at its beginning, middle and end, 32 hex digits; None if unreadable.

    Copies have the same hash whatever they are called. Re-encoded and cut recordings have another: there the artist
    is what tells.
    """
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256(str(size).encode())
            for at in sorted({0, max(0, (size - BLOCK) // 2), max(0, size - BLOCK)}):
                file.seek(at)
                digest.update(file.read(BLOCK))
    except OSError:
        return None
    return digest.hexdigest()[:32]


def write_training_tracks(path: Path, dataset_index: DatasetIndex, split: Split) -> None:
    """Write a split's tracks: `track_id, part, artist_id, audio` (`audio_hash`; None where there is no audio)."""
    table = dataset_index.tracks[dataset_index.tracks["track_id"].isin(list(split.assignment))]
    found = table[["track_id", "artist_id"]].assign(part=table["track_id"].map(dict(split.assignment)))
    found["audio"] = pd.Series(_audio_hashes(dataset_index, table), index=found.index, dtype=object)
    with atomic_path(path) as part:
        found[["track_id", "part", "artist_id", "audio"]].astype("string").to_parquet(part, index=False)


def same_recordings(path: Path, dataset_index: DatasetIndex, split: Split) -> bool:
    """Whether a split's audio files are those that `write_training_tracks` kept, wherever they are now."""
    if not path.exists():
        return False
    kept = pd.read_parquet(path, columns=["track_id", "audio"]).astype(object)
    table = dataset_index.tracks[dataset_index.tracks["track_id"].isin(list(split.assignment))]
    now = dict(zip(table["track_id"], _audio_hashes(dataset_index, table), strict=True))
    began = dict(zip(kept["track_id"], kept["audio"].where(kept["audio"].notna(), None), strict=True))
    return began == now and None not in now.values()


def _audio_hashes(dataset_index: DatasetIndex, tracks: pd.DataFrame) -> list[str | None]:
    return [None if dataset_index.precomputed is not None else audio_hash(file) for file in tracks["path"]]


def read_training_tracks(run: Path, record: Mapping[str, Any]) -> pd.DataFrame:
    """What a run has seen; of an older run the track ids of its record alone.

    The tracks of parts that the run was refitted on are train's.

    Raises:
        GenrelabError: neither is there.
    """
    path = run / TRACKS
    if path.exists():
        table = pd.read_parquet(path).astype(object)
        if record.get("refit"):
            table["part"] = table["part"].replace(dict.fromkeys(record["refit"]["parts"], "train"))
        return table.where(table.notna(), None)
    split = record.get("split") or {}
    lines = [{"track_id": track, "part": part} for part in ("train", "val", "test") for track in split.get(part, ())]
    if not lines:
        raise GenrelabError(f"{run}: does not say what it was trained on; nothing can be said of songs being new to it")
    return pd.DataFrame(lines).assign(artist_id=None, audio=None).astype(object)


def find_overlap(known: pd.DataFrame, dataset: str, dataset_index: DatasetIndex) -> dict[str, str]:
    """Which tracks of a dataset were trained on, or have an artist who was, with the reason.

    Track ids count where the dataset has the run's name, since others may call other songs alike.

    Args:
        known: of the run, see `read_training_tracks`.
        dataset: the run's.
        dataset_index: the dataset to score.
    """
    train = known[known["part"] == "train"]
    ids = set(train["track_id"]) if dataset_index.name == dataset else set()
    recordings = {one for one in train["audio"] if one}
    seen = train[["track_id", "artist_id"]].assign(genre="-", path="-", album_id=None)
    artists = {key for keys in group_keys(DatasetIndex(dataset, seen)).values() for key in keys}
    found = {}
    for (track, keys), path in zip(group_keys(dataset_index).items(), dataset_index.tracks["path"], strict=True):
        shared = [name for kind, name in keys if (kind, name) in artists]
        if track in ids:
            found[track] = "the track"
        elif recordings and audio_hash(path) in recordings:
            found[track] = "the recording"
        elif shared:
            found[track] = f"the artist {shared[0]!r}"
    return found
