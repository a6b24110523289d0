"""Sounds of all sorts that engines are compared on, and the kinds of pictures they are compared by."""

from __future__ import annotations

import numpy as np

RATE = 22_050
KINDS = {
    "mel_db": {},
    "mel_pcen": {},
    "mfcc": {"deltas": 2},
    "chroma_stft": {},
    "chroma_cqt": {},
    "chroma_cens": {},
    "tonnetz": {},
    "hpss_harmonic": {},
    "hpss_percussive": {"scale": "stft"},
    "hpss_mean": {},
}


def music(seconds: float, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Chords out of tune, a beat and hiss: harmonics, onsets and noise, as music has them."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    sound = 0.02 * generator.normal(size=len(time))
    for start in np.arange(0, seconds, 0.5):
        note = 110 * 2 ** ((generator.integers(0, 36) + 0.23) / 12)
        part = (time >= start) & (time < start + 0.5)
        decay = np.exp(-4 * (time[part] - start))
        for harmonic in range(1, 6):
            sound[part] += 0.2 / harmonic * decay * np.sin(2 * np.pi * note * harmonic * time[part])
        sound[part] += 0.3 * np.exp(-60 * (time[part] - start)) * generator.normal(size=int(part.sum()))
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def sounds() -> dict[str, np.ndarray]:
    played = music(3.0)
    # Chroma is scaled frame by frame: where there is nothing at all it shows rounding errors, and no two engines agree.
    faint = (1e-4 * np.random.default_rng(1).normal(size=len(played))).astype(np.float32)
    click = faint.copy()
    click[20_000] = 1.0
    return {
        "music": played,
        "silence": np.zeros_like(played),
        "click": click,
        "clipped": np.clip(played * 20, -1, 1),
        "very quiet": played * np.float32(1e-5),
        "half silent": np.where(np.arange(len(played)) < len(played) // 2, played, faint),
    }
