"""From logits to answers: segments joined to tracks, and decisions made after training."""

from genrelab.decide.decided import Decided, Decision
from genrelab.decide.hedge import Hedge
from genrelab.decide.kinds import Argmax, HubCorrected, LeastExpectedDistance, Temperature
from genrelab.decide.reading import SIGMOID, SOFTMAX, Judge, Reading, reading_of
from genrelab.decide.thresholds import Thresholds
from genrelab.decide.tracks import HOWS, How, aggregate, target_of_tracks

__all__ = [
    "HOWS",
    "SIGMOID",
    "SOFTMAX",
    "Argmax",
    "Decided",
    "Decision",
    "Hedge",
    "How",
    "HubCorrected",
    "Judge",
    "LeastExpectedDistance",
    "Reading",
    "Temperature",
    "Thresholds",
    "aggregate",
    "reading_of",
    "target_of_tracks",
]
