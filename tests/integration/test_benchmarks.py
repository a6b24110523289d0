"""Every script of benchmarks/ runs: one round each, on as little data as it can do with."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = [path for path in sorted(BENCHMARKS.glob("*.py")) if "__main__" in path.read_text(encoding="utf-8")]
SMALL = ("demo.genres=3", "demo.tracks_per_genre=6", "demo.artists_per_genre=6", "dataset.seconds=8", "features=mfcc")
NETWORK = ("model=resnet18flex", "model.width=4")
FURTHER = {  # what a script is given beside --rounds; {tmp} is an empty folder
    "accuracy_by_backend": (
        "--epochs=1",
        "--folder={tmp}/runs",
        "paths.output_dir={tmp}",
        "model=resnet18flex",
        "model.width=4",
        *SMALL,
    ),
    "models": ("--batch=2",),
    "pruning": ("record", "--out={tmp}/curves", "paths.output_dir={tmp}", *SMALL),
}
MODES = {"features": (("--markdown",), ("--store", "--tracks=4"))}


def commands() -> list[tuple[str, ...]]:
    return [(path.stem, *further) for path in SCRIPTS for further in ((), *MODES.get(path.stem, ()))]


@pytest.mark.slow
@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_a_script_runs_for_one_round(command, tmp_path):
    name, *mode = command
    further = [word.format(tmp=tmp_path) for word in FURTHER.get(name, ())]
    words = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--rounds=1", *mode, *further]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() and "nan" not in done.stdout.split()


def test_there_are_scripts():
    assert len(SCRIPTS) >= 9
