"""Catalogs without audio, and how their splits turn out."""

from collections import Counter, defaultdict

import pandas as pd

from genrelab.datasets import DatasetIndex


def make_dataset_index(rows, name="d"):
    """rows: (genre, artist[, album[, part]])"""
    lines = [
        dict(
            zip(("genre", "artist_id", "album_id", "official_split"), row, strict=False),
            track_id=f"t{i:04d}",
            path=f"{i}.wav",
        )
        for i, row in enumerate(rows)
    ]
    return DatasetIndex(name, pd.DataFrame(lines))


def counts(split, dataset_index):
    table = defaultdict(Counter)
    for track, part in split.assignment.items():
        table[dataset_index.genre_of[track]][part] += 1
    return table
