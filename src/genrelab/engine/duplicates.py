"""Copies of one recording in a run: looked for before the split, named in its record, report and output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genrelab.audio.spec import AudioSpec
from genrelab.config.schema import PathsSpec, read_fields, resolve_path
from genrelab.datasets import DatasetIndex
from genrelab.datasets.duplicates import group_copies, mark_duplicates
from genrelab.datasets.recordings import scan_recordings
from genrelab.datasets.splits import Split
from genrelab.datasets.splits.split import ACROSS_SPLITS, crossing_duplicates
from genrelab.utils.errors import GenrelabError

SHOWN = 5  # recordings that a line names
_NO_AUDIO = "the features have no audio"
_STAND_IN = "composed by genrelab, without copies"
_OFF = "data.find_duplicates=false"


def inspect_recordings(config: Mapping[str, Any], dataset_index: DatasetIndex) -> DatasetIndex:
    """Look through the audio of a dataset once, where that is asked for and possible.

    Tracks that are unreadable, silent or too short are left out before the split, and copies are named.
    """
    if _unchecked(dataset_index, config):
        return dataset_index
    cache = resolve_path(read_fields(PathsSpec, config["paths"], "paths").cache_dir)
    audio = read_fields(AudioSpec, config["audio"], "audio")
    paths = list(dataset_index.tracks["path"])
    recordings = scan_recordings(paths, audio, cache)
    faults = [recording.fault(audio) for recording in recordings]
    if all(faults):
        raise GenrelabError(
            f"{dataset_index.name}: none of its {len(paths)} files can be used, such as {paths[0]}: {faults[0]} "
            "(genrelab check lists all)"
        )
    dataset_index = dataset_index.without((path, fault) for path, fault in zip(paths, faults, strict=True) if fault)
    groups = group_copies([recording for recording, fault in zip(recordings, faults, strict=True) if not fault])
    return mark_duplicates(dataset_index, groups, drop=config["data"]["conflicting_duplicates"] == "drop")


def _unchecked(dataset_index: DatasetIndex, config: Mapping[str, Any]) -> str:
    """Why copies are not looked for; "" where they are. Runs of before there was an option did not."""
    if dataset_index.precomputed is not None:
        return _NO_AUDIO
    if dataset_index.stand_in:
        return _STAND_IN
    return "" if config["data"].get("find_duplicates", False) else _OFF


def record_duplicates(config: Mapping[str, Any], dataset_index: DatasetIndex, split: Split) -> dict[str, Any]:
    """What a run's record keeps of copies.

    Returns:
        Plain data: `unchecked` (why they were not looked for, or ""), `groups` (track ids of each recording that is
        there several times), and of these groups `across_genres` and `across_splits`.
    """
    groups = dataset_index.duplicate_groups or ()
    genres = dataset_index.genres_of
    return {
        "unchecked": _unchecked(dataset_index, config) if dataset_index.duplicate_groups is None else "",
        "groups": [list(group) for group in groups],
        "across_genres": [list(group) for group in groups if len({frozenset(genres[track]) for track in group}) > 1],
        "across_splits": [
            [track for track, _ in group] for group in crossing_duplicates(split.assignment, dataset_index)
        ],
    }


def duplicate_lines(found: Mapping[str, Any], dataset_index: DatasetIndex, split: Split) -> list[str]:
    """Say in one line each what a reader must know of copies, as `record_duplicates` found them."""
    if found["unchecked"]:
        return [] if dataset_index.stand_in else [f"copies of one recording were not looked for: {found['unchecked']}"]
    lines = []
    if crossing := found["across_splits"]:
        named = [[f"{track} ({split.assignment[track]})" for track in group] for group in crossing]
        lines.append(
            f"{ACROSS_SPLITS}: {_listed(named)}: scores are too high "
            f"(split={split.kind} keeps its lists; split=grouped keeps copies in one part)"
        )
    if groups := [group for group in found["groups"] if group not in crossing]:
        lines.append(f"copies of one recording{'' if split.unsafe else ', kept in one part'}: {_listed(groups)}")
    if conflicting := found["across_genres"]:
        genre_of = dataset_index.genre_of
        named = [[f"{track} ({genre_of[track]})" for track in group] for group in conflicting]
        lines.append(
            f"copies under different genres: {_listed(named)} "
            "(correct the labels, or leave these tracks out by data.conflicting_duplicates=drop)"
        )
    return lines


def _listed(groups: Sequence[Sequence[str]]) -> str:
    shown = "; ".join(" = ".join(group) for group in groups[:SHOWN])
    return shown + (f"; and {len(groups) - SHOWN} more in run.json, duplicates" if len(groups) > SHOWN else "")
