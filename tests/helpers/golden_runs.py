"""The runs of the golden test: how they are started, and what is read from their folders.

This file is the adapter: overrides, configuration keys, imports of genrelab and names inside a run's folder are written
here and nowhere else in the golden test. Renames are followed here; the numbers in `tests/integration/golden` stay.
What a run leaves is read as plain files (JSON, CSV, Parquet, a checkpoint), because those formats do not change either.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import torch

from several_genres import write_jamendo

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = ("debug=fast", "accelerator=cpu", "demo.genres=4")
# Well-conditioned: other orders of addition change its logits by millionths, those of model=cnn by hundredths.
RESNET = ("model=resnet18flex", "model.width=4", "model.dropout=0.2")
MFCC = (*DEMO, "features=mfcc", "augment=none")
# 32 x 32 spectrograms of two seconds at 8 kHz.
TONES = (
    *("debug=fast", "accelerator=cpu", "taxonomy=flat", "augment=none", "audio.sample_rate=8000"),
    *("audio.segment_duration=2.0", "features=mel_db", "features.mel_db.n_fft=512", "features.mel_db.hop_length=256"),
    *("features.mel_db.n_mels=32", "features.mel_db.frames=32", "data.batch_size=8"),
)
WORKERS = "genrelab.features.cache.feature_cache.default_workers"
CURVES = ("train/loss", "val/loss", "lr")
PREPROCESSING = ("audio", "features", "online")  # the normalizer's statistics are floats of the data


def _multilabel(folder: Path) -> list[str]:
    root = write_jamendo(folder / "jamendo", count=30)
    data = ["dataset=jamendo", f"dataset.root={root}", f"dataset.tags={root / 'tags.tsv'}", "target=multi_label"]
    return [*data, "split=grouped", "split.ratios=[0.5,0.25,0.25]", *TONES, *RESNET]


# Name of a run -> its overrides, the paths aside; the argument is an empty folder for data.
RUNS: dict[str, Callable[[Path], list[str]]] = {
    "multiclass": lambda _: [*DEMO, "model.width=8"],
    "multilabel": _multilabel,
    "knn": lambda _: [*MFCC, "model=knn", "model.n_neighbors=5"],
    "folds": lambda _: [*MFCC, *RESNET, "split=stratified", "split.folds=3"],
}


def overrides(name: str, outputs: Path, folder: Path) -> list[str]:
    """Return the command line arguments that train the run `name` in `folder`."""
    return [
        *RUNS[name](outputs / "data"),
        f"paths.output_dir={outputs}",
        f"hydra.run.dir={folder}",
        "trainer.report=false",
    ]


def train(arguments: Sequence[str]) -> int:
    """Train in this process; returns the exit code."""
    from genrelab.cli import launch

    try:
        with mock.patch(WORKERS, lambda: 1):  # to start two takes longer than the work
            launch.train(list(arguments))
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def train_py(arguments: Sequence[str]) -> int:
    """Train by `python train.py`; returns the exit code."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    command = [sys.executable, str(REPOSITORY / "train.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode


def resume(folder: Path) -> list[str]:
    """Return the command line arguments that resume a run."""
    return [f"resume={folder}"]


def predict(folder: Path, *files: Path) -> int:
    """Name the genres of files by the command line; returns the exit code."""
    from genrelab import cli

    arguments = ["genrelab", "predict", str(folder), *map(str, files), "--workers", "1"]
    with mock.patch.object(sys, "argv", arguments):
        try:
            cli.main()
        except SystemExit as stop:
            return int(stop.code or 0)
    return 0


def demo_track(outputs: Path) -> Path:
    """Return a recording of the demo that the runs below `outputs` have composed."""
    return min(outputs.glob("cache/demo-*/*.flac"))


def describe(folder: Path) -> dict[str, Any]:
    """Read from a finished run's folder what must not change."""
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    checkpoint = folder / "checkpoints" / "best.ckpt"
    if not checkpoint.exists():
        checkpoint = folder / "fold-0" / "checkpoints" / "best.ckpt"
    return {
        "files": sorted(str(path.relative_to(folder)) for path in _files(folder)),
        "split_hash": record["split"]["hash"],
        "tracks": record["dataset"]["tracks"],
        "fingerprints": {name: text for name, text in record["fingerprints"].items() if name != "data"},
        "n_parameters": record["model"]["parameters"],
        "monitor": {key: record["monitor"][key] for key in ("metric", "mode", "best", "best_epoch", "epochs")},
        "checkpoint": _checkpoint(checkpoint),
        "curves": _curves(folder / "metrics.csv"),
        "metrics": _metrics(folder / "metrics.json"),
        "logits": _logits(folder / "predictions.parquet"),
    }


def _files(folder: Path) -> list[Path]:
    """What a run leaves, reports and locks aside."""
    found = [path for path in folder.rglob("*") if path.is_file() and "report" not in path.relative_to(folder).parts]
    return [path for path in found if not path.name.startswith(".") and path.suffix != ".diff"]


def _checkpoint(path: Path) -> dict[str, Any]:
    content = torch.load(path, map_location="cpu", weights_only=True)
    made = content["genrelab"]
    return {
        "keys": sorted(made),
        "format": made["format"],
        "genres": made["genres"],
        "model": {key: made["model"][key] for key in ("kind", "in_shapes")},
        "preprocessing": {key: made["preprocessing"].get(key) for key in PREPROCESSING},
        "tensors": {
            name: f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
            for name, tensor in content["state_dict"].items()
        },
    }


def _curves(path: Path) -> dict[str, list[float]]:
    table = pd.read_csv(path)
    return {name: table[name].tolist() for name in CURVES if name in table}


def _metrics(path: Path) -> dict[str, list[float]]:
    """Value and interval of each score, such as "test/track/accuracy"."""
    scores = json.loads(path.read_text(encoding="utf-8"))
    return {
        f"{split}/{level}/{name}": [score[key] for key in ("value", "low", "high")]
        for split in ("val", "test")
        for level, named in scores[split].items()
        for name, score in named.items()
    }


def _logits(path: Path) -> dict[str, list[float]]:
    """Logits by "split track segment target"; a track's targets are joined by "+"."""
    table = pd.read_parquet(path)
    targets = table["targets"] if "targets" in table else table["target"].map(lambda one: [one])
    keys = [
        f"{row.split} {row.track_id} {row.segment_id} {'+'.join(map(str, target))}"
        for row, target in zip(table.itertuples(), targets, strict=True)
    ]
    found: Mapping[str, Any] = dict(zip(keys, table["logits"], strict=True))
    return {key: found[key].tolist() for key in sorted(found)}
