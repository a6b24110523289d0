"""What libraries do at their import, kept to what is used.

Lightning imports torchmetrics, which imports whatever optional package it finds, for metrics of speech, text and
pictures that genrelab does not use: of 3.5 processor seconds for `import lightning` 2.1 go there. Hidden packages count
as not installed while Lightning is imported, and are there again afterwards. It also is what makes Lightning import
torchvision, whose operators cannot be registered beside a CPU build of another version of torch.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Of torchmetrics' optional packages, those that cost time or, as onnxruntime does, call home.
UNUSED = ("librosa", "matplotlib", "onnxruntime", "scipy", "torchvision", "transformers")
# Switches off libraries' usage reports, and the device identity that some write for them.
NO_CALLS_HOME = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "WANDB_ERROR_REPORTING": "false",
}


def install() -> None:
    """Have Lightning imported without packages that it does not need, and no library call home; idempotent."""
    for name, value in NO_CALLS_HOME.items():
        os.environ.setdefault(name, value)
    if "lightning" not in sys.modules and not any(isinstance(finder, _LeanFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _LeanFinder())


@contextmanager
def hidden(packages: Sequence[str]) -> Iterator[None]:
    """Make packages count as not installed, but for those that have been imported."""
    from importlib import metadata

    imports: Any = importlib.import_module("lightning_utilities.core.imports")

    absent = [name for name in packages if name not in sys.modules]

    def version(name: str) -> str:
        if name in absent:
            raise metadata.PackageNotFoundError(name)
        return metadata.version(name)

    before = imports._version
    imports._version = version
    modules: dict[str, Any] = sys.modules
    modules.update(dict.fromkeys(absent))  # None: importing it raises ModuleNotFoundError
    try:
        yield
    finally:
        imports._version = before
        for name in absent:
            del sys.modules[name]


class _LeanFinder(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "lightning":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _LeanLoader(spec.loader)
        return spec


class _LeanLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        with hidden(UNUSED):
            self._loader.exec_module(module)
