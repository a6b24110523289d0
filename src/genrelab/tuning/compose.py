"""From a command line to trials' configurations: composed once, a trial's values put into the tree."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from genrelab.config import compose, conf_dir

Tree = dict[str, Any]
# What a study's trials may differ in without being incomparable, and what a recipe need not say.
MACHINE_GROUPS = ("paths", "accelerator", "logger", "hydra")
DISPLAY_KEYS = ("enable_progress_bar", "estimate", "profiler")  # of the trainer
NOT_CHOICES = ("experiment", "search", "debug", *MACHINE_GROUPS)


def compose_tree(overrides: Sequence[str]) -> DictConfig:
    """Compose the configuration with Hydra's own node, interpolations unresolved.

    Raises:
        ConfigError: every override that does not fit.
    """
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
            return hydra.compose("config", list(overrides), return_hydra_config=True)
    except (HydraException, OmegaConfBaseException, ValueError, AssertionError):
        compose(overrides)  # says what is wrong with each
        raise


class Composer:
    """Configurations of trials that share overrides.

    Args:
        overrides: of all trials.
    """

    def __init__(self, overrides: Sequence[str]) -> None:
        self.overrides = list(overrides)
        self._trees: dict[tuple[str, ...], DictConfig] = {}

    def tree(self, overrides: Sequence[str]) -> DictConfig:
        """The unresolved tree with a trial's overrides; those that choose an option need a composition, once each."""
        groups = tuple(text for text in overrides if is_group(text.partition("=")[0]))
        if groups not in self._trees:
            self._trees[groups] = compose_tree([*self.overrides, *groups])
        tree = copy.deepcopy(self._trees[groups])
        parser = OverridesParser.create()
        for text in overrides:
            if text not in groups:
                override = parser.parse_override(text)
                try:
                    OmegaConf.update(tree, override.key_or_group, override.value(), merge=False)
                except OmegaConfBaseException:
                    compose([*self.overrides, text])  # says what is wrong
                    raise
        return tree

    def config(self, overrides: Sequence[str]) -> Tree:
        """A trial's configuration, plain and resolved."""
        tree = self.tree(overrides)
        with open_dict(tree):
            tree.pop("hydra", None)
        return _container(tree, resolve=True)

    def plain(self, overrides: Sequence[str] = ()) -> Tree:
        """The same, unresolved and without what is of a machine."""
        tree = _container(self.tree(overrides), resolve=False)
        found = {key: value for key, value in tree.items() if key not in MACHINE_GROUPS}
        found["trainer"] = {key: value for key, value in found["trainer"].items() if key not in DISPLAY_KEYS}
        return found

    def recipe(self, overrides: Sequence[str], comments: Sequence[str]) -> str:
        """A trial as an experiment: `experiment=` with this file composes its configuration.

        Args:
            overrides: of the trial.
            comments: lines for its head.
        """
        choices = self._choices(overrides)
        bare = Composer([f"{group}={_text(option)}" for group, option in choices.items()]).plain()
        values = changed_leaves(bare, self.plain(overrides))
        defaults = [{f"override /{group}": option} for group, option in choices.items()]
        head = "".join(f"# {line}\n" for line in comments)
        body = yaml.safe_dump({"defaults": defaults, **values}, sort_keys=False, allow_unicode=True)
        return f"# @package _global_\n{head}{body}"

    def _choices(self, overrides: Sequence[str]) -> dict[str, Any]:
        """The option of each group that is not the default one; lists of options as lists."""
        ours, default = self.tree(overrides), compose_tree([])
        found: dict[str, Any] = {}
        for group in default.hydra.runtime.choices:
            if group.split("/")[0] in NOT_CHOICES:
                continue
            option = ours.hydra.runtime.choices.get(group)
            if group not in ours.hydra.runtime.choices:  # several were chosen, which Hydra does not keep
                option = list(ours[group])
            if option != default.hydra.runtime.choices[group]:
                found[str(group)] = option
        return found


def is_group(key: str) -> bool:
    """Whether an override of `key` chooses an option, not a value."""
    return "." not in key and (conf_dir() / key).is_dir()


def changed_leaves(old: Mapping[str, Any], new: Mapping[str, Any]) -> Tree:
    """The leaves of `new` that `old` does not have so, nested as there."""
    found: Tree = {}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := changed_leaves(before, value):
                found[key] = inner
        elif key not in old or before != value or type(before) is not type(value):
            found[key] = dict(value) if isinstance(value, Mapping) else value
    return found


def search_paths(sweeps: Path) -> list[str]:
    """How a command line makes a sweeps folder's recipes known: nothing to say for outputs/sweeps."""
    return [] if sweeps == Path("outputs/sweeps").absolute() else ["--config-dir", str(sweeps)]


def _text(option: Any) -> str:
    return f"[{','.join(option)}]" if isinstance(option, list) else str(option)


def _container(tree: DictConfig, resolve: bool) -> Tree:
    found = OmegaConf.to_container(tree, resolve=resolve)
    assert isinstance(found, dict)
    return {str(key): value for key, value in found.items()}
