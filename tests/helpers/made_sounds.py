"""Sounds made up for tests: noise of any color, someone talking, a band."""

import numpy as np

RATE = 22_050


def colored(power: float, seconds: float = 12, rate: int = RATE, seed: int = 0) -> np.ndarray:
    n = round(seconds * rate)
    frequency = np.fft.rfftfreq(n, 1 / rate)
    frequency[0] = frequency[1]
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=n)) * frequency ** (-power / 2)
    samples = np.fft.irfft(spectrum, n)
    return 0.5 * samples / np.abs(samples).max()


def formants(samples: np.ndarray, rate: int) -> np.ndarray:
    """Through the resonances of a vowel."""
    hz = np.fft.rfftfreq(len(samples), 1 / rate)
    gain = sum(1 / (1 + ((hz - at) / width) ** 2) for at, width in ((600, 120), (1700, 180), (2600, 250)))
    return np.fft.irfft(np.fft.rfft(samples) * gain, len(samples))


def syllables(seconds: float, rate: int, generator: np.random.Generator) -> np.ndarray:
    """The loudness of someone talking: about four syllables a second, none like the last, words and breaths apart."""
    gate = np.zeros(round(seconds * rate))
    at = 0.0
    while at < seconds:
        for _ in range(generator.integers(3, 9)):
            length = generator.uniform(0.12, 0.26)
            a, b = round(at * rate), min(round((at + length) * rate), len(gate))
            if a < b:
                gate[a:b] = generator.uniform(0.3, 1) * np.hanning(b - a)
            at += length + generator.uniform(0.02, 0.09)
        at += generator.uniform(0.15, 0.5)
    return gate


def talker(seconds: float = 20, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """A voice whose pitch glides, with formants, saying nothing."""
    generator = np.random.default_rng(seed)
    n = round(seconds * rate)
    glide = np.interp(
        np.arange(n), np.linspace(0, n, round(4 * seconds)), generator.uniform(90, 180, round(4 * seconds))
    )
    pulses = np.diff(np.floor(np.cumsum(glide) / rate), prepend=0)
    voice = formants(pulses + 0.02 * generator.normal(size=n), rate) * syllables(seconds, rate, generator)
    return 0.5 * voice / np.abs(voice).max()


def band(seconds: float = 20, rate: int = RATE) -> np.ndarray:
    """Drums in time at 120 beats a minute, over chords."""
    n, beat = round(seconds * rate), rate // 2
    time = np.arange(n) / rate
    hit = np.exp(-np.arange(beat) / rate * 30) * np.random.default_rng(0).normal(size=beat)
    drums = np.resize(hit, n)
    chords = sum(np.sin(2 * np.pi * hz * time * (1 + 0.5 * ((time // 2) % 2))) for hz in (220, 277, 330))
    return 0.3 * drums + 0.1 * chords
