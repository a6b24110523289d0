"""Scores of a run whose tracks have several genres: `metrics.json` and the table of genres."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from genrelab.evaluation.report.formatting import TINY_TRACKS, debug_setting, format_interval, format_metric
from genrelab.evaluation.report.scores import (
    CONFIDENCE,
    LEVELS,
    RESAMPLES,
    dataset_summary,
    nan_to_none,
    trained_baselines,
)
from genrelab.metrics import MULTILABEL_METRICS, BootstrapResult, paired_difference_of_results
from genrelab.metrics.bootstrap import confidence_intervals
from genrelab.metrics.multilabel import (
    MultilabelPredictions,
    bootstrap_multilabel_scores,
    enforce_hierarchy,
    multilabel_scores,
    per_class_auc,
    prior_logits,
    sigmoid,
)
from genrelab.postprocessing.thresholds import HALF, count_train_tracks, fit_thresholds
from genrelab.runs.predictions import Predictions
from genrelab.runs.run_dir import LevelName, Part, RunDir, predictions_at_level
from genrelab.taxonomy.hierarchy import ancestor_pairs

PRIOR_BASELINE = "each genre's share of train"
Scores = dict[str, dict[str, float | None]]


def score_multilabel_run(run: RunDir, resamples: int = RESAMPLES) -> dict[str, Any]:
    """Score a run from its predictions alone.

    Returns:
        plain data, as `scores.score_multiclass_run` gives it; `consistent[part][level]` holds the scores after each
        genre was raised to the likeliest below it, where the taxonomy is a tree.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        found: dict[str, Any] = nan_to_none(_score(run, resamples))
    return found


def _score(run: RunDir, resamples: int) -> dict[str, Any]:
    trained, notes = trained_baselines(run)
    pairs = ancestor_pairs(run.taxonomy)
    result: dict[str, Any] = {
        "format": 1,
        "target": "multi_label",
        "run_id": run.record.get("run_id", run.path.name),
        "headline": run.primary_split,
        "flat": run.taxonomy.flat,
        "aggregation": "mean_prob",
        "resampling": {"unit": "track", "resamples": resamples, "confidence": CONFIDENCE, "seed": 0},
        "dataset": dataset_summary(run),
        "pairs": len(pairs),
        "tracks": {},
        "segments": {},
        "notes": notes,
        "baselines": {},
        "differences": {},
        "consistent": {},
    }
    for split in run.parts:
        result[split] = {}
        for level in LEVELS:
            rows = multilabel_predictions(run.predictions, split, level)
            result["tracks" if level == "track" else "segments"][split] = len(rows)
            draws, tracks = bootstrap_multilabel_scores(rows, pairs, resamples), len(np.unique(rows.track))
            result[split][level] = with_intervals(draws, tracks)
            if len(pairs):
                raised = MultilabelPredictions(enforce_hierarchy(rows.logits, pairs), rows.target, rows.track)
                result["consistent"].setdefault(split, {})[level] = (
                    with_intervals(bootstrap_multilabel_scores(raised, pairs, resamples), tracks)
                    if level == "track"
                    else _values_without_intervals(raised, pairs)
                )
            others = {
                name: multilabel_predictions(known, split, level)
                for name, known in trained.items()
                if isinstance(known, Predictions) and known.targets is not None and len(known.only(split))
            }
            if level == "track":
                baselines, gains = _score_baselines(others, rows, draws, pairs, resamples)
                if gains:
                    result["differences"][split] = {level: gains}
            else:
                baselines = {name: _values_without_intervals(other, pairs) for name, other in others.items()}
            result["baselines"].setdefault(split, {})[level] = {
                PRIOR_BASELINE: _values_without_intervals(_prior_predictions(run, rows), pairs),
                **baselines,
            }
    result["verdict"] = multilabel_summary_sentences(run, nan_to_none(result))
    return result


def _score_baselines(
    others: Mapping[str, MultilabelPredictions],
    rows: MultilabelPredictions,
    draws: BootstrapResult,
    pairs: np.ndarray,
    resamples: int,
) -> tuple[dict[str, Scores], dict[str, Any]]:
    """Scores of trained baselines by name, and what the run gains over those that answered for the same tracks."""
    scores, gains = {}, {}
    for name, other in others.items():
        drawn = bootstrap_multilabel_scores(other, pairs, resamples)
        scores[name] = with_intervals(drawn, len(other))
        if other.track.tolist() == rows.track.tolist():
            found = paired_difference_of_results([drawn], [draws], confidence=CONFIDENCE)
            gains[name] = {metric: vars(one) for metric, one in found.items()}
    return scores, gains


def multilabel_predictions(predictions: Predictions, split: Part, level: LevelName) -> MultilabelPredictions:
    """The answers of a part at a level; tracks get the mean of their segments' probabilities."""
    rows = predictions_at_level(predictions.only(split), level)
    return MultilabelPredictions(rows.logits, rows.target, rows.track)


def genre_table(run: RunDir, rows: MultilabelPredictions) -> pd.DataFrame:
    """One row a genre, the most common first: train tracks, tracks, share, AUCs; precision, recall from a threshold."""
    found, thresholds = per_class_auc(rows), track_thresholds(run)
    predicted, true = sigmoid(rows.logits) >= thresholds, rows.target
    right = (predicted & true).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = right / predicted.sum(axis=0), right / true.sum(axis=0)
    table = pd.DataFrame(
        {
            "genre": run.taxonomy.genres,
            "title": run.taxonomy.titles,
            "train_tracks": run.train_counts,
            "tracks": found["positives"],
            "share": true.mean(axis=0),
            "threshold": thresholds,
            "answers": predicted.sum(axis=0),
            "pr_auc": found["pr_auc"],
            "roc_auc": found["roc_auc"],
            "precision": precision,
            "recall": recall,
        }
    )
    return table.sort_values(["tracks", "genre"], ascending=[False, True], kind="stable", ignore_index=True)


def track_thresholds(run: RunDir) -> np.ndarray:
    """`[C]` thresholds by which `genrelab predict` answers: fitted on val; a half where val is all that was scored."""
    if run.primary_split != "test" or "val" not in run.parts:
        return np.full(len(run.taxonomy.genres), HALF)
    rows = predictions_at_level(run.held_out, "track")
    return fit_thresholds(rows.logits, rows.target, run.prior)


def track_table(run: RunDir, rows: MultilabelPredictions, most: int = 5) -> pd.DataFrame:
    """One row a track: its genres, those above their thresholds, and the likeliest with their probabilities."""
    titles = np.asarray(run.taxonomy.titles, dtype=object)
    probability = sigmoid(rows.logits)
    predicted = probability >= track_thresholds(run)
    best = np.argsort(-rows.logits, axis=1, kind="stable")[:, :most]
    return pd.DataFrame(
        {
            "track_id": rows.track,
            "genres": ["; ".join(titles[one]) for one in rows.target],
            "answered": ["; ".join(titles[one]) for one in predicted],
            "likeliest": [
                "; ".join(f"{titles[g]} {p[g]:.3f}" for g in top) for top, p in zip(best, probability, strict=True)
            ],
        }
    )


def multilabel_summary_sentences(run: RunDir, metrics: Mapping[str, Any]) -> list[str]:
    """The findings in sentences, the most important first."""
    split = run.primary_split
    found, tracks = metrics[split]["track"], metrics["tracks"][split]
    prior = metrics["baselines"][split]["track"][PRIOR_BASELINE]
    lines = []
    if debug := debug_setting(run):
        lines.append(f"Debug run ({debug}): scores mean nothing.")
    if tracks < TINY_TRACKS:
        lines.append(f"{tracks} {split} track{'s' * (tracks > 1)}: this says nothing yet.")
    pr, roc, known_pr, known_roc = (
        format_with_interval(name, one[name]) for one in (found, prior) for name in ("pr_auc", "roc_auc")
    )
    lines.append(
        f"PR-AUC {pr} and ROC-AUC {roc}, means over the genres, on {tracks} {split} tracks; "
        f"knowing nothing of the music gives {known_pr} and {known_roc}."
    )
    if debug:
        return lines
    for name, by_metric in metrics["differences"].get(split, {}).get("track", {}).items():
        one = by_metric["pr_auc"]
        beyond = "more than chance" if one["value"] > 0 else "worse than it"
        sure = "which may be chance" if one["low"] <= 0 <= one["high"] else beyond
        lines.append(
            f"Against {name}, on the same tracks: {one['value']:+.3f} PR-AUC [{one['low']:+.3f}, {one['high']:+.3f}], "
            f"{sure}."
        )
    if found["consistency"]["value"] is not None:
        raised = metrics["consistent"][split]["track"]["pr_auc"]["value"]
        lines.append(
            f"In {100 * found['consistency']['value']:.1f} % of pairs a genre is as likely as one below it, or more; "
            f"raised to the likeliest below them, genres get PR-AUC {raised:.3f}."
        )
    return lines


def format_with_interval(metric: str, found: Mapping[str, float | None]) -> str:
    """A value with its interval."""
    return f"{format_metric(metric, found['value'])} {format_interval(metric, found)}".rstrip()


def displayed_multilabel_metrics(metrics: Mapping[str, Any]) -> list[str]:
    """The metrics that say something here: no consistency where the taxonomy is no tree."""
    found = metrics[metrics["headline"]]["track"]
    return [name for name in MULTILABEL_METRICS if found[name]["value"] is not None]


def with_intervals(draws: BootstrapResult, tracks: int) -> Scores:
    """Metric -> value and interval over `tracks` tracks."""
    bounds = confidence_intervals(draws, tracks, CONFIDENCE)
    return {
        name: {"value": float(value), "low": bounds[name][0], "high": bounds[name][1]}
        for name, value in draws.estimate.items()
    }


def _values_without_intervals(rows: MultilabelPredictions, pairs: np.ndarray) -> Scores:
    return {name: {"value": value, "low": None, "high": None} for name, value in multilabel_scores(rows, pairs).items()}


def _prior_predictions(run: RunDir, rows: MultilabelPredictions) -> MultilabelPredictions:
    tracks = count_train_tracks(run.record) or int(run.train_counts.sum())
    logits = np.tile(prior_logits(run.train_counts, tracks), (len(rows), 1))
    return MultilabelPredictions(logits, rows.target, rows.track)
