"""genrelab: music genre recognition experiments in which genres are places on a graph."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from genrelab.utils import lean_imports

if TYPE_CHECKING:
    from genrelab.inference import Predictor

__version__ = "0.1.0"
lean_imports.install()


def load_predictor(path: str | os.PathLike[str], device: str = "cpu", coverage: float = 0.8) -> Predictor:
    """Load a trained run for use: `load_predictor(run).predict("song.mp3")`; see `genrelab.inference`."""
    from genrelab.inference import load_predictor as load

    return load(path, device, coverage)
