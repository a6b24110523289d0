"""A small run on the graph of genres, trained once for all tests here."""

import shutil
from pathlib import Path

import pytest

from genrelab import load_predictor
from small_run import small_overrides, train_small


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
    overrides = [*small_overrides(["mel_db"], ["model=cnn"]), "taxonomy=musicmap"]
    return train_small(songs, tmp_path_factory.mktemp("app"), overrides)


@pytest.fixture(scope="session")
def predictor(run):
    """Of this run: the general fixture, once made, would keep the run of another package."""
    return load_predictor(run)


@pytest.fixture(scope="session")
def song(songs) -> Path:
    return sorted((songs / "Ska").rglob("*.wav"))[0]
