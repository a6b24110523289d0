"""From rows to runs: which trainings a row asks for with the data at hand, and where their folders lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from genrelab.config import conf_dir
from genrelab.reproduction.systems import PublishedSystem, Systems, Trial

QUIET = ("trainer.enable_progress_bar=false", "trainer.estimate=false")


@dataclass(frozen=True)
class RunJob:
    """One training.

    Args:
        row: id, "A22".
        trial: of the row.
        protocol: name.
        seed: 0, 1, ...
        short: whether shortened.
        overrides: what `train.py` would be given.
        folder: of the run.
    """

    row: str
    trial: Trial
    protocol: str
    seed: int
    short: bool
    overrides: tuple[str, ...]
    folder: Path

    @property
    def key(self) -> str:
        """Names the result that the seeds of a trial share."""
        return result_key(self.trial, self.protocol)

    def __str__(self) -> str:
        return f"{self.row} {self.trial.recipe} on {self.trial.data}, {self.protocol}, seed {self.seed}"


def result_key(trial: Trial, protocol: str) -> str:
    """Names a result within its row."""
    return f"{trial.recipe} {trial.data} {protocol}"


def plan_jobs(
    systems: Systems, rows: Sequence[PublishedSystem], data: Path | None, outputs: Path, seeds: int, short: bool
) -> tuple[list[RunJob], dict[str, str]]:
    """The runs that the data at hand allow, first seeds first; data that genrelab makes where none are at hand.

    Args:
        systems: the facts.
        rows: whose trials.
        data: folder of all data; None has none.
        outputs: folder of the runs' folders.
        seeds: how many of each.
        short: take the shortened recipes.

    Returns:
        the jobs; and name -> what a reader would have to get, of the data that are not at hand.
    """
    jobs: list[RunJob] = []
    missing: dict[str, str] = {}
    for row in rows:
        for trial in row.trials:
            known = systems.data[trial.data]
            path = known.find(data)
            if known.stands_in_for:
                if systems.data[known.stands_in_for].find(data):
                    continue
            elif path is None:
                missing[trial.data] = known.needs
                continue
            fixed = [
                *known.overrides(path and path.resolve()),
                *(text.replace("{at}", str(path)) for text in trial.set),
            ]
            fixed += trial.short if short else ()
            for protocol in trial.protocols:
                jobs += [
                    _job(systems, row, trial, protocol, seed, fixed, bool(short and trial.short), outputs)
                    for seed in range(seeds)
                ]
    return sorted(jobs, key=lambda job: job.seed), missing


def _job(
    systems: Systems,
    row: PublishedSystem,
    trial: Trial,
    protocol: str,
    seed: int,
    fixed: Sequence[str],
    short: bool,
    outputs: Path,
) -> RunJob:
    known = systems.protocols[protocol]
    seeded = [f"seed={seed}", *([f"{known.seed}={seed}"] if known.seed else [])]
    overrides = (f"experiment={trial.recipe}", *fixed, *known.set, *seeded)
    name = (
        f"{trial.recipe}/{trial.data}-{protocol}-{seed}-{_mark(trial.recipe, overrides, systems.data[trial.data].key)}"
    )
    return RunJob(row.id, trial, protocol, seed, short, (*overrides, *QUIET), outputs / name)


def _mark(recipe: str, overrides: Sequence[str], key: str | None) -> str:
    """Tells apart what would give other results: overrides but for the data's place, and the recipe's values."""
    values = yaml.safe_load((conf_dir() / "experiment" / f"{recipe}.yaml").read_text(encoding="utf-8"))
    told = [values, [text for text in overrides if key is None or not text.startswith(f"{key}=")]]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:6]
