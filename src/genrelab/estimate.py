"""How long a run will take, said before it starts."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import numpy as np

from genrelab import assemble
from genrelab.assemble import Config, Dataset
from genrelab.audio import Augment
from genrelab.features import extract
from genrelab.split import Split
from genrelab.store import FeatureStore

TRIAL_BATCH = 8
VALIDATION_SHARE = 0.35  # a forward pass costs about a third of a training step


def announce(config: Config, dataset: Dataset, split: Split, store: FeatureStore, augments: Sequence[Augment]) -> None:
    """Print the seconds that features and training will take, measured on a segment and a step of the real ones."""
    import torch

    torch.set_num_threads(config["accelerator"]["threads"] or os.cpu_count() or 1)
    counts = {part: _segments(dataset, split.tracks(part), store) for part in ("train", "val")}  # type: ignore[arg-type]
    done = len(store.rows(split.parts)) if len(split.parts) else 0
    missing = max(0, sum(counts.values()) - done)
    copies = 1 + len(augments)
    features = missing * copies * _segment_seconds(store) / (os.cpu_count() or 1)
    per_segment = _step_seconds(config, dataset, store)
    each = (copies if config["data"]["copies"] == "all" else 1) * counts["train"]
    epoch = (each + VALIDATION_SHARE * counts["val"]) * per_segment
    epochs = config["trainer"]["epochs"]
    parts = [f"features about {_said(features)}"] if features > 1 else []
    parts.append(f"training about {_said(epoch)} an epoch, at most {_said(epoch * epochs)} for {epochs} epochs")
    print(f"estimate: {'; '.join(parts)} ({each} train segments, {len(dataset.taxonomy.genres)} genres)", flush=True)


def _segments(dataset: Dataset, tracks: Sequence[str], store: FeatureStore) -> int:
    """Segments of some tracks, from their durations where known, else one each."""
    table = dataset.catalog.tracks
    durations = table.loc[table["track_id"].isin(list(tracks)), "duration"].astype(float).to_numpy()
    counts = np.maximum(np.nan_to_num(durations, nan=30.0) // store.audio.segment_seconds, 1)
    return int(np.minimum(counts, store.audio.max_segments or np.inf).sum())


def _segment_seconds(store: FeatureStore) -> float:
    samples = np.random.default_rng(0).normal(scale=0.1, size=store.audio.segment_samples).astype(np.float32)
    extract(store.specs, samples)  # the first call builds filterbanks
    started = time.perf_counter()
    extract(store.specs, samples)
    return time.perf_counter() - started


def _step_seconds(config: Config, dataset: Dataset, store: FeatureStore) -> float:
    """Seconds of one segment in a training step, on the CPU; on a GPU the estimate is an upper bound."""
    import torch

    shapes = [spec.shape for spec in store.specs]
    net = assemble.make_network(config, shapes, len(dataset.taxonomy.genres))
    features = [torch.randn(TRIAL_BATCH, *shape) for shape in shapes]
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        net(*features).logsumexp(dim=1).sum().backward()
        seconds.append(time.perf_counter() - started)
    return min(seconds) / TRIAL_BATCH


def _said(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
