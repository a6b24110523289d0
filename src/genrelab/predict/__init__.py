"""A trained run as something people use: `load_predictor(run).predict("song.mp3")`."""

from genrelab.predict.load import find_checkpoint, load_predictor
from genrelab.predict.prediction import Guess, Hedged, Neighbour, Prediction, TimelineEntry
from genrelab.predict.predictor import Predictor
from genrelab.predict.windows import Window

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
