"""Thresholds of runs of several genres a track, scored beside 0.5 for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genrelab.evaluation.report.multilabel_scores import with_intervals
from genrelab.metrics import BootstrapResult, paired_difference_of_results
from genrelab.postprocessing import MULTILABEL, PerClassThresholds
from genrelab.postprocessing.registry import DECISIONS
from genrelab.postprocessing.thresholds import MULTILABEL_TAG
from genrelab.runs.run_dir import Level, LevelName, Part, RunDir, predictions_at_level
from genrelab.utils.errors import ConfigError

THRESHOLD_METRICS = (
    "f1_micro",
    "f1_macro",
    "subset_accuracy",
    "labels",
)  # of yeses and noes; the others are of probabilities


def check_rule_fits_run(run: RunDir, kind: str) -> None:
    """Refuse a decision that is for the other kind of run. Raises ConfigError."""
    fitting = [one for one in DECISIONS.kinds() if DECISIONS.marked(one, MULTILABEL_TAG) == run.multi_label]
    DECISIONS.get(kind)
    if kind not in fitting:
        other, own = ("one genre", "several") if run.multi_label else ("several genres", "one")
        raise ConfigError(
            [f"decision.kind: {kind!r} is for {other} a track, this run has {own}; use {' or '.join(fitting)}"]
        )


def reevaluate_multilabel_level(
    run: RunDir, kind: str, params: Mapping[str, Any], aggregation: str, split: Part, level: LevelName, resamples: int
) -> dict[str, Any]:
    """Scores of a decision fitted on val and of 0.5 for all, at one level; see `evaluate`."""
    check_rule_fits_run(run, kind)
    held_out, rows = (
        predictions_at_level(one, level, aggregation) for one in (run.held_out, run.predictions.only(split))
    )
    unchanged = predictions_at_level(run.predictions.only(split), level)
    rule: PerClassThresholds = DECISIONS.build(kind, params, prior=run.prior)
    rule.fit(held_out.logits, held_out.target)
    assert rule.values is not None
    result, half = _bootstrap_run(run, rows, rule.values, resamples), _bootstrap_run(run, unchanged, None, resamples)
    differences, tracks = paired_difference_of_results([half], [result]), len(np.unique(rows.track))
    return {
        "rows": len(rows),
        "fitted": rule.fitted,
        "thresholds": dict(zip(run.taxonomy.genres, rule.values.tolist(), strict=True)),
        "metrics": with_intervals(result, tracks),
        "half": with_intervals(half, tracks),
        "differences": {name: vars(one) for name, one in differences.items()},
    }


def _bootstrap_run(run: RunDir, rows: Level, thresholds: np.ndarray | None, resamples: int) -> BootstrapResult:
    """Metrics over resamples; those of yeses by logits that are moved so that 0 is where a genre is answered."""
    found = MULTILABEL.bootstrap(rows.logits, rows.target, rows.track, run.hierarchy, resamples)
    if thresholds is None:
        return found
    at = np.nextafter(MULTILABEL.logits(thresholds), -np.inf)  # what reaches a threshold is answered
    moved = MULTILABEL.bootstrap(rows.logits - at, rows.target, rows.track, run.hierarchy, resamples)
    estimate, replicates = (
        {name: (new if name in THRESHOLD_METRICS else old)[name] for name in old}
        for old, new in ((found.estimate, moved.estimate), (found.replicates, moved.replicates))
    )
    return BootstrapResult(estimate, replicates)
