"""A small run, trained once for all tests here, by the same configuration as `small`."""

from pathlib import Path

import pytest

from genrelab import load_predictor
from genrelab.config import compose
from genrelab.run import train
from predict_overrides import OVERRIDES


@pytest.fixture(scope="session")
def run(music, tmp_path_factory) -> Path:
    """Folder of a run on `music`."""
    root = tmp_path_factory.mktemp("predict")
    overrides = [*OVERRIDES, f"dataset.root={music}", f"paths.outputs={root / 'outputs'}"]
    folder = root / "outputs" / "runs" / "small"
    train(compose(overrides), folder, overrides)
    return folder


@pytest.fixture(scope="session")
def predictor(run):
    return load_predictor(run)
