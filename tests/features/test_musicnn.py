"""Vectors of musicnn's frozen network as a feature: the network's numbers and its weights' hash."""

import importlib.util

import numpy as np
import pytest
import torch

from genrelab.audio import AudioSpec
from genrelab.features import extract, make_spec
from genrelab.models.musicnn import INPUT_FEATURE
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError
from tf_bundles import drawn, write_bundle

AUDIO = AudioSpec(sample_rate=16_000, segment_duration=1.0)


@pytest.fixture
def weights(tmp_path):
    write_bundle(tmp_path / "drawn", drawn())
    return str(tmp_path / "drawn")


def spec_of(weights, audio=AUDIO, **params):
    return make_spec("musicnn", {"kind": "musicnn", "weights": weights, **params}, audio)


@pytest.mark.parametrize(("vector", "size"), [("penultimate", 200), ("pooled", 1506)])
def test_vectors_are_those_that_the_model_reads(weights, vector, size):
    samples = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    spec = spec_of(weights, vector=vector)
    assert spec.shape == (size,) and spec.dtype == "float32"
    decibels = extract([make_spec("mel", {**INPUT_FEATURE, "dtype": "float32"}, AUDIO)], samples)[0]
    model = MODELS.build(
        "musicnn", {"weights": weights, "vector": vector}, in_shapes=[decibels.shape], n_classes=2
    ).eval()
    read = []
    model.fc.register_forward_pre_hook(lambda layer, inputs: read.append(inputs[0]))
    with torch.no_grad():
        model(torch.from_numpy(decibels)[None])
    expected = read[0][0].numpy()
    for backend in ("numba", "librosa", "torch"):
        np.testing.assert_allclose(extract([spec], samples, backend)[0], expected, atol=2e-3 * np.abs(expected).max())


def test_other_sample_rates_are_resampled(weights):
    time = np.arange(44_100) / 44_100
    tone = sum(0.1 * np.sin(2 * np.pi * pitch * time) for pitch in (220, 1000, 3000)).astype(np.float32)
    high = AudioSpec(sample_rate=44_100, segment_duration=1.0)
    low = extract([spec_of(weights)], np.asarray(_resampled(tone)))[0]
    np.testing.assert_allclose(extract([spec_of(weights, high)], tone)[0], low, atol=1e-4 * np.abs(low).max())
    with pytest.raises(ConfigError, match=r"features\.musicnn\.weights: .*16000"):
        spec_of(weights, AudioSpec(sample_rate=8000, segment_duration=1.0))


def _resampled(samples):
    import soxr

    return soxr.resample(samples, 44_100, 16_000, quality="HQ")


def test_fingerprint_follows_the_weights(weights, tmp_path):
    before = spec_of(weights)
    write_bundle(tmp_path / "drawn", drawn(1))
    after = spec_of(weights)
    assert before.fingerprint != after.fingerprint
    with pytest.raises(ConfigError, match=r"features\.musicnn\.weights: "):
        spec_of(weights, weights_hash=before.params["weights_hash"])


def test_missing_weights_are_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"features\.musicnn\.weights: .*pip install --no-deps musicnn") as caught:
        spec_of("MSD_musicnn")
    assert len(caught.value.problems) == 1
