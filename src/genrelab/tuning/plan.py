"""What a sweep's command line asks for, checked: the study, and the overrides that its trials share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml
from omegaconf import OmegaConf

from genrelab.config import conf_dir, normalize_overrides
from genrelab.config.schema import resolve_path
from genrelab.engine.validate_config import check
from genrelab.metrics.registry import monitor_direction
from genrelab.tuning.compose import Composer, compose_tree, is_group
from genrelab.tuning.samplers import PRUNERS, SAMPLERS
from genrelab.tuning.search_space import Dimension, overrides_of, read_space, split_sweeps
from genrelab.tuning.study_spec import StudySpec
from genrelab.utils.errors import ConfigError, suggest

SWEEPER = "hydra/sweeper=genrelab_optuna"
SWEEPER_KEYS = (
    "study_name",
    "objectives",
    "storage",
    "n_trials",
    "timeout",
    "prune_on",
    "max_failures_in_row",
    "max_failures",
    "max_retries",
)


@dataclass(frozen=True)
class SweepPlan:
    """A study and what its trials share.

    Args:
        spec: of the study.
        overrides: of every trial.
    """

    spec: StudySpec
    overrides: tuple[str, ...]


def read_plan(arguments: Sequence[str]) -> SweepPlan:
    """Compose and check a sweep, every listed value and both ends of every interval included.

    Args:
        arguments: overrides as typed; `n_trials=`, `sampler=` and the like are the sweeper's, and an override with
            several values (`beta='choice(1,2)'`) adds to the search. A value for a searched key takes it out.

    Raises:
        ConfigError: all that does not fit.
    """
    fixed, swept = split_sweeps([_long(text) for text in normalize_overrides(arguments)])
    named = next((text.partition("=")[2] for text in fixed if text.startswith("search=")), None)
    tree = compose_tree([SWEEPER, *fixed])
    options: Any = OmegaConf.to_container(tree.hydra.sweeper, resolve=True)
    given = {text.partition("=")[0] for text in fixed}
    params = {key: str(value) for key, value in (options["params"] or {}).items() if key not in given}
    objectives = tuple(options["objectives"] or [tree.trainer.monitor])
    problems = [*_unfit("sampler", SAMPLERS, options), *_unfit("pruner", PRUNERS, options)]
    if problems:
        raise ConfigError(problems)
    name = options["study_name"] or named or "study"
    overrides = tuple(text for text in fixed if not text.startswith("hydra"))
    spec = StudySpec(
        name=name,
        folder=resolve_path(OmegaConf.select(tree, "paths.sweeps_dir")) / name,
        params={**params, **swept},
        objectives=objectives,
        directions=tuple(monitor_direction(metric) for metric in objectives),
        sampler=options["sampler"],
        pruner=options["pruner"] if len(objectives) == 1 else {"kind": "none"},
        storage=options["storage"],
        **{key: options[key] for key in SWEEPER_KEYS if key not in ("study_name", "objectives", "storage")},
    )
    if spec.prune_on and monitor_direction(spec.prune_on) != spec.directions[0]:
        raise ConfigError([f"prune_on: {spec.prune_on} is not better where {objectives[0]} is; choose another metric"])
    space = read_space(spec.params)
    composer = Composer(overrides)
    _check_values(composer, space)
    shared = {key: value for key, value in _flat(composer.plain()).items() if not _searched(key, space)}
    return SweepPlan(replace(spec, fixed=shared), overrides)


def iter_searches(arguments: Sequence[str]) -> list[list[str]]:
    """The arguments of each study: of one as a rule, of several where the search's file lists `searches`.

    Raises:
        ConfigError: one name for several studies.
    """
    named = next((text.partition("=")[2] for text in arguments if text.startswith("search=")), "")
    path = conf_dir() / "search" / f"{named}.yaml"
    found = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("searches") if path.is_file() else None
    if not found:
        return [list(arguments)]
    if any(text.startswith("study=") for text in arguments):
        raise ConfigError(
            [f"study: search={named} runs {len(found)} studies, {', '.join(found)}; name none, or run one"]
        )
    return [[f"search={one}" if text.startswith("search=") else text for text in arguments] for one in found]


def _long(text: str) -> str:
    """The sweeper's short keys as Hydra knows them."""
    key, equals, value = text.partition("=")
    if equals and (key in SWEEPER_KEYS or key.startswith(("sampler.", "pruner.", "params."))):
        return f"hydra.sweeper.{key}={value}"
    if key == "study":
        return f"hydra.sweeper.study_name={value}"
    return f"hydra/sweeper/{key}={value}" if key in ("sampler", "pruner") and equals else text


def _unfit(noun: str, registry: Any, options: dict[str, Any]) -> list[str]:
    option = dict(options[noun] or {})
    kind = option.pop("kind", None)
    if kind not in registry.kinds():
        return [f"{noun}: no {noun} {kind!r}{suggest(str(kind), registry.kinds())}"]
    problems: list[str] = registry.check(kind, option, ("worker_seed",), noun)
    return problems


def _check_values(composer: Composer, space: dict[str, Dimension]) -> None:
    """Check every listed value and both ends of each interval, the other keys at their first value."""
    first = {key: one.bounds()[0] for key, one in space.items()}
    points = [first] + [{**first, key: value} for key, one in space.items() for value in one.bounds()[1:]]
    problems: list[str] = []
    for point in points:
        overrides = overrides_of(space, point)
        try:
            check(composer.config(overrides), [*composer.overrides, *overrides])
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))


def _flat(tree: dict[str, Any], at: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{at}{key}.") if isinstance(value, dict) and value else {f"{at}{key}": value}
    return found


def _searched(key: str, space: dict[str, Dimension]) -> bool:
    """Whether a leaf's value is the search's to choose: it, or the option that it stands in."""
    return key in space or (is_group(key.split(".", maxsplit=1)[0]) and key.split(".", maxsplit=1)[0] in space)
