"""Kernels that numba compiles: where the machine code is kept, and compiling it once before workers need it."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]  # src/genrelab
SOURCES = ("features/backends/numba_backend/*.py", "audio/*.py")  # where kernels are


def keep_somewhere() -> None:
    """Give numba a folder it can write: beside the code, the user's cache, else a temporary one.

    numba refuses `cache=True` where it can write neither of the first two (an installed package, no home). To be called
    before kernels are defined.
    """
    import numba

    config: Any = numba.config
    if config.CACHE_DIR or _writable(PACKAGE) or _writable(_user_cache()):
        return
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    config.CACHE_DIR = str(Path(tempfile.gettempdir()) / f"genrelab-kernels-{user}")


def compile_once(warm_up: Callable[[], object], say: Callable[[str], None]) -> None:
    """Run `warm_up`, which calls every kernel, unless this installation's kernels were compiled on this machine before.

    Several processes may do so at once: numba replaces its files in one step.

    Args:
        warm_up: compiles by calling.
        say: is told before and after, in one line each.
    """
    marker = _user_cache() / "genrelab" / f"kernels-{_identity()}"
    if marker.exists():
        return
    say("compiling kernels, once")
    begin = time.monotonic()
    warm_up()
    say(f"compiled kernels in {time.monotonic() - begin:.0f} s")
    with suppress(OSError):  # no home: said and checked again next time, compiled or not
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())


def _identity() -> str:
    """Hash of what numba's own cache depends on: the code's files, its versions, the machine."""
    sources = sorted(path for pattern in SOURCES for path in PACKAGE.glob(pattern))
    stamps = [(str(path), path.stat().st_mtime_ns) for path in sources]
    cache = os.environ.get("NUMBA_CACHE_DIR")
    facts = (sys.version, version("numba"), version("llvmlite"), platform.node(), cache, stamps)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _writable(folder: Path) -> bool:
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    return False
