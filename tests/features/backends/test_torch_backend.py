"""Features of a batch in torch: the reference's numbers, whatever stands beside a segment in its batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genrelab.audio import AudioSpec
from genrelab.features import extract, make_spec
from genrelab.features.backends.torch_backend import running_median
from genrelab.features.backends.torch_cqt import GRID, Tunings, constant_q, estimate_tunings, halved
from genrelab.features.extraction import extract_batch
from sounds import KINDS, RATE, music, sounds

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
ENOUGH = 1e-3  # of the peak


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("device", DEVICES)
def test_every_picture_of_every_sound_is_the_references(device):
    audio = AudioSpec(segment_duration=3.0)
    specs = [make_spec(kind, {"kind": kind, "frames": None, **params}, audio) for kind, params in KINDS.items()]
    named = {name: sound for name, sound in sounds().items() if name != "silence"}
    batch = torch.from_numpy(np.stack(list(named.values()))).to(device)
    for spec, found in zip(specs, extract_batch(specs, batch), strict=True):
        assert found.shape == (len(named), *spec.shape) and found.device.type == device
        for row, (name, sound) in zip(found.cpu().numpy(), named.items(), strict=True):
            wanted = extract([spec], sound, "librosa")[0]
            off = np.abs(row - wanted) / np.abs(wanted).max()
            # A share beside a threshold of CENS may fall on either side of it.
            assert (np.mean(off < ENOUGH) > 0.995) if spec.kind == "chroma_cens" else off.max() < ENOUGH, (
                spec.kind,
                name,
            )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("kind", "rate", "params"),
    [
        ("mel_db", 16_000, {"n_fft": 1024, "hop_length": 160, "n_mels": 64, "fmin": 50.0, "frames": 40, "rows": 32}),
        ("mel_pcen", 44_100, {"n_fft": 4096, "hop_length": 1024, "power": 0.3, "bias": 1.0}),
        ("chroma_cqt", 44_100, {"hop_length": 1024}),
        ("chroma_cqt", 8_000, {"tuning": -0.3}),
        ("hpss_percussive", 16_000, {"n_fft": 1024, "margin": 3.0, "kernel_size": 16}),
        ("mfcc", RATE, {"deltas": 1, "rows": 64}),
        ("scalars", RATE, {}),
    ],
)
def test_other_sizes(kind, rate, params):
    samples = music(2.0, rate)
    spec = make_spec(kind, {"kind": kind, **params}, AudioSpec(sample_rate=rate, segment_duration=2.0))
    found = extract_batch([spec], torch.from_numpy(samples)[None])[0][0].numpy()
    wanted = extract([spec], samples, "librosa")[0]
    assert np.abs(found - wanted).max() < ENOUGH * np.abs(wanted).max()


@pytest.mark.parametrize("size", [1, 2, 5, 31])
def test_running_medians_are_scipys(size):
    from scipy.ndimage import median_filter

    values = np.random.default_rng(size).normal(size=(2, 7, 20)).astype(np.float32)
    wanted = median_filter(values, size=(1, 1, size), mode="reflect")
    assert np.array_equal(running_median(torch.from_numpy(values), size).numpy(), wanted)


def test_each_segment_has_its_own_tuning():
    batch = torch.from_numpy(np.stack([music(2.0, seed=1), music(2.0, seed=2)]))
    together = constant_q(batch, RATE, 512, 7, 36, Tunings((0.1, -0.2), torch.tensor([0, 1])))
    alone = constant_q(batch[1:], RATE, 512, 7, 36, Tunings((-0.2,), torch.tensor([0])))
    assert torch.allclose(together[1], alone[0], atol=1e-5)


@pytest.mark.parametrize("rate", [RATE, 20_650])  # at 20,650 Hz some tunings want longer frames than others
def test_frames_are_as_long_as_the_tuning_wants(rate):
    from genrelab.features.backends.numba_backend.cqt import constant_q as fast

    sound = music(2.0, rate)
    tunings = (-0.5, 0.0, 0.49)
    found = constant_q(torch.from_numpy(sound).repeat(3, 1), rate, 512, 7, 36, Tunings(tunings, torch.arange(3)))
    for row, tuning in zip(found.numpy(), tunings, strict=True):
        wanted = fast(sound, rate, 512, 7, 36, tuning).T
        assert np.abs(row - wanted).max() < ENOUGH * wanted.max()


@pytest.mark.parametrize("bins_per_octave", [12, 36])
def test_tunings_are_estimated_on_the_device_as_by_the_fast_engine(bins_per_octave):
    import librosa

    from genrelab.features.backends.numba_backend.chroma import estimate_tuning

    batch = [np.abs(librosa.stft(music(2.0, seed=seed))) for seed in range(6)]
    batch.append(np.zeros_like(batch[0]))
    found = estimate_tunings(torch.from_numpy(np.stack(batch)), RATE, bins_per_octave)
    wanted = [estimate_tuning(np.ascontiguousarray(one.T), RATE, bins_per_octave) for one in batch]
    assert [GRID[place] for place in found] == pytest.approx(wanted)
    assert len(set(wanted)) > 2 and GRID[found[-1]] == 0.0


def test_halving_is_soxrs():
    import soxr

    sound = np.random.default_rng(0).normal(size=20_001).astype(np.float32)
    wanted = soxr.resample(sound, 2, 1, quality="HQ") * np.sqrt(2)
    assert np.abs(halved(torch.from_numpy(sound)[None])[0].numpy() - wanted).max() < 1e-5


def test_silence_is_finite():
    specs = [make_spec(kind, {"kind": kind}, AudioSpec(segment_duration=2.0)) for kind in KINDS]
    assert all(torch.isfinite(found).all() for found in extract_batch(specs, torch.zeros(2, 2 * RATE)))


def test_the_engine_takes_more_segments_than_a_batch_holds(monkeypatch):
    from genrelab.features import extract_segments

    monkeypatch.setattr("genrelab.features.extraction.BATCH", 2)
    specs = [make_spec("mel", {"kind": "mel_db"}, AudioSpec(segment_duration=1.0))]
    segments = [music(1.0, seed=seed) for seed in range(5)]
    found = extract_segments(specs, segments, "torch")
    assert len(found) == 5
    for arrays, samples in zip(found, segments, strict=True):
        assert arrays[0] == pytest.approx(extract(specs, samples)[0], abs=0.05)


@pytest.mark.parametrize("kind", list(KINDS))
def test_nothing_is_read_back_from_the_device(kind):
    """A tensor of the meta device has no values to read; nor may it meet one of another device."""
    spec = make_spec(kind, {"kind": kind}, AudioSpec(segment_duration=1.0))
    (found,) = extract_batch([spec], torch.empty(4, RATE, device="meta"))
    assert found.device.type == "meta" and found.shape == (4, *spec.shape)


def test_mixed_precision_leaves_features_alone():
    spec = make_spec("mel", {"kind": "mel_db"}, AudioSpec(segment_duration=1.0))
    sound = torch.from_numpy(music(1.0))[None]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = extract_batch([spec], sound)[0]
    assert torch.equal(mixed, extract_batch([spec], sound)[0])
