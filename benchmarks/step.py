"""Training throughput through Lightning against a bare loop over the same resident batches.

    python benchmarks/step.py [--rounds 9]

Both sides run the same network, loss, optimizer and batches; genrelab's side is its whole task with its
callbacks, metrics and history, validation excluded. Wanted: 97 % for resnet18flex, 75 % for the MLP at batch 256.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from harness import make_parser, ratio
from lightning.pytorch.callbacks import Checkpoint

from genrelab.config.schema import TrainerSpec
from genrelab.datamodules import Batch, BatchLoader, Normalizer
from genrelab.losses.registry import LOSSES
from genrelab.models.registry import MODELS
from genrelab.training.callbacks import BestLastCheckpoint, EpochProgress, MetricsCSVWriter
from genrelab.training.registry import OPTIMIZERS, SCHEDULERS
from genrelab.training.task import GenreTask
from genrelab.training.trainer import make_trainer, quiet_lightning

CLASSES = 12
CASES = {  # name: (model, shape, batch size, batches an epoch, parameters)
    "resnet18flex": ("resnet18flex", (128, 256), 32, 20, {"width": 16}),
    "mlp": ("mlp", (57,), 256, 400, {}),
}


def make_task(model: str, shape: tuple[int, ...], params: dict[str, Any]) -> GenreTask:
    torch.manual_seed(0)
    distances = (1 - np.eye(CLASSES)).astype(np.float32)
    form = (shape[0], 1) if len(shape) == 2 else shape
    statistics = [{"mean": np.zeros(form).tolist(), "std": np.ones(form).tolist()}]
    return GenreTask(
        net=MODELS.build(model, params, in_shapes=[shape], n_classes=CLASSES),
        loss=LOSSES.build("graph_soft", {"beta": 1.5}, distances=torch.from_numpy(distances)),
        normalizer=Normalizer(statistics),
        distances=distances,
        supergenres=np.arange(CLASSES) // 2,
        medoid=0,
        make_optimizer=lambda parameters: OPTIMIZERS.build("adam", {}, parameters=parameters),
        make_schedule=lambda optimizer: SCHEDULERS.build("none", {}, optimizer=optimizer, epochs=1, mode="min"),
        monitor="train/loss",
    )


def make_loader(shape: tuple[int, ...], batch_size: int, batches: int) -> BatchLoader:
    count = min(batch_size * batches, 20_000)
    dtype = torch.float16 if len(shape) == 2 else torch.float32
    target = torch.arange(count) % CLASSES
    rows = Batch((torch.randn(count, *shape).to(dtype),), target, target, target)
    order = torch.arange(batch_size * batches) % count
    return BatchLoader(rows, lambda: order, batch_size)


def bare_epoch(task: GenreTask, batches: list[Batch]) -> None:
    """What any training loop must do, over batches that lie ready."""
    optimizer = task._make_optimizer(task.net.parameters())
    task.net.train()
    for batch in batches:
        loss = task.loss(task.net(*task.normalizer(batch.features)), batch.target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class Alternate(Checkpoint):
    """After each of Lightning's epochs runs a bare one, and times both. A `Checkpoint` by type, to be called last."""

    def __init__(self, bare: Callable[[], None]) -> None:
        self.bare = bare
        self.seconds: dict[str, list[float]] = {"lightning": [], "bare": []}
        self._started = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        ended = time.perf_counter()
        self.bare()
        if trainer.current_epoch > 0:  # the first round warms both up
            self.seconds["lightning"].append(ended - self._started)
            self.seconds["bare"].append(time.perf_counter() - ended)


def main() -> None:
    rounds = make_parser(__doc__, rounds=9).parse_args().rounds
    quiet_lightning()
    for name, (model, shape, batch_size, batches, params) in CASES.items():
        seconds = measure(model, shape, batch_size, batches, params, rounds)
        rate = {side: batch_size * batches / float(np.median(values)) for side, values in seconds.items()}
        share = ratio(seconds, of="lightning", to="bare")
        print(
            f"{name} batch {batch_size}: bare {rate['bare']:.1f} segments/s, "
            f"genrelab {rate['lightning']:.1f} segments/s, ratio {share:.1%}",
            flush=True,
        )


def measure(
    model: str, shape: tuple[int, ...], batch_size: int, batches: int, params: dict[str, Any], rounds: int
) -> dict[str, list[float]]:
    loader = make_loader(shape, batch_size, batches)
    ready = list(loader)
    bare = make_task(model, shape, params)
    alternate = Alternate(lambda: bare_epoch(bare, ready))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        callbacks = [
            MetricsCSVWriter(folder / "metrics.csv"),
            EpochProgress("train/loss", "min", bar=False),
            BestLastCheckpoint(folder, "train/loss", "min"),
            alternate,
        ]
        trainer = make_trainer(TrainerSpec(max_epochs=rounds + 1), {"accelerator": "cpu"}, folder, [], callbacks)
        trainer.fit(make_task(model, shape, params), loader)
    return alternate.seconds


if __name__ == "__main__":
    main()
