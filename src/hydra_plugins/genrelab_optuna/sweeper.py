"""The sweeper `hydra/sweeper=genrelab_optuna`: one worker of a study inside `train.py --multirun`.

Hydra imports every module of `hydra_plugins` at each start: nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class GenrelabSweeper(Sweeper):
    """Runs a study's trials in this process; its parameters stand in conf/hydra/sweeper/genrelab_optuna.yaml."""

    def __init__(
        self,
        study_name: str | None = None,
        params: Mapping[str, str] | None = None,
        sampler: Mapping[str, Any] | None = None,
        pruner: Mapping[str, Any] | None = None,
        objectives: Sequence[str] | None = None,
        storage: str | None = None,
        n_trials: int | None = None,
        timeout: float | None = None,
        prune_on: str | None = None,
        max_failures_in_row: int = 3,
        max_failures: int = 10,
        max_retries: int = 2,
    ) -> None:
        self.hydra_overrides: list[str] = []

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what the command line said of Hydra itself."""
        self.hydra_overrides = list(config.hydra.overrides.hydra)

    def sweep(self, arguments: list[str]) -> Any:
        """Work on the study until it is over."""
        from genrelab.tuning.main import sweep_here

        return sweep_here([*arguments, *(text for text in self.hydra_overrides if not text.startswith("hydra.mode="))])


class SweepResults(SearchPathPlugin):
    """Makes `experiment=<study>/best` known: every study writes outputs/sweeps/experiment/<study>/best.yaml."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add the folder of sweeps where it has such files."""
        from pathlib import Path

        sweeps = Path("outputs/sweeps").absolute()
        if (sweeps / "experiment").is_dir():
            search_path.append("genrelab-sweeps", f"recipe://{sweeps}")
