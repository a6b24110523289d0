"""When no genre is named: silence, noise, too little sound, or logits unlike those of the run's own music.

A network is as sure of noise as of music, so noise is told by the sound itself: the fine structure of its spectrum is
flat at every moment, whatever its colour and however it is switched on and off, while music has partials at most
moments. Music that the network was never taught shows in its logits, by bounds that are fitted on val.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genrelab.decide.reading import SOFTMAX, Reading

SILENCE_DB = -60.0  # of full scale; the loudest tenth of a second of quiet recordings lies above -40
SHORTEST = 0.5  # seconds
FLATNESS = 0.51  # noise of any colour has 0.55 and more; 100 clips of ten genres and 360 of the demo at most 0.47
SPREAD = 2.6  # standard deviations that 1 % of a normal distribution lies beyond, to one side and a little
SHARE = 0.01  # of val's tracks that a bound leaves out
FRAME_SECONDS, BINS, FRAMES = 0.09, 16, 200


@dataclass(frozen=True)
class Bounds:
    """What val's tracks keep to: mean energy of their windows at least, entropy at most."""

    energy: float = -np.inf
    entropy: float = np.inf


def fit_bounds(energies: np.ndarray, entropies: np.ndarray) -> Bounds:
    """Bounds that leave out 1 % of val's tracks; of few tracks they are widened as a normal distribution would be."""
    low = min(np.quantile(energies, SHARE), energies.mean() - SPREAD * energies.std())
    high = max(np.quantile(entropies, 1 - SHARE), entropies.mean() + SPREAD * entropies.std())
    return Bounds(float(low), float(high))


def why_unknown(
    samples: np.ndarray,
    sample_rate: int,
    logits: np.ndarray,
    probabilities: np.ndarray,
    bounds: Bounds,
    reading: Reading = SOFTMAX,
) -> str | None:
    """Why a recording gets no answer; None where it gets one.

    Args:
        samples: `[T]` float32, trimmed of silence.
        sample_rate: Hz.
        logits: `[S, C]` of its windows.
        probabilities: `[C]` calibrated, of the whole.
        bounds: fitted on val.
        reading: of the logits.
    """
    if loudness(samples, sample_rate) < SILENCE_DB:
        return "silence"
    if len(samples) < SHORTEST * sample_rate:
        return "too short"
    if flatness(samples, sample_rate) > FLATNESS:
        return "noise"
    if reading.energy(logits).mean() < bounds.energy or reading.entropy(probabilities[None])[0] > bounds.entropy:
        return "unlike the training music"
    return None


def loudness(samples: np.ndarray, sample_rate: int) -> float:
    """RMS of the loudest tenth of a second, dB of full scale."""
    frame = max(1, min(len(samples), sample_rate // 10))
    whole = len(samples) // frame * frame
    power = np.square(samples[:whole].reshape(-1, frame), dtype=np.float64).mean(axis=1)
    return float(10 * np.log10(max(power.max(initial=0.0), 1e-12)))


def flatness(samples: np.ndarray, sample_rate: int) -> float:
    """How flat the spectrum's fine structure is where it is least so: about 0.58 for noise, 0.17 for music.

    In up to 200 frames spread over the recording the bins from 150 Hz to 8 kHz are taken in groups of 16. A group's
    geometric mean over its mean tells partials from noise, whatever the colour; groups are weighed by amplitude, and of
    the frames the lowest tenth ends at the number returned. Quiet frames do not count; too few frames give 0.
    """
    size = 2 ** int(np.ceil(np.log2(FRAME_SECONDS * sample_rate)))
    count = len(samples) // size
    frames = samples[: count * size].reshape(count, size)[:: max(1, count // FRAMES)]
    power = np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)) ** 2
    first, last = (int(hz * size / sample_rate) for hz in (150, min(8000, 0.45 * sample_rate)))
    groups = max((last - first) // BINS, 0)
    if count < 8 or groups < 2:
        return 0.0
    power = power[:, first : first + groups * BINS].reshape(len(frames), groups, BINS).astype(np.float64)
    mean = power.mean(axis=2)  # [frames, groups]
    loud = mean.sum(axis=1)
    kept = (loud > loud.max() * 1e-5) & (loud > 0)
    flat = np.exp(np.log(power[kept] + 1e-30).mean(axis=2)) / (mean[kept] + 1e-30)
    weight = np.sqrt(mean[kept])
    return float(np.quantile((flat * weight).sum(axis=1) / weight.sum(axis=1), 0.1)) if kept.any() else 0.0
