"""A small run, trained once for all tests here."""

from pathlib import Path

import pytest

from predict_overrides import train_small


@pytest.fixture(scope="session")
def run(music, tmp_path_factory) -> Path:
    """Folder of a run on `music`."""
    return train_small(music, tmp_path_factory.mktemp("embed"))
