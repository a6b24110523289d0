"""A trained run as something people use: `load_predictor(run).predict("song.mp3")`."""

from genrelab.inference.loading import find_checkpoint, load_predictor
from genrelab.inference.prediction import Guess, Hedged, Neighbour, Prediction, TimelineEntry
from genrelab.inference.predictor import Predictor
from genrelab.inference.windowing import Window

__all__ = [
    "Guess",
    "Hedged",
    "Neighbour",
    "Prediction",
    "Predictor",
    "TimelineEntry",
    "Window",
    "find_checkpoint",
    "load_predictor",
]
