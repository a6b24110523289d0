"""k-fold results as one: predictions pooled, so that each track is tested once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from genrelab.datamodules.auxiliary_targets import FILE as LABELS
from genrelab.datamodules.auxiliary_targets import pool_auxiliary, read_auxiliary_rows, write_auxiliary_rows
from genrelab.engine.linear_baseline import NAME as BASELINE
from genrelab.runs.predictions import concatenate, read_predictions, write_predictions
from genrelab.runs.run_record import RunRecord
from genrelab.utils.io import atomic_path


def pool_folds(record: RunRecord, records: Sequence[RunRecord]) -> None:
    """Fill the folder and record of a k-fold run from those of its folds, all but the report."""
    folders = [one.folder for one in records]
    pooled = concatenate([read_predictions(folder / "predictions.parquet") for folder in folders])
    write_predictions(record.folder / "predictions.parquet", pooled)
    curves = pd.concat([pd.read_csv(folder / "metrics.csv") for folder in folders])
    with atomic_path(record.folder / "metrics.csv") as part:
        curves.groupby("epoch", as_index=False).mean(numeric_only=True).to_csv(part, index=False)
    first = records[0].data
    shared = ("taxonomy", "model", "loss", "features", "fingerprints", "duplicates")
    record.data |= {name: first[name] for name in shared if name in first}
    targets = sum(np.array(one.data["dataset"]["train_targets"]) for one in records)
    trained = sum(one.data["dataset"]["tracks"]["train"] for one in records)
    tested = sum(one.data["dataset"]["tracks"]["test"] for one in records)
    record.data["dataset"] = {
        **first["dataset"],
        "train_targets": np.asarray(targets).tolist(),
        "train_targets_of": trained,  # tracks, each counted once in every fold that trains on it
        "tracks": {"test": tested, "val": tested},
        "segments": {part: int((pooled.split == part).sum()) for part in ("val", "test")},
    }
    record.data["split"] = {
        **first["split"],
        "fold": None,
        "hash": "+".join(one.data["split"]["hash"] for one in records),
    }
    record.data["split"]["artist_leak"] = any(one.data["split"]["artist_leak"] for one in records)
    record.data["monitor"] = {**first["monitor"], "best": None, "best_epoch": None}
    record.data["objective"] = float(np.mean([one.data["objective"] for one in records]))
    record.data["folds"] = [one.data["objective"] for one in records]
    record.data["stage_seconds"] = {}  # pooled before, where the run was interrupted while reporting
    for one in records:
        for stage, seconds in one.data["stage_seconds"].items():
            record.data["stage_seconds"][stage] = round(record.data["stage_seconds"].get(stage, 0) + seconds, 2)
        for text in one.data["warnings"]:
            if text not in record.data["warnings"]:
                record.data["warnings"].append(text)
    baseline = [folder / "baselines" / "mean_features.parquet" for folder in folders]
    if all(path.exists() for path in baseline):
        path = record.folder / "baselines" / "mean_features.parquet"
        write_predictions(path, concatenate([read_predictions(one) for one in baseline]))
        record.data["baselines"] = {BASELINE: {"predictions": "baselines/mean_features.parquet"}}
    if all("labels" in one.data for one in records):
        rows = [read_auxiliary_rows(folder / LABELS) for folder in folders]
        record.data["labels"], pooled_rows = pool_auxiliary([one.data["labels"] for one in records], rows)
        write_auxiliary_rows(record.folder / LABELS, pooled_rows)
    (record.folder / "taxonomy.json").write_bytes((folders[0] / "taxonomy.json").read_bytes())
    record.write()
