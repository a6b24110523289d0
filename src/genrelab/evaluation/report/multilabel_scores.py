"""Scores of a run whose tracks have several genres: `metrics.json` and the table of genres."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from genrelab.evaluation.report.formatting import TINY_TRACKS, debugging, interval, number
from genrelab.evaluation.report.scores import (
    CONFIDENCE,
    LEVELS,
    RESAMPLES,
    dataset_facts,
    trained_baselines,
    without_nan,
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

PRIOR = "each genre's share of train"
Scores = dict[str, dict[str, float | None]]


def score_labels(run: RunDir, resamples: int = RESAMPLES) -> dict[str, Any]:
    """Score a run from its predictions alone.

    Returns:
        plain data, as `results.score_run` gives it; `consistent[part][level]` holds the scores after each genre was
        raised to the likeliest below it, where the taxonomy is a tree.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        found: dict[str, Any] = without_nan(_score(run, resamples))
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
        "dataset": dataset_facts(run),
        "pairs": len(pairs),
        "tracks": {},
        "segments": {},
        "notes": notes,
        "baselines": {},
        "differences": {},
        "consistent": {},
    }
    for part in run.parts:
        result[part] = {}
        for level in LEVELS:
            rows = label_level(run.predictions, part, level)
            result["tracks" if level == "track" else "segments"][part] = len(rows)
            draws, tracks = bootstrap_multilabel_scores(rows, pairs, resamples), len(np.unique(rows.track))
            result[part][level] = with_ends(draws, tracks)
            if len(pairs):
                raised = MultilabelPredictions(enforce_hierarchy(rows.logits, pairs), rows.target, rows.track)
                result["consistent"].setdefault(part, {})[level] = (
                    with_ends(bootstrap_multilabel_scores(raised, pairs, resamples), tracks)
                    if level == "track"
                    else _alone(raised, pairs)
                )
            others = {
                name: label_level(known, part, level)
                for name, known in trained.items()
                if isinstance(known, Predictions) and known.targets is not None and len(known.only(part))
            }
            if level == "track":
                baselines, gains = _against(others, rows, draws, pairs, resamples)
                if gains:
                    result["differences"][part] = {level: gains}
            else:
                baselines = {name: _alone(other, pairs) for name, other in others.items()}
            result["baselines"].setdefault(part, {})[level] = {PRIOR: _alone(_prior(run, rows), pairs), **baselines}
    result["verdict"] = verdict(run, without_nan(result))
    return result


def _against(
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
        scores[name] = with_ends(drawn, len(other))
        if other.track.tolist() == rows.track.tolist():
            found = paired_difference_of_results([drawn], [draws], confidence=CONFIDENCE)
            gains[name] = {metric: vars(one) for metric, one in found.items()}
    return scores, gains


def label_level(predictions: Predictions, part: Part, level: LevelName) -> MultilabelPredictions:
    """The answers of a part at a level; tracks get the mean of their segments' probabilities."""
    rows = predictions_at_level(predictions.only(part), level)
    return MultilabelPredictions(rows.logits, rows.target, rows.track)


def genre_table(run: RunDir, rows: MultilabelPredictions) -> pd.DataFrame:
    """One row a genre, the most common first: train tracks, tracks, share, AUCs; precision, recall from a threshold."""
    found, thresholds = per_class_auc(rows), track_thresholds(run)
    said, true = sigmoid(rows.logits) >= thresholds, rows.target
    right = (said & true).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = right / said.sum(axis=0), right / true.sum(axis=0)
    table = pd.DataFrame(
        {
            "genre": run.taxonomy.genres,
            "title": run.taxonomy.titles,
            "train_tracks": run.train_counts,
            "tracks": found["positives"],
            "share": true.mean(axis=0),
            "threshold": thresholds,
            "answers": said.sum(axis=0),
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
    rows = run.at_level("val", "track")
    return fit_thresholds(rows.logits, rows.target, run.prior)


def track_table(run: RunDir, rows: MultilabelPredictions, most: int = 5) -> pd.DataFrame:
    """One row a track: its genres, those above their thresholds, and the likeliest with their probabilities."""
    titles = np.asarray(run.taxonomy.titles, dtype=object)
    probability = sigmoid(rows.logits)
    said = probability >= track_thresholds(run)
    best = np.argsort(-rows.logits, axis=1, kind="stable")[:, :most]
    return pd.DataFrame(
        {
            "track_id": rows.track,
            "genres": ["; ".join(titles[one]) for one in rows.target],
            "answered": ["; ".join(titles[one]) for one in said],
            "likeliest": [
                "; ".join(f"{titles[g]} {p[g]:.3f}" for g in top) for top, p in zip(best, probability, strict=True)
            ],
        }
    )


def verdict(run: RunDir, metrics: Mapping[str, Any]) -> list[str]:
    """The findings in sentences, the most important first."""
    part = run.primary_split
    found, tracks = metrics[part]["track"], metrics["tracks"][part]
    prior = metrics["baselines"][part]["track"][PRIOR]
    lines = []
    if debug := debugging(run):
        lines.append(f"Debug run ({debug}): scores mean nothing.")
    if tracks < TINY_TRACKS:
        lines.append(f"{tracks} {part} track{'s' * (tracks > 1)}: this says nothing yet.")
    pr, roc, known_pr, known_roc = (shown(name, one[name]) for one in (found, prior) for name in ("pr_auc", "roc_auc"))
    lines.append(
        f"PR-AUC {pr} and ROC-AUC {roc}, means over the genres, on {tracks} {part} tracks; "
        f"knowing nothing of the music gives {known_pr} and {known_roc}."
    )
    if debug or tracks < TINY_TRACKS:
        return lines
    for name, by_metric in metrics["differences"].get(part, {}).get("track", {}).items():
        one = by_metric["pr_auc"]
        beyond = "more than chance" if one["value"] > 0 else "worse than it"
        sure = "which may be chance" if one["low"] <= 0 <= one["high"] else beyond
        lines.append(
            f"Against {name}, on the same tracks: {one['value']:+.3f} PR-AUC [{one['low']:+.3f}, {one['high']:+.3f}], "
            f"{sure}."
        )
    if found["consistency"]["value"] is not None:
        raised = metrics["consistent"][part]["track"]["pr_auc"]["value"]
        lines.append(
            f"In {100 * found['consistency']['value']:.1f} % of pairs a genre is as likely as one below it, or more; "
            f"raised to the likeliest below them, genres get PR-AUC {raised:.3f}."
        )
    return lines


def shown(metric: str, found: Mapping[str, float | None]) -> str:
    """A value with its interval."""
    return f"{number(metric, found['value'])} {interval(metric, found)}".rstrip()


def shown_metrics(metrics: Mapping[str, Any]) -> list[str]:
    """The metrics that say something here: no consistency where the taxonomy is no tree."""
    found = metrics[metrics["headline"]]["track"]
    return [name for name in MULTILABEL_METRICS if found[name]["value"] is not None]


def with_ends(draws: BootstrapResult, tracks: int) -> Scores:
    """Metric -> value and interval over `tracks` tracks."""
    ends = confidence_intervals(draws, tracks, CONFIDENCE)
    return {
        name: {"value": float(value), "low": ends[name][0], "high": ends[name][1]}
        for name, value in draws.estimate.items()
    }


def _alone(rows: MultilabelPredictions, pairs: np.ndarray) -> Scores:
    return {name: {"value": value, "low": None, "high": None} for name, value in multilabel_scores(rows, pairs).items()}


def _prior(run: RunDir, rows: MultilabelPredictions) -> MultilabelPredictions:
    tracks = count_train_tracks(run.record) or int(run.train_counts.sum())
    logits = np.tile(prior_logits(run.train_counts, tracks), (len(rows), 1))
    return MultilabelPredictions(logits, rows.target, rows.track)
