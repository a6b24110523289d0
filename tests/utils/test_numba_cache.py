import os
import re
import subprocess
import sys

import pytest

from genrelab.utils import numba_cache as kernels

EXTRACT = """
import numpy as np
from genrelab.features import extract, make_spec
from genrelab.audio import AudioSpec
import numba
spec = make_spec("mfcc", {"kind": "mfcc"}, AudioSpec(segment_duration=1.0))
print(extract([spec], np.zeros(spec.n_samples, np.float32))[0].shape, numba.config.CACHE_DIR)
"""


def test_kernels_are_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said, runs = [], []
    for _ in range(2):
        kernels.compile_once(lambda: runs.append(1), said.append)
    assert runs == [1] and len(said) == 2 and re.search(r"\d s", said[1])


def test_without_a_cache_of_ones_own_each_process_goes_through_it(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    runs = []
    for _ in range(2):
        kernels.compile_once(lambda: runs.append(1), lambda line: None)
    assert runs == [1, 1]


def test_where_nothing_can_be_written_a_temporary_folder_serves(tmp_path, monkeypatch):
    import numba

    monkeypatch.setattr(kernels, "_writable", lambda folder: False)
    monkeypatch.setattr(kernels.tempfile, "gettempdir", lambda: str(tmp_path))
    before = numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = ""
        kernels.keep_somewhere()
        assert numba.config.CACHE_DIR.startswith(str(tmp_path / "genrelab-kernels-"))
    finally:
        numba.config.CACHE_DIR = before


@pytest.mark.slow
def test_two_processes_compile_at_once(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    both = [
        subprocess.Popen([sys.executable, "-c", EXTRACT], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=300)[0] for process in both] == [f"(32, 256) {tmp_path}\n"] * 2
    assert list(tmp_path.rglob("*.nbi"))


def test_every_kernel_lies_where_the_identity_looks():
    package = kernels.PACKAGE
    compiled = {path for path in package.rglob("*.py") if "numba.njit" in path.read_text(encoding="utf-8")}
    watched = {path for pattern in kernels.SOURCES for path in package.glob(pattern)}
    assert package.name == "genrelab" and compiled and compiled <= watched
