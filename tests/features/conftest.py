import numpy as np
import pytest

from genrelab.audio import AudioSpec

RATE = 22_050


def compose(seconds=3.0, rate=RATE, seed=0):
    """A chord, a bass line, ticks and some noise: something for every feature to see."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    time = np.arange(n) / rate
    samples = sum(0.1 * np.sin(2 * np.pi * f * time) for f in (261.63, 329.63, 392.0))
    samples = samples + 0.2 * np.sin(2 * np.pi * 98 * time) * (time % 1 < 0.5)
    beats = (time % 0.5 < 0.02) * rng.normal(0, 0.3, n)
    return (samples + beats + rng.normal(0, 0.002, n)).astype(np.float32)


@pytest.fixture(scope="session")
def music():
    return compose


@pytest.fixture(scope="session")
def samples():
    return compose()


@pytest.fixture(scope="session")
def audio():
    return AudioSpec(sample_rate=RATE, segment_duration=3.0)
