"""Stored waveforms: exact for music of 16 bits, 92 dB and more under the peak for the rest."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genrelab.audio import AudioSpec
from genrelab.features import dequantize, extract, make_spec, quantize
from genrelab.features.packed_waveform import pack, unpack, unpack_rows
from genrelab.utils.errors import ConfigError
from sounds import sounds

AUDIO = AudioSpec(segment_duration=3.0)


def stored(samples):
    return quantize(make_spec("sound", {"kind": "waveform"}, AUDIO), pack(samples))[None]


@given(loudest=st.integers(1, 32_767), lowest=st.integers(-32_768, 0), seed=st.integers(0, 9))
def test_sixteen_bits_are_kept_exactly(loudest, lowest, seed):
    numbers = np.random.default_rng(seed).integers(lowest, loudest + 1, 200)
    numbers[:2] = loudest, lowest
    samples = (numbers / 32_768).astype(np.float32)
    assert np.array_equal(unpack_rows(stored(samples))[0], samples)


@given(level=st.floats(1e-6, 8.0), seed=st.integers(0, 9))
def test_other_sound_is_off_by_less_than_92_db_under_its_peak(level, seed):
    samples = (level * np.random.default_rng(seed).normal(size=500)).astype(np.float32)
    rows = stored(samples)
    assert rows.dtype == np.int16 and rows.shape == (1, 501)
    assert np.abs(unpack_rows(rows)[0] - samples).max() <= 2.0**-15 * np.abs(samples).max()


@pytest.mark.parametrize(
    "samples", [np.zeros(9), np.full(9, 0.5), np.full(9, -0.5), np.r_[1.0, np.zeros(8)], [0.999999]]
)
def test_edges(samples):
    samples = np.asarray(samples, np.float32)
    assert unpack_rows(stored(samples))[0] == pytest.approx(samples, abs=2**-15)


def test_torch_and_numpy_unpack_alike():
    rows = np.concatenate([stored(samples) for samples in sounds().values()])
    assert np.array_equal(unpack(torch.from_numpy(rows)).numpy(), unpack_rows(rows))


@pytest.mark.parametrize("backend", ["numba", "librosa", "torch"])
def test_backends_give_it_like_any_feature(backend):
    spec = make_spec("sound", {"kind": "waveform"}, AUDIO)
    samples = sounds()["music"]
    assert spec.shape == (len(samples) + 1,) and spec.dtype == "int16"
    rows = quantize(spec, extract([spec], samples, backend)[0])
    assert np.abs(unpack_rows(rows[None])[0] - samples).max() < 2.0**-15
    assert np.array_equal(dequantize(spec, rows), rows)


def test_the_dtype_is_its_alone():
    with pytest.raises(ConfigError, match=r"features\.a\.dtype: 'int16' .*mel_db.*float16"):
        make_spec("a", {"kind": "mel_db", "dtype": "int16"}, AUDIO)
    with pytest.raises(ConfigError, match=r"features\.a\.dtype: 'float16' .*waveform.*int16"):
        make_spec("a", {"kind": "waveform", "dtype": "float16"}, AUDIO)
