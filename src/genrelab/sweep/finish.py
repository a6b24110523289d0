"""The end of a sweep: summary, plots, where the best is; and the best trained again over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genrelab.sweep.compose import Composer, search_paths
from genrelab.sweep.storage import OpenStudy
from genrelab.sweep.summary import write_summary


def finish(study: OpenStudy, overrides: Sequence[str]) -> dict[str, Any]:
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
    print(f"best: trial {best['number']} ({' '.join(best['overrides'])}): {values}")
    for name in ("folder", "checkpoint", "report"):
        if name in best:
            print(f"  {name}: {best[name]}")
    paths = search_paths(study.spec.folder.parent)
    print(f"again: {' '.join(['python train.py', *paths, f'experiment={study.spec.name}/best'])}", flush=True)
    return found
