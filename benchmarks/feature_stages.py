"""Where the numba backend's time goes: its functions are timed as they call each other, each without what it calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from genrelab.features import FeatureSpec, extract
from genrelab.features.backends.numba_backend import chroma
from genrelab.features.backends.numba_backend import cqt as constantq
from genrelab.features.backends.numba_backend import median_filter as medians
from genrelab.features.backends.numba_backend import stft as spectrum

STAGES: dict[tuple[ModuleType, str], str] = {
    (spectrum, "power_and_magnitude"): "spectrum",
    (spectrum, "mel_bands"): "mel bands",
    (spectrum, "decibels"): "decibels",
    (spectrum, "pcen"): "PCEN",
    (chroma, "estimate_tuning"): "tuning",
    (chroma, "chroma_from_power"): "chroma of the spectrum",
    (chroma, "cens"): "CENS",
    (constantq, "halved"): "halving the rate (soxr)",
    (constantq, "_cut"): "transforms of high octaves",
    (constantq, "_slid"): "sliding transforms of low octaves",
    (constantq, "_respond"): "products with the filters",
    (medians, "hpss"): "median filters",
}


def stages(specs: Sequence[FeatureSpec], samples: np.ndarray, rounds: int) -> dict[str, float]:
    """Milliseconds of each stage in the round that took least; what is left is "everything else"."""
    rounds_found: list[dict[str, float]] = []
    with _timed() as spent:
        for _ in range(rounds + 1):
            spent.clear()
            begin = time.process_time()
            extract(specs, samples)
            total = time.process_time() - begin
            rounds_found.append({**spent, "everything else": total - sum(spent.values())})
    best = min(rounds_found[1:], key=lambda found: sum(found.values()))
    return {name: 1e3 * seconds for name, seconds in sorted(best.items(), key=lambda item: -item[1])}


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    spent: dict[str, float] = {}
    inner: list[float] = []

    def wrapped(function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            inner.append(0.0)
            begin = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                whole = time.process_time() - begin
                spent[stage] = spent.get(stage, 0.0) + whole - inner.pop()
                if inner:
                    inner[-1] += whole

        return call

    before = {(module, name): getattr(module, name) for module, name in STAGES}
    try:
        for (module, name), stage in STAGES.items():
            setattr(module, name, wrapped(before[module, name], stage))
        yield spent
    finally:
        for (module, name), function in before.items():
            setattr(module, name, function)
