"""From a configuration to a `FeatureSpec`, and from computed values to stored ones and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args

import numpy as np

from genrelab.audio.spec import AudioSpec
from genrelab.features.base import Feature, FeatureError, FeatureOverflow
from genrelab.features.registry import FEATURES
from genrelab.features.spec import Dtype, FeatureSpec
from genrelab.utils.errors import ConfigError, suggest

MOST_FEATURES = 256
_features: dict[tuple[object, str], Feature] = {}


def make_spec(name: str, config: Mapping[str, Any], audio: AudioSpec) -> FeatureSpec:
    """Check one feature's configuration and fix everything that decides its numbers.

    Args:
        name: its key in the configuration.
        config: `kind`, parameters of the kind, and `dtype` (by default the kind's: float16 for pictures, float32
            for vectors).
        audio: gives sample rate and segment length.

    Raises:
        ConfigError: everything that is wrong with it, at once.
    """
    params = dict(config)
    kind, dtype = params.pop("kind", None), params.pop("dtype", None)
    at = f"features.{name}"
    if kind is None:
        raise ConfigError([f"{at}.kind: missing{suggest(name, FEATURES.kinds())}"])
    problems = FEATURES.check(kind, params, at=at)
    if dtype is not None and dtype not in get_args(Dtype):
        problems.append(f"{at}.dtype: {dtype!r}{suggest(str(dtype), get_args(Dtype))}")
    if problems:
        raise ConfigError(problems)
    feature: Feature = FEATURES.build(kind, params)
    problems = [f"{at}.{line}" for line in feature.problems(audio.sample_rate, audio.segment_samples)]
    scale = feature.value_range() if dtype == "uint8" else None
    if dtype == "uint8" and scale is None:
        problems.append(f"{at}.dtype: {kind} has no natural range for uint8; use {feature.default_dtype}")
    if problems:
        raise ConfigError(problems)
    dtype = dtype or feature.default_dtype
    if (dtype == "int16") != (feature.default_dtype == "int16"):
        raise ConfigError([f"{at}.dtype: {dtype!r} does not suit {kind}; use {feature.default_dtype}"])
    shape = feature.shape(audio.sample_rate, audio.segment_samples)
    return FeatureSpec(
        name, kind, asdict(feature), audio.sample_rate, audio.segment_samples, shape,
        dtype, scale,
    )  # fmt: skip


def build_feature(spec: FeatureSpec) -> Feature:
    """The kind object behind a spec, which is made once: checking its parameters takes a tenth of a millisecond."""
    key = (FEATURES.get(spec.kind), repr(spec.params))
    if key not in _features:
        if len(_features) >= MOST_FEATURES:
            _features.clear()
        _features[key] = FEATURES.build(spec.kind, spec.params)
    return _features[key]


def quantize(spec: FeatureSpec, array: np.ndarray) -> np.ndarray:
    """Round values to the stored dtype.

    Args:
        spec: `dtype`, and for uint8 the range `scale` that 0 and 255 stand for.
        array: [..., *spec.shape] float.

    Returns:
        Same shape, `spec.dtype`.

    Raises:
        FeatureError: NaN or infinity in the array.
        FeatureOverflow: a value too large for the dtype or outside the range; nothing is clipped.
    """
    array = np.asarray(array, np.float32)
    low, high = _extremes(spec, array)
    if spec.dtype == "float32":
        return array
    if spec.dtype == "int16":
        return array.astype(np.int16)  # whole numbers already
    if spec.dtype == "float16":
        with np.errstate(over="ignore"):
            if np.isinf(np.float16(low)) or np.isinf(np.float16(high)):
                raise _overflow(spec, low if abs(low) > abs(high) else high, "the most is 65504", "float32")
        return array.astype(np.float16)
    first, last = spec.scale or (0.0, 1.0)
    step = (last - first) / 255
    # Half a step of tolerance: those values round into the range.
    if low < first - step / 2 or high > last + step / 2:
        value = low if low < first - step / 2 else high
        raise _overflow(spec, value, f"the range is {first:g} to {last:g}", "float16")
    return np.clip(np.rint((array - first) / step), 0, 255).astype(np.uint8)


def dequantize(spec: FeatureSpec, array: np.ndarray) -> np.ndarray:
    """Stored values as float32, any leading dimensions; the inverse of `quantize` up to rounding."""
    values = np.asarray(array).astype(np.float32)
    if spec.dtype != "uint8":
        return values
    first, last = spec.scale or (0.0, 1.0)
    return values * np.float32((last - first) / 255) + np.float32(first)


def _extremes(spec: FeatureSpec, array: np.ndarray) -> tuple[float, float]:
    if array.size == 0:
        return 0.0, 0.0
    low, high = float(array.min()), float(array.max())  # NaN shows in both
    if not (np.isfinite(low) and np.isfinite(high)):
        raise FeatureError(spec.name, "NaN or infinity in the computed values; look at the audio and the parameters")
    return low, high


def _overflow(spec: FeatureSpec, value: float, limit: str, remedy: str) -> FeatureOverflow:
    return FeatureOverflow(
        spec.name, f"{value:.6g} does not fit {spec.dtype} ({limit}); set features.{spec.name}.dtype={remedy}"
    )
