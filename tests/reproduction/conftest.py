"""A folder of tiny data in the published formats, one of each that systems.yaml names."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from genrelab.datasets.gtzan import BAD_CLIP, GENRES, published_tracks
from genrelab.features.descriptors import Tabular57

SONGS = 6  # of a genre; five folds want five
MAGD = {"marsyas-timbral": 124, "rh": 60, "jmir-spectral-all-v1.0": 16, "jmir-mfcc-all-v1.0": 26, "rp": 1440}
MAGD |= {"ssd": 168, "tssd": 1176}


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
    write_magd(root / "top_magd", generator)
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


def write_magd(folder: Path, generator: np.random.Generator) -> None:
    folder.mkdir()
    tracks = [(f"TR{i}", ("New Age", "Rap", "Folk")[i % 3]) for i in range(36)]
    labels = "".join(f"{track}\t{genre}\n" for track, genre in tracks)
    (folder / "msd-topMAGD-genreAssignment.cls").write_text(labels)
    parts = "".join(f"{track}\t{'TRAIN' if i < 24 else 'TEST'}\n" for i, (track, _) in enumerate(tracks))
    (folder / "msd-topMAGD-partition_fixedSizeSplit_2000-v1.0.cls").write_text(parts)
    for name, columns in MAGD.items():
        head = "".join(f"@ATTRIBUTE f{i} NUMERIC\n" for i in range(columns)) + "@ATTRIBUTE id STRING\n@DATA\n"
        rows = [",".join(f"{v:.4g}" for v in generator.normal(size=columns)) + f",'{track}'\n" for track, _ in tracks]
        with gzip.open(folder / f"msd-{name}.arff.gz", "wt") as file:
            file.write("@RELATION x\n" + head + "".join(rows))


def write_noise(path: Path, generator: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, generator.normal(0, 0.1, 22_050).astype(np.float32), 22_050)
