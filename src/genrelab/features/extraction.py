"""Backends: ways to compute the same numbers. "librosa" is librosa; "numba" is held against it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from genrelab.audio.spec import AudioSpec
from genrelab.features.backends.librosa_backend import LibrosaTransforms
from genrelab.features.base import FeatureError, VectorFeature
from genrelab.features.quantization import build_feature, make_spec
from genrelab.features.registry import FEATURES
from genrelab.features.spec import FeatureSpec
from genrelab.utils.errors import ConfigError, suggest
from genrelab.utils.numba_cache import compile_once

if TYPE_CHECKING:
    from torch import Tensor

Backend = Callable[[Sequence[FeatureSpec], np.ndarray], list[np.ndarray]]


def reference(specs: Sequence[FeatureSpec], samples: np.ndarray) -> list[np.ndarray]:
    """Every feature by librosa; what several share (STFT, mel, CQT) is computed once."""
    if not specs:
        return []
    transforms = LibrosaTransforms(samples, specs[0].sample_rate)
    with warnings.catch_warnings():
        # Silence has no tuning, and a short segment is shorter than the lowest constant-Q filters: both are fine.
        warnings.filterwarnings("ignore", message="Trying to estimate tuning from empty")
        warnings.filterwarnings("ignore", message="n_fft=.* is too large for input signal")
        return [build_feature(spec).compute(transforms) for spec in specs]


def fast(specs: Sequence[FeatureSpec], samples: np.ndarray) -> list[np.ndarray]:
    """The same numbers by kernels of our own, many times as fast; see `genrelab.features.backends.numba_backend`."""
    from genrelab.features.backends.numba_backend.analysis import NumbaTransforms  # numba and its compiled kernels

    if not specs:
        return []
    transforms = NumbaTransforms(samples, specs[0].sample_rate)
    with _blas().limit(limits=1):  # the matrices are small: threads would only wait for each other
        return [build_feature(spec).compute(transforms) for spec in specs]


@lru_cache(maxsize=1)
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController().select(user_api="blas")


def compile_kernels(backend: str, say: Callable[[str], None]) -> None:
    """Compile what a backend compiles, unless it was done before; `say` is told where it takes its time."""
    if backend == "numba":
        compile_once(_warm_up, say)


def _warm_up() -> None:
    from genrelab.audio.phase_vocoder import pitch_shift  # for augmentation

    second = AudioSpec(segment_duration=1.0)
    samples = np.random.default_rng(0).normal(0, 0.1, second.segment_samples).astype(np.float32)
    for kind in FEATURES.kinds():
        bare = kind != "given" and not FEATURES.marked(kind, "encoder")  # which needs weights
        if FEATURES.get(kind).__module__.startswith("genrelab.") and bare:
            fast([make_spec(kind, {"kind": kind}, second)], samples)
    pitch_shift(samples, second.sample_rate, 1.0)


def batched(specs: Sequence[FeatureSpec], samples: np.ndarray) -> list[np.ndarray]:
    """The same numbers to 1e-3 in torch; worth it on a GPU, for many segments at once: `extract_segments`."""
    return [rows[0] for rows in _batched(specs, samples[None])]


def _batched(specs: Sequence[FeatureSpec], samples: np.ndarray) -> list[np.ndarray]:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.inference_mode():
        return [found.cpu().numpy() for found in extract_batch(specs, torch.from_numpy(samples).to(device))]


def extract_batch(specs: Sequence[FeatureSpec], samples: Tensor) -> list[Tensor]:
    """Compute the features of a batch of segments in torch, where the samples are.

    Args:
        specs: features of the same sample rate and segment length.
        samples: `[B, n_samples]` float32, on any device.

    Returns:
        One float32 tensor `[B, *spec.shape]` for each spec, on the same device; tables of numbers (`scalars`,
        `tabular57`) are computed by the numba backend on the CPU.
    """
    from genrelab.features.backends.torch_backend import TorchTransforms, single_precision

    if not specs:
        return []
    transforms: Any = TorchTransforms(samples, specs[0].sample_rate)
    with single_precision(samples.device):
        found: list[Any] = []
        for spec in specs:
            feature = build_feature(spec)
            found.append(
                _extract_vectors(spec, samples) if isinstance(feature, VectorFeature) else feature.compute(transforms)
            )
    return found


def _extract_vectors(spec: FeatureSpec, samples: Tensor) -> Tensor:
    import torch

    rows = [extract([spec], row)[0] for row in samples.detach().cpu().numpy()]
    return torch.from_numpy(np.stack(rows)).to(samples.device)


BACKENDS: dict[str, Backend] = {"numba": fast, "librosa": reference, "torch": batched}
BATCH = 16  # segments on the device at once


def extract(specs: Sequence[FeatureSpec], samples: np.ndarray, backend: str = "numba") -> list[np.ndarray]:
    """Compute the features of one segment.

    Args:
        specs: features of the same sample rate and segment length.
        samples: [n_samples] float32.
        backend: a name in `BACKENDS`.

    Returns:
        One float32 array of `spec.shape` for each spec, in their order, all finite.

    Raises:
        ConfigError: no such backend.
        FeatureError: samples of another length, or a feature that is not finite.
    """
    return extract_segments(specs, [samples], backend)[0]


def extract_segments(
    specs: Sequence[FeatureSpec], segments: Sequence[np.ndarray], backend: str = "numba"
) -> list[list[np.ndarray]]:
    """`extract` for several segments, which the backend "torch" computes together."""
    if backend not in BACKENDS:
        raise ConfigError([f"backend: no backend {backend!r}{suggest(backend, BACKENDS)}"])
    segments = [_check_samples(specs, samples) for samples in segments]
    if backend != "torch" or not specs:
        return [_check_computed(specs, BACKENDS[backend](specs, samples)) for samples in segments]
    found = []
    for at in range(0, len(segments), BATCH):
        arrays = _batched(specs, np.stack(segments[at : at + BATCH]))
        found += [_check_computed(specs, [array[i] for array in arrays]) for i in range(len(segments[at : at + BATCH]))]
    return found


def _check_samples(specs: Sequence[FeatureSpec], samples: np.ndarray) -> np.ndarray:
    samples = np.ascontiguousarray(samples, np.float32)
    for spec in specs:
        if samples.shape != (spec.n_samples,) or spec.sample_rate != specs[0].sample_rate:
            raise FeatureError(
                spec.name,
                f"samples {list(samples.shape)} given, made for [{spec.n_samples}] at {spec.sample_rate} Hz",
            )
    if specs and not np.isfinite(samples).all():
        raise FeatureError(specs[0].name, "NaN or infinity in the samples it is computed from")
    return samples


def _check_computed(specs: Sequence[FeatureSpec], computed: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The arrays as float32, if they have their shapes and nothing but numbers."""
    arrays = [np.asarray(array, np.float32) for array in computed]
    for spec, array in zip(specs, arrays, strict=True):
        if array.shape != spec.shape:
            raise FeatureError(spec.name, f"came out as {list(array.shape)}, not {list(spec.shape)}")
        if not np.isfinite(array).all():
            raise FeatureError(spec.name, "NaN or infinity in the computed values; look at audio and parameters")
    return arrays
