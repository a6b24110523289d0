"""The live table of a sweep."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from genrelab.tuning.search_space import format_params
from genrelab.tuning.study_storage import SharedStudy, TrialCounts, trial_attributes
from genrelab.tuning.summary import best_trials, is_unsafe

ENDED = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


class SweepDisplay:
    """Shows a study while others work on it: a table that renews itself, or a line an event where there is no terminal.

    Args:
        study: to watch.
        workers: how many work, for the time that is left.
    """

    def __init__(self, study: SharedStudy, workers: int) -> None:
        self.study = study
        self.workers = workers
        self.console = Console(highlight=False)
        self._live = Live(console=self.console, auto_refresh=False, transient=True) if sys.stdout.isatty() else None
        self._said = {trial.number for trial in study.trials() if trial.state.is_finished()}
        self._began = time.time()
        self._before = study.counts().ended

    def __enter__(self) -> SweepDisplay:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def update(self) -> None:
        """Look again."""
        trials = self.study.trials()
        for trial in trials:
            if trial.state.is_finished() and trial.number not in self._said:
                self._said.add(trial.number)
                self.console.print(self._line(trial), markup=False, soft_wrap=True)
        if self._live:
            self._live.update(self._table(trials), refresh=True)

    def seconds_left(self, counts: TrialCounts) -> float | None:
        """By the pace of this start; None where no trial has ended yet."""
        done = counts.ended - self._before
        if done < 1:
            return None
        return (time.time() - self._began) / done * (self.study.total - counts.ended)

    def _line(self, trial: FrozenTrial) -> str:
        attributes, values = trial_attributes(trial), ""
        if trial.state is TrialState.COMPLETE:
            named = zip(self.study.spec.objectives, trial.values, strict=True)
            values = "  UNSAFE" * is_unsafe(trial) + "  " + "  ".join(f"{name} {value:.4g}" for name, value in named)
        told = f"  {attributes['error']}" if "error" in attributes else ""
        best = best_trials(self.study, self.study.trials())
        star = "  *" if trial.number in [one.number for one in best] else ""
        counts = self.study.counts()
        left = self.seconds_left(counts)
        pace = f"  [{counts.ended}/{self.study.total}, {_clock(left)} left]" if left else ""
        seconds = f"  {attributes['seconds']:.0f} s" if "seconds" in attributes else ""
        said = "queued again" if attributes.get("requeued") else ENDED[trial.state]
        head = f"trial {trial.number:3d} {said:9s} {format_params(trial.params)}"
        return f"{head}{values}{told}{seconds}{star}{pace}"

    def _table(self, trials: Sequence[FrozenTrial]) -> Group:
        spec, counts = self.study.spec, self.study.counts()
        left = self.seconds_left(counts)
        head = Text.assemble(
            (spec.name, "bold"),
            f"  {counts.ended} of {self.study.total}: {counts.complete} complete, {counts.pruned} pruned; "
            f"{counts.running} running, {counts.failed} failed"
            f"  {_clock(left) + ' left' if left else ''}",
        )
        grid = Table(box=None, pad_edge=False)
        for name in ("", "trial", *(key.rpartition(".")[2] for key in self.study.space), *spec.objectives, "epochs"):
            grid.add_column(name, justify="left" if name == "" else "right")
        for trial in best_trials(self.study, trials)[:5]:
            grid.add_row(
                "UNSAFE best" if is_unsafe(trial) else "best",
                *self._cells(trial, [f"{value:.4g}" for value in trial.values]),
            )
        for trial in trials:
            if trial.state is TrialState.RUNNING:
                steps = trial.intermediate_values
                values = ["-"] * len(spec.objectives)
                values[0] = f"{steps[max(steps)]:.4g}" if steps else "-"
                grid.add_row("running", *self._cells(trial, values))
        return Group(head, grid)

    def _cells(self, trial: FrozenTrial, values: list[str]) -> list[str]:
        params = [_short(trial.params.get(key)) for key in self.study.space]
        epochs = trial_attributes(trial).get("epochs") or len(trial.intermediate_values) or "-"
        return [str(trial.number), *params, *values, str(epochs)]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _clock(seconds: float | None) -> str:
    return str(timedelta(seconds=round(seconds))) if seconds is not None else "-"
