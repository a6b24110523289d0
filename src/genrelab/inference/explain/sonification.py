"""The salient part of a window as sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genrelab.features import FeatureSpec

N_FFT, HOP = 2048, 512
FLOOR = 0.02  # what is left of parts that did not count


@dataclass(frozen=True, eq=False)
class FrequencyAxis:
    """Where a picture's rows lie: center frequencies `[H]` in Hz; None where rows are no frequencies."""

    hertz: np.ndarray | None


def frequency_axis(spec: FeatureSpec) -> FrequencyAxis:
    """The frequencies of a feature's rows, for mel pictures and none else."""
    params = spec.params
    if not {"n_mels", "fmin", "fmax"} <= set(params) or "n_mfcc" in params or params.get("rows"):
        return FrequencyAxis(None)
    if params.get("scale") == "stft":  # hpss
        return FrequencyAxis(None)
    import librosa

    top = params["fmax"] or spec.sample_rate / 2
    return FrequencyAxis(librosa.mel_frequencies(spec.shape[0] + 2, fmin=params["fmin"], fmax=top)[1:-1])


def sonify_saliency(samples: np.ndarray, specs: Sequence[FeatureSpec], maps: Sequence[np.ndarray | None]) -> np.ndarray:
    """A window with what spoke for the genre at its own level, and the rest faded.

    Time and frequency are weighed by the maps of mel pictures; where there is none, time alone by the others'.

    Args:
        samples: `[n_samples]` float32.
        specs: of the pictures.
        maps: `[H, W]` from 0 to 1, or None.

    Returns:
        `[n_samples]` float32.
    """
    import librosa

    spectrum = librosa.stft(samples, n_fft=N_FFT, hop_length=HOP)
    hertz = librosa.fft_frequencies(sr=specs[0].sample_rate, n_fft=N_FFT)
    pairs = [(frequency_axis(spec), found) for spec, found in zip(specs, maps, strict=True) if found is not None]
    placed = [(axis, found) for axis, found in pairs if axis.hertz is not None] or pairs
    weight = np.mean([_weights(axis, found, hertz, spectrum.shape[1]) for axis, found in placed], axis=0)
    weight = FLOOR + (1 - FLOOR) * weight / max(float(weight.max()), 1e-9)
    found: np.ndarray = librosa.istft(spectrum * weight, hop_length=HOP, length=len(samples), dtype=np.float32)
    return found


def _weights(axis: FrequencyAxis, found: np.ndarray, hertz: np.ndarray, frames: int) -> np.ndarray:
    """A map as weights of a spectrogram `[bins, frames]`."""
    at = (np.arange(frames) + 0.5) * found.shape[1] / frames - 0.5
    over_time = np.stack([np.interp(at, np.arange(found.shape[1]), row) for row in found])
    if axis.hertz is None:
        return np.broadcast_to(over_time.mean(axis=0), (len(hertz), frames))
    return np.stack([np.interp(hertz, axis.hertz, column) for column in over_time.T], axis=1)
