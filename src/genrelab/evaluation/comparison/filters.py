"""What a run was asked for, by key: to filter by, to group by, and to see what differs between runs."""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from genrelab.evaluation.comparison.loader import Run
from genrelab.utils.errors import ConfigError, GenrelabError, suggest

CONFIG_GROUPS = ("dataset", "taxonomy", "split", "augment", "model", "loss", "optimizer", "scheduler")
SHORT_KEYS = ("dataset", "taxonomy", "split", "fold", "features", "augment", "model", "loss", "beta", "effective_beta")
SEED_KEY, RUN_KEY = "seed", "run"
# What says nothing about the experiment, or is said under a better name.
IGNORED_GROUPS = {"paths", "plugins", "logger", "hydra", "accelerator", "demo", "debug"}
IGNORED_KEYS = {
    *("seed", "beta", "loss.beta", "data.cache_on_device"),
    *(f"trainer.{name}" for name in ("enable_progress_bar", "estimate", "baselines", "profiler")),
}
CONDITION = re.compile(r"\s*([\w.]+)\s*(>=|<=|!=|==|=|>|<)\s*(.*?)\s*")
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def run_values(run: Run) -> dict[str, Any]:
    """Everything known of a run by key: short names first, then `group.key` of its configuration, scores, record.

    The short names are `run seed dataset taxonomy split fold features augment model loss optimizer scheduler beta
    effective_beta epochs seconds artist_leak unsafe overlap stand_in`, and the metrics at track level.
    """
    config, record = run.config, run.record
    loss, split, dataset = (record.get(name) or {} for name in ("loss", "split", "dataset"))
    found: dict[str, Any] = {RUN_KEY: run.name, SEED_KEY: config.get("seed")}
    for group in CONFIG_GROUPS:
        option = config.get(group)
        found[group] = option.get("kind") if isinstance(option, Mapping) and option else None
    from_record = ("model", "loss", "optimizer", "scheduler")  # by the record, where there is none
    found |= {name: record[name]["kind"] for name in from_record if (record.get(name) or {}).get("kind")}
    found["dataset"] = dataset.get("name") or found["dataset"]
    found["taxonomy"] = (record.get("taxonomy") or {}).get("name") or found["taxonomy"]
    found |= {
        "fold": split.get("fold"),
        "features": ",".join(record.get("features") or config.get("features") or ()) or None,
        "beta": loss.get("beta"),
        "effective_beta": loss.get("effective_beta"),
        "epochs": (record.get("monitor") or {}).get("epochs"),
        "seconds": record.get("seconds"),
        "artist_leak": bool(split.get("artist_leak")),
        "unsafe": bool(split.get("unsafe")),
        "overlap": bool((record.get("overlap") or {}).get("marked")),
        "stand_in": bool(dataset.get("stand_in")),
    }
    scores = {name: score["value"] for name, score in run.scores.items()}
    return flatten(record) | scores | flatten(config) | found


def flatten(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested mappings as `a.b.c`; lists of plain values as text."""
    found: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            found |= flatten(inner, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = ",".join(map(str, inner)) if isinstance(inner, list | tuple) else inner
    return found


def resolve_key(key: str, known: Sequence[Mapping[str, Any]]) -> str:
    """The key as runs have it: itself, or the only one that ends with it ("width" for `model.width`).

    Raises:
        GenrelabError: no run has it, or several keys end so.
    """
    every = Counter(name for one in known for name in one)
    if key in every:
        return key
    ending = sorted(name for name in every if name.endswith(f".{key}"))
    if len(ending) > 1:
        raise GenrelabError(f"{key}: which one? there is: {', '.join(ending)}")
    if ending:
        return ending[0]
    near = suggest(key, [name for name in every if name.count(".") <= 1])
    raise GenrelabError(f"{key}: no run has such a key{near if near.startswith('; did') else _key_hint()}")


def _key_hint() -> str:
    return f"; there is: {', '.join((RUN_KEY, SEED_KEY, *SHORT_KEYS))}, a metric, and group.key of the configuration"


def filter_runs(runs: Sequence[Run], conditions: Sequence[str]) -> list[Run]:
    """The runs that meet all conditions: `model=resnet18flex`, `beta>=1.5`, `model=cnn|mlp`, `features!=*mfcc*`.

    Raises:
        ConfigError: what is no condition.
        GenrelabError: a key that no run has.
    """
    known = [run_values(run) for run in runs]
    keep = [True] * len(runs)
    for text in conditions:
        parts = CONDITION.fullmatch(text)
        if not parts:
            raise ConfigError([f"--filter {text!r}: say KEY=VALUE, with = != > >= < <=; for example beta>=1.5"])
        key, sign, wanted = parts.groups()
        key = resolve_key(key, known)
        keep = [ok and _meets_condition(one.get(key), sign, wanted, text) for ok, one in zip(keep, known, strict=True)]
    return [run for run, ok in zip(runs, keep, strict=True) if ok]


def _meets_condition(value: Any, sign: str, wanted: str, text: str) -> bool:
    if sign in OPERATORS:
        try:
            limit = float(wanted)
        except ValueError as error:
            raise ConfigError([f"--filter {text!r}: {wanted!r} is not a number"]) from error
        number = _number(value)
        return number is not None and OPERATORS[sign](number, limit)
    same = any(_equal(value, one.strip()) for one in wanted.split("|"))
    return same != (sign == "!=")


def _equal(value: Any, wanted: str) -> bool:
    number, other = _number(value), _number(wanted)
    if number is not None and other is not None:
        return number == other
    return fnmatchcase(format_value(value).lower(), wanted.lower().strip("[]'\"").replace(", ", ","))


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def format_value(value: Any) -> str:
    """A value as one would type it: 1.5, true, null, pcen,mfcc."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def varying_keys(runs: Sequence[Run]) -> list[str]:
    """The keys in which runs differ, seeds apart: short names first, then keys of the configuration.

    A parameter counts where runs that both have it, in an option of the same kind, differ in it: what follows from
    another model or loss goes without saying. So does `effective_beta` where `beta` tells it.
    """
    known = [run_values(run) for run in runs]
    found = [
        key for key in (*SHORT_KEYS, "optimizer", "scheduler") if len({format_value(one.get(key)) for one in known}) > 1
    ]
    if "effective_beta" in found:
        pairs = {(format_value(one.get("beta")), format_value(one.get("effective_beta"))) for one in known}
        if len(pairs) == len({beta for beta, _ in pairs}):
            found.remove("effective_beta")
    configs = [flatten(run.config) for run in runs]
    for key in dict.fromkeys(name for one in configs for name in one):
        group = key.split(".")[0]
        if (
            group in IGNORED_GROUPS
            or key in IGNORED_KEYS
            or (group in CONFIG_GROUPS and key.count(".") == 1 and key.endswith(".kind"))
        ):
            continue
        by_kind: dict[str, set[str]] = {}
        for one, values in zip(configs, known, strict=True):
            if key in one:
                by_kind.setdefault(format_value(values.get(group)), set()).add(format_value(one[key]))
        if any(len(values) > 1 for values in by_kind.values()):
            found.append(key)
    return found
