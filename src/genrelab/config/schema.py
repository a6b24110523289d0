"""The types of the configuration's groups that are no registry's."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from genrelab.utils.errors import ConfigError, suggest
from genrelab.utils.registry import matches_type, type_name

Precision = Literal[
    "auto", "32-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true", "64-true", "transformer-engine"
]
BatchNormStatistics = Literal["auto", "recomputed", "running"]
T = TypeVar("T")


@dataclass(frozen=True)
class TrainerSpec:
    """How long to train and what to watch; see conf/trainer/default.yaml."""

    max_epochs: int = 18
    monitor: str = "val/track/distance"
    ema_decay: float | None = None
    gradient_clip_val: float | None = None
    accumulate_grad_batches: int = 1
    limit_train_batches: int | None = None
    enable_progress_bar: bool = True
    estimate: bool = True
    report: bool = True
    baselines: bool = True
    profiler: Literal["simple", "advanced"] | None = None


@dataclass(frozen=True)
class AcceleratorSpec:
    """The hardware; see conf/accelerator/auto.yaml."""

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int = 1
    precision: Precision = "auto"
    strategy: Literal["auto", "ddp"] = "auto"
    num_threads: int | None = None
    deterministic: bool = False


@dataclass(frozen=True)
class DataSpec:
    """Targets, batches and normalization; see conf/data/default.yaml."""

    target: Literal["genre", "multi_label", "supergenre"] = "genre"
    aux_loss_weight: float = 0.3
    batch_size: int = 64
    copies_per_epoch: Literal["one", "all"] = "one"
    random_roll: bool | Literal["per_sample"] = True
    crop_ratio: float = 1.0
    class_balanced: bool = False
    freq_mask_ratio: float = 0.0
    time_mask_ratio: float = 0.0
    mixup_alpha: float = 0.0
    time_reverse_prob: float = 0.0
    degrees: float = 0.0
    translate: float = 0.0
    scale: float = 0.0
    noise_std: float = 0.0
    normalize: Literal["per_bin", "global", "none"] = "per_bin"
    cache_on_device: bool = True
    feature_backend: Literal["numba", "librosa", "torch"] = "numba"
    on_the_fly: bool = False
    merge_spellings: bool = False
    find_duplicates: bool = True
    conflicting_duplicates: Literal["keep", "drop"] = "keep"


@dataclass(frozen=True)
class GraphSpec:
    """The graph that losses see, where it is not the one of the scores; see conf/graph/weighted.yaml."""

    weights: dict[str, float | None] | None = None
    keep_scale: bool = True


@dataclass(frozen=True)
class ModelSpec:
    """What training does with any network, beside the parameters of its own; see conf/config.yaml."""

    bn_statistics: BatchNormStatistics = "auto"


@dataclass(frozen=True)
class PathsSpec:
    """Where things are written; see conf/paths/default.yaml."""

    output_dir: str = "outputs"
    runs_dir: str = "outputs/runs"
    sweeps_dir: str = "outputs/sweeps"
    feature_cache_dir: str = "outputs/store"
    cache_dir: str = "outputs/cache"


SHARES = ("freq_mask_ratio", "time_mask_ratio", "translate", "scale")
POSITIVE = ("max_epochs", "accumulate_grad_batches", "limit_train_batches", "devices", "num_threads", "batch_size")


def check_fields(cls: type[Any], values: Mapping[str, Any], at: str) -> list[str]:
    """List what is wrong with `values` for a dataclass: unknown keys, wrong types, numbers below 1.

    Args:
        cls: a dataclass.
        values: plain values of the configuration.
        at: where they stand in it.
    """
    hints = typing.get_type_hints(cls)
    known = [field.name for field in dataclasses.fields(cls)]
    problems = []
    for key, value in values.items():
        if key not in known:
            problems.append(f"{at}.{key}: no such key{suggest(key, known)}")
        elif not matches_type(value, hints[key]):
            problems.append(f"{at}.{key}: {value!r} is not {type_name(hints[key])}")
        elif key in POSITIVE and value is not None and value < 1:
            problems.append(f"{at}.{key}: {value} is below 1")
        elif key in SHARES and not 0 <= value < 1:
            problems.append(f"{at}.{key}: {value} is not in [0, 1)")
        elif key == "crop_ratio" and not 0 < value <= 1:
            problems.append(f"{at}.{key}: {value} is not in (0, 1]; 1 crops nothing")
        elif key == "ema_decay" and value is not None and not 0 < value < 1:
            problems.append(f"{at}.{key}: {value} is not in (0, 1); null averages nothing")
        elif key == "time_reverse_prob" and not 0 <= value <= 1:
            problems.append(f"{at}.{key}: {value} is not in [0, 1]")
        elif key == "aux_loss_weight" and value < 0:
            problems.append(f"{at}.{key}: {value} is below 0; 0 teaches the trunk nothing of labels")
        elif key in ("degrees", "noise_std") and value < 0:
            problems.append(f"{at}.{key}: {value} is below 0; 0 changes nothing")
        elif key == "mixup_alpha" and value < 0:
            problems.append(f"{at}.{key}: {value} is below 0; 0 mixes nothing")
        elif key == "gradient_clip_val" and value is not None and not value > 0:
            problems.append(f"{at}.{key}: {value} is not above 0; null clips nothing")
    return problems


def read_fields(cls: type[T], values: Mapping[str, Any], at: str) -> T:
    """Make the dataclass `cls` of checked `values`.

    Raises:
        ConfigError: a key or a type does not fit.
    """
    if problems := check_fields(cls, values, at):
        raise ConfigError(problems)
    return cls(**values)


def model_options(config: Mapping[str, Any]) -> tuple[str, dict[str, Any], ModelSpec]:
    """Split the model's option into its kind, the network's own parameters, and what all networks have."""
    option = dict(config["model"])
    common = {field.name: option.pop(field.name) for field in dataclasses.fields(ModelSpec) if field.name in option}
    return str(option.pop("kind")), option, read_fields(ModelSpec, common, "model")


def resolve_path(path: str) -> Path:
    """A path of the configuration, taken from the working directory."""
    return Path(path).expanduser().absolute()


def further_labels(config: Mapping[str, Any]) -> bool:
    """Whether the dataset names columns for heads of their own (the `labels` of top_magd are a file of genres)."""
    labels = config["dataset"].get("labels")
    return isinstance(labels, list | tuple) and len(labels) > 0
