"""Composition with Hydra, and its errors as one list of clear lines."""

from __future__ import annotations

import math
import os
import re
import secrets
import time
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from genrelab.utils.errors import ConfigError, suggest
from hydra_plugins.genrelab_recipes.recipe_source import SCHEME

# Held in the environment, because launchers start further processes that must agree on the folder.
LAUNCH_ID = "GENRELAB_LAUNCH_ID"
LAUNCHERS = ("joblib", "submitit_local", "submitit_slurm")  # of plugins that an extra installs
SEARCH_PATH = "hydra.searchpath="  # an override that names further folders of options
FAILURES = (HydraException, OmegaConfBaseException, ValueError, AssertionError)  # what composition raises


def conf_dir() -> Path:
    """The folder of configurations: the checkout's `conf/`, or the copy inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    beside = package.parents[1] / "conf"
    return beside if (beside / "config.yaml").exists() else package / "conf"


def launch_id() -> str:
    """Name of this launch, `<date>-<time>-<6 random characters>`; the same in its child processes."""
    return os.environ.setdefault(LAUNCH_ID, f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}")


OmegaConf.register_new_resolver("genrelab.launch_id", launch_id, replace=True)


def compose(overrides: Sequence[str], search_path: Sequence[str] = (), name: str = "config") -> dict[str, Any]:
    """Compose the configuration as plain data.

    Args:
        overrides: as on the command line, without sweeps.
        search_path: folders of recipes and further options, whose files are checked as they are loaded.
        name: of the file that lists the groups.

    Raises:
        ConfigError: every override that does not fit, with a suggestion each.
    """
    if twice := _twice(overrides):
        raise ConfigError(twice)
    if search_path:
        overrides = [search_path_override(search_path), *overrides]
    try:
        return _compose(overrides, name=name)
    except FAILURES as error:
        first: Exception = error
    # Something does not fit: add one override after the other to tell which, groups before the values inside them.
    problems: list[str] = []
    fitting: list[str] = []
    for override in sorted(overrides, key=lambda text: (not text.startswith(SEARCH_PATH), "." in text.split("=")[0])):
        try:
            _compose([*fitting, override], name=name)
            fitting.append(override)
        except FAILURES as error:
            problems.append(_explain(override, error, fitting, name))
    raise ConfigError(problems or [_first_line(first)]) from first


def normalize_overrides(arguments: Sequence[str]) -> list[str]:
    """Arguments as typed, made readable for Hydra: `~` expanded, paths with signs of its grammar quoted.

    Shells leave the `~` of `root=~/music` alone, and Hydra reads neither it nor brackets, umlauts or "=" in a value.
    """
    return [_quoted(text) if "=" in text and not text.startswith("-") else text for text in arguments]


def _quoted(override: str) -> str:
    key, _, value = override.partition("=")
    if value == "~" or value.startswith("~/"):
        value = str(Path(value).expanduser())
    plain = f"{key}={value}"
    if not re.search(r"[/\\]", value) or value[0] in "'\"[" or (_parses(plain) and not _is_one_path(value)):
        return plain
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{key}='{escaped}'"


def _is_one_path(value: str) -> bool:
    return "," in value and Path(value).exists()


def _parses(override: str) -> bool:
    try:
        OverridesParser.create().parse_overrides([override])
    except HydraException:
        return False
    return True


def expand_sweep(overrides: Sequence[str]) -> list[list[str]]:
    """Jobs that show every value of a multirun at least once: each swept value with the others' first."""
    choices = _choices(overrides)
    jobs = [[values[0] for values in choices]]
    for position, values in enumerate(choices):
        jobs += [[*jobs[0][:position], value, *jobs[0][position + 1 :]] for value in values[1:]]
    return jobs


def count_jobs(overrides: Sequence[str]) -> int:
    """How many jobs a grid multirun has."""
    return math.prod(len(values) for values in _choices(overrides))


def _choices(overrides: Sequence[str]) -> list[list[str]]:
    searched = any(text.startswith("hydra/sweeper=") for text in overrides)
    return [_values(override, searched) for override in _parse(overrides)]


def _twice(overrides: Sequence[str]) -> list[str]:
    """Features or joined files named twice, which Hydra would merge into one without a word."""
    problems = []
    for override in overrides:
        key, _, value = override.partition("=")
        names = [name.strip() for name in value.strip("[]").split(",")]
        if key in ("features", "join") and value.startswith("["):
            problems += [f"{key}: {name!r} is named twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    return problems


def _compose(overrides: Sequence[str], hydra_too: bool = False, name: str = "config") -> dict[str, Any]:
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = hydra.compose(name, list(overrides), return_hydra_config=hydra_too)
    plain = OmegaConf.to_container(config, resolve=not hydra_too, throw_on_missing=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def search_path_override(folders: Sequence[str]) -> str:
    """The override that makes folders of recipes known to Hydra, which checks each file it loads from them."""
    paths = [str(Path(folder).absolute()).replace("\\", "\\\\").replace("'", "\\'") for folder in folders]
    return SEARCH_PATH + "[" + ",".join(f"'{SCHEME}://{path}'" for path in paths) + "]"


def _parse(overrides: Sequence[str]) -> list[Override]:
    try:
        return OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise ConfigError([_unreadable(text) for text in overrides if not _parses(text)]) from error


def _values(override: Override, searched: bool) -> list[str]:
    """Each swept value of an override as an override of its own; of an interval that is searched, its ends."""
    if not override.is_sweep_override():
        return [override.input_line or ""]
    key = override.get_key_element()
    value: Any = override.value()
    if not override.is_discrete_sweep():
        if not searched:
            raise ConfigError([f"{override.input_line}: --multirun takes listed values; an interval needs a sweep"])
        return [f"{key}={end}" for end in (value.start, value.end)]
    if isinstance(value, Glob):
        names = value.filter(sorted(path.stem for path in (conf_dir() / key).glob("*.yaml")))
        if not names:
            raise ConfigError([f"{override.input_line}: no option of {key!r} fits"])
        return [f"{key}={name}" for name in names]
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


def _explain(override: str, error: Exception, fitting: Sequence[str], name: str) -> str:
    """One line about an override that does not compose: what, and what was perhaps meant."""
    key, _, value = override.partition("=")
    key = key.lstrip("+~")
    if not _parses(override):
        return _unreadable(override)
    if match := re.search(r"Could not (?:find|load) '([^']+)'", str(error)):
        group, _, option = match.group(1).rpartition("/")
        if group == "hydra/launcher" and option in LAUNCHERS:
            return f"{override}: not installed; pip install 'genrelab[launchers]'"
        options = [path.stem for path in (conf_dir() / group).glob("*.yaml")]
        options += [*LAUNCHERS, "basic"] if group == "hydra/launcher" else []
        return f"{group}={value}: no {group} {option!r}{suggest(option, options)}"
    try:
        tree = _compose(fitting, hydra_too=key.startswith("hydra."), name=name)
    except FAILURES:
        tree = {}
    if "Ambiguous value" in str(error):
        return f"{override}: several values; add -m to run each, or quote them if they are one: {key}='\"{value}\"'"
    if "Could not override" in str(error) or "not in struct" in str(error) or "ConfigKeyError" in repr(error):
        parent, _, leaf = key.rpartition(".")
        node = _node(tree, parent)
        if parent and isinstance(node, dict):
            return f"{key}: no such key{suggest(leaf, node)}"
        everything = _all_keys(tree)
        if parent:
            return f"{key}: no such key{suggest(key, everything)}"
        groups = {path.name for path in conf_dir().iterdir() if path.is_dir()}
        inside = {name.rpartition(".")[2]: name for name in reversed(everything) if "." in name}
        if not get_close_matches(key, {*tree, *groups}) and (near := get_close_matches(key, inside, n=1)):
            return f"{key}: no such key; did you mean {inside[near[0]]!r}?"
        return f"{key}: no such key{suggest(key, {*tree, *groups})}"
    return f"{override}: {_first_line(error)}"


def _node(tree: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _all_keys(tree: dict[str, Any], at: str = "") -> list[str]:
    keys = []
    for name, value in tree.items():
        keys.append(f"{at}{name}")
        if isinstance(value, dict):
            keys += _all_keys(value, f"{at}{name}.")
    return keys


def _unreadable(override: str) -> str:
    """One line about what is no override at all."""
    key, equals, value = override.partition("=")
    if not equals and not key.startswith("~"):
        groups = [path.parent.name for path in sorted(conf_dir().glob(f"*/{override}.yaml"))]
        meant = f"; did you mean {groups[0]}={override}?" if groups else "; write group=option or group.key=value"
        return f"{override}: not an override{meant}"
    return f"{override}: cannot be read; quote the value: \"{key}='{value}'\""


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
