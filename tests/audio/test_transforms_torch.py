"""Augmentation in torch against its twin in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genrelab.audio import (
    Chain,
    Gain,
    GaussianNoise,
    PinkNoise,
    PitchShift,
    PublishedNoise,
    RandomPitch,
    Shift,
    TimeStretch,
    augment_rng,
)
from genrelab.audio import phase_vocoder as vocoder
from genrelab.audio.registry import AUGMENTS
from genrelab.audio.transforms_torch import apply_to_rows, pink_noise, pitch_shift, time_stretch
from sounds import RATE, music


def batch(seconds=2.0):
    return torch.from_numpy(np.stack([music(seconds, seed=seed) for seed in range(3)]))


def spectrum(samples):
    return torch.stft(samples, 2048, window=torch.hann_window(2048), return_complex=True).abs()


@pytest.mark.parametrize("rate", [0.8, 2 ** (-1 / 12), 1.0, 1.25])
def test_a_stretched_batch_is_the_vocoders(rate):
    sound = batch()
    for row, samples in zip(time_stretch(sound, rate).numpy(), sound.numpy(), strict=True):
        wanted = vocoder.time_stretch(samples, rate)
        assert row.shape == wanted.shape
        assert np.abs(row - wanted).max() < 2e-3 * np.abs(wanted).max()


@pytest.mark.parametrize("semitones", [1.0, -3.0, 4.5])
def test_a_shifted_batch_is_the_vocoders_but_for_the_ends(semitones):
    sound = batch()
    for one, samples in zip(pitch_shift(sound, semitones), sound.numpy(), strict=True):
        twin = torch.from_numpy(vocoder.pitch_shift(samples, RATE, semitones))
        # Over the segment the two drift apart by up to half a sample, since T samples are made of a whole number of
        # them: waves differ, what is heard does not.
        found, wanted = (
            torch.stft(s, 2048, window=torch.hann_window(2048), return_complex=True).abs() for s in (one, twin)
        )
        off = (found - wanted)[:750, 4:-4]  # above, soxr's filter begins to close
        assert off.abs().max() < 0.005 * wanted.max()


def test_pink_noise_falls_as_one_over_f():
    torch.manual_seed(0)
    noise = pink_noise(torch.empty(4, 1 << 16))
    assert noise.square().mean(dim=1).sqrt() == pytest.approx(np.ones(4), rel=1e-5)
    power = torch.fft.rfft(noise).abs().square().mean(dim=0).numpy()
    edges = 2 ** np.arange(5, 15)
    slope = np.polyfit(np.log(edges), np.log([power[low : 2 * low].mean() for low in edges]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.05)
    assert not torch.equal(noise[0], noise[1])


@pytest.mark.parametrize(
    "augment", [GaussianNoise(0.01, 0.01), PinkNoise(0.01), PinkNoise(0.1, "rms"), PublishedNoise(0.01)]
)
def test_noise_is_as_loud_as_its_twin(augment):
    torch.manual_seed(0)
    sound = batch()
    changed = augment.apply_batch(sound, RATE).numpy()
    for row, samples in zip(changed, sound.numpy(), strict=True):
        twin = augment.apply(samples, RATE, augment_rng(0, "t", 0, augment.name))
        assert np.abs(row).max() == pytest.approx(np.abs(twin).max(), rel=0.1)
        if not isinstance(augment, PublishedNoise):
            assert (row - samples).std() == pytest.approx((twin - samples).std(), rel=0.05)


def test_changes_of_level_and_time():
    sound = batch()
    torch.manual_seed(1)
    gains = Gain(-6.0, 6.0).apply_batch(sound, RATE) / sound
    each = gains.nanmedian(dim=1).values
    assert len(set(each.tolist())) == 3 and each.min() >= 0.5 and each.max() <= 2
    shifted = Shift(0.5).apply_batch(sound, RATE)
    assert torch.equal(shifted.sort(dim=1).values, sound.sort(dim=1).values) and not torch.equal(shifted, sound)
    faster = TimeStretch(1.25, 1.25).apply_batch(sound, RATE)
    slower = TimeStretch(0.8, 0.8).apply_batch(sound, RATE)
    for found, rate in ((faster, 1.25), (slower, 0.8)):
        twin = TimeStretch(rate, rate).apply(sound[0].numpy(), RATE, augment_rng(0, "t", 0, ""))
        assert np.abs(found[0].numpy() - twin).max() < 2e-3 * np.abs(twin).max()
    assert RandomPitch(2.0).apply_batch(sound, RATE).shape == sound.shape


def test_only_the_chosen_rows_are_changed():
    sound = batch()
    changed = apply_to_rows(sound, torch.tensor([False, True, False]), PitchShift(1.0), RATE)
    assert torch.equal(changed[[0, 2]], sound[[0, 2]]) and not torch.equal(changed[1], sound[1])
    assert apply_to_rows(sound, torch.zeros(3, dtype=torch.bool), PitchShift(1.0), RATE) is sound


def test_a_chain_changes_each_row_by_chance():
    torch.manual_seed(0)
    sound = torch.ones(200, 8)
    changed = Chain((GaussianNoise(0.1, 0.1), GaussianNoise(0.1, 0.1)), 0.5).apply_batch(sound, RATE)
    assert 0.65 < (changed != sound).any(dim=1).float().mean() < 0.85


@pytest.mark.parametrize("kind", AUGMENTS.kinds())
def test_nothing_is_read_back_from_the_device(kind):
    sound = torch.empty(4, RATE, device="meta")
    for augment in AUGMENTS.build(kind, {}):
        found = augment.apply_batch(sound, RATE)
        assert found.shape == sound.shape and found.device.type == "meta"


def test_silence_stays_finite():
    for kind in AUGMENTS.kinds():
        for augment in AUGMENTS.build(kind, {}):
            assert torch.isfinite(augment.apply_batch(torch.zeros(2, RATE), RATE)).all()
