"""Answers decided anew from a run's predictions, scored beside the usual ones on the same tracks."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genrelab.datasets.splits import NO_EVIDENCE
from genrelab.evaluation.decisions.multilabel import check_rule_fits_run, reevaluate_multilabel_level
from genrelab.evaluation.report.scores import LEVELS, nan_to_none
from genrelab.metrics import (
    HierarchicalPredictions,
    bootstrap_intervals,
    extended_differences,
    extended_scores,
    paired_difference,
    reliability_bins,
    risk_coverage_curve,
    scores,
)
from genrelab.postprocessing import Argmax, DecisionResult, DecisionRule
from genrelab.postprocessing.registry import DECISIONS
from genrelab.runs.run_dir import Level, LevelName, Part, RunDir, predictions_at_level
from genrelab.utils.errors import ConfigError, GenrelabError, suggest
from genrelab.utils.io import write_json

RESAMPLES = 1000
SAME_AS_ORIGINAL = "so the run was scored itself; name another decision, such as decision=crm, or aggregation=..."


def reevaluate_run(
    run: RunDir,
    kind: str,
    params: Mapping[str, Any] | None = None,
    aggregation: str | None = None,
    split: Part | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Decide a run's answers anew and score them beside the usual ones: argmax by mean log-probability, or where a
    track has several genres those of probability 0.5 and more, by mean probability.

    The decision is fitted on val, at each level for itself: tracks are surer than segments.

    Args:
        run: the run's folder.
        kind: of the decision.
        params: its parameters.
        aggregation: joins segments to tracks; None: as usual.
        split: that is scored; by default the run's headline.
        resamples: of the bootstrap.

    Returns:
        plain data: `name`, `decision`, `aggregate`, `part`, `notes`, and of each level `rows`, `fitted`,
        `metrics[metric]` and `argmax[metric]` (`half[metric]` of several genres a track) with `{"value", "low",
        "high"}`, `differences[metric]` (the decision minus that, paired by track) with `p` too; of one genre a track
        `reliability` and `risk_coverage`, of several `thresholds` by genre.

    Raises:
        ConfigError: no such decision or aggregation, or parameters that do not fit.
        GenrelabError: the part was not predicted, or there is no val to fit on.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    params = dict(params or {})
    split = split or run.primary_split
    if split not in run.parts:
        raise GenrelabError(f"{run.path}: has no predictions of {split!r}; there is: {', '.join(run.parts)}")
    if "val" not in run.parts:
        raise GenrelabError(f"{run.path}: has no predictions of val, on which decisions are fitted")
    aggregation = _resolve_aggregation(run, aggregation)
    scored = reevaluate_multilabel_level if run.multi_label else _reevaluate_multiclass_level
    with threadpool_limits(1):
        levels = {level: scored(run, kind, params, aggregation, split, level, resamples) for level in LEVELS}
    found: dict[str, Any] = nan_to_none(
        {
            "format": 1,
            "run_id": run.record.get("run_id", run.path.name),
            "name": rule_name(kind, params, "" if aggregation == run.output_type.aggregations[0] else aggregation),
            "decision": {"kind": kind, **params},
            "aggregate": aggregation,
            "part": split,
            "resampling": {"unit": "track", "resamples": resamples, "confidence": 0.95, "seed": 0},
            "notes": [
                *_notes(run, split),
                *([SAME_AS_ORIGINAL] if kind == "argmax" and aggregation == run.output_type.aggregations[0] else []),
            ],
            **levels,
        }
    )
    return found


def write_reevaluation(run: RunDir, found: Mapping[str, Any]) -> Path:
    """Write `decisions/<name>.json` into the run's folder; val's beside test's, with its name behind."""
    behind = "" if found["part"] == run.primary_split else f"-{found['part']}"
    path = run.path / "decisions" / f"{found['name']}{behind}.json"
    path.parent.mkdir(exist_ok=True)
    write_json(path, found)
    return path


def rule_name(kind: str, params: Mapping[str, Any], aggregation: str = "") -> str:
    """A short name: the kind, what differs from its defaults, and an unusual aggregation; fit for a file."""
    defaults = {name: one.default for name, one in inspect.signature(DECISIONS.get(kind)).parameters.items()}
    changed = [f"{name}-{value}" for name, value in params.items() if value != defaults.get(name)]
    parts = [kind, *changed, *([aggregation] if aggregation else [])]
    return re.sub(r"[^A-Za-z0-9._-]", "_", "-".join(parts))


def _resolve_aggregation(run: RunDir, aggregation: str | None) -> str:
    aggregations = run.output_type.aggregations
    if aggregation is None:
        return aggregations[0]
    if aggregation not in aggregations:
        raise ConfigError([f"aggregation: no rule {aggregation!r}{suggest(aggregation, aggregations)}"])
    return aggregation


def _notes(run: RunDir, split: Part) -> list[str]:
    notes = []
    if run.unsafe:
        notes.append(NO_EVIDENCE)
    if split == "val":
        notes.append("scored on val, on which the decision was fitted: scores are too good")
    elif not run.unsafe and set(run.predictions.only("val").track_id) & set(run.predictions.only("test").track_id):
        notes.append("folds: what the decision learnt on val came in part from tracks that other folds test")
    return notes


def _reevaluate_multiclass_level(
    run: RunDir, kind: str, params: Mapping[str, Any], aggregation: str, split: Part, level: LevelName, resamples: int
) -> dict[str, Any]:
    held_out, rows = (
        predictions_at_level(one, level, aggregation) for one in (run.held_out, run.predictions.only(split))
    )
    plain = predictions_at_level(run.predictions.only(split), level)
    rule = build_rule(run, kind, params)
    rule.fit(held_out.logits, held_out.target)
    result, argmax = rule.decide(rows.logits), Argmax().decide(plain.logits)
    predictions = _to_predictions(result, rows)
    return {
        "rows": len(rows),
        "fitted": rule.fitted,
        "metrics": _scored(run, result, rows, resamples),
        "argmax": _scored(run, argmax, rows, resamples),
        "differences": _differences(run, argmax, result, rows, resamples),
        "reliability": reliability_bins(predictions),
        "risk_coverage": risk_coverage_curve(predictions),
    }


def build_rule(run: RunDir, kind: str, params: Mapping[str, Any]) -> DecisionRule:
    """The decision `kind` on the run's graph. Raises ConfigError."""
    check_rule_fits_run(run, kind)
    tree = run.hierarchy
    made: DecisionRule = DECISIONS.build(
        kind, params, distances=tree.distances, supergenres=tree.supergenres, clusters=tree.clusters
    )
    return made


def _to_predictions(result: DecisionResult, rows: Level) -> HierarchicalPredictions:
    return HierarchicalPredictions(
        result.log_prob, rows.target, rows.track, result.prediction, result.level, result.index
    )


def _scored(run: RunDir, result: DecisionResult, rows: Level, resamples: int) -> dict[str, dict[str, float]]:
    """Training's metrics from the ranking, but likelihood from the probabilities; then the details."""
    given = (rows.target, run.distances, run.supergenres, run.medoid)
    bounds = (rows.target, rows.track, run.distances, run.supergenres, run.medoid, resamples)
    value, intervals_by_metric = (
        scores(result.ranking_scores, *given),
        bootstrap_intervals(result.ranking_scores, *bounds),
    )
    value["nll"] = scores(result.log_prob, *given)["nll"]
    intervals_by_metric["nll"] = bootstrap_intervals(result.log_prob, *bounds)["nll"]
    found = {name: (value[name], *intervals_by_metric[name]) for name in value}
    found |= extended_scores(_to_predictions(result, rows), run.hierarchy, resamples)
    return {name: {"value": one[0], "low": one[1], "high": one[2]} for name, one in found.items()}


def _differences(
    run: RunDir, a: DecisionResult, b: DecisionResult, rows: Level, resamples: int
) -> dict[str, dict[str, float]]:
    given = (rows.target, rows.track, run.distances, run.supergenres, run.medoid, resamples)
    found = paired_difference(a.ranking_scores, b.ranking_scores, *given)
    found["nll"] = paired_difference(a.log_prob, b.log_prob, *given)["nll"]
    found |= extended_differences(_to_predictions(a, rows), _to_predictions(b, rows), run.hierarchy, resamples)
    return {name: {"value": one.value, "low": one.low, "high": one.high, "p": one.p} for name, one in found.items()}
