import numpy as np
import pytest
import soxr

from genrelab.audio.acoustic_print import MAX_WORDS, NO_WORD, RATE, WORD_SECONDS, acoustic_print, bit_errors
from sounds import music

TUNE = music(6.0, 16_000, seed=1)


def error(a, b):
    """Share of differing bits at the best offset within a second."""
    found = []
    for offset in range(-22, 23):
        x, y = a[max(0, -offset) :], b[max(0, offset) :]
        length = min(len(x), len(y))
        found.append(bit_errors(x[:length], y[:length])[0])
    return min(found)


@pytest.mark.parametrize(
    "changed",
    [
        lambda x: (0.7 * x, 16_000),
        lambda x: (soxr.resample(x, 16_000, 44_100), 44_100),
        lambda x: (x[8_000:], 16_000),
        lambda x: (x + np.random.default_rng(0).normal(scale=0.003, size=len(x)).astype(np.float32), 16_000),
    ],
    ids=["gain", "rate", "offset", "noise"],
)
def test_acoustic_print_of_a_copy_agrees(changed):
    samples, rate = changed(TUNE)
    assert error(acoustic_print(TUNE, 16_000), acoustic_print(samples, rate)) < 0.15


def test_acoustic_print_of_another_tune_differs():
    assert error(acoustic_print(TUNE, 16_000), acoustic_print(music(6.0, 16_000, seed=2), 16_000)) > 0.4


def test_acoustic_print_words_equal_the_formula():
    words = acoustic_print(TUNE, 16_000)
    samples = soxr.resample(TUNE, 16_000, RATE, quality="LQ").astype(np.float64)
    edges = np.round(np.geomspace(300, 2000, 34) * 2048 / RATE).astype(int)

    def energy(frame, band):
        part = samples[frame * 256 : frame * 256 + 2048] * np.hanning(2048)
        return (np.abs(np.fft.rfft(part)) ** 2)[edges[band] : edges[band + 1]].sum()

    for frame, band in ((0, 0), (5, 13), (40, 31), (80, 20)):
        later, sooner = (energy(n, band) - energy(n, band + 1) for n in (frame + 8, frame))
        bit = np.unpackbits(words[frame : frame + 1].view(np.uint8))[band]
        assert bit == (later > sooner)
    assert len(words) == (len(samples) - 2048) // 256 + 1 - 8


def test_acoustic_print_silent_frames_have_no_words():
    gap = np.r_[TUNE, np.zeros(32_000, np.float32), TUNE]
    words = acoustic_print(gap, 16_000)
    silent = int(6.5 / WORD_SECONDS)
    assert (words[silent : silent + 20] == NO_WORD).all()
    assert bit_errors(words[silent : silent + 20], words[silent : silent + 20]) == (1.0, 0)
    assert not acoustic_print(np.zeros(100_000, np.float32), 16_000).any()


def test_acoustic_print_is_bounded_and_empty_for_a_short_sound():
    assert len(acoustic_print(TUNE[:8_000], 16_000)) == 0
    hour = np.random.default_rng(0).normal(size=int(RATE * 1000)).astype(np.float32)
    assert len(acoustic_print(hour, 5_512)) == MAX_WORDS
