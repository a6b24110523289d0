"""Engines: ways to compute the same numbers. "reference" is librosa; "fast" is held against it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from genrelab.audio.spec import AudioSpec
from genrelab.errors import ConfigError, suggest
from genrelab.features.analysis import Analysis
from genrelab.features.kind import FeatureError
from genrelab.features.spec import FeatureSpec
from genrelab.features.storage import feature_of, make_spec
from genrelab.kernels import compile_once
from genrelab.registry import FEATURES

Engine = Callable[[Sequence[FeatureSpec], np.ndarray], list[np.ndarray]]


def reference(specs: Sequence[FeatureSpec], samples: np.ndarray) -> list[np.ndarray]:
    """Every feature by librosa; what several share (STFT, mel, CQT) is computed once."""
    if not specs:
        return []
    audio = Analysis(samples, specs[0].sample_rate)
    with warnings.catch_warnings():
        # Silence has no tuning, and a short segment is shorter than the lowest constant-Q filters: both are fine.
        warnings.filterwarnings("ignore", message="Trying to estimate tuning from empty")
        warnings.filterwarnings("ignore", message="n_fft=.* is too large for input signal")
        return [feature_of(spec).compute(audio) for spec in specs]


def fast(specs: Sequence[FeatureSpec], samples: np.ndarray) -> list[np.ndarray]:
    """The same numbers by kernels of our own, many times as fast; see `genrelab.features.fast`."""
    from genrelab.features.fast.engine import FastAnalysis  # numba and its compiled kernels

    if not specs:
        return []
    audio = FastAnalysis(samples, specs[0].sample_rate)
    with _blas().limit(limits=1):  # the matrices are small: threads would only wait for each other
        return [feature_of(spec).compute(audio) for spec in specs]


@lru_cache(maxsize=1)
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController().select(user_api="blas")


def compile_kernels(engine: str, say: Callable[[str], None]) -> None:
    """Compile what an engine compiles, unless it was done before; `say` is told where it takes its time."""
    if engine == "fast":
        compile_once(_warm_up, say)


def _warm_up() -> None:
    second = AudioSpec(segment_seconds=1.0)
    samples = np.random.default_rng(0).normal(0, 0.1, second.segment_samples).astype(np.float32)
    for kind in FEATURES.kinds():
        if FEATURES.get(kind).__module__.startswith("genrelab.") and kind != "given":
            fast([make_spec(kind, {"kind": kind}, second)], samples)


EngineName = Literal["fast", "reference"]
ENGINES: dict[str, Engine] = {"fast": fast, "reference": reference}


def extract(specs: Sequence[FeatureSpec], samples: np.ndarray, engine: str = "fast") -> list[np.ndarray]:
    """Compute the features of one segment.

    Args:
        specs: features of the same sample rate and segment length.
        samples: [n_samples] float32.
        engine: a name in `ENGINES`.

    Returns:
        One float32 array of `spec.shape` for each spec, in their order, all finite.

    Raises:
        ConfigError: no such engine.
        FeatureError: samples of another length, or a feature that is not finite.
    """
    if engine not in ENGINES:
        raise ConfigError([f"engine: no engine {engine!r}{suggest(engine, ENGINES)}"])
    samples = np.ascontiguousarray(samples, np.float32)
    for spec in specs:
        if samples.shape != (spec.n_samples,) or spec.sample_rate != specs[0].sample_rate:
            raise FeatureError(
                spec.name,
                f"samples {list(samples.shape)} given, made for [{spec.n_samples}] at {spec.sample_rate} Hz",
            )
    if specs and not np.isfinite(samples).all():
        raise FeatureError(specs[0].name, "NaN or infinity in the samples it is computed from")
    arrays = [np.asarray(array, np.float32) for array in ENGINES[engine](specs, samples)]
    for spec, array in zip(specs, arrays, strict=True):
        if array.shape != spec.shape:
            raise FeatureError(spec.name, f"came out as {list(array.shape)}, not {list(spec.shape)}")
        if not np.isfinite(array).all():
            raise FeatureError(spec.name, "NaN or infinity in the computed values; look at audio and parameters")
    return arrays
