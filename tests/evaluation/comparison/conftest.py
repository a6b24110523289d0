"""Synthetic runs of a beta sweep, small and quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from genrelab.evaluation.report.scores import score_multiclass_run
from genrelab.runs.predictions import Predictions, write_predictions
from genrelab.runs.run_dir import RunDir
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.taxonomy.taxonomy import Taxonomy
from genrelab.utils.io import write_json

GENRES = ("jaz03", "jaz06", "jam02", "blu02", "tec05", "hou07")
TRACKS = 60


def taxonomy_of(genres: tuple[str, ...] = GENRES) -> Taxonomy:
    whole = TAXONOMIES.build("musicmap", {}, genres=())
    return whole.subset(genres)


def answers(taxonomy: Taxonomy, skill: float, seed: int, tracks: int = TRACKS, first: int = 0) -> Predictions:
    """Two segments a track; how hard a track is depends on the track alone, so that runs err together."""
    classes = len(taxonomy.genres)
    number = np.repeat(np.arange(first, first + tracks), 2)
    target = number % classes
    hard = np.random.default_rng(99).normal(0, 1, 1000)[number]
    noise = np.random.default_rng(seed).normal(0, 1, (len(number), classes))
    logits = noise.astype(np.float32)
    logits[np.arange(len(number)), target] += skill + hard
    return Predictions(
        split=np.full(len(number), "test", dtype=object),
        track_id=np.array([f"track-{n:04d}" for n in number], dtype=object),
        segment_id=np.tile(np.arange(2), tracks).astype(np.int32),
        target=target.astype(np.int16),
        logits=logits,
        genres=taxonomy.genres,
        taxonomy_hash=taxonomy.hash,
    )


def write_run(
    folder: Path,
    beta: float | None = 1.0,
    seed: int = 0,
    skill: float = 1.0,
    tracks: int = TRACKS,
    first: int = 0,
    taxonomy: Taxonomy | None = None,
    config: dict | None = None,
    **record: object,
) -> Path:
    """A run's folder: `beta` None is cross-entropy."""
    taxonomy = taxonomy or taxonomy_of()
    folder.mkdir(parents=True)
    loss = "cross_entropy" if beta is None else "graph_soft"
    write_predictions(folder / "predictions.parquet", answers(taxonomy, skill, seed + 7, tracks, first))
    write_json(folder / "taxonomy.json", taxonomy.to_dict())
    settings = {
        "seed": seed,
        "model": {"kind": "mlp", "hidden": [64]},
        "loss": {"kind": loss},
        "optimizer": {"kind": "adam", "lr": 0.001},
        "paths": {"output_dir": str(folder.parent)},
    }
    known = {
        "run_id": folder.name,
        "status": "finished",
        "seconds": 12.5,
        "command": f"python train.py loss={loss} seed={seed}",
        "overrides": [f"loss={loss}", f"seed={seed}"],
        "dataset": {"name": "made up", "stand_in": True, "train_targets": [10] * len(taxonomy.genres)},
        "taxonomy": {"name": taxonomy.name, "hash": taxonomy.hash},
        "split": {"kind": "grouped", "artist_leak": False, "unsafe": False, "fold": None},
        "model": {"kind": "mlp", "parameters": 100},
        "loss": {"kind": loss, "beta": beta, "effective_beta": beta},
        "features": ["tabular57"],
        "monitor": {"metric": "val/track/distance", "epochs": 12},
        "warnings": [],
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(settings | (config or {})))
    write_json(folder / "run.json", known | record)
    write_json(folder / "metrics.json", score_multiclass_run(RunDir.read(folder)))
    return folder


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Path]:
    """`make_run(folder, beta=, seed=, skill=, tracks=, first=, taxonomy=, config=, **record)` writes a run."""
    return write_run


@pytest.fixture(scope="session")
def sweep(tmp_path_factory) -> Path:
    """Four betas and cross-entropy, three seeds each; beta 4 is clearly better. Tests leave it as it is."""
    root = tmp_path_factory.mktemp("sweep")
    number = 0
    for beta, skill in ((None, 0.7), (1.0, 0.7), (2.0, 0.75), (4.0, 3.0)):
        for seed in range(3):
            write_run(root / str(number), beta, seed, skill)
            number += 1
    return root


@pytest.fixture(scope="session")
def four_genres() -> Taxonomy:
    """A smaller taxonomy than that of the other runs."""
    return taxonomy_of(GENRES[:4])


@pytest.fixture
def relabeled() -> Callable[[Path], None]:
    """Gives the tracks of a run other genres."""

    def change(folder: Path) -> None:
        made = answers(taxonomy_of(), 1.0, 0)
        target = ((made.target + 1) % len(GENRES)).astype(np.int16)
        write_predictions(folder / "predictions.parquet", replace(made, target=target))

    return change
