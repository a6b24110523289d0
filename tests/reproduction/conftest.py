"""A folder of tiny data in the published formats, one of each that systems.yaml names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from genrelab.datasets.gtzan import BAD_CLIP, GENRES, published_tracks
from genrelab.datasets.synthesis.feature_sets import SHAPES, SyntheticTracks, write_feature_sets
from genrelab.features.descriptors import Tabular57

SONGS = 6  # of a genre; five folds want five


def clips(genre: str) -> list[str]:
    """Two of each fault-filtered list: "blues.00000"."""
    known = [clip for clip in sorted(published_tracks()) if clip.split(".")[0] == genre and clip != BAD_CLIP]
    return [
        clip for part in ("train", "val", "test") for clip in [c for c in known if published_tracks()[c][0] == part][:2]
    ]


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory) -> Path:
    """What --data may name."""
    root = tmp_path_factory.mktemp("data")
    generator = np.random.default_rng(0)
    write_tables(root / "gtzan_features", generator)
    for genre in GENRES:
        for clip in clips(genre):
            write_picture(root / "gtzan_images" / "images_original" / genre / f"{clip.replace('.', '')}.png", generator)
            write_noise(root / "gtzan" / "genres_original" / genre / f"{clip}.wav", generator)
    for genre in ("Rock", "Jazz", "Pop"):
        for song in range(SONGS):
            write_picture(root / "spotify_pictures" / genre / f"{song}.png", generator)
    write_sets(root / "gtzan_tuwien_arff", generator)
    write_feature_sets(SyntheticTracks(4, 26), list(SHAPES), root)
    next(root.glob("top-magd-*")).rename(root / "top_magd")
    for genre in ("jaz03", "jam02"):
        for song in range(SONGS):
            write_noise(root / "musicmap_songs" / genre / f"song {song}.wav", generator)
    return root


def write_tables(folder: Path, generator: np.random.Generator) -> None:
    folder.mkdir()
    for name, parts in (("features_30_sec.csv", [""]), ("features_3_sec.csv", [".0", ".1"])):
        clips = [
            (genre, f"{genre}.{clip:05d}{part}.wav") for genre in GENRES for clip in range(SONGS) for part in parts
        ]
        table = pd.DataFrame(generator.normal(size=(len(clips), 57)), columns=Tabular57().columns())
        table.insert(0, "length", 661_794)
        table.insert(0, "filename", [name for _, name in clips])
        table["label"] = [genre for genre, _ in clips]
        table.to_csv(folder / name, index=False)


def write_picture(path: Path, generator: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(generator.integers(0, 255, (32, 48, 3), dtype=np.uint8)).save(path)


def write_sets(folder: Path, generator: np.random.Generator) -> None:
    folder.mkdir()
    for name, columns in (("timbral", 124), ("rh", 60), ("mfcc", 52), ("ssd", 168)):
        values = generator.normal(size=(1000, columns))
        head = "\n".join(f"@attribute f{i} numeric" for i in range(columns))
        lines = [",".join(f"{v:.4g}" for v in row) + f",{GENRES[i // 100]}" for i, row in enumerate(values)]
        classes = ",".join(GENRES)
        text = f"@relation {name}\n{head}\n@attribute class {{{classes}}}\n@data\n" + "\n".join(lines) + "\n"
        (folder / f"gtzan_{name}.arff").write_text(text)


def write_noise(path: Path, generator: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, generator.normal(0, 0.1, 22_050).astype(np.float32), 22_050)
