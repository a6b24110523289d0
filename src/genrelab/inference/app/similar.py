"""Training tracks that sound like a recording to the network: nearest in what its last layer reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from genrelab.inference import Predictor
from genrelab.inference.export.metadata import read_optional
from genrelab.inference.penultimate import penultimate
from genrelab.utils.errors import GenrelabError

MOST_ROWS = 4000  # windows; more would keep the app from starting
BATCH = 64


class SimilarTrack(NamedTuple):
    """A training track, its cosine similarity, and what the run itself answers to it."""

    track: str
    similarity: float
    title: str


@dataclass(frozen=True, eq=False)
class TrainingLibrary:
    """The training tracks' vectors.

    Args:
        tracks: `[N]` names.
        vectors: `[N, D]` of length 1.
        titles: `[N]` the run's own answers.
    """

    tracks: tuple[str, ...]
    vectors: np.ndarray
    titles: tuple[str, ...]

    def nearest(self, vector: np.ndarray, count: int = 5) -> tuple[SimilarTrack, ...]:
        """The tracks nearest to a vector `[D]`, nearest first."""
        similarity = self.vectors @ (vector / max(float(np.linalg.norm(vector)), 1e-12))
        order = np.argsort(-similarity, kind="stable")[:count]
        return tuple(SimilarTrack(self.tracks[i], float(similarity[i]), self.titles[i]) for i in order)


def embed_windows(predictor: Predictor, windows: np.ndarray) -> np.ndarray:
    """Mean vector `[D]` of a recording's windows `[S, n_samples]`."""
    parts = [predictor.embed(predictor.features(windows[at : at + BATCH])) for at in range(0, len(windows), BATCH)]
    found: np.ndarray = np.concatenate([part.cpu().numpy() for part in parts]).mean(axis=0)
    return found


def train_library(predictor: Predictor, run: Path | None) -> TrainingLibrary | None:
    """Vectors of the run's training tracks from the features that its store still has.

    Returns:
        None where run or store are not at hand, or the network has no such vectors.
    """
    if run is None:
        return None
    tracks = (read_optional(run / "run.json").get("split") or {}).get("train") or []
    root = _store(run)
    if not tracks or root is None:
        return None
    from genrelab.features.cache import FeatureCache

    try:
        feature_cache = FeatureCache(root, predictor.audio, predictor.in_specs)
        rows = feature_cache.rows(tracks).iloc[:MOST_ROWS]
        parts = [_read(predictor, feature_cache.load(rows.iloc[at : at + BATCH])) for at in range(0, len(rows), BATCH)]
    except (GenrelabError, ValueError):
        return None
    if not parts:
        return None
    vectors, logits = (np.concatenate(some) for some in zip(*parts, strict=True))
    return _joined(predictor, rows["track_id"].to_numpy(), vectors, logits)


def _read(predictor: Predictor, arrays: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    with torch.no_grad():
        features = predictor.normalizer([torch.from_numpy(array).to(predictor.device) for array in arrays])
    heard = _Heard(predictor.model)
    vectors = penultimate(heard, features, len(predictor.genres))
    return vectors.cpu().numpy(), heard.logits.cpu().numpy()


class _Heard(nn.Module):
    """A network that keeps its answer: vectors and logits come of one pass."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.logits = torch.empty(0)

    def forward(self, *features: Tensor) -> None:
        """Logits `[S, C]`, kept."""
        self.logits = self.model(*features).float()


def _joined(predictor: Predictor, of_row: np.ndarray, vectors: np.ndarray, logits: np.ndarray) -> TrainingLibrary:
    tracks = tuple(dict.fromkeys(of_row.tolist()))
    means = np.stack([vectors[of_row == track].mean(axis=0) for track in tracks])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    best = [int(predictor.track_probabilities(logits[of_row == track]).argmax()) for track in tracks]
    return TrainingLibrary(tracks, means, tuple(predictor.titles[place] for place in best))


def _store(run: Path) -> Path | None:
    """Where the run's configuration says, or beside the runs."""
    import yaml

    try:
        said = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["paths"]["feature_cache_dir"]
    except (OSError, KeyError, TypeError, yaml.YAMLError):
        said = ""
    candidates = [Path(said).expanduser()] if said else []
    return next((path for path in (*candidates, run.parent.parent / "store") if path.is_dir()), None)
