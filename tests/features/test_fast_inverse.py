import librosa
import numpy as np
import pytest

from genrelab.features.fast.inverse import istft
from genrelab.features.fast.spectrum import stft


@pytest.mark.parametrize(("length", "n_fft", "hop"), [(66_150, 2048, 512), (5000, 1000, 300), (3001, 512, 128)])
def test_it_is_librosas(length, n_fft, hop):
    generator = np.random.default_rng(0)
    spectrum = stft(generator.normal(size=length).astype(np.float32), n_fft, hop)
    mask = generator.random(spectrum.shape).astype(np.float32)
    theirs = librosa.istft((spectrum * mask).T, n_fft=n_fft, hop_length=hop, dtype=np.float32, length=length)
    ours = istft(spectrum, mask, n_fft, hop, length)
    assert ours.dtype == np.float32 and ours.shape == (length,)
    assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()
