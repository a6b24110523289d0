"""A small run on the graph of genres, trained once for all tests here."""

import shutil
from pathlib import Path

import pytest

from genrelab import load_predictor
from genrelab.config import compose
from genrelab.run import train

OVERRIDES = [
    "dataset=folder",
    "taxonomy=musicmap",
    "split.ratios=[0.6,0.2,0.2]",
    "audio.sample_rate=8000",
    "audio.segment_seconds=2.0",
    "augment=none",
    "features=mel_db",
    *(f"features.mel_db.{key}" for key in ("n_fft=512", "hop_length=256", "n_mels=32", "frames=32")),
    "model=cnn",
    "data.batch_size=8",
    "trainer.epochs=3",
    "trainer.estimate=false",
    "trainer.baselines=false",
    "accelerator=cpu",
]


@pytest.fixture(scope="session")
def songs(music, tmp_path_factory) -> Path:
    """`music` under names of genres that lie on the graph."""
    root = tmp_path_factory.mktemp("songs")
    for folder, genre in {"Slow": "Bebop", "Even": "Ska", "Fast": "Thrash Metal"}.items():
        shutil.copytree(music / folder, root / genre)
    return root


@pytest.fixture(scope="session")
def run(songs, tmp_path_factory) -> Path:
    """Folder of a run on `songs`."""
    root = tmp_path_factory.mktemp("app")
    overrides = [*OVERRIDES, f"dataset.root={songs}", f"paths.outputs={root / 'outputs'}"]
    folder = root / "outputs" / "runs" / "small"
    train(compose(overrides), folder, overrides)
    return folder


@pytest.fixture(scope="session")
def predictor(run):
    return load_predictor(run)


@pytest.fixture(scope="session")
def song(songs) -> Path:
    return sorted((songs / "Ska").rglob("*.wav"))[0]
