"""What loggers get when a run is over: scores, confusion matrix, per-genre table, the best checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from genrelab.predictions import read_predictions


def publish(loggers: Sequence[Any], run_dir: Path, record: Mapping[str, Any], log_model: bool) -> None:
    """Send a finished run's results to its W&B logger, if it has one.

    Args:
        loggers: of the trainer.
        run_dir: holds `predictions.parquet`, `metrics.json` and `report/per_genre.csv`.
        record: the run's record.
        log_model: upload the best checkpoint as an artifact with the alias "best".
    """
    for logger in loggers:
        if type(logger).__name__ == "WandbLogger":
            _to_wandb(logger.experiment, run_dir, record, log_model)


def finish(failed: bool) -> None:
    """Close the W&B run, if there is one, with the exit code that its page shows."""
    import sys

    if "wandb" in sys.modules and (client := sys.modules["wandb"]).run is not None:
        client.finish(exit_code=int(failed))


def _to_wandb(experiment: Any, run_dir: Path, record: Mapping[str, Any], log_model: bool) -> None:
    import wandb

    tests = read_predictions(run_dir / "predictions.parquet").only("test")
    metrics = json.loads((run_dir / "metrics.json").read_text())
    values = {
        f"{part}/{level}/{name}": entry["value"]
        for part in ("val", "test")
        for level, of_level in metrics.get(part, {}).items()
        for name, entry in of_level.items()
    }
    betas = {name: record["loss"].get(name) for name in ("beta", "effective_beta")}
    experiment.summary.update({"objective": record["objective"], **betas, **values})
    experiment.log(
        {
            "test/confusion": wandb.plot.confusion_matrix(
                y_true=tests.target.tolist(),
                preds=tests.logits.argmax(axis=1).tolist(),
                class_names=list(tests.genres),
            ),
            "test/per_genre": wandb.Table(dataframe=pd.read_csv(run_dir / "report" / "per_genre.csv")),
        }
    )
    if log_model:
        artifact = wandb.Artifact(f"model-{record['run_id']}", type="model", metadata=dict(record.get("model", {})))
        artifact.add_file(str(run_dir / "checkpoints" / "best.ckpt"))
        experiment.log_artifact(artifact, aliases=["best"])
