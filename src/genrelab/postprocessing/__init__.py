"""From logits to answers: segments joined to tracks, and decisions made after training."""

from genrelab.postprocessing.aggregation import HOWS, How, aggregate, target_of_tracks
from genrelab.postprocessing.decision import Decided, Decision
from genrelab.postprocessing.decision_rules import Argmax, HubCorrected, LeastExpectedDistance, Temperature
from genrelab.postprocessing.hedging import Hedge
from genrelab.postprocessing.output_type import SIGMOID, SOFTMAX, Judge, Reading, reading_of
from genrelab.postprocessing.thresholds import Thresholds

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
