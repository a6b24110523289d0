"""What a configuration of before a key was means: runs are resumed, and compared, as they were trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# (group, kind): what an option without the key did, where the default of today is another.
ABSENT: dict[tuple[str, str], dict[str, Any]] = {
    ("loss", "hxe"): {"weighting": "from_leaf"},
}


def fill_absent(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration, plain or flattened ("loss.kind"), with what its absent keys mean; the given one is kept."""
    filled = dict(config)
    for (group, kind), meant in ABSENT.items():
        option = config.get(group)
        if isinstance(option, Mapping) and option.get("kind") == kind:
            filled[group] = {**option, **{key: value for key, value in meant.items() if key not in option}}
        elif config.get(f"{group}.kind") == kind:
            filled |= {f"{group}.{key}": value for key, value in meant.items() if f"{group}.{key}" not in config}
    return filled
