"""Synthetic run folders that look like real ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genrelab.runs.predictions import Predictions, write_predictions
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.taxonomy.taxonomy import Taxonomy
from genrelab.utils.io import write_json

TWELVE = 12
SIZES = {3: 30, TWELVE: 60, 248: 300}  # tracks by genres


def make_taxonomy(classes: int) -> Taxonomy:
    """A flat one of 3, or some or all of the Musicmap's genres."""
    if classes == 3:
        return TAXONOMIES.build("flat", {}, genres=("Slow", "Even", "Fast"))
    whole = TAXONOMIES.build("musicmap", {}, genres=())
    if classes == len(whole.genres):
        return whole
    members = {group: [] for group in whole.supergenre_of}
    for genre, group in zip(whole.genres, whole.supergenre_of, strict=True):
        members[group].append(genre)
    pairs = [genres[:2] for genres in members.values() if len(genres) > 1]
    return whole.subset([genre for pair in pairs[: classes // 2] for genre in pair])


def make_predictions(taxonomy: Taxonomy, tracks: int, skill: float, seed: int = 0, most: int = 24) -> Predictions:
    """Answers that err towards near genres; the segments of a track err together."""
    generator = np.random.default_rng(seed)
    distances = taxonomy.distances()
    classes = len(taxonomy.genres)
    columns: dict[str, list] = {name: [] for name in ("split", "track_id", "segment_id", "target", "logits")}
    for split, count in (("val", tracks), ("test", tracks)):
        for number in range(count):
            target = number % classes
            segments = int(generator.integers(2, most + 1))
            pull = -skill * distances[target] + generator.gumbel(size=classes) * 1.2
            columns["split"] += [split] * segments
            columns["track_id"] += [f"{split}/{taxonomy.genres[target]}/{number:04d}"] * segments
            columns["segment_id"] += list(range(segments))
            columns["target"] += [target] * segments
            columns["logits"] += list(pull + generator.normal(0, 0.8, (segments, classes)))
    return Predictions(
        split=np.array(columns["split"], dtype=object),
        track_id=np.array(columns["track_id"], dtype=object),
        segment_id=np.array(columns["segment_id"], dtype=np.int32),
        target=np.array(columns["target"], dtype=np.int16),
        logits=np.array(columns["logits"], dtype=np.float32),
        genres=taxonomy.genres,
        taxonomy_hash=taxonomy.hash,
    )


def make_curves(epochs: int = 18) -> pd.DataFrame:
    epoch = np.arange(epochs)
    fall = np.exp(-epoch / 6)
    generator = np.random.default_rng(0)

    def noisy(values):
        return values + generator.normal(0, 0.02, epochs)

    table = pd.DataFrame(
        {
            "epoch": epoch,
            "lr": np.where(epoch < 12, 1e-3, 1e-4),
            "seconds": 9.1,
            "train/loss": noisy(1.1 + 1.3 * fall),
            "train/accuracy": noisy(0.8 - 0.7 * fall),
            "val/loss": noisy(1.3 + 1.1 * fall + epoch * 0.01),
        }
    )
    for level, best in (("track", 0.72), ("segment", 0.6)):
        table[f"val/{level}/accuracy"] = noisy(best - 0.6 * fall)
        table[f"val/{level}/top3"] = noisy(best + 0.15 - 0.5 * fall)
        table[f"val/{level}/top5"] = noisy(best + 0.2 - 0.4 * fall)
        table[f"val/{level}/distance"] = noisy(1 + 3 * fall)
        table[f"val/{level}/distance_skill"] = noisy(0.75 - 0.75 * fall)
        table[f"val/{level}/supergenre_accuracy"] = noisy(best + 0.1 - 0.5 * fall)
        table[f"val/{level}/f1_macro"] = noisy(best - 0.05 - 0.6 * fall)
    table.loc[4, "val/track/accuracy"] = np.nan
    return table


def make_record(taxonomy: Taxonomy, predictions: Predictions) -> dict:
    counts = {part: len(set(predictions.track_id[predictions.split == part])) for part in ("val", "test")}
    return {
        "format": 1,
        "run_id": "20260101-120000-ab12cd",
        "status": "finished",
        "started": "2026-01-01T12:00:00+00:00",
        "seconds": 212.4,
        "stage_seconds": {
            "catalog": 1.2,
            "prepare": 48.0,
            "train": 131.0,
            "test": 4.0,
            "baselines": 3.1,
            "report": 3.2,
        },
        "command": "python train.py experiment=quickstart",
        "overrides": ["experiment=quickstart"],
        "versions": {"python": "3.11.9", "genrelab": "0.1.0", "torch": "2.13.0", "lightning": "2.6.0"},
        "hardware": {"system": "Linux", "cores": 2, "device": "cpu", "precision": "32-true"},
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "changed": True,
        "dataset": {
            "name": "demo",
            "stand_in": True,
            "notes": ["composed by rules and rendered; a stand-in for music"],
            "tracks": {"train": 7 * len(taxonomy.genres), **counts},
            "segments": {"train": 14 * len(taxonomy.genres), "val": 1, "test": 1},
            "train_targets": [7] * len(taxonomy.genres),
            "rejected": [["x/broken.mp3", "cannot be decoded"]],
        },
        "taxonomy": {"name": taxonomy.name, "hash": taxonomy.hash, "source": taxonomy.source},
        "split": {
            "kind": "grouped",
            "seed": 0,
            "hash": "ab12",
            "artists": "apart",
            "artist_leak": False,
            "unsafe": False,
        },
        "model": {"kind": "resnet18flex_dual", "parameters": 1_234_567},
        "loss": {"kind": "graph_soft", "beta": 1.5, "effective_beta": 1.5},
        "features": ["pcen", "mfcc"],
        "monitor": {"metric": "val/track/distance", "mode": "min", "best": 0.98, "best_epoch": 13, "epochs": 18},
        "objective": 0.98,
        "baselines": {"logistic regression on mean features": {"predictions": "baselines/mean_features.parquet"}},
        "fingerprints": {"pcen": "0a1b2c3d", "mfcc": "4e5f6071"},
        "warnings": ["composed by rules and rendered; a stand-in for music", "1 files were left out"],
    }


def build_run(folder: Path, classes: int, tracks: int, skill: float = 0.9, most: int = 24) -> Path:
    taxonomy = make_taxonomy(classes)
    predictions = make_predictions(taxonomy, tracks, skill, most=most)
    (folder / "baselines").mkdir(parents=True)
    write_predictions(folder / "predictions.parquet", predictions)
    worse = make_predictions(taxonomy, tracks, skill * 0.6, seed=1, most=most)
    write_predictions(folder / "baselines" / "mean_features.parquet", worse)
    write_json(folder / "taxonomy.json", taxonomy.to_dict())
    write_json(folder / "run.json", make_record(taxonomy, predictions))
    make_curves().to_csv(folder / "metrics.csv", index=False)
    (folder / "config.yaml").write_text("seed: 0\nbeta: 1.5\nmodel:\n  kind: resnet18flex_dual\n  width: 24\n")
    return folder


def change_record(folder: Path, **changes) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture
def run_folder(tmp_path) -> Path:
    return build_run(tmp_path / "run", classes=TWELVE, tracks=48, most=6)


@pytest.fixture(scope="session")
def make_run():
    """`make_run(folder, classes=..., tracks=..., skill=..., most=...)` writes a run's folder."""
    return build_run


@pytest.fixture(scope="session")
def edit_record():
    """`edit_record(folder, key=value)` changes a run's record."""
    return change_record


@pytest.fixture(scope="session")
def reports(tmp_path_factory) -> dict[int, Path]:
    """Written reports of 3, 12 and 248 genres, by number; tests leave them as they are."""
    from genrelab.evaluation.report import write_report

    root = tmp_path_factory.mktemp("reports")
    folders = {classes: build_run(root / str(classes), classes, tracks, most=6) for classes, tracks in SIZES.items()}
    for folder in folders.values():
        write_report(folder)
    return folders
