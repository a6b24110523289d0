"""`dataset=gtzan`: the GTZAN clips in their published layouts (Tzanetakis and Cook 2002).

`gtzan.tsv` holds two facts a clip: its part in the fault-filtered lists (Kereliuk, Sturm, Larsen 2015, "Deep
learning and music adversaries"), and its artist as Sturm's index of the dataset names it (2012-2013).
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd

from genrelab.audio import AudioError, probe
from genrelab.datasets.audio_folder import find_root, format_others, list_audio
from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.registry import DATASETS
from genrelab.utils.errors import GenrelabError

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
BAD_CLIP = "jazz.00054"  # unreadable in the common (Kaggle) copy; on the fault-filtered train list
_PLACES = ("genres_original", "genres", "Data/genres_original", "gtzan_genre/genres", ".")
_CLIP = re.compile(r"([a-z-]+)\.?(\d{5})")


@DATASETS.register("gtzan")
def gtzan(root: str | None = None) -> DatasetIndex:
    """Read GTZAN: genres_original/<genre>/<genre>.NNNNN.wav (or .au, .flac; also genres/, Data/, or root itself).

    Track ids are the clips' names ("blues.00000"), whatever the copy. `official_split` is the fault-filtered part;
    clips that the lists leave out have none.

    Args:
        root: the unpacked archive, or the folder with the ten genre folders.

    Raises:
        ConfigError: no root named.
        GenrelabError: root is missing, or holds no GTZAN clips.
    """
    top = find_root(root, "the unpacked GTZAN archive, or its folder genres_original")
    holds_genres = (top / name for name in _PLACES if any((top / name / genre).is_dir() for genre in GENRES))
    rows: dict[str, dict[str, Any]] = {}
    rejected: list[tuple[str, str]] = []
    found = list_audio(next(holds_genres, top))
    for path in found.files:
        clip = clip_name(path.stem)
        if clip not in published_tracks():
            rejected.append((str(path), "not a clip of GTZAN"))
        elif clip in rows:
            rejected.append((str(path), f"{clip} again, beside {rows[clip]['path']}"))
        else:
            part, artist = published_tracks()[clip]
            genre = clip.split(".")[0]
            rows[clip] = {"track_id": clip, "genre": genre, "artist_id": artist, "path": str(path)}
            rows[clip]["official_split"] = part
    if not rows:
        raise GenrelabError(f"{top}: no GTZAN clip in it; expected genres_original/blues/blues.00000.wav and so on")
    if BAD_CLIP in rows and (reason := _unreadable(rows[BAD_CLIP]["path"])):
        rejected.append((rows.pop(BAD_CLIP)["path"], f"known bad clip of GTZAN: {reason}"))
    return DatasetIndex("gtzan", pd.DataFrame(rows.values()), _notes(rows, found.others), tuple(rejected))


@cache
def published_tracks() -> dict[str, tuple[str | None, str | None]]:
    """Per clip its part in the fault-filtered lists ("train" | "val" | "test") and its artist; None if unlisted."""
    text = resources.files("genrelab.datasets").joinpath("gtzan.tsv").read_text(encoding="utf-8")
    lines = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {clip: (part or None, artist or None) for clip, part, artist in lines}


def clip_name(stem: str) -> str:
    """The clip of a file's stem, all spellings alike: "hip-hop.00001" and "blues00000" (the pictures) too."""
    found = _CLIP.fullmatch(stem.lower())
    return f"{found[1].replace('-', '')}.{found[2]}" if found else stem


def _unreadable(path: str) -> str:
    """Why a clip's header cannot be read; empty where it can. Decoding belongs to a later stage."""
    try:
        probe(path)
    except AudioError as error:
        return error.reason
    return ""


def _notes(rows: dict[str, dict[str, Any]], others: Counter[str]) -> tuple[str, ...]:
    notes = ["fault-filtered lists: Kereliuk, Sturm and Larsen 2015; artists: Sturm's index of GTZAN"]
    if others:
        notes.append(f"files that are not audio skipped: {format_others(others)}")
    if len(rows) < len(published_tracks()):
        notes.append(f"{len(rows)} of GTZAN's {len(published_tracks())} clips are here")
    if BAD_CLIP not in rows:
        notes.append(f"{BAD_CLIP} is absent or unreadable: the fault-filtered train list counts 442 of its 443 clips")
    if unknown := sum(row["artist_id"] is None for row in rows.values()):
        notes.append(f"no artist is known for {unknown} of the clips; each of them counts as an artist of its own")
    return tuple(notes)
