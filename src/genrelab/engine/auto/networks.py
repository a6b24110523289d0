"""Networks in a race: trained for a fixed number of epochs, since inner folds choose nothing else of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from genrelab.config.schema import TrainerSpec, read_fields
from genrelab.datamodules import GenreDataModule
from genrelab.datasets.splits import Split
from genrelab.engine import build
from genrelab.engine.auto.race import Fit, RaceData
from genrelab.engine.refit import Choices, refit_network, val_logits
from genrelab.engine.runtime_estimate import step_seconds
from genrelab.engine.trainees import Trainees
from genrelab.features.cache import AnyFeatureCache
from genrelab.postprocessing import MULTICLASS
from genrelab.training.task import GenreTask


def train_network(
    trainees: Trainees, dataset: build.Dataset, cache: AnyFeatureCache, split: Split, folder: Path
) -> tuple[GenreTask, GenreDataModule]:
    """Train a network on a split's train part for all epochs of its configuration.

    Args:
        trainees: With the network's configuration.
        dataset: Dataset index and taxonomy.
        cache: Prepared features.
        split: Its train part is trained on; the others are not looked at.
        folder: Where the unfinished training is kept, and taken up again.

    Returns:
        The trained task, on the CPU, and its data.
    """
    task, data = trainees.make(dataset, cache, (), (), split)
    spec = read_fields(TrainerSpec, trainees.config["trainer"], "trainer")
    with _interrupts():
        refit_network(task, data, trainees.config, spec, Choices(epochs=spec.max_epochs), folder)
    task.cpu().eval()
    return task, data


def network_fit(trainees: Trainees, dataset: build.Dataset, cache: AnyFeatureCache, data: RaceData) -> Fit:
    """Return what trains a network in a race."""
    ids = np.array(data.track_ids, dtype=object)

    def fit(chosen: Mapping[str, float], train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, int]:
        known, asked = (ids[np.unique(data.track[rows])].tolist() for rows in (train, test))
        split = Split.from_tracks(known, asked, (), "auto", refit=True)
        with tempfile.TemporaryDirectory() as folder:
            task, rows = train_network(trainees, dataset, cache, split, Path(folder))
        log_p = MULTICLASS.log_probs_or_logits(val_logits(task, rows).numpy())
        return np.asarray(log_p, dtype=np.float32), sum(one.numel() for one in task.net.parameters())

    return fit


def estimate_network(config: build.Config, cache: AnyFeatureCache, data: RaceData) -> Callable[[], float]:
    """Return what measures a training step and says how many seconds one fit takes."""

    def estimate() -> float:
        rows = len(data.track) * (1 - 1 / len(data.inner))
        epochs: int = config["trainer"]["max_epochs"]
        net = build.make_network(config, [spec.shape for spec in cache.specs], data.n_classes)
        return step_seconds(config, net, cache) * rows * epochs  # of crops, where the configuration crops

    return estimate


@contextmanager
def _interrupts() -> Iterator[None]:
    """Ctrl-C as Python raises it: Lightning turns it into `exit(1)`."""
    try:
        yield
    except SystemExit as stop:
        if stop.code == 1:
            raise KeyboardInterrupt from stop
        raise
    finally:
        torch.set_grad_enabled(True)
