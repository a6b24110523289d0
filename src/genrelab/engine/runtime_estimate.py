"""How long a run will take, said before it starts."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from genrelab.audio import Augment, probe
from genrelab.config.schema import model_options
from genrelab.datamodules.genre_datamodule import SplitName, sample_rows
from genrelab.datasets.splits import Split, split_folds
from genrelab.engine import build
from genrelab.engine.build import Config, Dataset
from genrelab.engine.refit import refits, refits_on_all
from genrelab.engine.validate_config import crop_ratio
from genrelab.features import extract
from genrelab.features.cache import AnyFeatureCache, FeatureCache, PrecomputedFeatureCache
from genrelab.training.batch_norm import batch_norms
from genrelab.utils.errors import GenrelabError
from genrelab.utils.processes import default_workers

SPLIT_NAMES: tuple[SplitName, ...] = ("train", "val", "test")
TRIAL_BATCH = 8
PROBED = 50  # files whose header is read
VALIDATION_SHARE = 0.35  # a forward pass costs about a third of a training step


def print_runtime_estimate(
    config: Config, dataset: Dataset, split: Split, feature_cache: AnyFeatureCache, augments: Sequence[Augment]
) -> None:
    """Print the seconds that features and training will take, measured on a segment and a step of the real ones."""
    import torch

    torch.set_num_threads(config["accelerator"]["num_threads"] or default_workers())
    shares = dict(zip(SPLIT_NAMES, split.shares or (1.0, 1.0, 1.0), strict=True))  # of a track's segments
    counts = {part: round(shares[part] * _segments(dataset, split.tracks(part), feature_cache)) for part in SPLIT_NAMES}
    copies = 1 + len(augments)
    tracks = dataset.index.tracks
    jobs = {job.track_id for job in feature_cache.plan_build(tracks, augments, frozenset(split.tracks("train"))).jobs}
    folds = max(1, len(split_folds(config["split"])))
    copied = SPLIT_NAMES if folds > 1 else ("train", "val") if refits(config) else ("train",)
    missing = sum(
        (copies if part in copied else 1) * _segments(dataset, jobs & set(split.tracks(part)), feature_cache)
        for part in (SPLIT_NAMES[:1] if split.unsafe else SPLIT_NAMES)
    )
    features = (
        missing * _segment_seconds(feature_cache) / default_workers()
        if isinstance(feature_cache, FeatureCache) and missing
        else 0.0
    )
    parts = [f"features about {_said(features)}"] if features > 1 else []
    each = _epoch_segments(config, counts["train"], copies)
    if not build.is_fitted(config):  # that takes seconds
        shapes = [spec.shape for spec in feature_cache.specs]
        net = build.make_network(config, shapes, len(dataset.taxonomy.genres))
        per_segment = step_seconds(config, net, feature_cache)
        whole = counts["val"]  # segments that an epoch evaluates, window after window
        if batch_norms(net) and (model_options(config)[2].bn_statistics != "running" or config["trainer"]["ema_decay"]):
            whole += min(sample_rows(shapes), counts["train"])  # for batch norm's statistics
        epoch = (each + VALIDATION_SHARE * math.ceil(1 / crop_ratio(config)) * whole) * per_segment
        epochs = config["trainer"]["max_epochs"]
        total = epoch * epochs * folds  # as many epochs again in a refit, at most
        if refits(config):
            total += _epoch_segments(config, counts["train"] + counts["val"], copies) * per_segment * epochs * folds
        if refits_on_all(config):
            total += _epoch_segments(config, sum(counts.values()), copies) * per_segment * epochs
        times = f"{folds} x {epochs}" if folds > 1 else f"{epochs}"
        refit = " and the refit" if refits(config) or refits_on_all(config) else ""
        parts.append(f"training about {_said(epoch)} an epoch, at most {_said(total)} for {times} epochs{refit}")
    if parts:
        genres = len(dataset.taxonomy.genres)
        print(f"estimate: {'; '.join(parts)} ({each} train segments, {genres} genres)", flush=True)


def _epoch_segments(config: Config, segments: int, copies: int) -> int:
    """Segments that an epoch trains on."""
    each = (copies if config["data"]["copies_per_epoch"] == "all" else 1) * segments
    limit = config["trainer"]["limit_train_batches"]
    return min(each, limit * config["data"]["batch_size"]) if limit else each


def _segments(dataset: Dataset, tracks: Collection[str], feature_cache: AnyFeatureCache) -> int:
    """Segments of some tracks, from their durations; where these are unknown, from a sample of file headers."""
    table = dataset.index.tracks
    table = table[table["track_id"].isin(list(tracks))]
    if not len(table):
        return 0
    if isinstance(feature_cache, PrecomputedFeatureCache):
        return len(feature_cache.rows(table["track_id"]))
    durations = table["duration"].astype(float).to_numpy()
    if np.isnan(durations).any():
        durations = np.array([_probed(path) for path in table["path"].sample(min(len(table), PROBED), random_state=0)])
    counts = np.minimum(
        np.maximum(durations // feature_cache.audio.segment_duration, 1), feature_cache.audio.max_segments or np.inf
    )
    return round(float(counts.mean()) * len(table))


def _probed(path: str) -> float:
    """Length of a file in seconds by its header; 0 where it has none, or cannot be read, which the build will tell."""
    try:
        return float(np.nan_to_num(probe(path).duration))
    except GenrelabError:
        return 0.0


def _segment_seconds(feature_cache: FeatureCache) -> float:
    samples = np.random.default_rng(0).normal(scale=0.1, size=feature_cache.audio.segment_samples).astype(np.float32)
    extract(feature_cache.specs, samples)  # the first call builds filterbanks
    started = time.perf_counter()
    extract(feature_cache.specs, samples)
    return time.perf_counter() - started


def step_seconds(config: Config, net: Any, feature_cache: AnyFeatureCache) -> float:
    """Measure the seconds of one segment in a training step, on the CPU; on a GPU the estimate is an upper bound.

    Args:
        config: of the run; train batches are changed and cropped as it says.
        net: for whole segments, see `build.make_network`.
        feature_cache: names the features.
    """
    import torch

    online = build.make_online(config, feature_cache)
    changes = build.make_changes(config)
    features = tuple(torch.randn(TRIAL_BATCH, *spec.shape) for spec in feature_cache.specs)
    waveforms = (torch.randint(-9999, 9999, (TRIAL_BATCH, feature_cache.specs[0].n_samples + 1)),)
    waveforms[0][:, -1] = -15
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        if online:
            features = online(waveforms, training=True)
        net(*changes.after_norm(changes.before_norm(features))).logsumexp(dim=1).sum().backward()
        seconds.append(time.perf_counter() - started)
    return min(seconds) / TRIAL_BATCH


def _said(seconds: float) -> str:
    if seconds < 10:
        return f"{max(seconds, 0.1):.1f} s"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
