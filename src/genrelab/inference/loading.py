"""From a run's folder or a checkpoint file to a `Predictor`."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from genrelab.audio.content_detection import ContentThresholds
from genrelab.audio.spec import AudioSpec
from genrelab.datamodules.normalizer import Normalizer
from genrelab.features import FeatureSpec, build_feature
from genrelab.inference.calibration import Calibration, fit_calibration
from genrelab.inference.predictor import Predictor
from genrelab.models.registry import MODELS
from genrelab.models.windowed import build_network
from genrelab.postprocessing.thresholds import class_prior
from genrelab.runs.checkpoint import BEST, REFIT, caveats_of, load_checkpoint, run_checkpoint, without_weights
from genrelab.runs.predictions import calibration_file
from genrelab.taxonomy.taxonomy import Taxonomy
from genrelab.utils.errors import ConfigError, GenrelabError
from genrelab.utils.io import printable

MAX_VALUES = 1 << 27  # of one feature of one segment: half a gigabyte


def load_predictor(path: str | os.PathLike[str], device: str = "cpu", coverage: float = 0.8) -> Predictor:
    """Load a trained run for use; neither Hydra nor Lightning is imported.

    Args:
        path: of a run's folder (its `checkpoints/refit.ckpt` is taken, else `best.ckpt`) or of a `.ckpt` file. A file
            below a run's folder is calibrated by that run's held-out predictions, one that lies alone is not. Or of
            what `genrelab export --format safetensors` or `hub` wrote, which knows its calibration.
        device: that the network works on: "cpu", "cuda", "cuda:1".
        coverage: share of val's tracks that get a genre and not a supergenre, in [0, 1]; says nothing where a track has
            several genres.

    Raises:
        GenrelabError: there is no checkpoint, or it is broken, hostile, or not made for audio.
    """
    file, run = find_checkpoint(Path(path).expanduser())
    checkpoint = load_checkpoint(file)
    content = checkpoint["genrelab"]
    prepared = content["preprocessing"]
    if prepared.get("audio") is None:
        raise GenrelabError(f"{file}: trained on features that came with its dataset; it cannot listen to audio")
    try:
        taxonomy = Taxonomy.from_dict(content["taxonomy"])
        if list(taxonomy.genres) != content["genres"]:
            raise ValueError("genres and taxonomy differ")
        audio = AudioSpec.from_dict(prepared["audio"])
        specs = tuple(FeatureSpec.from_dict(one) for one in prepared["features"])
        normalizer = Normalizer(prepared["normalize"])
        MODELS.get(content["model"]["kind"])
        _check_sizes(specs, normalizer, content["model"])
        model = _model(content["model"], len(taxonomy.genres))
        model.load_state_dict(checkpoint["state_dict"])
        _check_weights(model)
        calibrated = checkpoint.get("calibration")  # of an exported file; those of a run are fitted here
        calibration = Calibration.from_dict(calibrated, taxonomy) if calibrated else None
        sound = ContentThresholds.from_dict(content["sound"]) if "sound" in content else None
    except ConfigError as error:
        own = "; a model or feature of your own needs its module: genrelab ... --plugins my.module"
        raise GenrelabError(f"{file}: {error}{own}") from error
    except GenrelabError as error:
        raise GenrelabError(f"{file}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise GenrelabError(f"{file}: its content does not fit together ({first})") from error
    for spec in specs:
        try:
            if problems := build_feature(spec).problems(spec.sample_rate, spec.n_samples):
                raise ConfigError([f"features.{printable(spec.name)}.{problem}" for problem in problems])
        except ConfigError as error:  # a pretrained encoder's weights are missing, or others
            raise GenrelabError(f"{file}: {'; '.join(error.problems)}") from error
    if calibration is None:
        several = content.get("target") == "multi_label"
        record = dict(_record(run))
        predictions = run / "predictions.parquet" if run else None
        if run and file.name == REFIT:
            predictions = calibration_file(run)
        else:
            record.pop("refit", None)
        prior = class_prior(record, len(taxonomy.genres))
        calibration = fit_calibration(taxonomy, predictions, coverage, several, prior)
    online = bool(prepared.get("online"))
    marks = content["marks"] if "marks" in content else caveats_of(_record(run))
    return Predictor(
        model,
        normalizer,
        taxonomy,
        audio,
        specs,
        replace(calibration, content_thresholds=sound),
        content["run_id"],
        file,
        device,
        marks,
        online,
    )


def find_checkpoint(path: Path) -> tuple[Path, Path | None]:
    """The checkpoint's file, and its run's folder where it lies in one.

    Raises:
        GenrelabError: neither a run's folder nor a file.
    """
    if path.is_file():
        if path.name == "run.json":
            return find_checkpoint(path.parent)
        run = path.parent.parent
        return path, run if path.parent.name == "checkpoints" and (run / "run.json").exists() else None
    if not path.exists():
        raise GenrelabError(f"{path}: no such run; name its folder, such as outputs/runs/20260101-120000-ab12cd")
    for file in (run_checkpoint(path), path / BEST, path / "model.safetensors"):
        if file.exists():
            return find_checkpoint(file)
    if folds := sorted(path.glob("fold-*/checkpoints/best.ckpt")):
        raise GenrelabError(f"{path}: a run of {len(folds)} folds; name one of them: {folds[0].parent.parent}")
    if runs := sorted(path.glob("*/checkpoints/best.ckpt")):
        raise GenrelabError(f"{path}: a folder of runs; name one of them: {runs[-1].parent.parent}")
    raise GenrelabError(f"{path}: no checkpoints/best.ckpt in it; name the folder of a trained run")


def _record(run: Path | None) -> Mapping[str, Any]:
    """`run.json`; empty where there is none."""
    try:
        found = json.loads((run / "run.json").read_text(encoding="utf-8")) if run else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _check_sizes(specs: Sequence[FeatureSpec], normalizer: Normalizer, model: Mapping[str, Any]) -> None:
    """Raise ValueError where features, their statistics and the network's input are of different or absurd sizes."""
    shapes = [tuple(shape) for shape in model["in_shapes"]]
    if [spec.shape for spec in specs] != shapes:
        raise ValueError(f"features of shapes {[spec.shape for spec in specs]}, a network for {shapes}")
    sizes = [size for shape in shapes for size in shape]
    if not all(type(size) is int and size >= 1 for size in sizes) or any(math.prod(s) > MAX_VALUES for s in shapes):
        raise ValueError(f"shapes {shapes} (each size is at least 1, a feature has at most {MAX_VALUES} values)")
    ratio = model.get("crop_ratio", 1.0)
    if not (isinstance(ratio, float | int) and 0 < ratio <= 1):
        raise ValueError(f"crop_ratio {ratio!r} is not above 0 and at most 1")
    if normalizer.count != len(specs):
        raise ValueError(f"{len(specs)} features, but {normalizer.count} pairs of mean and deviation")
    for number, spec in enumerate(specs):
        for name in ("mean", "std"):
            value = getattr(normalizer, f"{name}_{number}")
            if np.broadcast_shapes(tuple(value.shape), spec.shape) != spec.shape:
                raise ValueError(f"{name} of {spec.name} has the shape {tuple(value.shape)}, the feature {spec.shape}")
            if not torch.isfinite(value).all() or (name == "std" and not (value > 0).all()):
                raise ValueError(f"{name} of {spec.name} is not finite, or a deviation not above 0")


def _check_weights(model: nn.Module) -> None:
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ValueError(f"weights of {name} are not finite: its training diverged")


def _model(content: Mapping[str, Any], classes: int) -> nn.Module:
    params = without_weights(content["params"])  # a stranger's checkpoint names no files to read
    model: nn.Module = build_network(
        content["kind"], params, content["in_shapes"], classes, content.get("crop_ratio", 1.0)
    )
    return model
