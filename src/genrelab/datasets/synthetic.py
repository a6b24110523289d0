"""`dataset=demo`: pieces that genrelab composes itself, for trying things out without any download."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.registry import DATASETS

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
