"""What a run's val predictions say of its probabilities: temperatures, thresholds, and when to back off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genrelab.audio.content_detection import ContentThresholds
from genrelab.inference.label_assignment import OneGenre, SeveralGenres, Speaker
from genrelab.inference.ood import Bounds, fit_bounds
from genrelab.postprocessing import Hedge, OutputType, get_output_type, track_targets
from genrelab.postprocessing.temperature_scaling import fit_temperature
from genrelab.postprocessing.thresholds import fit_thresholds
from genrelab.runs.predictions import Predictions, read_predictions
from genrelab.taxonomy.hierarchy import cluster_index, supergenre_index
from genrelab.taxonomy.taxonomy import Taxonomy
from genrelab.utils.errors import GenrelabError

HALF = 0.5  # without val predictions: what is said is likelier than not


@dataclass(frozen=True)
class Calibration:
    """Numbers fitted on val; those of `unfitted` where a checkpoint came without its run.

    Args:
        output_type: of the run's logits.
        track: temperature of a recording's joined logits; 1 where a track has several genres.
        segment: temperature of a window's logits; likewise.
        speaker: says what follows; a hedge knows its own temperature, that of tracks.
        bounds: outside which a recording is unlike the training music.
        fitted: whether there was a val part.
        sound: beyond which a recording is silence, noise or speech; checkpoints hold it, those of old runs do not.
    """

    output_type: OutputType
    track: float
    segment: float
    speaker: Speaker
    bounds: Bounds
    fitted: bool
    sound: ContentThresholds | None = None

    def to_plain(self) -> dict[str, Any]:
        """The numbers as plain data, for an exported file, without `sound`; what is not bounded is None."""
        bounds = {name: value if np.isfinite(value) else None for name, value in asdict(self.bounds).items()}
        plain = {"track": self.track, "segment": self.segment, "bounds": bounds, "fitted": self.fitted}
        return {**plain, **self.speaker.to_plain()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], taxonomy: Taxonomy) -> Calibration:
        """Inverse of `to_plain`. Raises KeyError, TypeError or ValueError where it is something else."""
        several = "thresholds" in plain
        track, segment = float(plain["track"]), float(plain["segment"])
        kept = {name: value for name, value in plain["bounds"].items() if value is not None}
        kind: type[Speaker] = SeveralGenres if several else OneGenre
        speaker = kind.from_plain(plain, taxonomy)
        return cls(get_output_type(several), track, segment, speaker, Bounds(**kept), plain["fitted"])


def fit_calibration(
    taxonomy: Taxonomy,
    predictions: Path | None,
    coverage: float,
    several: bool = False,
    prior: np.ndarray | None = None,
) -> Calibration:
    """Fit on the val part of a run's predictions.

    Args:
        taxonomy: of the run.
        predictions: its `predictions.parquet`; None or a file that is not there fits nothing.
        coverage: share of val's tracks that get a genre and not a supergenre.
        several: whether a track has several genres.
        prior: `[C]` share of train's tracks that have each; for thresholds.

    Raises:
        GenrelabError: the file is broken, or of other genres.
    """
    val = _val(taxonomy, predictions)
    output_type = get_output_type(several)
    if val is None:
        return Calibration(output_type, 1.0, 1.0, unfitted(taxonomy, coverage, several), Bounds(), fitted=False)
    logits, tracks = output_type.aggregate(val.logits, val.track_id)
    speaker: Speaker
    if several:
        speaker, temperatures = _thresholds(taxonomy, val, logits, prior), (1.0, 1.0)
    else:
        speaker, temperatures = _hedge(taxonomy, val, logits, coverage)
    of_window = output_type.energy(val.logits)
    energies = np.array([of_window[val.track_id == track].mean() for track in tracks])
    bounds = fit_bounds(energies, output_type.entropy(output_type.probabilities(logits, temperatures[0])))
    return Calibration(output_type, *temperatures, speaker, bounds, fitted=True)


def unfitted(taxonomy: Taxonomy, coverage: float, several: bool) -> Speaker:
    """Says what is likelier than not."""
    if several:
        half = np.full(len(taxonomy.genres), HALF)
        return SeveralGenres(taxonomy, half, half)
    hedge = Hedge(supergenre_index(taxonomy), cluster_index(taxonomy), coverage)
    hedge.tau = HALF
    return OneGenre(taxonomy, hedge)


def _hedge(
    taxonomy: Taxonomy, val: Predictions, logits: np.ndarray, coverage: float
) -> tuple[OneGenre, tuple[float, float]]:
    """And the temperatures of tracks and windows."""
    hedge = Hedge(supergenre_index(taxonomy), cluster_index(taxonomy), coverage)
    hedge.fit(logits, track_targets(val.target, val.track_id).astype(np.int64))
    segment = fit_temperature(val.logits, val.target.astype(np.int64))
    return OneGenre(taxonomy, hedge), (hedge.probabilities.temperature, segment)


def _thresholds(taxonomy: Taxonomy, val: Predictions, logits: np.ndarray, prior: np.ndarray | None) -> SeveralGenres:
    """Tracks and windows have thresholds of their own: joined probabilities are less extreme."""
    assert val.targets is not None
    first = np.unique(val.track_id, return_index=True)[1]
    of_tracks = fit_thresholds(logits, val.targets[first], prior)
    return SeveralGenres(taxonomy, of_tracks, fit_thresholds(val.logits, val.targets, prior))


def _val(taxonomy: Taxonomy, path: Path | None) -> Predictions | None:
    if path is None or not path.exists():
        return None
    found = read_predictions(path)
    if found.genres != taxonomy.genres:
        raise GenrelabError(f"{path}: of other genres than the checkpoint; they are of different runs")
    val = found.only("val")
    return val if len(val) else None
