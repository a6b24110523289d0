"""What a study is, as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from genrelab.utils.errors import ConfigError


@dataclass(frozen=True)
class StudySpec:
    """One study: what it explores, how, and when it ends.

    Args:
        name: of the study, and of its folder.
        folder: where trials, summary and plots go.
        params: key of the configuration -> what to try, in Hydra's grammar: `choice(1,2)`, `interval(1e-4,1e-1)`.
        objectives: logged val metrics; the first is the only one as a rule.
        directions: "min" or "max" for each.
        sampler: `kind` and its parameters, see `SAMPLERS`.
        pruner: `kind` and its parameters, see `PRUNERS`.
        storage: None for a journal file in the folder, "sqlite", or a database's URL.
        n_trials: how many complete or pruned trials the study shall have in all; None: every point of a grid.
        timeout: seconds after which this launch starts no further trial.
        prune_on: the metric that pruners see each epoch; None: the objective.
        max_failures_in_row: failed trials one after the other that end a launch.
        max_failures: failed trials that end a launch.
        max_retries: how often a trial whose worker died is tried again.
        fixed: the configuration that all trials share, flattened; a study refuses another one.
    """

    name: str
    folder: Path
    params: Mapping[str, str]
    objectives: tuple[str, ...]
    directions: tuple[str, ...]
    sampler: Mapping[str, Any] = field(default_factory=lambda: {"kind": "tpe"})
    pruner: Mapping[str, Any] = field(default_factory=lambda: {"kind": "none"})
    storage: str | None = None
    n_trials: int | None = None
    timeout: float | None = None
    prune_on: str | None = None
    max_failures_in_row: int = 3
    max_failures: int = 10
    max_retries: int = 2
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = []
        if not self.params:
            problems.append("params: nothing to search; give a search, e.g. search=beta, or beta='choice(1,2)'")
        if self.name in ("", ".", "..", "experiment") or "/" in self.name:
            problems.append(f"study: {self.name!r} cannot name a folder; choose another name")
        if len(self.objectives) != len(self.directions) or not self.objectives:
            problems.append("objectives: each needs its direction")
        if self.n_trials is None and self.sampler.get("kind") != "grid":
            problems.append("n_trials: needed; only a grid knows how many points it has")
        for name in ("n_trials", "timeout", "max_failures_in_row", "max_failures"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                problems.append(f"{name}: {value} is not above 0")
        if problems:
            raise ConfigError(problems)

    @property
    def multi_objective(self) -> bool:
        """Whether there is more than one objective."""
        return len(self.objectives) > 1

    def to_json(self) -> str:
        """As text that `from_json` reads."""
        return json.dumps({**asdict(self), "folder": str(self.folder)}, default=dict)

    @classmethod
    def from_json(cls, text: str) -> StudySpec:
        """Inverse of `to_json`."""
        found = json.loads(text)
        found |= {"folder": Path(found["folder"])}
        found |= {name: tuple(found[name]) for name in ("objectives", "directions")}
        return cls(**found)
