"""From logits to answers: segments joined to tracks, and decisions made after training."""

from genrelab.postprocessing.aggregation import (
    AGGREGATION_METHODS,
    AggregationMethod,
    aggregate_segments,
    track_targets,
)
from genrelab.postprocessing.decision import DecisionResult, DecisionRule
from genrelab.postprocessing.decision_rules import (
    Argmax,
    ConditionalRiskMinimization,
    PriorCorrection,
    TemperatureScaling,
)
from genrelab.postprocessing.hedging import Hedge
from genrelab.postprocessing.output_type import MULTICLASS, MULTILABEL, OutputType, get_output_type
from genrelab.postprocessing.thresholds import PerClassThresholds

__all__ = [
    "AGGREGATION_METHODS",
    "MULTICLASS",
    "MULTILABEL",
    "AggregationMethod",
    "Argmax",
    "ConditionalRiskMinimization",
    "DecisionResult",
    "DecisionRule",
    "Hedge",
    "OutputType",
    "PerClassThresholds",
    "PriorCorrection",
    "TemperatureScaling",
    "aggregate_segments",
    "get_output_type",
    "track_targets",
]
