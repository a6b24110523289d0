"""Published feature sets: those of GTZAN and of the Million Song Dataset (system D)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from genrelab.datasets.arff import Arff, read_arff
from genrelab.datasets.feature_table import one_recording
from genrelab.datasets.gtzan import GENRES, published_tracks
from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.registry import DATASETS
from genrelab.features.precomputed import PrecomputedFeature, PrecomputedFeatures
from genrelab.utils.errors import ConfigError, GenrelabError

PER_GENRE = 100


@DATASETS.register("gtzan_arff", "given")
def gtzan_arff(root: str | None = None, sets: Sequence[str] = ("ssd",)) -> DatasetIndex:
    """Read TU Wien and Marsyas feature sets of GTZAN: `gtzan_<set>.arff`, a row a clip in sorted order, class last.

    The files hold no names: a row's place tells its clip. Rows whose class is not that of their place are left out; so
    are rows that repeat others in all sets (the Marsyas files hold hiphop twice and no disco).

    Args:
        root: folder of the files.
        sets: which of them ("ssd", "rh", "timbral", ...); each becomes a feature.

    Raises:
        ConfigError: no root named, or no set.
        GenrelabError: a file is missing, is no ARFF, or has other than 1000 rows.
    """
    if not root or not sets:
        raise ConfigError(["dataset.root: name the folder with gtzan_<set>.arff" if not root else "dataset.sets: none"])
    files = [_found(Path(root).expanduser(), f"gtzan_{name}.arff") for name in sets]
    read = [read_arff(file) for file in files]
    clips = np.array([f"{genre}.{i:05d}" for genre in GENRES for i in range(PER_GENRE)], dtype=object)
    fits = np.ones(len(clips), bool)
    for one in read:
        if len(one.names) != len(clips):
            raise GenrelabError(f"{one.path}: {len(one.names)} rows, not GTZAN's {len(clips)}")
        fits &= one.names == np.array([clip.split(".")[0] for clip in clips], dtype=object)
    joined = np.concatenate([one.values for one in read], axis=1)
    twins = one_recording(joined[fits], clips[fits])
    rejected = [
        (f"{files[0].name}, row {i + 1}", f"its class is not that of {clips[i]}") for i in np.flatnonzero(~fits)
    ]
    if not fits.any():
        raise GenrelabError(f"{files[0]}: no row has the class of its place; rows in sorted order are expected")
    rows = pd.DataFrame({"track_id": clips, "genre": [clip.split(".")[0] for clip in clips]})
    rows["artist_id"] = [published_tracks()[clip][1] for clip in clips]
    rows["official_split"] = [published_tracks()[clip][0] for clip in clips]
    rows["album_id"] = [twins.get(clip) for clip in clips]
    rows["path"] = [f"{files[0]}, row {i + 1}" for i in range(len(clips))]
    notes = [f"features measured by others: {', '.join(file.name for file in files)}"]
    if rejected:
        lost = Counter(clips[i].split(".")[0] for i in np.flatnonzero(~fits))
        notes.append("rows left out, their class is not that of their place: " + _counted(lost))
    if twins:
        notes.append(f"{len(twins)} clips carry another's numbers: they stay together in a split")
    features = tuple(
        PrecomputedFeature(name, one.values[fits], one.columns) for name, one in zip(sets, read, strict=True)
    )
    precomputed = PrecomputedFeatures(clips[fits], np.zeros(int(fits.sum()), np.int64), features)
    return DatasetIndex("gtzan_arff", rows[fits], tuple(notes), tuple(rejected), precomputed=precomputed)


@DATASETS.register("top_magd", "given")
def top_magd(
    cache: Path,
    features: Sequence[str] | None = None,
    labels: str | None = None,
    partition: str | None = None,
    name: str = "top_magd",
    multi_label: bool = False,
) -> DatasetIndex:
    """Read feature sets of the Million Song Dataset with the genres of Top-MAGD, MAGD, MASD or tagtraum (system D).

    Args:
        cache: folder that keeps parsed files; supplied by code.
        features: ARFF files (plain or .gz), the track id last; each becomes a feature, named by its file. Tracks that
            one of them lacks are left out.
        labels: the `.cls` file: track id, TAB, genre ("New Age" holds a space), perhaps TAB and a second genre.
        partition: a `.cls` file of a published split: track id, TAB, TRAIN or TEST; it fills `official_split`.
        name: of the dataset.
        multi_label: keep the second genre too, where a line has one; supplied by code.

    Raises:
        ConfigError: no features or labels named.
        GenrelabError: a file is missing or a line does not fit; names file and line.
    """
    problems = [] if features else ["dataset.features: name the ARFF files, as in dataset.features=[ssd.arff]"]
    problems += [] if labels else ["dataset.labels: name the .cls file of genres"]
    if problems:
        raise ConfigError(problems)
    named = read_cls(Path(str(labels)))
    genres = {track: fields[0] for track, fields in named.items()}
    parts = {track: fields[0] for track, fields in read_cls(Path(partition)).items()} if partition else {}
    wrong = next((track for track, part in parts.items() if part.upper() not in ("TRAIN", "TEST")), None)
    if wrong is not None:
        raise GenrelabError(f"{partition}: {wrong} is in {parts[wrong]!r}, neither TRAIN nor TEST")
    read = [read_arff(_found(Path(), file), cache, frozenset(genres)) for file in features or ()]
    common = sorted(set(read[0].names.tolist()).intersection(*(one.names.tolist() for one in read[1:])))
    if not common:
        raise GenrelabError(f"{read[0].path}: no track of {labels} has features; do ids stand last in a row?")
    rows = pd.DataFrame({"track_id": common, "genre": [genres[track] for track in common]})
    if multi_label:
        rows["genres"] = [tuple(filter(None, named[track][:2])) for track in common]
    if parts:
        rows["official_split"] = [parts.get(track, "").lower() or None for track in common]
    rows["path"] = [f"{read[0].path}, {track}" for track in common]
    lost = len(genres) - len(common)
    notes = (
        f"features measured by others: {', '.join(one.path.name for one in read)}",
        *([f"{lost} of {len(genres)} labeled tracks have no features here"] if lost else []),
    )
    precomputed = PrecomputedFeatures(
        np.array(common, dtype=object),
        np.zeros(len(common), np.int64),
        tuple(PrecomputedFeature(one.path.name.split(".")[0], _ordered(one, common), one.columns) for one in read),
    )
    return DatasetIndex(name, rows, notes, precomputed=precomputed)


def read_cls(path: Path) -> dict[str, tuple[str, ...]]:
    """A `.cls` file: the fields after the track id, split at TABs only; `%` begins a comment.

    Raises:
        GenrelabError: missing, a line without a TAB, or a track that stands twice with different fields.
    """
    found: dict[str, tuple[str, ...]] = {}
    try:
        with path.expanduser().open(encoding="utf-8") as handle:
            for number, line in enumerate(handle, start=1):
                text = line.rstrip("\r\n")
                if not text.strip() or text.startswith("%"):
                    continue
                track, *fields = (field.strip() for field in text.split("\t"))
                if not fields or not fields[0]:
                    raise GenrelabError(f"{path}, line {number}: no TAB and label after {track!r}")
                if found.setdefault(track, tuple(fields)) != tuple(fields):
                    raise GenrelabError(f"{path}, line {number}: {track} stands twice, with different labels")
    except (OSError, UnicodeDecodeError) as error:
        raise GenrelabError(f"{path}: unreadable ({error})") from error
    if not found:
        raise GenrelabError(f"{path}: no line with a track")
    return found


def _ordered(one: Arff, tracks: Sequence[str]) -> np.ndarray:
    """The rows of `tracks`, in their order; the file's own array where it is in that order already."""
    if one.names.tolist() == list(tracks):
        return one.values
    place = {track: number for number, track in enumerate(one.names.tolist())}
    return np.asarray(one.values[[place[track] for track in tracks]])


def _found(root: Path, name: str) -> Path:
    file = root / Path(name).expanduser()
    if not file.is_file():
        there = ", ".join(sorted(path.stem.removeprefix("gtzan_") for path in root.glob("gtzan_*.arff")))
        raise GenrelabError(f"{file}: no such file{f'; the folder has the sets {there}' if there else ''}")
    return file


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} of {genre}" for genre, number in sorted(counts.items()))
