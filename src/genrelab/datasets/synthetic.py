"""Data that genrelab makes itself, for trying things out without any download: `demo` and `top_magd_synthetic`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.published_feature_sets import top_magd
from genrelab.datasets.registry import DATASETS
from genrelab.utils.errors import GenrelabError

NOTE = "the demo is composed by genrelab: a stand-in for music, its scores say nothing about music"


@DATASETS.register("demo")
def demo(
    cache: Path,
    tracks_per_genre: int = 40,
    artists_per_genre: int = 8,
    genres: int | list[str] = 12,
    seconds: float = 30.0,
    seed: int = 0,
) -> DatasetIndex:
    """Compose and render the demo where the cache lacks it, and list its tracks.

    Args:
        cache: folder that keeps it (supplied by code).
        tracks_per_genre: tracks of each genre, shared out among its artists.
        artists_per_genre: sets of habits (keys, instruments, groove, mix) in each genre.
        genres: how many, the first of `genrelab.datasets.synthesis.genre_rules.GENRES`, or their Musicmap codes.
        seconds: length of each track.
        seed: of the composer; another one has other artists and other tracks, and is a dataset of its own.

    Raises:
        ConfigError: a parameter makes no sense, or a genre is not in the demo.
        GenrelabError: the cache cannot be written, or symusic or the soundfont is missing.
    """
    # Here, because composing needs more than a table does.
    from genrelab.datasets.synthesis.dataset import DemoSpec, build_demo, choose_genres

    other = f" of seed {seed}" if seed else ""
    spec = DemoSpec(choose_genres(genres), tracks_per_genre, artists_per_genre, float(seconds), seed)
    rows = [
        {
            "track_id": track.path.stem,
            "genre": track.genre,
            "artist_id": track.artist_id + other,
            "path": str(track.path),
            "duration": spec.seconds,
        }
        for track in build_demo(spec, Path(cache))
    ]
    return DatasetIndex(f"demo-seed-{seed}" if seed else "demo", pd.DataFrame(rows), (NOTE,), stand_in=True)


@DATASETS.register("top_magd_synthetic", "given")
def top_magd_synthetic(
    cache: Path,
    sets: Sequence[str] = ("ssd",),
    train_tracks_per_genre: int = 400,
    test_tracks: int = 2600,
    seed: int = 0,
) -> DatasetIndex:
    """Write feature sets of made-up tracks in the published format where the cache lacks them, and read them.

    Args:
        cache: folder that keeps them (supplied by code).
        sets: names of `genrelab.datasets.synthesis.feature_sets.SHAPES`; each becomes a feature.
        train_tracks_per_genre: 2,000 in the published split.
        test_tracks: about how many, in the proportions of the published test part.
        seed: of the tracks.

    Raises:
        ConfigError: a parameter makes no sense.
        GenrelabError: the cache cannot be written.
    """
    from genrelab.datasets.synthesis.feature_sets import SyntheticTracks, write_feature_sets

    tracks = SyntheticTracks(train_tracks_per_genre, test_tracks, seed)
    try:
        files, labels, partition = write_feature_sets(tracks, sets, Path(cache))
    except OSError as error:
        raise GenrelabError(f"{cache}: cannot be written ({error.strerror or error})") from error
    index = top_magd(Path(cache), [str(file) for file in files], str(labels), str(partition), "top_magd_synthetic")
    note = (
        "the rows are synthetic, a stand-in for the Million Song Dataset: scores say nothing about music; the nearest "
        f"genre in the hidden factors that made the rows has {tracks.best_accuracy:.1%} of test"
    )
    return replace(index, notes=(note,), stand_in=True)
