"""What may change where a run is resumed: where files are, and the machine. All else would be another run."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from genrelab.utils.errors import ConfigError

PATHS = frozenset(  # parameters of datasets
    ("root", "metadata", "tags", "path", "artists_csv", "splits", "hierarchy", "partition", "features", "exclude")
)
MACHINE = frozenset({("data", "cache_on_device"), ("trainer", "enable_progress_bar")})
GROUPS = ("paths", "accelerator")
Keys = tuple[str, ...]


def parse_machine_overrides(overrides: Sequence[str]) -> dict[Keys, Any]:
    """Parse overrides of a resumed run, as of `train.py`; `accelerator=cpu` chooses an option, others set values.

    Raises:
        ConfigError: an override changes something else, or cannot be read.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    found: dict[Keys, Any] = {}
    problems = []
    for text in overrides:
        try:
            parsed = OverridesParser.create().parse_override(text)
        except HydraException:
            problems.append(f"{text}: cannot be read (write key=value)")
            continue
        keys = tuple(parsed.key_or_group.split("."))
        if parsed.type is None or parsed.is_sweep_override() or not _may_change(keys):
            problems.append(
                f"{text}: a resumed run keeps its configuration but for paths and the machine "
                "(leave this out; dataset.root=, paths.*= and accelerator.*= may change)"
            )
        found[keys] = parsed.value()
    if problems:
        raise ConfigError(problems)
    return found


def override_machine(config: Mapping[str, Any], changes: Mapping[Keys, Any]) -> dict[str, Any]:
    """Return a run's configuration with other paths and machine settings.

    Paths below the old value of an overridden path follow it, as `dataset.metadata` does `dataset.root`.

    Args:
        config: of the run, plain.
        changes: values by their keys, see `parse_machine_overrides`.
    """
    changed = copy.deepcopy(dict(config))
    for keys, value in changes.items():
        if keys == ("accelerator",):
            from genrelab.config.composition import compose

            changed["accelerator"] = compose([f"accelerator={value}"])["accelerator"]
            continue
        *above, last = keys
        inner = changed
        for key in above:
            inner = inner.get(key) or {}
        before = inner.get(last)
        if isinstance(before, str) and isinstance(value, str):
            top = keys[0] if keys[0] != "join" else keys[1]
            group = changed["join"] if keys[0] == "join" else changed
            group[top] = _moved(group[top], before.rstrip("/"), value.rstrip("/"))
            inner = group[top]
        inner[last] = value
    return changed


def _may_change(keys: Keys) -> bool:
    if keys[0] == "join":
        return len(keys) == 3 and keys[2] in PATHS
    if keys[0] == "dataset":
        return len(keys) == 2 and keys[1] in PATHS
    return keys in MACHINE or keys == ("accelerator",) or (keys[0] in GROUPS and len(keys) == 2)


def _moved(value: Any, before: str, after: str) -> Any:
    """A value with every path that is `before` or lies below it moved to `after`."""
    if isinstance(value, Mapping):
        return {key: _moved(inner, before, after) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, before, after) for inner in value]
    if isinstance(value, str) and (value == before or value.startswith(f"{before}/")):
        return after + value[len(before) :]
    return value
