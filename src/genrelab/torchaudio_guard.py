"""The one place that imports torchaudio, which serves GPU features and SpecAugment and may be absent.

Its Linux wheels link CUDA libraries: beside a CPU-only torch the import raises OSError, although the transforms
are pure Python. Then the extension module is replaced by an empty one, and the import is tried once more.
"""

from __future__ import annotations

import importlib
import sys
import types
from functools import lru_cache
from typing import Any

from genrelab.errors import GenrelabError

_EXTENSION = "torchaudio._extension"


class TorchaudioMissing(GenrelabError):
    """Something was asked for that needs torchaudio."""


@lru_cache(maxsize=1)
def find_torchaudio() -> Any | None:
    """The module `torchaudio`, or None where it is absent or cannot be loaded."""
    try:
        return importlib.import_module("torchaudio")
    except ImportError:
        return None
    except (OSError, RuntimeError):
        pass
    _forget()
    sys.modules[_EXTENSION] = _EmptyExtension(_EXTENSION)
    try:
        module = importlib.import_module("torchaudio")
        importlib.import_module("torchaudio.transforms")
    except (ImportError, OSError, RuntimeError):
        _forget()
        return None
    return module


def need_torchaudio(what: str) -> Any:
    """The module `torchaudio`.

    Raises:
        TorchaudioMissing: it is absent; the text names `what` needs it, and the remedy.
    """
    module = find_torchaudio()
    if module is None:
        raise TorchaudioMissing(f"{what} needs torchaudio: pip install 'genrelab[gpu]', in the version of torch")
    return module


class _EmptyExtension(types.ModuleType):
    """Stands for the compiled part: says that there is none, and fails only where it is called."""

    _IS_TORCHAUDIO_EXT_AVAILABLE = False
    _IS_ALIGN_AVAILABLE = False
    _IS_RIR_AVAILABLE = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name.startswith("fail"):  # decorators around what needs the compiled part

            def decorate(function: Any) -> Any:
                return function

            return decorate

        def unavailable(*args: Any) -> Any:
            raise RuntimeError(f"torchaudio's compiled part is not loaded: {name}")

        return unavailable


def _forget() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
        del sys.modules[name]
