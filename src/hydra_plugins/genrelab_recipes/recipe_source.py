"""Recipes are data: configuration files of other folders than genrelab's own are checked as Hydra loads them.

Hydra makes objects of whatever its own settings name, and looks up environment variables for `${oc.env:NAME}`. Both are
refused in a recipe, which people pass on, unless `--trust-config` allows them. The check is in the source that loads
the files, so that nothing can be loaded past it.

Hydra imports every module of `hydra_plugins` at each start: nothing heavy is imported here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins import file_config_source
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf

from genrelab.utils.errors import ConfigError
from genrelab.utils.trust import TRUST_FLAG, is_trusted

SCHEME = "recipe"
_HYDRAS = re.compile(r"(^|[/@.\s])hydra($|[/@.:\s])")
_REFERENCE = re.compile(r"\$\{[\w.\-\[\]]+\}")


class RecipeSource(file_config_source.FileConfigSource):
    """A folder of recipes: Hydra's `file://`, with each file checked when it is loaded."""

    @staticmethod
    def scheme() -> str:
        """What addresses of such a folder begin with."""
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        """Load a file.

        Raises:
            ConfigError: it sets what Hydra would make objects of, or reads what lies outside the configuration.
        """
        found = super().load_config(config_path)
        if not is_trusted():
            file = Path(self.path, self._normalize_file_name(config_path))
            package = (found.header or {}).get("package") or ""
            tree = OmegaConf.to_container(found.config, resolve=False)
            if problems := list(recipe_problems(config_path, package, tree)):
                raise ConfigError([f"{file}: {problem}" for problem in problems])
        return found


def recipe_problems(config_path: str, package: str, tree: Any) -> Iterator[str]:
    """What in a recipe could do more than set values of genrelab's.

    Args:
        config_path: below its folder, such as `experiment/mine`.
        package: that its first line names, if any.
        tree: its content, interpolations unresolved.
    """
    root = tree if isinstance(tree, dict) else {}
    defaults = root.get("defaults") or []
    allow = f"({TRUST_FLAG} allows it, for a recipe of your own)"
    if config_path.startswith("hydra/") or _HYDRAS.search(package) or any(_HYDRAS.search(str(key)) for key in root):
        yield f"sets options of Hydra, which run code {allow}"
    elif any(_HYDRAS.search(text) for text in _texts(defaults)):
        yield f"its defaults choose options of Hydra, which run code {allow}"
    if any(".." in text for text in _texts(defaults)):
        yield f"its defaults lead out of its folder {allow}"
    if root.get("plugins") or package.partition(".")[0] == "plugins":
        yield f"plugins: names modules to import (take it out and write plugins=[...] on the command line; {allow[1:]}"
    for text in _texts(tree):
        if "${" in _without_references(text):
            yield f"{text}: computes a value from outside of the configuration (write the value; {allow[1:]}"


def _texts(node: Any) -> Iterator[str]:
    """All texts of a tree, its keys too."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _texts(value)


def _without_references(text: str) -> str:
    """The text without `${key}`, from the inside out; what is left of `${` calls a resolver."""
    while (shorter := _REFERENCE.sub("", text)) != text:
        text = shorter
    return text
