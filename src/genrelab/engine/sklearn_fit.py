"""The training of what is fitted at once (model=knn, svm, ...): the place of epochs in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from genrelab.config.schema import TrainerSpec
from genrelab.datamodules import BatchAugmentation, GenreDataModule
from genrelab.datamodules.genre_datamodule import SplitName
from genrelab.engine.build import Config
from genrelab.metrics import monitor_direction
from genrelab.models.classical import Clusterer, Estimator, check_memory
from genrelab.postprocessing.temperature_scaling import fit_temperature
from genrelab.runs.checkpoint import load_checkpoint
from genrelab.runs.run_record import RunRecord
from genrelab.training.task import GenreTask
from genrelab.training.trainer import make_trainer
from genrelab.utils.io import atomic_path

ROWS = 256  # normalized at a time
TRAIN_POINTS = 2000  # train segments that the plane's axes are found by, fewer where they have many values
VALUES = 2**28
SPLIT_NAMES: tuple[SplitName, ...] = ("val", "test")
# What the command line may ask of training and nothing here heeds.
WITHOUT_EFFECT = (
    *("loss", "beta", "graph", "optimizer", "scheduler", "callbacks", "model.bn_statistics", "recipe"),
    *(
        f"trainer.{name}"
        for name in ("max_epochs", "ema_decay", "gradient_clip_val", "accumulate_grad_batches", "profiler")
    ),
    *(f"data.{name}" for name in ("class_balanced", *(field.name for field in fields(BatchAugmentation)))),
)
WITHOUT = {"kind": "none"}


def ineffective_overrides(overrides: Sequence[str]) -> list[str]:
    """The overrides that ask for what only training by gradient has."""
    plain = [text.lstrip("+~") for text in overrides]
    return [
        text
        for text in plain
        if any(text.startswith((f"{key}=", f"{key}.", f"{key}@")) or text == key for key in WITHOUT_EFFECT)
    ]


def record_sklearn_model(record: RunRecord, config: Config) -> None:
    """Say in the record that there is no loss, and what of the command line has no effect."""
    record.data["model"]["parameters"] = None
    record.data["loss"] = {**WITHOUT, "beta": None, "effective_beta": None}
    record.data |= {"optimizer": WITHOUT, "scheduler": WITHOUT}
    asked = ineffective_overrides(record.data["overrides"])
    if config["data"]["copies_per_epoch"] != "all":
        asked += [text for text in record.data["overrides"] if text.startswith("augment=") and text != "augment=none"]
    if asked:
        kind = config["model"]["kind"]
        record.warn(f"model {kind!r} is fitted at once, without loss and epochs: no effect has {', '.join(asked)}")


def fit_sklearn(
    task: GenreTask,
    data: GenreDataModule,
    spec: TrainerSpec,
    accelerator: Mapping[str, Any],
    record: RunRecord,
    loggers: list[Any],
    resuming: bool,
) -> Any:
    """Fit on train, score on val, and leave `best.ckpt`, `metrics.csv` and the record as a training does.

    Args:
        task: whose network is an `Estimator`.
        data: prepared.
        spec: its `limit_batches` leaves that many batches of train rows, drawn by the seed.
        accelerator: of the configuration; the precision is float32 whatever it says.
        record: of the run.
        loggers: of the trainer.
        resuming: take the checkpoint that is there, if there is one.

    Returns:
        Lightning's trainer, for the test.
    """
    net = task.net
    assert isinstance(net, Estimator)
    trainer = make_trainer(spec, {**accelerator, "precision": "32-true"}, record.folder, loggers, [])
    device = trainer.strategy.root_device
    record.data["hardware"] |= {"device": str(device), "devices": 1, "precision": "32-true"}
    path = record.folder / "checkpoints" / "best.ckpt"
    if resuming and path.exists():
        state = load_checkpoint(path)
        net.load_state_dict(state["state_dict"])
        net.found = state["genrelab"]["model"]["fitted"]
    else:
        rows = None if spec.limit_train_batches is None else spec.limit_train_batches * data.batch_size
        _fit_and_choose(net, task, data, trainer, rows)
        task.checkpoint_metadata["model"] |= {"fitted": net.found}
        net.cpu()
        write_weights(task, path)
    record.data["model"]["fitted"] = net.found
    trainer.validate(task, data, verbose=False)
    values = {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
    with atomic_path(record.folder / "metrics.csv") as part:
        pd.DataFrame([{"epoch": 0, **values}]).to_csv(part, index=False)
    _score(record, spec.monitor, values[spec.monitor])
    return trainer


def _fit_and_choose(net: Estimator, task: GenreTask, data: GenreDataModule, trainer: Any, limit: int | None) -> None:
    """Fit on train; where a parameter is "auto", once with each candidate, and keep that of the least loss on val."""
    device = trainer.strategy.root_device
    x, target = train_vectors(task, data, net, limit)
    losses: dict[str, list[list[float]]] = {name: [] for name in net.candidates}
    best: tuple[float, dict[str, Tensor], dict[str, Any]] | None = None
    for values in product(*net.candidates.values()):
        params = dict(zip(net.candidates, values, strict=True))
        net.set_params(**params)
        net.temperature = torch.ones(())
        net.fit(x.clone() if params else x, target, task.seed, device)
        net.found |= params
        if net.scaled_on_val:
            trainer.validate(task, data, verbose=False)
            net.temperature = torch.tensor(fit_temperature(task.predictions["logits"], task.predictions["target"]))
            net.found["temperature"] = round(float(net.temperature), 4)
        if not params:
            return
        trainer.validate(task, data, verbose=False)
        loss = float(trainer.callback_metrics[f"val/track/{'bce' if net.multilabel else 'nll'}"])
        for name, value in params.items():
            losses[name].append([value, round(loss, 4)])
        if best is None or loss < best[0]:
            best = loss, {name: tensor.clone() for name, tensor in net.state_dict().items()}, net.found
    assert best is not None
    net.load_state_dict(best[1])
    net.found = {**best[2], "candidates": losses}


def write_weights(task: GenreTask, path: Path) -> None:
    """Write a task's weights and metadata as a checkpoint, atomically."""
    with atomic_path(path) as part:
        torch.save(task.weights_checkpoint(), part)


def train_vectors(task: GenreTask, data: GenreDataModule, net: Estimator, limit: int | None) -> tuple[Tensor, Tensor]:
    """`[N, D]` vectors of train's rows, normalized, and `[N]` their genres; at most `limit` rows, drawn by the seed."""
    batch = data.full_batch("train")
    order = torch.arange(len(batch.target))
    if limit is not None:
        order = torch.from_numpy(np.random.default_rng([abs(task.seed), 0]).permutation(len(order))[:limit])
    check_memory(len(order), net.width)
    x = torch.empty(len(order), net.width)
    for at in range(0, len(order), ROWS):
        chosen = order[at : at + ROWS]
        x[at : at + ROWS] = net.vectors(*task.normalizer([feature[chosen] for feature in batch.features]))
    return x, batch.target[order]


def write_pca_projection(task: GenreTask, data: GenreDataModule, record: RunRecord) -> None:
    """Leave `plane.parquet`: all segments of val and test, and a sample of train's, in the plane of train's first two
    principal components of what the model sees, with their clusters, if it makes any.

    See `genrelab.evaluation.report.pca_plot`.
    """
    from sklearn.decomposition import PCA

    net = task.net
    assert isinstance(net, Estimator)
    net.cpu()
    most = max(2, min(TRAIN_POINTS, VALUES // net.width))
    order = torch.from_numpy(np.random.default_rng([abs(task.seed), 2]).permutation(len(data.rows("train")))[:most])
    train, clusters = _seen(task, data, "train", order.sort().values)
    pca = PCA(min(2, *train.shape), svd_solver="randomized", random_state=task.seed).fit(train)
    tables = [_points(data, "train", order.sort().values, pca.transform(train), clusters)]
    for part in SPLIT_NAMES:
        every = torch.arange(len(data.rows(part)))
        chunks = [_seen(task, data, part, rows) for rows in torch.split(every, ROWS)]
        at = np.concatenate([pca.transform(z) for z, _ in chunks])
        tables.append(_points(data, part, every, at, np.concatenate([found for _, found in chunks])))
    with atomic_path(record.folder / "plane.parquet") as path:
        pd.concat(tables, ignore_index=True).to_parquet(path, index=False)
    whole = net.found["explained"] if isinstance(net, Clusterer) else 1.0  # of which the reduced is a part
    shares = [round(whole * float(share), 4) for share in pca.explained_variance_ratio_]
    record.data["plane"] = {"explained": [*shares, 0.0][:2]}


@torch.no_grad()
def _seen(task: GenreTask, data: GenreDataModule, part: SplitName, rows: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """What the model sees of some rows `[N, D]`, a clusterer's reduced, and their clusters `[N]`, -1 without any."""
    net, batch = task.net, data.full_batch(part)
    assert isinstance(net, Estimator)
    z, clusters = [], []
    for chosen in torch.split(rows, ROWS):
        x = net.inputs(*task.normalizer.cpu()([feature[chosen] for feature in batch.features]))
        if isinstance(net, Clusterer):
            z.append(net.transform(x))
            clusters.append(net.predict_cluster(z[-1]))
        else:
            z.append(x)
            clusters.append(torch.full((len(x),), -1))
    return torch.cat(z).numpy(), torch.cat(clusters).numpy()


def _points(data: GenreDataModule, part: SplitName, rows: Tensor, at: np.ndarray, clusters: np.ndarray) -> pd.DataFrame:
    table = data.rows(part).iloc[rows.numpy()]
    return pd.DataFrame(
        {
            "split": part,
            "track_id": table["track_id"].to_numpy(),
            "segment_id": table["segment"].to_numpy(np.int32),
            "target": table["track_id"].map(data.targets).to_numpy(np.int16),
            "x": at[:, 0].astype(np.float32),
            "y": (at[:, 1] if at.shape[1] > 1 else np.zeros(len(at))).astype(np.float32),
            "cluster": clusters.astype(np.int32),
        }
    )


def _score(record: RunRecord, metric: str, value: float) -> None:
    """What a training tells of its epochs, of which there are none."""
    mode = monitor_direction(metric)
    record.data["monitor"] = {"metric": metric, "mode": mode, "best": value, "best_epoch": None, "epochs": 0}
    record.data["objective"] = value
    record.write()
