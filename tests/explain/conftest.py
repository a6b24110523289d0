"""A small run of two pictures, trained once for all tests here."""

from pathlib import Path

import pytest

from genrelab import load_predictor
from genrelab.config import compose
from genrelab.run import train

OVERRIDES = [
    "dataset=folder",
    "taxonomy=flat",
    "split.ratios=[0.6,0.2,0.2]",
    "audio.sample_rate=8000",
    "audio.segment_seconds=2.0",
    "augment=none",
    "features=pcen_mfcc",
    *(f"features.{name}.{key}" for name in ("pcen", "mfcc") for key in ("n_fft=512", "hop_length=256")),
    *(f"features.{name}.{key}" for name in ("pcen", "mfcc") for key in ("n_mels=32", "frames=32")),
    "model=resnet18flex_dual",
    "model.width=4",
    "data.batch_size=8",
    "trainer.epochs=3",
    "trainer.estimate=false",
    "accelerator=cpu",
]


@pytest.fixture(scope="session")
def run(music, tmp_path_factory) -> Path:
    """Folder of a run on `music`."""
    root = tmp_path_factory.mktemp("explain")
    overrides = [*OVERRIDES, f"dataset.root={music}", f"paths.outputs={root / 'outputs'}"]
    folder = root / "outputs" / "runs" / "small"
    train(compose(overrides), folder, overrides)
    return folder


@pytest.fixture(scope="session")
def predictor(run):
    return load_predictor(run)


@pytest.fixture(scope="session")
def song(music) -> Path:
    return sorted((music / "Fast").rglob("*.wav"))[0]
