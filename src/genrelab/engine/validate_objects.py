"""Values that only the objects themselves can judge: each is built once, without weights, before data is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genrelab.audio.registry import AUGMENTS
from genrelab.audio.spec import AudioSpec
from genrelab.config.schema import further_labels, model_options
from genrelab.datasets.registry import DATASETS
from genrelab.features import make_spec
from genrelab.losses.registry import LOSSES
from genrelab.models.registry import MODELS
from genrelab.models.windowed import build_network
from genrelab.taxonomy.readers import make_weights
from genrelab.training.registry import OPTIMIZERS, SCHEDULERS
from genrelab.utils.errors import ConfigError
from genrelab.utils.registry import Registry

GENRES = 3  # any number does for a trial


def value_problems(
    config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]], mode: str, crop_ratio: float
) -> list[str]:
    """What loss, augmentation, model, optimizer, schedule and device say to their values.

    Args:
        config: whose types and keys fit already.
        shapes: of the features, the network's inputs.
        mode: direction of the monitored metric.
        crop_ratio: width of the network's input as a share of a segment.
    """
    import torch

    from genrelab.models.auxiliary_heads import genre_layers

    def build(registry: Registry, noun: str, **supplied: Any) -> Any:
        option = dict(config[noun])
        return registry.build(option.pop("kind"), option, **supplied)

    def network() -> None:
        with torch.device("meta"):  # shapes without memory or random numbers
            kind, params, _ = model_options(config)
            net = build_network(kind, params, shapes, GENRES, crop_ratio)
        if further_labels(config) and not genre_layers(net, GENRES):
            raise ConfigError([f"dataset.labels: model {kind!r} has no last linear layer for further heads"])

    def optimization() -> None:
        optimizer = build(OPTIMIZERS, "optimizer", parameters=[torch.nn.Parameter(torch.zeros(1))])
        build(SCHEDULERS, "scheduler", optimizer=optimizer, epochs=config["trainer"]["max_epochs"], mode=mode)

    graph = {"distances": 1 - torch.eye(GENRES), "supergenres": torch.arange(GENRES), "clusters": torch.zeros(GENRES)}
    graph["prevalence"] = torch.full((GENRES,), 0.5)
    problems = _said("model", network) if shapes else []  # a dataset's own features are not known before it is read
    problems += _said("loss", lambda: build(LOSSES, "loss", **graph))
    problems += _said("graph", lambda: make_weights(config["graph"]["weights"], "graph"))
    problems += _said("augment", lambda: build(AUGMENTS, "augment"))
    problems += _said("optimizer", optimization)
    return problems + _musicnn(config) + _online(config) + device_problems(config)


def _musicnn(config: Mapping[str, Any]) -> list[str]:
    """What a network that knows one picture alone would misread without a word."""
    if not MODELS.marked(config["model"]["kind"], "musicnn") or len(config["features"]) != 1:
        return []
    from genrelab.models.musicnn import INPUT_FEATURE, REQUIRED_CONFIG

    [(name, feature)] = config["features"].items()
    found = {f"features.{name}.{key}": (feature.get(key), value) for key, value in INPUT_FEATURE.items()}
    found |= {key: (config[key.split(".")[0]][key.split(".")[1]], value) for key, value in REQUIRED_CONFIG.items()}
    problem = "{}: {} is not what model 'musicnn' was trained on ({}); experiment=musicnn has all that it needs"
    return [problem.format(key, said, wanted) for key, (said, wanted) in found.items() if said != wanted]


def _online(config: Mapping[str, Any]) -> list[str]:
    """What cannot be made in the step."""
    data = config["data"]
    if not data["on_the_fly"]:
        return []
    if DATASETS.marked(config["dataset"]["kind"], "given"):
        return ["data.on_the_fly: this dataset brings features, there are no waveforms; leave data.on_the_fly out"]
    from genrelab.datamodules import OnTheFlyFeatures

    def features() -> None:
        option, audio = dict(config["augment"]), AudioSpec(**config["audio"])
        specs = [make_spec(name, feature, audio) for name, feature in config["features"].items()]
        OnTheFlyFeatures(specs, AUGMENTS.build(option.pop("kind"), option))

    copies = "data.copies_per_epoch: each step draws its copies anew; use one, or data.on_the_fly=false"
    return [copies] * (data["copies_per_epoch"] == "all") + _said("data.on_the_fly", features)


def device_problems(config: Mapping[str, Any]) -> list[str]:
    """A device that this machine, or its torch, does not have; more of them than there are, or than serve."""
    import torch

    accelerator = config["accelerator"]
    device, devices = accelerator["accelerator"], accelerator["devices"]
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device, True):
        return [f"accelerator.accelerator: no {device} on this machine; accelerator=auto takes what there is"]
    if device in ("auto", "cuda") and there["cuda"] and devices > torch.cuda.device_count():
        return [f"accelerator.devices: {devices} asked for, there are {torch.cuda.device_count()}"]
    if devices > 1 and accelerator["strategy"] == "auto":
        return [f"accelerator.strategy: {devices} devices need ddp; use accelerator=ddp"]
    if devices > 1 and (config["split"].get("folds") or 1) > 1 and config["split"].get("fold") is None:
        return ["accelerator.devices: folds train one after the other on one device; choose one with split.fold=0"]
    return []


def _said(noun: str, make: Callable[[], object]) -> list[str]:
    """The complaints of an object under construction."""
    try:
        make()
    except ConfigError as error:
        return list(error.problems)
    except (ValueError, RuntimeError, ZeroDivisionError, TypeError) as error:  # torch's own range checks
        return [f"{noun}: {str(error).splitlines()[0]}"]
    return []
