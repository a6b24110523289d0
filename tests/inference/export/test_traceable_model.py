import numpy as np
import pytest
import torch

from genrelab.audio.spec import AudioSpec
from genrelab.datamodules.normalizer import Normalizer
from genrelab.features import extract_segments, make_spec, quantize
from genrelab.inference.export.parity import measure_parity, parity_inputs
from genrelab.inference.export.traceable_model import FeatureFrontEnd, UnsupportedInExport, dft_basis

AUDIO = AudioSpec(sample_rate=8000, segment_duration=2.0)
SMALL = {"n_fft": 512, "hop_length": 200, "n_mels": 40, "frames": 50}
PLAIN = {"mean": [[0.0]], "std": [[1.0]]}


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("mel_db", {**SMALL, "dtype": "uint8"}),
        ("mel_db", {**SMALL, "top_db": None, "dtype": "float32"}),
        ("mel_pcen", SMALL),
        ("mel_pcen", {**SMALL, "bias": 0.0, "frames": None}),
        ("mel_pcen", {**SMALL, "power": 0.0}),
        ("mfcc", {**SMALL, "n_mfcc": 20, "deltas": 2}),
        ("mfcc", {**SMALL, "rows": 16, "n_mfcc": 13}),
        ("chroma_stft", {"n_fft": 512, "hop_length": 200, "frames": 50, "tuning": 0.0}),
    ],
)
def test_a_feature_inside_is_the_store_s(kind, params):
    spec = make_spec("one", {"kind": kind, **params}, AUDIO)
    sounds = parity_inputs(AUDIO.segment_samples, AUDIO.sample_rate)
    with torch.no_grad():
        [found] = FeatureFrontEnd([spec], Normalizer([PLAIN]))(torch.from_numpy(sounds))
    stored = np.stack([quantize(spec, row[0]) for row in extract_segments([spec], list(sounds))])
    assert found.shape == stored.shape
    away = np.abs(found.numpy() - stored.astype(np.float32))
    assert away.max() <= (1 if spec.dtype == "uint8" else 2e-3 * np.abs(stored).max())  # a step of uint8 may turn


def test_a_convolution_with_the_basis_is_the_fourier_transform():
    frame = np.random.default_rng(0).normal(size=64)
    found = dft_basis(64)[:, 0] @ frame
    wanted = np.fft.rfft(frame * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)))
    np.testing.assert_allclose(found[:33], wanted.real, atol=1e-9)
    np.testing.assert_allclose(found[33:], -wanted.imag, atol=1e-9)


@pytest.mark.parametrize("kind", ["chroma_cqt", "chroma_stft", "hpss_harmonic", "scalars"])
def test_what_stays_outside_is_named(kind):
    spec = make_spec("mine", {"kind": kind}, AudioSpec(sample_rate=22050, segment_duration=2.0))
    with pytest.raises(UnsupportedInExport, match=f"feature 'mine' .{kind}"):
        FeatureFrontEnd([spec], Normalizer([PLAIN]))


def test_parity_is_a_share_of_the_range_and_knows_ties():
    own = np.array([[0.0, 10.0, 9.999], [5.0, 1.0, 0.0]])
    kept = measure_parity(own, own + np.array([[0, 0, 0.002], [0, 0, 0]]))
    assert kept.share == pytest.approx(2e-4) and kept.within_tolerance
    assert not measure_parity(own, own[:, ::-1]).same
    assert not measure_parity(own, own + np.array([[0, 0.5, 0], [0, 0, 0]])).within_tolerance
