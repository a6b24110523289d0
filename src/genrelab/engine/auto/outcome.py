"""What a race came to: nested scores, each candidate's scores beside them, and which to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genrelab.engine.auto.race import FULL, RaceData, Result
from genrelab.engine.auto.selection import Choice, answer, choose, track_losses
from genrelab.metrics.bootstrap import (
    BootstrapResult,
    bootstrap_scores,
    confidence_intervals,
    paired_difference_of_results,
)
from genrelab.postprocessing import MULTICLASS

STACK = "stack"
KEPT = 0.01  # weight in a stack below which a member is left out
Results = Mapping[str, Mapping[str, Result]]


@dataclass(frozen=True)
class Outcome:
    """The choices in every outer training part, and in all tracks.

    Args:
        titles: Candidates, the simplest first, and `STACK`.
        final: Choice from all tracks.
        folds: Choice in each outer training part.
        nested: `[R, C]` log-probabilities of each outer test part's rows by what its own training part chose.
        outer: `[M + 1, R, C]` those of each candidate and of the stack.
    """

    titles: tuple[str, ...]
    final: Choice
    folds: tuple[Choice, ...]
    nested: np.ndarray
    outer: np.ndarray

    @property
    def chosen(self) -> str:
        """Title of what is to be used."""
        return self.titles[self.final.index]


def decide(results: Results, data: RaceData) -> Outcome:
    """Choose in each outer training part and answer its test part; choose once more from all tracks.

    Args:
        results: Of each candidate, the simplest first, in every part.
        data: Rows and folds.
    """
    titles = list(results)
    nested = np.full((len(data.track), data.n_classes), np.nan, dtype=np.float32)
    outer = np.full((len(titles) + 1, *nested.shape), np.nan, dtype=np.float32)
    made: dict[str, Choice] = {}
    for part in data.parts:
        inside = data.inner[part][data.track] >= 0
        logs = [results[title][part].log_p for title in titles]
        made[part] = choose(
            [one[inside] for one in logs], data.row_target[inside], data.track[inside], data.row_group[inside]
        )
        if part != FULL:
            tested = [one[~inside] for one in logs]
            nested[~inside], outer[-1, ~inside] = answer(made[part], tested)
            outer[:-1, ~inside] = tested
    folds = tuple(made[part] for part in data.parts if part != FULL)
    return Outcome((*titles, STACK), made[FULL], folds, nested, outer)


def stack_members(outcome: Outcome) -> dict[str, float]:
    """Return the weights of a stack's members by title, without those that count for nothing."""
    weights = dict(zip(outcome.titles[:-1], outcome.final.weights.tolist(), strict=True))
    return {title: weight for title, weight in weights.items() if weight >= KEPT} or weights


def summarize(
    outcome: Outcome, results: Results, data: RaceData, left_out: Mapping[str, str], artists: Mapping[str, Any]
) -> dict[str, Any]:
    """Score everything by the pooled outer test parts, each track once, as plain data for `race.json`.

    Args:
        outcome: Of `decide`.
        results: As there.
        data: Rows and folds.
        left_out: Reason by candidate.
        artists: `artists`, `artist_leak` and `notes` of the split.
    """
    target = data.target
    tracks = np.arange(len(target))
    drawn = [_draw(log_p, data) for log_p in (outcome.nested, *outcome.outer)]
    chosen = drawn[1 + outcome.final.index]
    rows = []
    for number, title in enumerate(outcome.titles):
        found = results.get(title, {})
        rows.append(
            {
                "title": title,
                **_score(drawn[1 + number], len(tracks)),
                "nll": round(float(track_losses(outcome.outer[number], data.row_target, data.track).mean()), 4),
                "inner_nll": round(float(outcome.final.nll[number]), 4),
                "within": bool(outcome.final.within[number]),
                "folds_chosen": sum(choice.index == number for choice in outcome.folds),
                "used": number == outcome.final.index,
                "params": dict(found[FULL].chosen) if found else stack_members(outcome),
                "seconds": round(sum(one.seconds for one in found.values()), 2),
                "size": found[FULL].size if found else sum(results[name][FULL].size for name in stack_members(outcome)),
                "difference": None if number == outcome.final.index else _difference(chosen, drawn[1 + number]),
            }
        )
    summary = {
        "format": 1,
        "tracks": len(tracks),
        "genres": data.n_classes,
        "folds": len(outcome.folds),
        **artists,
        "nested": {
            **_score(drawn[0], len(tracks)),
            "nll": round(float(track_losses(outcome.nested, data.row_target, data.track).mean()), 4),
        },
        "chosen": outcome.chosen,
        "best": outcome.titles[outcome.final.best],
        "candidates": rows,
        "left_out": dict(left_out),
    }
    return {**summary, "sentence": _sentence(summary)}


def _draw(log_p: np.ndarray, data: RaceData) -> BootstrapResult:
    joined, _ = MULTICLASS.aggregate(log_p, data.track)
    alike = 1.0 - np.eye(data.n_classes)
    groups = np.arange(data.n_classes)
    return bootstrap_scores(joined, data.target, np.arange(len(data.target)), alike, groups)


def _score(drawn: BootstrapResult, tracks: int) -> dict[str, float]:
    low, high = confidence_intervals(drawn, tracks)["accuracy"]
    value = float(drawn.estimate["accuracy"])
    return {"accuracy": round(value, 4), "low": round(low, 4), "high": round(high, 4)}


def _difference(chosen: BootstrapResult, other: BootstrapResult) -> dict[str, float]:
    found = paired_difference_of_results([chosen], [other])["accuracy"]
    return {name: round(getattr(found, name), 4) for name in ("value", "low", "high", "p")}


def percent(found: Mapping[str, float]) -> str:
    """An accuracy with its interval in words."""
    return f"{100 * found['accuracy']:.0f} % [{100 * found['low']:.0f}, {100 * found['high']:.0f}]"


def _sentence(summary: Mapping[str, Any]) -> str:
    """Which to use, and why."""
    nested = f"nested accuracy {percent(summary['nested'])} of {summary['tracks']} tracks"
    rows: Sequence[Mapping[str, Any]] = summary["candidates"]
    if summary["chosen"] == "majority":
        return f"Use none: no candidate is shown to beat the genres' shares alone ({nested})."
    best = summary["best"]
    if summary["chosen"] == best:
        why = f"the likeliest of {len(rows)}, and none simpler is within one standard error of it"
    else:
        why = f"the simplest of {len(rows)} within one standard error of the likeliest, {best}"
    mark = "; artists are on both sides, so that new artists will score lower" if summary["artist_leak"] else ""
    return f"Use {summary['chosen']}: {why}; {nested}{mark}."
