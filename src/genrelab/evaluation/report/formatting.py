"""Numbers and findings as people read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genrelab.datasets.splits.split import ACROSS_SPLITS
from genrelab.evaluation.report.pca_plot import clustering_sentences
from genrelab.metrics.constant_baselines import MAJORITY, MEDOID
from genrelab.runs.run_dir import RunDir

PERCENT_METRICS = {
    "accuracy",
    "top3",
    "top5",
    "balanced_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "supergenre_accuracy",
    "supergenre_top3",
    "hub_share",
    "cluster_accuracy",
    "cluster_top3",
    "hierarchical_f",
    *("f1_micro", "top1", "subset_accuracy", "consistency"),
}
THREE_DIGITS = {"pr_auc", "roc_auc", "bce"}
METRIC_TITLES = {
    "accuracy": "Accuracy",
    "top3": "Top 3",
    "top5": "Top 5",
    "balanced_accuracy": "Balanced accuracy",
    "precision_macro": "Precision, macro",
    "recall_macro": "Recall, macro",
    "f1_macro": "F1, macro",
    "distance": "Distance",
    "distance_sd": "Distance, standard deviation",
    "severity": "Severity of mistakes",
    "distance_skill": "Distance skill",
    "supergenre_accuracy": "Supergenre accuracy",
    "supergenre_top3": "Supergenre, any of top 3",
    "hub_share": "Share of commonest answer",
    "effective_classes": "Effective genres",
    "never_predicted": "Genres never answered",
    "nll": "Negative log-likelihood",
    "distance_at_3": "Distance at 3",
    "distance_at_5": "Distance at 5",
    "cluster_accuracy": "Cluster accuracy",
    "cluster_top3": "Cluster, any of top 3",
    "hierarchical_f": "Hierarchical F",
    "centrality_gap": "Centrality gap",
    "brier": "Brier score",
    "ece": "Calibration error (ECE)",
    "aurc": "Risk over coverage (AURC)",
    "pr_auc": "PR-AUC, macro",
    "roc_auc": "ROC-AUC, macro",
    "f1_micro": "F1, micro",
    "top1": "Likeliest genre is right",
    "subset_accuracy": "All genres exactly right",
    "consistency": "Hierarchical consistency",
    "labels": "Genres answered, mean",
    "bce": "Binary cross-entropy",
}
_TRACK_NOTES = {
    "padded": "shorter than one segment, padded with silence (audio.short_tracks=pad).",
    "upsampled": "of a lower sample rate, with nothing in the high bands.",
}
FEW_TRACKS = 30
TINY_TRACKS = 20  # fewer say nothing: an interval of a bootstrap over them is no evidence
MINUS = "\N{MINUS SIGN}"


def format_metric(metric: str, value: float | None) -> str:
    """A metric's value with its unit: "71.0 %", "1.23"; a dash where there is none."""
    if value is None:
        return "\N{EN DASH}"
    if metric in PERCENT_METRICS:
        return f"{100 * value:.1f} %"
    if metric == "never_predicted":
        return f"{value:.0f}"
    return f"{value:.{decimals(metric)}f}".replace("-", MINUS)


def format_interval(metric: str, found: Mapping[str, float | None]) -> str:
    """An interval in the unit of its metric: "[62.0, 80.1]" per cent, "[1.02, 1.44]"; empty where there is none."""
    low, high = found.get("low"), found.get("high")
    if low is None or high is None:
        return ""
    if metric in PERCENT_METRICS:
        return f"[{100 * low:.1f}, {100 * high:.1f}]"
    digits = max(decimals(metric), 2)
    return f"[{low:.{digits}f}, {high:.{digits}f}]".replace("-", MINUS)


def decimals(metric: str) -> int:
    """Decimals of what is no share."""
    return 1 if metric == "effective_classes" else 3 if metric in THREE_DIGITS else 2


def format_whole_percent(value: float) -> str:
    """A share for a sentence: "71 %", with a decimal below ten."""
    return f"{100 * value:.0f} %" if value >= 0.0995 or value == 0 else f"{100 * value:.1f} %"


def format_duration(seconds: float) -> str:
    """How long something took: "4.2 s", "3 min 5 s", "2 h 10 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def summary_sentences(run: RunDir, metrics: Mapping[str, Any]) -> list[str]:
    """The findings in sentences, the most important first."""
    split = run.primary_split
    found, baselines = metrics[split]["track"], metrics["baselines"][split]["track"]
    titles = dict(zip(run.taxonomy.genres, run.taxonomy.titles, strict=True))
    accuracy, skill = found["accuracy"], found["distance_skill"]
    tracks = metrics["tracks"][split]
    lines = []
    if run.unsafe:
        lines.append("UNSAFE: segments of the same tracks were trained on; this is no evidence of anything.")
    if run.n_overlapping:
        lines.append(f"OVERLAP: {run.n_overlapping} of the songs are not new: they, or their artists, were trained on.")
    if debug := debug_setting(run):
        lines.append(f"Debug run ({debug}): scores mean nothing.")
    if tracks < TINY_TRACKS:
        lines.append(f"{tracks} {split} track{'s' * (tracks > 1)}: this says nothing yet.")
    lines.append(
        f"Accuracy {format_whole_percent(accuracy['value'])} "
        f"[{100 * accuracy['low']:.0f}, {100 * accuracy['high']:.0f}] on "
        f"{tracks} {split} track{'s' * (tracks > 1)}; always answering {titles[metrics['majority']]} gives "
        f"{format_whole_percent(baselines[MAJORITY]['accuracy']['value'])}."
    )
    if skill["value"] is not None and not run.taxonomy.flat:
        lines.append(
            f"An answer lies {format_metric('distance', found['distance']['value'])} "
            f"from the truth on the genre graph; the "
            f"best constant answer, {titles[metrics['medoid']]}, lies "
            f"{format_metric('distance', baselines[MEDOID]['distance']['value'])} away: distance skill "
            f"{format_metric('distance_skill', skill['value'])} {format_interval('distance_skill', skill)}".strip()
            + "."
        )
    if debug:
        return lines  # a comparison would be read as one
    if clusters := metrics.get("clustering"):
        lines += clustering_sentences(clusters, run.parts)[1:]
    compared = metrics.get("differences", {}).get(split, {}).get("track", {})
    return lines + [_baseline_sentence(name, by_metric["accuracy"]) for name, by_metric in compared.items()]


def debug_setting(run: RunDir) -> str:
    """How a run was cut short by a debug option, as on its command line; empty for a run that is meant."""
    if chosen := debug_option(run.record):
        return chosen
    limit = re.search(r"^  limit_train_batches: (\d\S*)", run.config, re.MULTILINE)
    return f"trainer.limit_train_batches={limit.group(1)}" if limit else ""


def debug_option(record: Mapping[str, Any]) -> str:
    """The debug option among a record's overrides: "debug=fast"; empty where there is none."""
    chosen = [text for text in record.get("overrides") or () if text.lstrip("+").startswith("debug=")]
    return str(chosen[-1].lstrip("+")) if chosen and chosen[-1].partition("=")[2] not in ("", "null") else ""


def _baseline_sentence(name: str, difference: Mapping[str, float]) -> str:
    low, high, points = (100 * difference[key] for key in ("low", "high", "value"))
    sure = "which may be chance" if low <= 0 <= high else "more than chance" if points > 0 else "worse than it"
    text = f"Against {name}, on the same tracks: {points:+.0f} points of accuracy [{low:+.0f}, {high:+.0f}], {sure}."
    return text.replace(" -", f" {MINUS}").replace("[-", f"[{MINUS}")


def report_warnings(run: RunDir, metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a reader must know before the numbers: ("alert" or "note", text), the gravest first."""
    record, headline_split = run.record, run.primary_split
    dataset, split = record.get("dataset") or {}, record.get("split") or {}
    alerts, notes = [], []
    if split.get("unsafe"):
        alerts.append("UNSAFE split: segments of one track stand on both sides; these scores are no evidence.")
    if run.n_overlapping:
        alerts.append(f"OVERLAP: {run.n_overlapping} songs, or their artists, were trained on: scores are too high.")
    if split.get("artist_leak") and not split.get("unsafe"):
        alerts.append("Artists appear on both sides of the split (artist_leak): scores are too high for new artists.")
    alerts += [text for text in record.get("warnings", ()) if text.startswith(ACROSS_SPLITS)]
    if headline_split == "val":
        alerts.append("No test tracks: these are val scores, by which the epoch was chosen, so they are too good.")
    if dataset.get("stand_in"):
        alerts.append("The data are a stand-in, made by rules: scores say nothing about recorded music.")
    if record.get("status") in ("failed", "interrupted"):
        was = "was interrupted" if record["status"] == "interrupted" else "failed"
        alerts.append(f"The run {was}: {record.get('error', 'no reason was recorded')}")
    if metrics["tracks"][headline_split] >= TINY_TRACKS and (
        measure := _metric_not_above_constant(metrics, headline_split)
    ):
        alerts.append(f"The {measure}'s interval includes what a constant answer gives: nothing is shown to be learnt.")
    if split.get("artists") == "unknown":
        notes.append("Artists are unknown: one artist may stand on both sides of the split.")
    if TINY_TRACKS <= (tracks := metrics["tracks"][headline_split]) < FEW_TRACKS:
        notes.append(f"Only {tracks} {headline_split} tracks: mind the intervals.")
    refit = record.get("refit") or {}
    if race := record.get("race"):
        notes.append(f"{race['sentence']} The run that answers songs was fitted on all tracks (race.html).")
    elif "test" in refit.get("parts", ()):
        notes.append(
            f"The checkpoint was refitted on all {refit['tracks']} tracks when the folds were tested; "
            "these scores are those of the folds' models."
        )
    elif refit:
        notes.append(
            f"Test was answered by the model that was refitted on train and val ({refit['tracks']} tracks); "
            "val scores are those of the model before."
        )
    notes += [
        f"{count} track{'s' * (count > 1)} {text}"
        for name, text in _TRACK_NOTES.items()
        if (count := dataset.get(name))
    ]
    notes += metrics["notes"]
    already_shown = (
        ["UNSAFE:", "OVERLAP:", "artist_leak", "artists are unknown"] if split else []
    )  # above, in other words
    already_shown += [ACROSS_SPLITS]
    already_shown += ["stand-in"] if dataset.get("stand_in") else []
    notes += [text for text in record.get("warnings", ()) if not any(one in text for one in already_shown)]
    return [("alert", text) for text in alerts] + [("note", text) for text in dict.fromkeys(notes)]


def _metric_not_above_constant(metrics: Mapping[str, Any], split: str) -> str:
    """The headline's measure, where its interval includes what a constant answer gives; else empty."""
    multilabel = metrics.get("target") == "multi_label"
    name, measure = ("roc_auc", "ROC-AUC") if multilabel else ("accuracy", "accuracy")
    low = metrics[split]["track"][name]["low"]
    constant = 0.5 if multilabel else metrics["baselines"][split]["track"][MAJORITY][name]["value"]
    return measure if low is not None and low <= constant else ""
