"""From logits to answers: segments joined to tracks, and decisions made after training."""

from genrelab.decide.decided import Decided, Decision
from genrelab.decide.hedge import Hedge
from genrelab.decide.kinds import Argmax, HubCorrected, LeastExpectedDistance, Temperature
from genrelab.decide.tracks import HOWS, How, aggregate, target_of_tracks

__all__ = [
    "HOWS",
    "Argmax",
    "Decided",
    "Decision",
    "Hedge",
    "How",
    "HubCorrected",
    "LeastExpectedDistance",
    "Temperature",
    "aggregate",
    "target_of_tracks",
]
