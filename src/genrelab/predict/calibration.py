"""What a run's val predictions say of its probabilities: temperatures, and when to back off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genrelab.decide import Hedge, aggregate, target_of_tracks
from genrelab.decide.calibrate import fit_temperature
from genrelab.decide.decided import Decided
from genrelab.errors import GenrelabError
from genrelab.predict.unknown import Bounds, energy, entropy, fit_bounds
from genrelab.predictions import Predictions, read_predictions
from genrelab.taxonomy.groups import cluster_index, supergenre_index
from genrelab.taxonomy.taxonomy import Taxonomy

UNFITTED_TAU = 0.5  # without val predictions: what is said is likelier than not


@dataclass(frozen=True)
class Calibration:
    """Numbers fitted on val; those of `unfitted` where a checkpoint came without its run.

    Args:
        track: temperature of a recording's joined logits.
        segment: temperature of a window's logits.
        hedge: backs off to supergenre, cluster or nothing; it knows its own temperature, that of tracks.
        bounds: outside which a recording is unlike the training music.
        fitted: whether there was a val part.
    """

    track: float
    segment: float
    hedge: Hedge
    bounds: Bounds
    fitted: bool

    def decide(self, logits: np.ndarray) -> Decided:
        """Hedged answers to joined logits `[N, C]`."""
        return self.hedge.decide(logits)

    def to_plain(self) -> dict[str, Any]:
        """The numbers as plain data, for an exported file; what is not bounded is None."""
        bounds = {name: value if np.isfinite(value) else None for name, value in asdict(self.bounds).items()}
        hedge = {"tau": self.hedge.tau, "coverage": self.hedge.coverage}
        return {"track": self.track, "segment": self.segment, **hedge, "bounds": bounds, "fitted": self.fitted}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], taxonomy: Taxonomy) -> Calibration:
        """Inverse of `to_plain`. Raises KeyError, TypeError or ValueError where it is something else."""
        hedge = Hedge(supergenre_index(taxonomy), cluster_index(taxonomy), float(plain["coverage"]))
        hedge.tau, hedge.probabilities.temperature = float(plain["tau"]), float(plain["track"])
        kept = {name: value for name, value in plain["bounds"].items() if value is not None}
        return cls(hedge.probabilities.temperature, float(plain["segment"]), hedge, Bounds(**kept), plain["fitted"])


def fit_calibration(taxonomy: Taxonomy, predictions: Path | None, coverage: float) -> Calibration:
    """Fit on the val part of a run's predictions.

    Args:
        taxonomy: of the run.
        predictions: its `predictions.parquet`; None or a file that is not there fits nothing.
        coverage: share of val's tracks that get a genre and not a supergenre.

    Raises:
        GenrelabError: the file is broken, or of other genres.
    """
    hedge = Hedge(supergenre_index(taxonomy), cluster_index(taxonomy), coverage)
    val = _val(taxonomy, predictions)
    if val is None:
        hedge.tau = UNFITTED_TAU
        return Calibration(1.0, 1.0, hedge, Bounds(), fitted=False)
    logits, tracks = aggregate(val.logits, val.track_id)
    target = target_of_tracks(val.target, val.track_id).astype(np.int64)
    hedge.fit(logits, target)
    segment = fit_temperature(val.logits, val.target.astype(np.int64))
    of_window = energy(val.logits)
    energies = np.array([of_window[val.track_id == track].mean() for track in tracks])
    bounds = fit_bounds(energies, entropy(np.exp(hedge.decide(logits).log_prob)))
    return Calibration(hedge.probabilities.temperature, segment, hedge, bounds, fitted=True)


def _val(taxonomy: Taxonomy, path: Path | None) -> Predictions | None:
    if path is None or not path.exists():
        return None
    found = read_predictions(path)
    if found.genres != taxonomy.genres:
        raise GenrelabError(f"{path}: of other genres than the checkpoint; they are of different runs")
    val = found.only("val")
    return val if len(val) else None
