"""`dataset=embeddings`: vectors or sequences of them that an encoder made elsewhere."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genrelab.datasets.audio_folder import normalize_id
from genrelab.datasets.feature_table import LABEL_HINT, existing
from genrelab.datasets.first_genre import SEVERAL, FirstGenre, choose_genres, note_choice
from genrelab.datasets.index import UNLABELED, DatasetIndex
from genrelab.datasets.registry import DATASETS
from genrelab.features.precomputed import PrecomputedFeature, PrecomputedFeatures, segment_numbers
from genrelab.taxonomy.tree_reader import depth_of
from genrelab.utils.errors import ConfigError, GenrelabError, suggest


@DATASETS.register("embeddings", "given")
def embeddings(
    path: str | None = None,
    values: str = "embedding",
    label: str | None = "genre",
    track: str | None = None,
    artist: str | None = None,
    separator: str | None = None,
    hierarchy: str | None = None,
    first_genre: FirstGenre = "single",
    min_tracks: int = 0,
    name: str | None = None,
    multi_label: bool = False,
) -> DatasetIndex:
    """Read an NPZ or Parquet file of `[N, D]` vectors, or `[N, T, D]` sequences, with a genre each.

    A sequence becomes a picture `[D, T]`, time along the second axis, as spectrograms are.

    Args:
        path: the file.
        values: array or column of the embeddings.
        label: array or column of the genre; None where a file that is joined to another dataset has no genres.
        track: array or column that names the track; rows that share it are its segments. None: each row is a track.
        artist: array or column of the artist, or of any group that must not stand on both sides of a split.
        separator: between several genres of one row; with `hierarchy` the deepest counts, else see `first_genre`.
        hierarchy: CSV of the tree (columns name, parent) that says which of several genres is the deepest.
        first_genre: which of several counts with target=genre and no hierarchy, see `choose_genres`.
        min_tracks: genres with fewer tracks are left out.
        name: of the dataset; None takes the file's.
        multi_label: keep all genres of a row, the deepest one first; supplied by code.

    Raises:
        ConfigError: no path named.
        GenrelabError: the file is missing or unreadable, an array is not there, or shapes do not fit.
    """
    source = existing(path)
    wanted = [one for one in (values, label, track, artist) if one]
    arrays = _read(source, wanted, label)
    matrix = _matrix(source, values, arrays[values])
    if multi_label and label and not separator:
        raise ConfigError(["dataset.separator: what stands between several genres? as in 'dataset.separator=\"|\"'"])
    genres = [[str(text).strip()] for text in (arrays[label] if label else [UNLABELED] * len(matrix))]
    if separator and label:
        depths = depth_of(Path(hierarchy).expanduser()) if hierarchy else {}
        genres = [_deepest_first(text, separator, depths) for [text] in genres]
    count = len(matrix)
    ids = [normalize_id(str(v)) for v in arrays[track]] if track else [f"row-{i:06d}" for i in range(count)]
    rows = pd.DataFrame({"track_id": ids, "genre": [names[0] for names in genres]})
    further: list[str] = []
    if label and separator and not hierarchy and not multi_label:
        chosen, further = _one_of_several(ids, genres, first_genre)
        rows["genre"] = pd.Series(chosen, dtype=object)
    if multi_label:
        rows["genres"] = _of_tracks(ids, genres, min_tracks)
        rows["genre"] = [names[0] if names else "" for names in rows["genres"]]
    rows["artist_id"] = [str(v) for v in arrays[artist]] if artist else None
    rows["path"] = [f"{source}, row {i + 1}" for i in range(count)]
    kept, rejected, notes = _kept(rows, min_tracks)
    precomputed = PrecomputedFeatures(
        rows["track_id"].to_numpy(object)[kept],
        segment_numbers(rows["track_id"][kept].tolist()),
        (PrecomputedFeature(values, matrix[kept]),),
    )
    size = f"{matrix.shape[1]} numbers" if matrix.ndim == 2 else f"{matrix.shape[2]} steps of {matrix.shape[1]} numbers"
    notes_of_index = (f"embeddings made elsewhere: {source.name}, {size} a row", *notes, *further)
    tracks = rows[kept].drop_duplicates("track_id")
    return DatasetIndex(name or source.stem, tracks, notes_of_index, rejected, precomputed=precomputed)


def _read(source: Path, wanted: list[str], label: str | None) -> dict[str, Any]:
    """The wanted arrays or columns; none is unpickled."""
    try:
        if source.suffix.lower() == ".npz":
            with np.load(source, allow_pickle=False) as data:
                there = list(data.files)
                found = {one: data[one] for one in wanted if one in there}
        elif source.suffix.lower() in (".parquet", ".pq"):
            table = pd.read_parquet(source)
            there = [str(column) for column in table.columns]
            found = {one: table[one].to_numpy() for one in wanted if one in there}
        else:
            raise ConfigError([f"dataset.path: {source}: an .npz or .parquet file is wanted"])
    except (OSError, ValueError) as error:
        raise GenrelabError(f"dataset.path: {source}: unreadable ({str(error).splitlines()[0]})") from error
    for one in wanted:
        if one not in found:
            hint = LABEL_HINT if one == label else ""
            raise GenrelabError(f"{source}: no array or column {one!r}{hint}{suggest(one, there)}")
        if len(found[one]) != len(found[wanted[0]]):
            raise GenrelabError(
                f"{source}: {one!r} has {len(found[one])} rows, {wanted[0]!r} has {len(found[wanted[0]])}"
            )
    return found


def _matrix(source: Path, name: str, array: np.ndarray) -> np.ndarray:
    """`[N, D]` or `[N, D, T]`, float32, float16 or uint8."""
    if array.dtype == object:  # Parquet holds lists
        try:
            array = np.stack([np.stack(list(row)) if row.dtype == object else row for row in map(np.asarray, array)])
        except ValueError as error:
            raise GenrelabError(f"{source}: the rows of {name!r} differ in length") from error
    if array.ndim not in (2, 3) or not np.issubdtype(array.dtype, np.number):
        raise GenrelabError(f"{source}: {name!r} is {array.dtype} {list(array.shape)}; numbers [N, D] or [N, T, D] fit")
    if array.dtype.name not in ("float32", "float16", "uint8"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise GenrelabError(f"{source}: NaN or infinity in {name!r}; mend or leave out those rows")
    return np.ascontiguousarray(array.transpose(0, 2, 1) if array.ndim == 3 else array)


def _deepest_first(text: str, separator: str, depths: dict[str, int]) -> list[str]:
    """Several genres of a row, the deepest first, equally deep ones as they stand."""
    names = [one.strip() for one in text.split(separator)]
    return sorted(names, key=lambda one: -depths.get(one, 0))


def _of_tracks(ids: list[str], genres: list[list[str]], min_tracks: int) -> list[tuple[str, ...]]:
    """All genres of each row's track that enough tracks have."""
    of_track: dict[str, dict[str, None]] = {}
    for track, names in zip(ids, genres, strict=True):
        of_track.setdefault(track, {}).update(dict.fromkeys(name for name in names if name))
    counts = Counter(name for names in of_track.values() for name in names)
    return [tuple(name for name in of_track[track] if counts[name] >= min_tracks) for track in ids]


def _one_of_several(
    ids: list[str], genres: list[list[str]], first_genre: FirstGenre
) -> tuple[list[str | None], list[str]]:
    """The genre of each row's track, None where it has too many; and notes."""
    of_track = dict(zip(ids, _of_tracks(ids, genres, 0), strict=True))
    named = {track: names for track, names in of_track.items() if names}
    chosen = choose_genres(list(named.values()), first_genre)
    found = dict(zip(named, chosen, strict=True))
    return [found.get(track, "") for track in ids], note_choice(list(named.values()), chosen, first_genre)


def _kept(rows: pd.DataFrame, min_tracks: int) -> tuple[np.ndarray, tuple[tuple[str, str], ...], list[str]]:
    """Which rows stay, those without a genre (rejected), and what is to be said."""
    named = np.array([genre is not None and genre.strip() not in ("", "nan") for genre in rows["genre"]])
    rejected = tuple(
        (path, SEVERAL if genre is None else "no genre")
        for path, genre in zip(rows["path"][~named], rows["genre"][~named], strict=True)
    )
    counts = Counter(rows[named].drop_duplicates("track_id")["genre"])
    several = "genres" in rows  # of which rare ones are gone already
    few = [] if several else sorted(genre for genre, number in counts.items() if number < min_tracks)
    notes = [f"genres with fewer than {min_tracks} tracks, left out: {', '.join(few)}"] if few else []
    return named & ~rows["genre"].isin(few).to_numpy(), rejected, notes
