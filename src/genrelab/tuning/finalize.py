"""The end of a sweep: summary, plots, where the best is; and the best trained again over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, stdev
from typing import Any

from optuna.trial import TrialState

from genrelab.tuning.compose import Composer, search_paths
from genrelab.tuning.plots import plot_all, read_scores
from genrelab.tuning.processes import run_study
from genrelab.tuning.search_space import format_params
from genrelab.tuning.study_storage import SharedStudy
from genrelab.tuning.summary import UNSAFE, is_unsafe, write_summary
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import shown, write_json

SPREAD = ("test/track/accuracy", "test/track/distance", "test/track/distance_skill")


def finish(study: SharedStudy, overrides: Sequence[str]) -> dict[str, Any]:
    """Write the summary and the plots and say where the best trial is.

    Returns:
        the content of `summary.json`.
    """
    found = write_summary(study, Composer(overrides).recipe)
    trials, best = found["trials"], found["best"]
    failed = f", {trials['failed']} failed or queued again" if trials["failed"] else ""
    print(f"\n{study.spec.name}: {trials['complete']} complete, {trials['pruned']} pruned{failed}")
    if best is None:
        print("no trial is complete")
        return found
    values = ", ".join(f"{name} {value:.4g}" for name, value in best["values"].items())
    unsafe = "UNSAFE " if best["unsafe"] else ""
    print(f"{unsafe}best: trial {best['number']} ({format_params(best['params'])}): {values}")
    if best["unsafe"]:
        print(f"  {UNSAFE}")
    if found["front"][1:]:
        print(f"  the first of {len(found['front'])} that none beats in all objectives; summary.json lists them")
    for name in ("folder", "checkpoint", "report"):
        if name in best:
            print(f"  {name}: {best[name]}")
    if figures := plot_all(study):
        print(f"figure: {shown(figures[0])}; also {', '.join(path.stem for path in figures[1:])} beside it")
    paths = search_paths(study.spec.folder.parent)
    print(f"again: {' '.join(['python train.py', *paths, f'experiment={study.spec.name}/best'])}", flush=True)
    return found


def retrain(study: SharedStudy, overrides: Sequence[str], workers: int, seeds: int) -> dict[str, Any]:
    """Train the best trial's configuration over seeds, as a study of its own that continues like any other.

    Args:
        study: whose best to take.
        overrides: that its trials share.
        workers: processes.
        seeds: how many, from 0.

    Returns:
        metric -> mean, spread (standard deviation over seeds) and values: the content of `seeds.json` in its folder.

    Raises:
        GenrelabError: no trial is complete, or fewer than two seeds are.
    """
    best = write_summary(study)["best"]
    if best is None:
        raise GenrelabError(f"study {study.spec.name!r} has no complete trial to train again")
    name = f"seeds_of_{best['number']}"
    shared = [text for text in [*overrides, *best["overrides"]] if not text.startswith("seed=")]
    spec = replace(
        study.spec,
        name=name,
        folder=study.spec.folder / name,
        params={"seed": f"choice({','.join(map(str, range(seeds)))})"},
        sampler={"kind": "grid"},
        pruner={"kind": "none"},
        storage="journal",
        n_trials=None,
        fixed={"seeds": seeds, "overrides": shared},
    )
    print(f"\nthe best, trial {best['number']}, again with {seeds} seeds")
    again = run_study(spec, shared, workers)
    write_summary(again)
    done = [trial for trial in again.trials() if trial.state is TrialState.COMPLETE]
    if len(done) < 2:
        raise GenrelabError(f"{shown(spec.folder)}: {len(done)} of {seeds} seeds complete; a spread needs two")
    values = {name: [trial.values[i] for trial in done] for i, name in enumerate(spec.objectives)}
    scores = [read_scores(spec.folder / str(trial.number)) for trial in done]
    values |= {name: [one[name][0] for one in scores] for name in SPREAD if all(name in one for one in scores)}
    found = {name: {"mean": fmean(v), "spread": stdev(v), "values": v} for name, v in values.items()}
    write_json(spec.folder / "seeds.json", found)
    unsafe = "UNSAFE " * any(map(is_unsafe, done))
    for metric, one in found.items():
        print(f"  {unsafe}{metric}: {one['mean']:.4g} ± {one['spread']:.2g} over {len(done)} seeds")
    print(f"  {shown(spec.folder / 'seeds.json')}", flush=True)
    return found
