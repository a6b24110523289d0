"""Losses and decisions on one dataset: scores over seeds, and paired tests against cross-entropy with CRM."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from genrelab.evaluation.comparison.filters import run_values
from genrelab.evaluation.comparison.groups import RunGroup, group_runs
from genrelab.evaluation.comparison.loader import Run, find_runs
from genrelab.evaluation.decisions import build_rule
from genrelab.losses.registry import LOSSES
from genrelab.metrics import BootstrapResult, HierarchicalPredictions, bootstrap_scores, paired_difference_of_results
from genrelab.metrics.bootstrap import seed_averaged_intervals
from genrelab.metrics.extended import bootstrap_extended_scores
from genrelab.runs.run_dir import Part, RunDir, predictions_at_level
from genrelab.utils.errors import GenrelabError

DECISIONS = ("argmax", "crm")
TESTED = ("distance_skill", "accuracy")
RESAMPLES = 2000  # so that a p-value can survive some twenty comparisons
Key = tuple[str, str]  # loss, decision
Drawn = dict[Key, list[BootstrapResult]]


@dataclass(frozen=True)
class AdjustedTest:
    """A paired test of a metric that wants to be large: a setting minus a control.

    Args:
        value: the difference.
        low: end of its 95 % interval.
        high: end of its 95 % interval.
        p: adjusted by Holm's method over all settings that are tested against the control.
    """

    value: float
    low: float
    high: float
    p: float

    @property
    def verdict(self) -> str:
        """ "better", "worse" or "no difference shown", at 5 % as adjusted."""
        if not self.p < 0.05:
            return "no difference shown"
        return "better" if self.value > 0 else "worse"


@dataclass(frozen=True)
class Condition:
    """One loss with one decision, over its seeds.

    Args:
        loss: what tells it from the others: "graph_soft, beta 3".
        decision: "argmax" or "crm".
        scores: metric -> value, low, high over tracks and seeds; `ece_scaled` is the ECE at a temperature fitted on
            val.
        tests: control -> metric -> test against it.
    """

    loss: str
    decision: str
    scores: dict[str, tuple[float, float, float]]
    tests: dict[Key, dict[str, AdjustedTest]]


@dataclass(frozen=True)
class StudyScores:
    """A study of one dataset.

    Args:
        name: of the dataset.
        facts: of its size and cost, see `study_facts`.
        conditions: plain cross-entropy first.
        controls: (loss, decision): cross-entropy with CRM, which all are tested against; then what knows no graph, by
            argmax, which all by argmax are tested against.
    """

    name: str
    facts: dict[str, Any]
    conditions: tuple[Condition, ...]
    controls: tuple[Key, ...]

    @property
    def title(self) -> str:
        """Its name, with what must be said wherever its scores stand."""
        return f"{self.name}, UNSAFE" if self.facts["unsafe"] else self.name

    def get(self, loss: str, decision: str = "argmax") -> Condition:
        """One of the settings."""
        return next(one for one in self.conditions if (one.loss, one.decision) == (loss, decision))

    def conditions_tested(self, control: Key) -> list[Condition]:
        """The settings that are tested against a control."""
        return [one for one in self.conditions if control in one.tests]


def read_studies(folders: Sequence[Path]) -> list[tuple[str, list[RunGroup]]]:
    """Runs below some folders by dataset, a row a loss with its seeds, plain cross-entropy first.

    Raises:
        GenrelabError: no runs, runs of one loss, or none of plain cross-entropy.
    """
    runs, _ = find_runs(folders)
    if not runs:
        raise GenrelabError(
            f"{', '.join(map(str, folders))}: no finished run; python sweep.py search=graph_study makes them"
        )
    by_name: dict[str, list[Run]] = {}
    for run in runs:
        by_name.setdefault(str(run_values(run)["dataset"]), []).append(run)
    return [(name, _rows(name, found)) for name, found in by_name.items()]


def _rows(name: str, runs: Sequence[Run]) -> list[RunGroup]:
    rows = group_runs(runs)
    plain = [row for row in rows if _is_plain(row.runs[0].config.get("loss") or {})]
    if len(plain) != 1 or len(rows) < 2:
        told = f"{len(rows)} losses, {len(plain)} of them plain cross-entropy; one of several is wanted"
        raise GenrelabError(f"{name}: {told}")
    blind = [row for row in rows if row is not plain[0] and row.runs[0].config["loss"]["kind"] == "cross_entropy"]
    order = [*plain, *blind, *(row for row in rows if row not in (*plain, *blind))]
    return [_named(row) for row in order]


def _named(row: RunGroup) -> RunGroup:
    """Called by what is not the default, and by its sharpness: "graph_soft, beta 1.5", "hxe"."""
    signature = inspect.signature(LOSSES.get(str(row.settings["loss"]))).parameters

    def tells(key: str) -> bool:
        default = signature[key.removeprefix("loss.")].default if key.removeprefix("loss.") in signature else None
        return key == "beta" or row.settings[key] != default

    beta = [key for key in ("beta",) if key in row.settings and key not in row.distinguishing_keys]
    return replace(row, distinguishing_keys=(*(key for key in row.distinguishing_keys if tells(key)), *beta))


def _is_plain(loss: Any) -> bool:
    return loss.get("kind") == "cross_entropy" and not loss.get("label_smoothing")


def score_study(name: str, rows: Sequence[RunGroup], resamples: int = RESAMPLES) -> StudyScores:
    """Decide every run's answers by argmax and by CRM, score them, and test them against the first row's by CRM.

    All is at track level, on test (val where nothing was tested). Each resample draws tracks, the same for all, and
    within each setting seeds, as blocks.

    Args:
        name: of the dataset.
        rows: a loss each, all tested on the same tracks.
        resamples: of the bootstrap.

    Raises:
        GenrelabError: the runs were tested on different tracks.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    first, *others = (run for row in rows for run in row.runs)
    for run in others:
        if (run.tested_track_ids, run.split) != (first.tested_track_ids, first.split):
            raise GenrelabError(
                f"{name}: run {run.name} was tested on other tracks than run {first.name}; name runs of one split"
            )
    with threadpool_limits(1):
        drawn: Drawn = {}
        for row in rows:
            found = [_drawn(run.run_dir, resamples) for run in row.runs]
            drawn |= {(row.label, decision): [one[decision] for one in found] for decision in DECISIONS}
        blind = [row.label for row in rows if row.runs[0].config["loss"]["kind"] == "cross_entropy"]
        controls = ((blind[0], "crm"), *((label, "argmax") for label in blind))
        settings = tuple(
            Condition(*key, seed_averaged_intervals(draws), {c: {} for c in controls if key != c and _meets(key, c)})
            for key, draws in drawn.items()
        )
        for control in controls:
            _test(settings, drawn, control)
    return StudyScores(name, study_facts(rows), settings, controls)


def _meets(key: Key, control: Key) -> bool:
    """All are tested against CRM, those by argmax against argmax."""
    return control[1] in ("crm", key[1])


def _drawn(run: RunDir, resamples: int) -> dict[str, BootstrapResult]:
    """The metrics of each decision over resamples."""
    part: Part = run.primary_split
    val, rows = (predictions_at_level(run.predictions.only(one), "track") for one in ("val", part))
    found = {}
    for kind in DECISIONS:
        decision = build_rule(run, kind, {})
        decision.fit(val.logits, val.target)
        decided = decision.decide(rows.logits)
        given = (rows.target, rows.track, run.distances, run.supergenres, run.medoid, resamples)
        answers = HierarchicalPredictions(
            decided.log_prob, rows.target, rows.track, decided.prediction, decided.level, decided.index
        )
        found[kind] = _joined(
            bootstrap_scores(decided.ranking_scores, *given),
            bootstrap_extended_scores(answers, run.hierarchy, resamples),
        )
    scaled = build_rule(run, "temperature", {})
    scaled.fit(val.logits, val.target)
    details = bootstrap_extended_scores(
        HierarchicalPredictions(scaled.decide(rows.logits).log_prob, rows.target, rows.track), run.hierarchy, resamples
    )
    ece = BootstrapResult({"ece_scaled": details.estimate["ece"]}, {"ece_scaled": _about(details, "ece")})
    return {kind: _joined(one, ece) for kind, one in found.items()}


def _about(draws: BootstrapResult, name: str) -> np.ndarray:
    """Draws moved to the value, as calibration's are."""
    found: np.ndarray = draws.replicates[name] + (draws.estimate[name] - draws.replicates[name].mean())
    return found


def _joined(a: BootstrapResult, b: BootstrapResult) -> BootstrapResult:
    return BootstrapResult({**b.estimate, **a.estimate}, {**b.replicates, **a.replicates})


def _test(settings: Sequence[Condition], drawn: Drawn, control: Key) -> None:
    """Fill in the tests against a control."""
    tested = [one for one in settings if control in one.tests]
    found = [paired_difference_of_results(drawn[control], drawn[one.loss, one.decision]) for one in tested]
    for metric in TESTED:
        adjusted = holm_correction([one[metric].p for one in found])
        for setting, one, p in zip(tested, found, adjusted, strict=True):
            setting.tests[control][metric] = AdjustedTest(one[metric].value, one[metric].low, one[metric].high, p)


def holm_correction(p: Sequence[float]) -> list[float]:
    """p-values adjusted for their number: the chance of any false find among all is what they say (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    scaled = np.asarray(p, dtype=np.float64)[order] * np.arange(len(p), 0, -1)
    found = np.empty(len(p))
    found[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in found]


def study_facts(rows: Sequence[RunGroup]) -> dict[str, Any]:
    """What a reader must know of a study: sizes and cost, from the runs' records."""
    runs = [run for row in rows for run in row.runs]
    first = runs[0]
    known = run_values(first)
    return {
        "genres": len(first.run_dir.taxonomy.genres),
        "tracks": first.record["dataset"].get("tracks") or {first.split: len(first.tested_track_ids)},
        "part": first.split,
        "seeds": sorted({len(row.runs) for row in rows}),
        "model": known["model"],
        "parameters": (first.record.get("model") or {}).get("parameters"),
        "flop": flop_of(first.path),
        "seconds": sum(float(run.record.get("seconds") or 0) for run in runs),
        "runs": len(runs),
        "stand_in": known["stand_in"],
        "artist_leak": known["artist_leak"],
        "unsafe": any("unsafe" in row.flags for row in rows),
        "split": known["split"],
        "epochs": (first.config.get("trainer") or {}).get("max_epochs"),
    }


def flop_of(run: Path) -> int | None:
    """Operations of the network for one segment, a product and a sum counting as two; None without a checkpoint."""
    from genrelab.runs.checkpoint import load_checkpoint, run_checkpoint

    path = run_checkpoint(run)
    if not path.exists():
        return None
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from genrelab.models.windowed import build_network

    content = load_checkpoint(path)["genrelab"]
    shapes = [tuple(shape) for shape in content["model"]["in_shapes"]]
    kind, params, ratio = content["model"]["kind"], content["model"]["params"], content["model"].get("crop_ratio", 1.0)
    net = build_network(kind, params, shapes, len(content["genres"]), ratio).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(*(torch.zeros(1, *shape) for shape in shapes))
    return int(counter.get_total_flops())
