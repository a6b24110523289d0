"""The vocoder against librosa's: in float64, where librosa's own sums of phases are exact enough to be held to."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genrelab.audio.phase_vocoder import istft, pitch_shift, time_stretch
from paths import SHARED_DATA

RATE = 22_050


def sounds():
    rng = np.random.default_rng(1)
    time = np.arange(3 * RATE) / RATE
    music = sum(np.sin(2 * np.pi * f * time) for f in (110, 277, 440)) * np.exp(-((time * 4) % 1) * 5)
    music = music / 4 + 0.01 * rng.normal(size=len(time))
    click = np.zeros(3 * RATE)
    click[20_000] = 1
    return {
        "music": music,
        "noise": 0.1 * rng.normal(size=2 * RATE),
        "late": np.concatenate([np.zeros(RATE), music]),
        "silence": np.zeros(RATE),
        "click": click,
        "clipped": np.clip(5 * music, -1, 1),
        "quiet": 1e-7 * music,
        "odd": music[:12_345],
        "short": music[:700],
        "one": music[5000:5001],
    }


def librosas(name, *args, **kwargs):
    import librosa

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short ones
        return getattr(librosa.effects, name)(*args, **kwargs)


def error(ours, theirs):
    assert ours.shape == theirs.shape and ours.dtype == np.float32
    return np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-30)


@pytest.mark.parametrize("name", list(sounds()))
@pytest.mark.parametrize("rate", [0.8, 1.0, 1.37])
def test_stretch_is_librosas(name, rate):
    samples = sounds()[name].astype(np.float32)
    theirs = librosas("time_stretch", samples.astype(float), rate=rate)
    assert error(time_stretch(samples, rate), theirs) < 1e-4


@pytest.mark.parametrize("name", list(sounds()))
@pytest.mark.parametrize("semitones", [1.0, -3.5])
def test_pitch_shift_is_librosas(name, semitones):
    samples = sounds()[name].astype(np.float32)
    theirs = librosas("pitch_shift", samples.astype(float), sr=RATE, n_steps=semitones)
    assert error(pitch_shift(samples, RATE, semitones), theirs) < 1e-4


@pytest.mark.parametrize(("n_fft", "hop"), [(1024, 256), (2048, 300), (512, 100), (1000, 250)])
def test_any_window_and_hop(n_fft, hop):
    samples = sounds()["music"].astype(np.float32)
    theirs = librosas("time_stretch", samples.astype(float), rate=0.9, n_fft=n_fft, hop_length=hop)
    assert error(time_stretch(samples, 0.9, n_fft, hop), theirs) < 1e-4


@pytest.mark.parametrize(("rate", "semitones"), [(0.1, None), (7.0, None), (60.0, None), (None, 24.0), (None, -24.0)])
def test_extremes(rate, semitones):
    samples = sounds()["music"].astype(np.float32)
    if rate:
        ours, theirs = time_stretch(samples, rate), librosas("time_stretch", samples.astype(float), rate=rate)
    else:
        theirs = librosas("pitch_shift", samples.astype(float), sr=RATE, n_steps=semitones)
        ours = pitch_shift(samples, RATE, semitones)
    assert error(ours, theirs) < 1e-3


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 9000), rate=st.floats(0.3, 3.0))
def test_lengths_are_librosas(n, rate):
    samples = sounds()["noise"][:n].astype(np.float32)
    stretched = time_stretch(samples, rate)
    assert stretched.shape == (round(n / rate),) and np.isfinite(stretched).all()


def test_without_a_change_nothing_changes():
    samples = sounds()["music"].astype(np.float32)
    # Samples at the very end lie under no whole frame, in librosa as here.
    assert np.abs(pitch_shift(samples, RATE, 0.0) - samples)[:-2048].max() < 1e-5


@pytest.mark.parametrize(("n_fft", "hop"), [(2048, 512), (1024, 300), (400, 100)])
def test_istft_is_librosas(n_fft, hop):
    import librosa

    samples = sounds()["music"].astype(np.float32)
    for n in (len(samples), 9_001, 2_500):
        spectrum = librosa.stft(samples[:n], n_fft=n_fft, hop_length=hop)
        for length in (n, n - 700, n + 5_000):
            theirs = librosa.istft(spectrum, n_fft=n_fft, hop_length=hop, length=length)
            ours = istft(spectrum, n_fft, hop, length)
            # Beyond the sound only the end of one window reaches: next to nothing, divided by next to nothing.
            assert error(ours[:n], theirs[:n]) < 1e-5 and error(ours, theirs) < 2e-2


@pytest.mark.shared
def test_real_clips_are_nearer_to_exact_arithmetic_than_librosa():
    import librosa

    folder = SHARED_DATA / "gtzan_mini/genres_original"
    clips = sorted(folder.glob("*/*.flac"))[::30]
    if not clips:
        pytest.skip("no development data")
    for clip in clips:
        samples, _ = librosa.load(clip, sr=RATE, duration=10)
        exact = librosas("pitch_shift", samples.astype(float), sr=RATE, n_steps=1.0)
        ours = error(pitch_shift(samples, RATE, 1.0), exact)
        theirs = error(librosas("pitch_shift", samples, sr=RATE, n_steps=1.0), exact)
        assert ours < 2e-3 and ours < theirs / 10
