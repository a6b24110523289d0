"""A trained run as something people use: `load_predictor(run).predict("song.mp3")`."""

from genrelab.inference.loading import find_checkpoint, load_predictor
from genrelab.inference.prediction import ClassScore, HedgedPrediction, Neighbor, Prediction, SegmentPrediction
from genrelab.inference.predictor import Predictor
from genrelab.inference.windowing import Window

__all__ = [
    "ClassScore",
    "HedgedPrediction",
    "Neighbor",
    "Prediction",
    "Predictor",
    "SegmentPrediction",
    "Window",
    "find_checkpoint",
    "load_predictor",
]
