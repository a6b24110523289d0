"""`genrelab tools reproduce`: plan, run, score, write the tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from genrelab.reproduction.jobs import plan_jobs
from genrelab.reproduction.pages import write_pages
from genrelab.reproduction.runner import is_finished, run_jobs
from genrelab.reproduction.scores import read_results, update_results
from genrelab.reproduction.systems import read_systems
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import shown

DATA = "GENRELAB_DATA"


def reproduce(
    only: Sequence[str] = (),
    data: Path | None = None,
    short: bool = False,
    seeds: int = 3,
    outputs: Path = Path("outputs/reproduce"),
    docs: Path = Path("docs"),
    tables: bool = False,
    dry_run: bool = False,
) -> None:
    """Run the recipes whose data are at hand, and write docs/reproduction.md and docs/systems.md.

    Args:
        only: rows ("A22"), systems ("A") or recipes; empty: all.
        data: folder of all data; None: the environment's GENRELAB_DATA.
        short: take the shortened recipes.
        seeds: of each; further ones only where the first took ten minutes at most.
        outputs: folder of the runs.
        docs: folder of the tables.
        tables: write the tables from what was kept, and run nothing.
        dry_run: list the runs, and run nothing.

    Raises:
        GenrelabError: no data, a row that is none, or a run that failed (after all others).
        Interrupted: Ctrl-C; calling again goes on.
    """
    systems = read_systems()
    rows = systems.select(only)
    kept = docs / "reproduction.json"
    if tables:
        return _tell(write_pages(systems, read_results(kept), docs))
    folder = data or (Path(os.environ[DATA]) if os.environ.get(DATA) else None)
    made = all(any(systems.data[trial.data].stands_in_for for trial in row.trials) for row in rows)
    if (folder is None and not made) or (folder and not folder.expanduser().is_dir()):
        there = f"{folder}: no such folder" if folder else "no data named"
        raise GenrelabError(f"{there}; --data FOLDER, or {DATA}=FOLDER; docs/reproduction.md says what it may hold")
    if seeds < 1:
        raise GenrelabError(f"--seeds {seeds}: at least 1")
    jobs, missing = plan_jobs(systems, rows, folder and folder.expanduser(), outputs, seeds, short)
    for name, needs in missing.items():
        print(f"not at hand: {name}: {needs}", flush=True)
    if dry_run:
        return print("\n".join(f"{'finished' if is_finished(job.folder) else 'to run':9} {job}" for job in jobs))

    def write() -> None:
        write_pages(systems, update_results(kept, jobs), docs)

    failed = run_jobs(jobs, write)
    write()
    _tell([docs / "reproduction.md", docs / "systems.md"])
    if failed:
        first, reason = failed[0]
        count = "1 run" if len(failed) == 1 else f"{len(failed)} runs"
        raise GenrelabError(f"{count} failed; the first: {first}: {reason} (see {first.folder / 'log.txt'})")


def _tell(paths: Sequence[Path]) -> None:
    for path in paths:
        print(f"wrote {shown(path.resolve())}", flush=True)
