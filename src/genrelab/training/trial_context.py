"""From inside a training to the trial of a sweep that it belongs to: report an epoch, stop where it is pruned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from genrelab.utils.errors import Pruned

Report = Callable[[float, int], bool]


@dataclass(frozen=True)
class TrialReporter:
    """How to report to the running trial.

    Args:
        report: takes a value and its epoch, returns whether the trial is pruned.
        metric: to report; None: the one that the training monitors.
    """

    report: Report
    metric: str | None = None

    def report_epoch(self, monitor: str, metrics: Mapping[str, Any], epoch: int) -> None:
        """Report an epoch.

        Raises:
            Pruned: the trial promises too little.
        """
        metric = self.metric or monitor
        if metric in metrics and self.report(float(metrics[metric]), epoch):
            raise Pruned(f"pruned after epoch {epoch + 1}: {metric} {float(metrics[metric]):.3f}")


CURRENT_TRIAL: ContextVar[TrialReporter | None] = ContextVar("trial", default=None)


@contextmanager
def report_to_trial(trial: TrialReporter | None) -> Iterator[None]:
    """Within, trainings of this thread report to a trial; to none where it is None."""
    token = CURRENT_TRIAL.set(trial)
    try:
        yield
    finally:
        CURRENT_TRIAL.reset(token)
