"""Nothing is imported in vain, and nothing calls home."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from genrelab.utils.lean_imports import UNUSED

PROGRAM = """
import json, sys
import genrelab, torch
before = set(sys.modules)
import lightning.pytorch, torchmetrics
without = sorted(set({unused!r}) & set(sys.modules) - before)
import librosa, matplotlib, scipy.signal
import importlib.util
found = importlib.util.find_spec("onnxruntime") is not None
from lightning_utilities.core.imports import RequirementCache
available = bool(RequirementCache("scipy>=1"))
print(json.dumps([without, type(lightning.__loader__).__name__, available, found]))
"""


def run(program, home):
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lightning_is_imported_without_what_it_does_not_need(tmp_path):
    without, loader, available, _ = json.loads(run(PROGRAM.format(unused=UNUSED), tmp_path))
    assert without == [] and loader == "SourceFileLoader" and available


def test_onnxruntime_leaves_no_identity_of_the_device(tmp_path):
    run("import genrelab\ntry:\n    import onnxruntime\nexcept ImportError:\n    pass", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_tests_would_see_a_call_home():
    with pytest.raises(ConnectionRefusedError, match=r"192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 80), timeout=0.1)
    with pytest.raises(ConnectionRefusedError, match="home"):
        socket.getaddrinfo("home.invalid", 80)
