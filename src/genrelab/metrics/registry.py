"""The metrics by name: what each says, and which way is better."""

from __future__ import annotations

from typing import Literal

from genrelab.utils.errors import ConfigError, suggest

Direction = Literal["max", "min"]

METRICS: dict[str, str] = {
    "accuracy": "share of answers that are right",
    "top3": "share whose right genre is among the three likeliest",
    "top5": "share whose right genre is among the five likeliest",
    "balanced_accuracy": "mean over the genres of the share found; every genre counts alike",
    "precision_macro": "mean over the genres of how often an answer of that genre is right",
    "recall_macro": "mean over the genres of the share found, genres answered but not present counting as 0",
    "f1_macro": "mean over the genres of the harmonic mean of precision and recall",
    "distance": "mean distance on the genre graph between answer and truth; right answers are at 0",
    "distance_sd": "standard deviation of that distance",
    "severity": "mean distance of the mistakes alone; never read it without accuracy",
    "distance_skill": "1 - distance / distance of the best constant answer: 0 is no better than it, 1 is perfect",
    "supergenre_accuracy": "share of answers in the right supergenre",
    "supergenre_top3": "share with any of the three likeliest in the right supergenre",
    "hub_share": "share of all answers that go to the most answered genre",
    "effective_classes": "number of genres that the answers spread over: exp of their entropy",
    "never_predicted": "number of genres that are never answered",
    "nll": "negative log-likelihood of the right genre, in nats",
}

# Beyond training's, see `details`.
EXTENDED_METRICS: dict[str, str] = {
    "distance_at_3": "mean distance to the truth of the three likeliest genres",
    "distance_at_5": "mean distance to the truth of the five likeliest genres",
    "cluster_accuracy": "share of answers in the right cluster of supergenres",
    "cluster_top3": "share with any of the three likeliest in the right cluster",
    "hierarchical_precision": "share of what answers say (genre, supergenre, cluster) that is right",
    "hierarchical_recall": "share of what could be said (genre, supergenre, cluster) that is said and right",
    "hierarchical_f": "harmonic mean of the two; of answers that always name a genre all three are equal",
    "centrality_gap": "how much nearer to all genres answers lie than truths do, in edges; above 0 they drift to hubs",
    "brier": "mean squared error of the probabilities, summed over the genres: 0 is perfect, 2 the worst",
    "ece": "mean gap between how sure answers are and how often they are right, in 15 bins",
    "aurc": "mean share of wrong answers over all coverages, the surest kept first; its least is not 0",
}
HEDGED_METRICS: dict[str, str] = {
    "coverage": "share of answers that name a genre",
    "selective_accuracy": "share of those that are right",
    "answered": "share of answers that say anything",
    "answered_accuracy": "share of those that hold, be it a genre, a supergenre or a cluster",
}
CENTERED_EXTENDED_METRICS = ("ece",)

DIRECTION: dict[str, Direction] = {
    name: "min" if name in {"distance", "distance_sd", "severity", "hub_share", "never_predicted", "nll"} else "max"
    for name in METRICS
}

# Where a track may have several genres.
MULTILABEL_METRICS: dict[str, str] = {
    "pr_auc": "mean over the genres of the area under precision over recall (average precision)",
    "roc_auc": "mean over the genres of how often a track that has it is put above one that has not; 0.5 is chance",
    "f1_micro": "harmonic mean of precision and recall of all yeses at probability 0.5",
    "f1_macro": "mean over the genres of that",
    "top1": "share whose likeliest genre is one of the track's",
    "subset_accuracy": "share whose yeses at probability 0.5 are exactly the track's genres",
    "consistency": "share of pairs where an ancestor is at least as likely as its descendant",
    "labels": "mean number of yeses at probability 0.5",
    "bce": "mean binary cross-entropy of a genre, nats",
}
CENTERED_MULTILABEL_METRICS = ("pr_auc", "roc_auc")
MULTILABEL_DIRECTION: dict[str, Direction] = {
    name: "min" if name == "bce" else "max" for name in MULTILABEL_METRICS if name != "labels"
}

LEVELS = ("track", "segment")


def monitor_direction(name: str) -> Direction:
    """Which way a logged metric is better, for early stopping, checkpoints, schedules and searches.

    Args:
        name: `val/<level>/<metric>`, `val/loss`, `train/loss` or `train/accuracy`.

    Raises:
        ConfigError: no such metric is logged in time; the message suggests one.
    """
    known: dict[str, Direction] = {"val/loss": "min", "train/loss": "min", "train/accuracy": "max"}
    ways = {**DIRECTION, **MULTILABEL_DIRECTION}
    known |= {f"val/{level}/{metric}": way for level in LEVELS for metric, way in ways.items()}
    if name in known:
        return known[name]
    if name.startswith("test/"):
        raise ConfigError([f"monitor: {name!r} is not for choosing: test is seen once, at the end; monitor val/..."])
    metric = name.rpartition("/")[2]
    if metric in ways:
        raise ConfigError([f"monitor: no metric {name!r} is logged; did you mean 'val/track/{metric}'?"])
    hint = suggest(name, known)
    if not hint.startswith("; did you mean"):
        hint = f"; there is: train/loss, val/loss, and after val/track/ or val/segment/: {', '.join(METRICS)}"
    raise ConfigError([f"monitor: no metric {name!r} is logged{hint}"])
