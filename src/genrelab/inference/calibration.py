"""What a run's val predictions say of its probabilities: temperatures, thresholds, and when to back off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genrelab.audio.content_detection import ContentThresholds
from genrelab.inference.label_assignment import LabelAssigner, MultilabelAssigner, SingleLabelAssigner
from genrelab.inference.ood import OODThresholds, fit_ood_thresholds
from genrelab.postprocessing import Hedge, OutputType, get_output_type, track_targets
from genrelab.postprocessing.temperature_scaling import fit_temperature
from genrelab.postprocessing.thresholds import fit_thresholds
from genrelab.runs.predictions import Predictions, read_predictions
from genrelab.taxonomy.hierarchy import cluster_index, supergenre_index
from genrelab.taxonomy.taxonomy import Taxonomy
from genrelab.utils.errors import GenrelabError

DEFAULT_THRESHOLD = 0.5  # without val predictions: what is said is likelier than not


@dataclass(frozen=True)
class Calibration:
    """Numbers fitted on val; those of `uncalibrated` where a checkpoint came without its run.

    Args:
        output_type: of the run's logits.
        track_temperature: temperature of a recording's joined logits; 1 where a track has several genres.
        segment_temperature: temperature of a window's logits; likewise.
        label_assigner: says what follows; a hedge knows its own temperature, that of tracks.
        ood_thresholds: outside which a recording is unlike the training music.
        fitted: whether there was a val part.
        content_thresholds: beyond which a recording is silence, noise or speech; checkpoints hold it, those of old runs
            do not.
    """

    output_type: OutputType
    track_temperature: float
    segment_temperature: float
    label_assigner: LabelAssigner
    ood_thresholds: OODThresholds
    fitted: bool
    content_thresholds: ContentThresholds | None = None

    def to_dict(self) -> dict[str, Any]:
        """The numbers as plain data, without `content_thresholds`; what is not bounded is None."""
        bounds = {name: value if np.isfinite(value) else None for name, value in asdict(self.ood_thresholds).items()}
        plain = {"track": self.track_temperature, "segment": self.segment_temperature}
        return {**plain, "bounds": bounds, "fitted": self.fitted, **self.label_assigner.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], taxonomy: Taxonomy) -> Calibration:
        """Inverse of `to_dict`. Raises KeyError, TypeError or ValueError where it is something else."""
        multilabel = "thresholds" in plain
        track, segment = float(plain["track"]), float(plain["segment"])
        kept = {name: value for name, value in plain["bounds"].items() if value is not None}
        kind: type[LabelAssigner] = MultilabelAssigner if multilabel else SingleLabelAssigner
        assigner = kind.from_dict(plain, taxonomy)
        return cls(get_output_type(multilabel), track, segment, assigner, OODThresholds(**kept), plain["fitted"])


def fit_calibration(
    taxonomy: Taxonomy,
    predictions: Path | None,
    coverage: float,
    multilabel: bool = False,
    class_prior: np.ndarray | None = None,
) -> Calibration:
    """Fit on the val part of a run's predictions.

    Args:
        taxonomy: of the run.
        predictions: its `predictions.parquet`; None or a file that is not there fits nothing.
        coverage: share of val's tracks that get a genre and not a supergenre.
        multilabel: whether a track has several genres.
        class_prior: `[C]` share of train's tracks that have each; for thresholds.

    Raises:
        GenrelabError: the file is broken, or of other genres.
    """
    val = _val(taxonomy, predictions)
    output_type = get_output_type(multilabel)
    if val is None:
        return Calibration(
            output_type, 1.0, 1.0, uncalibrated(taxonomy, coverage, multilabel), OODThresholds(), fitted=False
        )
    logits, tracks = output_type.aggregate(val.logits, val.track_id)
    assigner: LabelAssigner
    if multilabel:
        assigner, temperatures = _thresholds(taxonomy, val, logits, class_prior), (1.0, 1.0)
    else:
        assigner, temperatures = _hedge(taxonomy, val, logits, coverage)
    of_window = output_type.energy(val.logits)
    energies = np.array([of_window[val.track_id == track].mean() for track in tracks])
    thresholds = fit_ood_thresholds(energies, output_type.entropy(output_type.probabilities(logits, temperatures[0])))
    return Calibration(output_type, *temperatures, assigner, thresholds, fitted=True)


def uncalibrated(taxonomy: Taxonomy, coverage: float, multilabel: bool) -> LabelAssigner:
    """Says what is likelier than not."""
    if multilabel:
        half = np.full(len(taxonomy.genres), DEFAULT_THRESHOLD)
        return MultilabelAssigner(taxonomy, half, half)
    hedge = Hedge(supergenre_index(taxonomy), cluster_index(taxonomy), coverage)
    hedge.tau = DEFAULT_THRESHOLD
    return SingleLabelAssigner(taxonomy, hedge)


def _hedge(
    taxonomy: Taxonomy, val: Predictions, logits: np.ndarray, coverage: float
) -> tuple[SingleLabelAssigner, tuple[float, float]]:
    """And the temperatures of tracks and windows."""
    hedge = Hedge(supergenre_index(taxonomy), cluster_index(taxonomy), coverage)
    hedge.fit(logits, track_targets(val.target, val.track_id).astype(np.int64))
    segment = fit_temperature(val.logits, val.target.astype(np.int64))
    return SingleLabelAssigner(taxonomy, hedge), (hedge.probabilities.temperature, segment)


def _thresholds(
    taxonomy: Taxonomy, val: Predictions, logits: np.ndarray, class_prior: np.ndarray | None
) -> MultilabelAssigner:
    """Tracks and windows have thresholds of their own: joined probabilities are less extreme."""
    assert val.targets is not None
    first = np.unique(val.track_id, return_index=True)[1]
    of_tracks = fit_thresholds(logits, val.targets[first], class_prior)
    return MultilabelAssigner(taxonomy, of_tracks, fit_thresholds(val.logits, val.targets, class_prior))


def _val(taxonomy: Taxonomy, path: Path | None) -> Predictions | None:
    if path is None or not path.exists():
        return None
    found = read_predictions(path)
    if found.genres != taxonomy.genres:
        raise GenrelabError(f"{path}: of other genres than the checkpoint; they are of different runs")
    val = found.only("val")
    return val if len(val) else None
