"""The metrics by name: what each says, and which way is better."""

from __future__ import annotations

from typing import Literal

from genrelab.errors import ConfigError, suggest

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

DIRECTION: dict[str, Direction] = {
    name: "min" if name in {"distance", "distance_sd", "severity", "hub_share", "never_predicted", "nll"} else "max"
    for name in METRICS
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
    known |= {f"val/{level}/{metric}": way for level in LEVELS for metric, way in DIRECTION.items()}
    if name in known:
        return known[name]
    if name.startswith("test/"):
        raise ConfigError([f"monitor: {name!r} is not for choosing: test is seen once, at the end; monitor val/..."])
    metric = name.rpartition("/")[2]
    if metric in METRICS:
        raise ConfigError([f"monitor: no metric {name!r} is logged; did you mean 'val/track/{metric}'?"])
    hint = suggest(name, known)
    if not hint.startswith("; did you mean"):
        hint = f"; there is: train/loss, val/loss, and after val/track/ or val/segment/: {', '.join(METRICS)}"
    raise ConfigError([f"monitor: no metric {name!r} is logged{hint}"])
