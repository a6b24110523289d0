import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genrelab.features.backends.numba_backend.tempo import _mean_autocorrelation, _median_rise, tempo


def log_mel(frames, bands, seed):
    generator = np.random.default_rng(seed)
    # Rounded: ties, and many bands that do not rise.
    return np.round(generator.normal(-20, 6, (frames, bands)), int(generator.integers(0, 3))).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(frames=st.integers(2, 20), bands=st.integers(1, 130), seed=st.integers(0, 99))
def test_medians_of_rises(frames, bands, seed):
    values = log_mel(frames, bands, seed)
    out = np.empty(frames - 1, np.float32)
    _median_rise(values, out)
    assert np.array_equal(out, np.median(np.maximum(np.float32(0), np.diff(values, axis=0)), axis=1))


@pytest.mark.parametrize("frames", [20, 130, 646])
def test_averaged_spectra_are_averaged_autocorrelations(frames):
    onsets = np.random.default_rng(1).exponential(size=frames).astype(np.float32)
    onsets[: frames // 2] = 0  # windows of silence count as nothing
    theirs = librosa.feature.tempogram(onset_envelope=onsets, win_length=300).mean(axis=1)
    assert _mean_autocorrelation(onsets, 300) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(("rate", "hop"), [(22_050, 512), (16_000, 512), (44_100, 512), (22_050, 256)])
@pytest.mark.parametrize("period", [17, 25, 40])
def test_tempo_is_librosas(rate, hop, period):
    values = log_mel(400, 128, period)
    values[::period] += 20
    onsets = librosa.onset.onset_strength(S=values.T, sr=rate, hop_length=hop, aggregate=np.median)
    theirs = librosa.feature.tempo(onset_envelope=onsets, sr=rate, hop_length=hop)[0]
    assert tempo(values, rate, hop, 2048) == theirs
