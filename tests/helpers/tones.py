"""A tone that is easy to classify."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_tone(path: Path, pitch: float, rate: float, seconds: float, seed: int, sample_rate: int = 8_000) -> None:
    """A tone that is switched on and off `rate` times a second, in noise: pitch is the artist's, rate the genre's."""
    import soundfile

    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    gate = (time * rate) % 1 < 0.5
    samples = 0.3 * gate * np.sin(2 * np.pi * pitch * time) + 0.02 * generator.normal(size=len(time))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples.astype(np.float32), sample_rate)
