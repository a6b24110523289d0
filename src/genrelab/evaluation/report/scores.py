"""`metrics.json`: scores of both levels and parts, with intervals, baselines and differences to them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genrelab.metrics import (
    EXTENDED_METRICS,
    METRICS,
    HierarchicalPredictions,
    baseline_scores,
    bootstrap_intervals,
    extended_scores,
    paired_difference,
    reliability_bins,
    risk_coverage_curve,
    scores,
)
from genrelab.runs.predictions import Predictions, read_predictions
from genrelab.runs.run_dir import Level, LevelName, Part, RunDir, predictions_at_level
from genrelab.utils.errors import GenrelabError

RESAMPLES = 1000
CONFIDENCE = 0.95
LEVELS: tuple[LevelName, ...] = ("track", "segment")


def score_multiclass_run(run: RunDir) -> dict[str, Any]:
    """Score a run from its predictions alone.

    Returns:
        plain data: `[part][level][metric]` is `{"value", "low", "high"}`, the ends None where there is no interval;
        `baselines[part][level][name][metric]` alike; `differences[part]["track"][name][metric]`, the run minus a
        trained baseline, paired over the same tracks, has `p` too; `calibration[part][level]` holds the bins of a
        reliability diagram and points of the risk-coverage curve. NaN is None.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):  # the matrices are small: threads would only wait for each other
        found: dict[str, Any] = nan_to_none(_score(run))
    return found


def _score(run: RunDir) -> dict[str, Any]:
    trained, notes = trained_baselines(run)
    result: dict[str, Any] = {
        "format": 1,
        "run_id": run.record.get("run_id", run.path.name),
        "headline": run.primary_split,
        "flat": run.taxonomy.flat,
        "unsafe": run.unsafe,
        "overlap": run.n_overlapping,
        "aggregation": "mean_log_prob",
        "resampling": {"unit": "track", "resamples": RESAMPLES, "confidence": CONFIDENCE, "seed": 0},
        "medoid": run.taxonomy.genres[run.medoid],
        "majority": run.taxonomy.genres[int(run.train_counts.argmax())],
        "dataset": dataset_summary(run),
        "tracks": {},
        "segments": {},
        "notes": notes,
    }
    for split in run.parts:
        result[split] = {}
        for level in LEVELS:
            rows = run.at_level(split, level)
            result["tracks" if level == "track" else "segments"][split] = len(rows)
            result[split][level] = _scored(run, rows)
            predictions = HierarchicalPredictions(rows.logits, rows.target, rows.track)
            found = {"reliability": reliability_bins(predictions), "risk_coverage": risk_coverage_curve(predictions)}
            result.setdefault("calibration", {}).setdefault(split, {})[level] = found
            trivial = baseline_scores(rows.target, run.train_counts, run.distances, run.supergenres)
            baselines = {name: _with_intervals(values) for name, values in trivial.items()}
            for name, known in trained.items():
                if of_baseline := _baseline(run, known, split, level):
                    baselines[name] = of_baseline
                if isinstance(known, Predictions) and (better := _differences(run, rows, known, split, level)):
                    result.setdefault("differences", {}).setdefault(split, {}).setdefault(level, {})[name] = better
            result.setdefault("baselines", {}).setdefault(split, {})[level] = baselines
    return result


def dataset_summary(run: RunDir) -> dict[str, Any]:
    """How many tracks each part has (folds: in all), and how many files were left out; None where unknown."""
    known = run.record.get("dataset") or {}
    return {"tracks": dict(known.get("tracks") or {}), "left_out": len(known.get("rejected") or ())}


def _with_intervals(
    found: Mapping[str, float], spread: Mapping[str, tuple[float, float]] | None = None
) -> dict[str, dict[str, float | None]]:
    """Each value with the ends of its interval."""
    bounds = {name: (spread or {}).get(name, (None, None)) for name in found}
    return {name: {"value": value, "low": bounds[name][0], "high": bounds[name][1]} for name, value in found.items()}


def _scored(run: RunDir, rows: Level) -> dict[str, dict[str, float | None]]:
    spread = bootstrap_intervals(
        rows.logits,
        rows.target,
        rows.track,
        run.distances,
        run.supergenres,
        run.medoid,
        n=RESAMPLES,
        confidence=CONFIDENCE,
    )
    found = _with_intervals(scores(rows.logits, rows.target, run.distances, run.supergenres, run.medoid), spread)
    details = extended_scores(
        HierarchicalPredictions(rows.logits, rows.target, rows.track), run.hierarchy, n=RESAMPLES, confidence=CONFIDENCE
    )
    for name in EXTENDED_METRICS:
        value, low, high = details[name]
        found[name] = {"value": value, "low": low, "high": high}
    return found


def trained_baselines(run: RunDir) -> tuple[dict[str, Predictions | Mapping[str, Any]], list[str]]:
    """Baselines that the record names: their predictions, or the scores that stand in the record itself."""
    found: dict[str, Predictions | Mapping[str, Any]] = {}
    notes = []
    for name, known in (run.record.get("baselines") or {}).items():
        file = known.get("predictions") or known.get("track_predictions")
        if file is None:
            found[name] = known
            continue
        try:
            predictions = read_predictions(run.path / Path(file))
            if predictions.genres != run.predictions.genres:
                raise GenrelabError(f"{file}: other genres than the run's")
            found[name] = predictions
        except GenrelabError as error:
            notes.append(f"the baseline {name} is left out: {error}")
    return found, notes


def _baseline(
    run: RunDir, known: Predictions | Mapping[str, Any], split: Part, level: LevelName
) -> dict[str, Any] | None:
    if not isinstance(known, Predictions):  # scores in the record are of the headline
        numbers = {k: float(v) for k, v in known.items() if k in METRICS and isinstance(v, int | float)}
        return _with_intervals(numbers) if split == run.primary_split and level == "track" else None
    only = known.only(split)
    if not len(only):
        return None
    return _scored(run, predictions_at_level(only, level))


def _differences(
    run: RunDir, rows: Level, known: Predictions, split: Part, level: LevelName
) -> dict[str, dict[str, Any]] | None:
    """The run minus a baseline, where both answered for the same tracks."""
    other = predictions_at_level(known.only(split), level)
    if level != "track" or len(other) != len(rows) or (other.track != rows.track).any():
        return None
    found = paired_difference(
        other.logits,
        rows.logits,
        rows.target,
        rows.track,
        run.distances,
        run.supergenres,
        run.medoid,
        n=RESAMPLES,
        confidence=CONFIDENCE,
    )
    return {name: {"value": one.value, "low": one.low, "high": one.high, "p": one.p} for name, one in found.items()}


def nan_to_none(value: Any) -> Any:
    """Plain data for JSON: None for NaN and infinity, lists for tuples."""
    if isinstance(value, Mapping):
        return {str(key): nan_to_none(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [nan_to_none(inner) for inner in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
