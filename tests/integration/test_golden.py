"""Golden test: small runs give the split, fingerprints, tensors, exit codes, metrics and logits that are committed.

`golden/<run>.json` holds what each run gave. To write the files again after a change that is meant to alter numbers:

    python -m pytest tests/integration/test_golden.py --update-golden

then read `git diff tests/integration/golden`: every changed number needs a reason in the commit. A refactoring changes
none; where it renames keys, modules or files, `tests/helpers/golden_runs.py` follows.

Text and whole numbers must be equal. Floats are compared to `TOLERANCE`, or on another processor than that of
`golden/written_on.json` to `OTHER_PROCESSOR`: Adam divides by a gradient's own size, so that another order of additions
can turn the step of a weight whose gradient is almost 0. Measured, the largest difference of a logit: 0 on repetition,
1.3e-6 by two threads (the runs here have one), 1e-3 with AVX2 and 3e-5 without AVX in place of AVX512, 5.4e-3 between
an AMD EPYC and an Intel Xeon that both have AVX512.
"""

from __future__ import annotations

import json
import math
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import golden_runs

GOLDEN = Path(__file__).parent / "golden"
TOLERANCE = 1e-5  # absolute, or relative for numbers above 1
OTHER_PROCESSOR = 2e-2


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> Path:
    """The folder of demo and features, which the runs share."""
    return tmp_path_factory.mktemp("golden")


@pytest.fixture
def update(request) -> bool:
    """Whether the files are to be written, not compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(autouse=True)
def one_thread():
    """Sums are taken in one order, however many cores there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each leaf of nested dictionaries and lists with its path; an empty one is a leaf."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not items or not value:
        yield path, value
    for key, inner in items:
        yield from flatten(inner, f"{path}.{key}" if path else str(key))


def differences(expected: Any, found: Any, tolerance: float) -> list[str]:
    """Return a line for each leaf that is missing, new or different."""
    before, after = dict(flatten(expected)), dict(flatten(found))
    lines = [f"{path}: missing" for path in before.keys() - after.keys()]
    lines += [f"{path}: new" for path in after.keys() - before.keys()]
    for path in before.keys() & after.keys():
        if not _equal(before[path], after[path], tolerance):
            lines.append(f"{path}: {before[path]!r} before, {after[path]!r} now")
    return sorted(lines)


def _equal(a: Any, b: Any, tolerance: float) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) or (math.isnan(a) and math.isnan(b))
    return type(a) is type(b) and bool(a == b)


def check(name: str, found: Any, update: bool, tolerance: float = TOLERANCE) -> None:
    """Compare with the committed file of this name, or write it."""
    path = GOLDEN / f"{name}.json"
    if update:
        text = json.dumps(_rounded(found), indent=1)
        text = re.sub(r"\[\s+([^][{}]*?)\s+\]", lambda row: "[" + " ".join(row[1].split()) + "]", text)
        path.write_text(text + "\n", encoding="utf-8")
        return
    lines = differences(json.loads(path.read_text(encoding="utf-8")), json.loads(json.dumps(found)), tolerance)
    assert not lines, f"{path.name}: {len(lines)} differences\n" + "\n".join(lines[:40])


def _rounded(value: Any) -> Any:
    """Keep eight significant digits, a hundredth of the tolerance for the largest numbers here."""
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return float(f"{value:.8g}") if isinstance(value, float) else value


def processor() -> dict[str, str]:
    """Return what decides the order of additions in a network's arithmetic: instructions, and caches by the model."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor()
    return {"name": name, "vector_instructions": torch.backends.cpu.get_cpu_capability()}


def tolerance() -> float:
    """Return how far floats may be from the committed ones on this processor."""
    written_on = json.loads((GOLDEN / "written_on.json").read_text(encoding="utf-8"))
    return TOLERANCE if written_on == processor() else OTHER_PROCESSOR


@pytest.mark.parametrize("name", golden_runs.RUNS)
def test_run_gives_committed_numbers(name, outputs, tmp_path, update):
    folder = tmp_path / name
    assert golden_runs.train(golden_runs.overrides(name, outputs, folder)) == 0
    if update:
        check("written_on", processor(), update)
    check(name, golden_runs.describe(folder), update, tolerance())


def test_exit_codes(outputs, tmp_path, update):
    folder = tmp_path / "run"
    arguments = [*golden_runs.overrides("knn", outputs, folder)]
    codes = {
        "train.py, a run": golden_runs.train_py(arguments),
        "train.py, a key that does not exist": golden_runs.train_py([*arguments, "modle=cnn"]),
        "train, a folder that does not exist": golden_runs.train(["dataset=folder", f"dataset.root={tmp_path}/none"]),
        "train, a finished run is resumed": golden_runs.train(golden_runs.resume(folder)),
    }
    track, text = golden_runs.demo_track(outputs), tmp_path / "text.wav"
    text.write_text("no audio")
    codes |= {
        "predict, a recording": golden_runs.predict(folder, track),
        "predict, one of two is unreadable": golden_runs.predict(folder, track, text),
        "predict, a file that does not exist": golden_runs.predict(folder, tmp_path / "none.wav"),
    }
    check("exit_codes", codes, update)


def test_differences_are_found():
    before = {"a": {"b": [1.0, 2.0]}, "name": "x", "n": 3, "none": []}
    assert differences(before, {"a": {"b": [1.0 + 5e-6, 2.0]}, "name": "x", "n": 3, "none": []}, TOLERANCE) == []
    after = {"a": {"b": [1.0, 2.1]}, "name": "y", "n": 3.0, "new": None}
    found = [line.partition(":")[0] for line in differences(before, after, TOLERANCE)]
    assert found == ["a.b.1", "n", "name", "new", "none"]
