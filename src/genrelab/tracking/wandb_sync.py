"""Uploads what W&B logged offline, wherever below a folder the runs lie."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import shown


def offline_runs(folder: Path) -> list[Path]:
    """W&B's `offline-run-*` folders that were not uploaded yet, in order of their beginnings.

    A run that was resumed has one for each start, all under one id.
    """
    found = []
    for parent, folders, _ in os.walk(folder):
        found += [Path(parent, name) for name in folders if name.startswith("offline-run-")]
        folders[:] = [name for name in folders if not name.startswith("offline-run-")]
    waiting = [path for path in found if list(path.glob("*.wandb")) and not list(path.glob("*.wandb.synced"))]
    return sorted(waiting, key=lambda path: (path.name, path))


def sync(folder: Path, dry_run: bool = False) -> int:
    """Hand all of them to `wandb sync`, which joins the starts of one run.

    Args:
        folder: where to look.
        dry_run: only list them.

    Returns:
        how many runs there were.

    Raises:
        GenrelabError: no such folder, no `wandb` command, or it failed.
    """
    if not folder.is_dir():
        raise GenrelabError(f"{folder}: no such folder; name the one that holds the runs, such as outputs")
    runs: dict[str, list[Path]] = defaultdict(list)
    for path in offline_runs(folder):
        runs[_id(path)].append(path)
    for name, paths in runs.items():
        starts = f" ({len(paths)} starts)" if len(paths) > 1 else ""
        print(f"{name}{starts}: {shown(paths[0].parent)}")
    print(f"{len(runs)} offline run{'' if len(runs) == 1 else 's'} below {shown(folder)}", flush=True)
    if runs and not dry_run:
        _upload([path for paths in runs.values() for path in paths])
    return len(runs)


def _id(path: Path) -> str:
    return path.name.removeprefix("offline-run-").partition("-")[2]


def _upload(paths: list[Path]) -> None:
    beside = Path(sys.executable).with_name("wandb")
    program = shutil.which("wandb") or (str(beside) if beside.exists() else None)
    if program is None:
        raise GenrelabError("wandb-sync: not installed; pip install 'genrelab[wandb]'")
    code = subprocess.run([program, "sync", *map(str, paths)], check=False).returncode
    if code:
        raise GenrelabError(f"wandb sync ended with exit code {code}; `wandb login` first, then run this again")
