"""The check of a whole configuration tree: everything wrong at once, before any data is touched."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from genrelab.audio.registry import AUGMENTS
from genrelab.audio.spec import AudioSpec
from genrelab.config.schema import (
    AcceleratorSpec,
    DataSpec,
    GraphSpec,
    ModelSpec,
    PathsSpec,
    TrainerSpec,
    check_fields,
    further_labels,
)
from genrelab.datasets.registry import DATASETS
from genrelab.datasets.splits.registry import SPLITS
from genrelab.losses.registry import LOSSES
from genrelab.models.registry import MODELS
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.tracking.registry import LOGGERS
from genrelab.training.registry import CALLBACKS, OPTIMIZERS, SCHEDULERS
from genrelab.utils.errors import ConfigError, GenrelabError, suggest
from genrelab.utils.registry import Registry

ROOT_KEYS = ("seed", "refit", "beta", "plugins", "demo", "features")
# What code passes at build time, per noun: never asked of the user.
SUPPLIED: dict[str, tuple[Registry, tuple[str, ...]]] = {
    "dataset": (DATASETS, ("cache", "multi_label")),
    "taxonomy": (TAXONOMIES, ("genres",)),
    "split": (SPLITS, ("dataset_index",)),
    "augment": (AUGMENTS, ()),
    "model": (MODELS, ("in_shapes", "n_classes")),
    "loss": (LOSSES, ("distances", "supergenres", "clusters", "prevalence")),
    "optimizer": (OPTIMIZERS, ("parameters",)),
    "scheduler": (SCHEDULERS, ("optimizer", "epochs", "mode")),
}
SPECS = {
    "trainer": TrainerSpec,
    "accelerator": AcceleratorSpec,
    "data": DataSpec,
    "graph": GraphSpec,
    "paths": PathsSpec,
    "audio": AudioSpec,
}
NAMED: dict[str, tuple[Registry, tuple[str, ...]]] = {
    "callbacks": (CALLBACKS, ("monitor", "mode")),
    "logger": (LOGGERS, ("run_dir", "run_id", "config")),
    "join": (DATASETS, ("cache", "multi_label")),
}


def check(config: Mapping[str, Any], overrides: Sequence[str] = (), training: bool = True) -> None:
    """Check a composed configuration against registries, signatures and types.

    Args:
        config: plain, resolved.
        overrides: the command line, to tell a beta that was asked for from the default.
        training: False where no network will be made, so that features need not fit one.

    Raises:
        ConfigError: all problems.
    """
    problems = _load_plugins(config.get("plugins") or [])
    problems += _root(config)
    problems += [_unchosen(noun) for noun in (*SPECS, "callbacks", "logger") if config.get(noun) is None]
    if config.get("data") is not None and set(config["data"]) <= {"target"}:  # what target= adds to it
        problems.append(_unchosen("data"))
    for noun, spec in SPECS.items():
        problems += check_fields(spec, config.get(noun) or {}, noun)
    for noun, (registry, supplied) in SUPPLIED.items():
        problems += _option(registry, config.get(noun), supplied, noun)
    for noun, (registry, supplied) in NAMED.items():
        for name, option in (config.get(noun) or {}).items():
            problems += _option(registry, option, supplied, f"{noun}.{name}")
    if not problems:  # these need a sound tree
        unfit, shapes = _features(config, training)
        problems = unfit + _monitor(config) + _beta(config, overrides)
        problems += _fitted(config) + _refit(config) if training else []
        problems += _average(config)
        problems += _target(config, training) + _join(config)
    if not problems and training:  # and this imports torch
        from genrelab.engine.validate_objects import value_problems
        from genrelab.metrics import monitor_direction

        problems = value_problems(config, shapes, monitor_direction(config["trainer"]["monitor"]), crop_ratio(config))
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))


def _unchosen(group: str) -> str:
    """The problem of a group that was taken away (`~logger`) or set to null."""
    from genrelab.config.composition import conf_dir

    options = sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))
    return f"{group}: no option chosen (there is: {', '.join(options)})"


def split_name_and_params(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Split an option into its kind and its parameters."""
    return str(config["kind"]), {key: value for key, value in config.items() if key != "kind"}


def crop_ratio(config: Mapping[str, Any]) -> float:
    """Width of the network's input as a share of a segment; a model that is fitted at once takes segments whole."""
    from genrelab.models.classical import MARK

    fitted = MODELS.marked(str(config["model"]["kind"]), MARK)
    return 1.0 if fitted else float(config["data"].get("crop_ratio", 1.0))


def _load_plugins(plugins: Sequence[str]) -> list[str]:
    if isinstance(plugins, str):
        return [f"plugins: a list is wanted; write plugins=[{plugins}]"]
    problems = []
    for name in plugins:
        try:
            importlib.import_module(name)
        except Exception as error:  # a stranger's module may raise anything
            problems.append(f"plugins: cannot import {name!r} ({error}); is its folder on PYTHONPATH?")
    return problems


def _root(config: Mapping[str, Any]) -> list[str]:
    known = {*ROOT_KEYS, *SUPPLIED, *SPECS, *NAMED}
    problems = [f"{key}: no such key{suggest(key, known)}" for key in config if key not in known]
    if not isinstance(config.get("seed"), int) or isinstance(config.get("seed"), bool):
        problems.append(f"seed: {config.get('seed')!r} is not an int")
    elif not 0 <= config["seed"] < 2**32:
        problems.append(f"seed: {config['seed']} is not in [0, 2**32)")
    if config.get("refit", False) not in (True, False, "final", "auto"):
        problems.append(f"refit: {config['refit']!r} is none of true, false, final, auto")
    if not isinstance(config.get("beta"), int | float) or isinstance(config.get("beta"), bool):
        problems.append(f"beta: {config.get('beta')!r} is not a number")
    return problems


def _option(registry: Registry, option: Any, supplied: tuple[str, ...], at: str) -> list[str]:
    if not isinstance(option, Mapping) or "kind" not in option:
        return [f"{at}: no option chosen; there is: {', '.join(registry.kinds())}"]
    if isinstance(option.get("beta"), str):
        option = {key: value for key, value in option.items() if key != "beta"}  # it comes from the root, which tells
    missing = [f"{at}.{k}: needed; give {at}.{k}=..." for k, value in option.items() if value == "???"]
    kind, params = split_name_and_params(option)
    if registry is MODELS:
        common = {field.name: params.pop(field.name) for field in fields(ModelSpec) if field.name in params}
        missing += check_fields(ModelSpec, common, at)
    return missing or registry.check(kind, params, supplied, at)


def _features(config: Mapping[str, Any], training: bool) -> tuple[list[str], list[tuple[int, ...]]]:
    """What is wrong with the features and with them as inputs of the network; their shapes."""
    from genrelab.features import make_spec

    features = config.get("features") or {}
    dataset = config["dataset"]["kind"]
    if DATASETS.marked(dataset, "given"):
        told = f"features: dataset {dataset!r} brings its own; leave features out, or use features=precomputed"
        return [told] if features else [], []
    if not features:
        return ["features: no feature chosen; e.g. features=pcen"], []
    problems, specs = [], []
    for name, option in features.items():
        if not isinstance(option, Mapping) or "kind" not in option:
            problems.append(f"features.{name}: not a feature; e.g. features=pcen or features=[pcen,mfcc]")
            continue
        try:
            specs.append(make_spec(name, option, AudioSpec(**config["audio"])))
        except ConfigError as error:
            problems += error.problems
        except GenrelabError as error:
            problems.append(f"features.{name}: {error}")
    shapes = [spec.shape for spec in specs]
    if problems or not training:
        return problems, shapes
    from genrelab.models.windowed import crop_shapes

    check_inputs = getattr(MODELS.get(config["model"]["kind"]), "check_inputs", None)
    found = check_inputs(crop_shapes(shapes, crop_ratio(config))) if check_inputs else []
    return [f"features={'+'.join(features)}: {problem}" for problem in found], shapes


def _join(config: Mapping[str, Any]) -> list[str]:
    """Datasets that cannot be joined by track id."""
    join = config.get("join") or {}
    if not join:
        return []
    problems = []
    for at, option in [("dataset", config["dataset"]), *((f"join.{name}", option) for name, option in join.items())]:
        if not DATASETS.marked(option["kind"], "given"):
            problems.append(
                f"{at}: dataset {option['kind']!r} has audio, and only datasets with precomputed features are joined; "
                "several features of audio are features=[pcen,tabular57]"
            )
        elif "track" in inspect.signature(DATASETS.get(option["kind"])).parameters and not option.get("track"):
            problems.append(f"{at}.track: name the column of track ids, by which the files are joined")
    return problems


def _monitor(config: Mapping[str, Any]) -> list[str]:
    from genrelab.metrics import monitor_direction

    try:
        monitor_direction(config["trainer"]["monitor"])
    except ConfigError as error:
        return [f"trainer.monitor: {problem.removeprefix('monitor: ')}" for problem in error.problems]
    return []


def _target(config: Mapping[str, Any], training: bool) -> list[str]:
    """Dataset, loss, model and monitor that do not fit the number of genres a track has."""
    from genrelab.losses.multilabel import MULTILABEL_TAG
    from genrelab.metrics import MULTILABEL_METRICS
    from genrelab.models.classical import MARK as FITTED
    from genrelab.models.classical import MULTILABEL

    several = config["data"].get("target") == "multi_label"
    dataset, loss, model = (config[noun]["kind"] for noun in ("dataset", "loss", "model"))
    problems = []
    if several and "multi_label" not in inspect.signature(DATASETS.get(dataset)).parameters:
        known = [one for one in DATASETS.kinds() if "multi_label" in inspect.signature(DATASETS.get(one)).parameters]
        problems.append(f"data.target: dataset {dataset!r} names one genre a track; several have {', '.join(known)}")
    if several and config["data"].get("class_balanced"):
        problems.append("data.class_balanced: a track has several genres; with target=multi_label leave it out")
    if further_labels(config):
        problems += _labels(several, training and MODELS.marked(model, FITTED), model)
    if not training:
        return problems
    if several and MODELS.marked(model, FITTED) and not MODELS.marked(model, MULTILABEL):
        able = ", ".join(one for one in MODELS.kinds() if MODELS.marked(one, MULTILABEL))
        problems.append(
            f"model.kind: {model!r} answers one genre a track; with target=multi_label use {able}, or train a network"
        )
    elif several != LOSSES.marked(loss, MULTILABEL_TAG) and not MODELS.marked(model, FITTED):
        fitting = [one for one in LOSSES.kinds() if LOSSES.marked(one, MULTILABEL_TAG)]
        problems.append(
            f"loss.kind: {loss!r} is for one genre a track; with target=multi_label use {' or '.join(fitting)}"
            if several
            else f"loss.kind: {loss!r} is for several genres a track; add target=multi_label, or use another loss"
        )
    metric = config["trainer"]["monitor"].rpartition("/")[2]
    if config["trainer"]["monitor"].count("/") == 2 and several != (metric in MULTILABEL_METRICS):
        problems.append(
            f"trainer.monitor: {metric!r} is of one genre a track; with target=multi_label use val/track/pr_auc"
            if several
            else f"trainer.monitor: {metric!r} is of several genres a track; add target=multi_label"
        )
    return problems


def _labels(several: bool, fitted: bool, model: str) -> list[str]:
    """What has no place for further heads."""
    problems = ["dataset.labels: further heads go with one genre a track; leave out labels or the target"] * several
    return problems + [f"dataset.labels: model {model!r} is fitted at once, without heads; train a network"] * fitted


def _fitted(config: Mapping[str, Any]) -> list[str]:
    """What a model that is fitted at once cannot do."""
    from genrelab.models.classical import MARK

    kind, accelerator = config["model"]["kind"], config["accelerator"]
    if not MODELS.marked(kind, MARK):
        return []
    problems = []
    if accelerator["devices"] > 1 or accelerator["strategy"] != "auto":
        problems.append(f"accelerator: model {kind!r} is fitted by one process; leave devices and strategy out")
    if config["trainer"]["monitor"].startswith("train/"):
        problems.append(f"trainer.monitor: model {kind!r} has no epochs, nor their train metrics; monitor val/...")
    if config["data"].get("on_the_fly"):
        problems.append(f"data.on_the_fly: model {kind!r} has no steps to make features in; leave it out")
    return problems


def is_clusterer(config: Mapping[str, Any]) -> bool:
    """Return whether the configured model groups tracks without their genres, so that val chooses nothing."""
    from genrelab.models.classical import Clusterer

    kind = MODELS.get(str(config["model"]["kind"]))
    return isinstance(kind, type) and issubclass(kind, Clusterer)


def _refit(config: Mapping[str, Any]) -> list[str]:
    """Where training once more on held-out tracks has no meaning."""
    if config.get("refit") not in (True, "final"):
        return []
    problems = []
    if is_clusterer(config):
        kind = config["model"]["kind"]
        problems.append(f"refit: model {kind!r} groups tracks without genres, val chooses nothing; leave refit out")
    if config["accelerator"]["devices"] > 1:
        problems.append("refit: works on one device; leave accelerator.devices out, or use refit=false")
    return problems


def _average(config: Mapping[str, Any]) -> list[str]:
    """What does not go with averaged weights."""
    if config["trainer"].get("ema_decay") is None:
        return []
    problems = []
    if any(option["kind"] == "swa" for option in (config.get("callbacks") or {}).values()):
        problems.append("trainer.ema_decay: callbacks=swa averages weights already; leave out one of them")
    if config["model"].get("bn_statistics") == "running":
        problems.append("model.bn_statistics: running statistics are not of averaged weights; use recomputed")
    return problems


def _beta(config: Mapping[str, Any], overrides: Sequence[str]) -> list[str]:
    kind = config["loss"]["kind"]
    asked = any(override.lstrip("+").startswith("beta=") for override in overrides)
    if asked and "beta" not in inspect.signature(LOSSES.get(kind)).parameters:
        return [f"beta: the loss {kind!r} has none; choose loss=graph_soft, or leave beta out"]
    return []
