"""Splits by published lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from genrelab.datasets.gtzan import clip_name, published_tracks
from genrelab.datasets.index import SPLIT_NAMES, DatasetIndex, SplitName
from genrelab.datasets.splits.registry import SPLITS
from genrelab.datasets.splits.split import Split, SplitError, crossing_artists
from genrelab.datasets.splits.stratified_group import GroupBy, assign, judge_artists
from genrelab.utils.errors import ConfigError


@SPLITS.register("official")
def official(dataset_index: DatasetIndex, group_by: GroupBy = None, val_share: float = 0.1, seed: int = 0) -> Split:
    """The split that the dataset itself names.

    Args:
        dataset_index: tracks with `official_split`; those without are left out.
        val_share: of the train tracks, taken as val where the dataset names train and test only; by genre, artists kept
            apart where that is possible.
        seed: of that choice.
        group_by: None takes the lists as they are and marks crossing artists `artist_leak`;
            "artist" refuses lists whose artists cross parts.

    Raises:
        ConfigError: val_share is not between 0 and 1.
        SplitError: the dataset names no parts, one is empty, or a genre is missing from train.
    """
    if not 0 < val_share < 1:
        raise ConfigError([f"split.val_share: {val_share} is not between 0 and 1"])
    columns = dataset_index.tracks[["track_id", "official_split"]].dropna()
    parts: dict[str, SplitName] = dict(zip(columns["track_id"], columns["official_split"], strict=True))
    if not parts:
        raise SplitError(f"dataset {dataset_index.name} names no official split; use split=grouped")
    notes: tuple[str, ...] = ()
    if "val" not in parts.values():
        train = [track for track, part in parts.items() if part == "train"]
        chosen = _val_of(dataset_index.only(train), val_share, seed)
        parts |= dict.fromkeys(chosen, "val")
        notes = (f"the dataset names no val part: {len(chosen)} train tracks stand for it",)
    split = _listed(parts, dataset_index, "official", group_by)
    return replace(split, notes=(*split.notes, *notes))


def _val_of(train: DatasetIndex, share: float, seed: int) -> list[str]:
    """Tracks of the train part to use as val."""
    shares = np.array([1 - share, share])
    try:
        place = assign(train, shares, seed, "artist", "parts (train, val)")
    except SplitError:
        place = assign(train, shares, seed, None, "parts (train, val)")
    return [str(track) for track in train.tracks["track_id"][place == 1]]


@SPLITS.register("fault_filtered")
def fault_filtered(dataset_index: DatasetIndex, group_by: GroupBy = None) -> Split:
    """GTZAN's fault-filtered lists (Kereliuk, Sturm, Larsen 2015): 443, 197 and 290 clips.

    Six artists stand in train and in test, by the whole text of Sturm's index; the results are marked `artist_leak`.

    Args:
        dataset_index: GTZAN in any form; track ids are names of clips, or file names such as "blues.00000.wav".
        group_by: None takes the lists as they are; "artist" refuses them, since artists cross parts.

    Raises:
        SplitError: the tracks are not GTZAN's, or too few of them are here.
    """
    clips = {
        track: clip_name(track.rsplit("/", 1)[-1].removesuffix(_extension(track))) for track in dataset_index.genre_of
    }
    listed = {track: published_tracks()[clip][0] for track, clip in clips.items() if clip in published_tracks()}
    if not listed:
        raise SplitError(f"split=fault_filtered is of GTZAN, and {dataset_index.name} holds none of its clips")
    parts: dict[str, SplitName] = {track: part for track, part in listed.items() if part is not None}  # type: ignore[misc]
    return _listed(parts, dataset_index, "fault_filtered", group_by)


def _extension(track: str) -> str:
    """ ".wav" of "blues.00000.wav", nothing of "blues.00000"."""
    tail = track.rsplit(".", 1)[-1]
    return "" if tail.isdigit() or tail == track else f".{tail}"


def _listed(parts: Mapping[str, SplitName], dataset_index: DatasetIndex, kind: str, group_by: GroupBy) -> Split:
    """The split by lists, its gaps refused and its leaks told."""
    genres = dataset_index.genres_of
    counts = Counter((part, genre) for track, part in parts.items() for genre in genres[track])
    used = dataset_index.genres
    gaps = {part: [genre for genre in used if not counts[part, genre]] for part in SPLIT_NAMES}
    for part in SPLIT_NAMES:
        if len(gaps[part]) == len(used) or (part == "train" and gaps[part]):
            names = ", ".join(gaps[part][:8])
            raise SplitError(
                f"split={kind}: no {part} track of {names}: the lists name tracks that are not here; "
                "add them, or use split=grouped"
            )
    notes = [f"no {part} track of {', '.join(gaps[part])}" for part in ("val", "test") if gaps[part]]
    if left := len(dataset_index) - len(parts):
        notes.append(f"tracks on no list, left out: {left}")
    crossing = crossing_artists(parts, dataset_index)
    state, _, _, told = judge_artists(parts, dataset_index, group_by)
    if state == "unknown":
        return Split(parts, kind, None, state, notes=(*notes, *told))
    if not crossing:
        return Split(parts, kind, None, "apart", notes=tuple(notes))
    notes.append(f"{len(crossing)} artists stand in several parts, such as {', '.join(crossing[:3])} (artist_leak)")
    return Split(parts, kind, None, "ignored", True, len(crossing), notes=tuple(notes))
