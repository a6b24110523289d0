"""Genre names that look like one name in several spellings, or like several names in one cell."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace

from genrelab.datasets.index import DatasetIndex
from genrelab.taxonomy.name_matching import key

SHOWN = 5  # names that a note lists
_BETWEEN = re.compile(r"\s*[;|]\s*")  # names in a cell; "Swing / Big Band" and "Jazz, cool" are names of one genre
_LOOSELY_BETWEEN = re.compile(r"\s*[,/]\s*")


def merge_spellings(dataset_index: DatasetIndex) -> DatasetIndex:
    """Name genres that differ in case, separators, spaces and accents alone by the spelling that most tracks have."""
    commonest = {name: next(iter(names)) for names in _alike(dataset_index) for name in names}
    tracks = dataset_index.tracks.assign(genre=dataset_index.tracks["genre"].replace(commonest))
    if dataset_index.multi_label:
        tracks["genres"] = [tuple(commonest.get(name, name) for name in several) for several in tracks["genres"]]
    return replace(dataset_index, tracks=tracks)


def note_genre_names(dataset_index: DatasetIndex, resolve: Callable[[str], str] | None = None) -> DatasetIndex:
    """Add notes on genres in several spellings, and on genres that name several.

    Args:
        dataset_index: the tracks.
        resolve: returns the class of a name; spellings that are one class need no note. None: every name is a class.
    """
    notes = []
    alike = [names for names in _alike(dataset_index) if resolve is None or len({resolve(name) for name in names}) > 1]
    if alike:
        listed = "; ".join(" = ".join(f"{name} ({count})" for name, count in names.items()) for names in alike[:SHOWN])
        notes.append(
            f"genres that differ in spelling alone, with their tracks: {listed}{_more(len(alike))} "
            "(the same command with data.merge_spellings=true merges them)"
        )
    if joined := _joined(dataset_index):
        listed = ", ".join(f"{name!r} ({count})" for name, count in list(joined.items())[:SHOWN])
        notes.append(
            f"genres that name several, with their tracks: {listed}{_more(len(joined))} "
            "(several genres a track: target=multi_label with dataset.separator, see docs/multi-label.md)"
        )
    return replace(dataset_index, notes=(*dataset_index.notes, *notes))


def _more(count: int) -> str:
    return f" and {count - SHOWN} more" if count > SHOWN else ""


def _counts(dataset_index: DatasetIndex) -> Counter[str]:
    return Counter(name for names in dataset_index.genres_of.values() for name in names)


def _alike(dataset_index: DatasetIndex) -> list[dict[str, int]]:
    """The tracks of each spelling, the commonest first, of genres with several spellings."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for name, count in sorted(_counts(dataset_index).items(), key=lambda item: (-item[1], item[0])):
        found[key(name) or name][name] = count
    return [names for _, names in sorted(found.items()) if len(names) > 1]


def _joined(dataset_index: DatasetIndex) -> dict[str, int]:
    """The tracks of genres such as "blues; pop"; with commas and slashes where all parts are genres on their own."""
    counts = _counts(dataset_index)
    single = {key(name) for name in counts}

    def joins(name: str) -> bool:
        if len([part for part in _BETWEEN.split(name) if part]) > 1:
            return True
        parts = [part for part in _LOOSELY_BETWEEN.split(name) if part]
        return len(parts) > 1 and all(key(part) in single for part in parts)

    return {name: count for name, count in sorted(counts.items()) if joins(name)}
