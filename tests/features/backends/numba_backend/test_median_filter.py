import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from genrelab.features.backends.numba_backend.median_filter import hpss, hpss_masks, median_filter
from genrelab.features.backends.numba_backend.median_networks import median_network

RATE = 22_050


def spectrogram(bins, frames, seed=0):
    return np.random.default_rng(seed).exponential(size=(bins, frames)).astype(np.float32)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 17, 30, 31, 32, 63, 64, 129, 301])
@pytest.mark.parametrize("axis", [0, 1])
def test_medians_are_scipys(size, axis):
    values = spectrogram(70, 150)
    window = (size, 1) if axis == 0 else (1, size)
    theirs = scipy.ndimage.median_filter(values, window, mode="reflect")
    for ours in (values, np.asfortranarray(values), values[::-1][::-1]):
        assert np.array_equal(median_filter(ours, size, axis), theirs)


@settings(max_examples=60, deadline=None)
@given(a=st.integers(1, 40), b=st.integers(1, 300), size=st.integers(1, 70))
def test_medians_of_any_shape(a, b, size):
    # By brute force: where a window is many times as long as the axis, scipy reads what is not the array's.
    values = np.random.default_rng(a * b).integers(0, 5, (a, b)).astype(np.float32)  # many ties
    padded = np.pad(values, ((size // 2, size), (0, 0)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=0)[:a]
    expected = np.sort(windows, axis=-1)[..., size // 2]
    assert np.array_equal(median_filter(values, size, 0), expected)
    assert np.array_equal(median_filter(values.T, size, 1), expected.T)


@pytest.mark.parametrize("size", [2, 6, 31, 40, 101])
def test_networks_never_write_what_they_read(size):
    # The kernel's loop is a vector one only where the four registers of a step are four.
    network = median_network(size)
    assert all(len(set(step[:2]) | set(step[2:])) >= 3 and not set(step[:2]) & set(step[2:]) for step in network.steps)
    assert network.steps.max() < network.registers and len(network.results) == network.group


def sounds():
    rng = np.random.default_rng(1)
    time = np.arange(3 * RATE) / RATE
    music = sum(np.sin(2 * np.pi * f * time) for f in (110, 277, 440)) * np.exp(-((time * 4) % 1) * 5)
    click = np.zeros(3 * RATE)
    click[20_000] = 1
    return {
        "music": music / 4 + 0.01 * rng.normal(size=len(time)),
        "silence": np.zeros(RATE),
        "click": click,
        "clipped": np.clip(5 * music, -1, 1),
        "quiet": 1e-7 * music,
        "odd": music[:12_345],
        "short": music[:9_000],
    }


@pytest.mark.parametrize("name", list(sounds()))
@pytest.mark.parametrize(
    ("kernel_size", "margin", "n_fft", "hop"), [(31, 1.0, 2048, 512), (17, 2.5, 1024, 300), (8, 1.0, 512, 128)]
)
def test_parts_and_masks_are_librosas(name, kernel_size, margin, n_fft, hop):
    import librosa

    samples = sounds()[name].astype(np.float32)
    magnitude = np.abs(librosa.stft(samples, n_fft=n_fft, hop_length=hop))
    for ours, masks in ((hpss, False), (hpss_masks, True)):
        theirs = librosa.decompose.hpss(magnitude, kernel_size=kernel_size, margin=margin, mask=masks)
        for layout in (magnitude, np.ascontiguousarray(magnitude), magnitude.T.copy().T):
            for mine, other in zip(ours(layout, kernel_size, margin), theirs, strict=True):
                assert mine.shape == other.shape and mine.dtype == np.float32
                assert np.abs(mine - other).max() <= 1e-6 * max(1.0 if masks else 1e-30, np.abs(other).max())


def test_the_layout_of_memory_is_kept():
    values = spectrogram(30, 50)
    for layout in (values, np.asfortranarray(values)):
        for array in (*hpss(layout), median_filter(layout, 5, 0), median_filter(layout, 5, 1)):
            assert array.flags.c_contiguous == layout.flags.c_contiguous
    assert np.array_equal(values, spectrogram(30, 50))  # the input is untouched


def test_a_result_outlives_a_call_with_other_parameters():
    values = spectrogram(30, 50)
    harmonic, percussive = hpss(values, 9)
    kept = harmonic.copy(), percussive.copy()
    hpss(values, 11), hpss(values, 9, 2.0), hpss_masks(values, 9)
    assert np.array_equal(harmonic, kept[0]) and np.array_equal(percussive, kept[1])


@pytest.mark.slow
def test_processes_may_compile_at_once(tmp_path):
    code = (
        "import numpy as np; from genrelab.features.backends.numba_backend.median_filter import hpss; "
        "print(float(hpss(np.ones((40, 50), np.float32))[0].sum()))"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [process.communicate()[0].strip() for process in started] == ["1000.0"] * 3
    assert list(tmp_path.rglob("*.nbc"))


@pytest.mark.slow
def test_filters_are_no_slower_than_scipys():
    import time

    def seconds(work):
        times = []
        for _ in range(5):
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
        return min(times)

    values = np.asfortranarray(spectrogram(513, 200))
    for size in (2, 3, 7, 31, 101):
        for axis, window in ((0, (size, 1)), (1, (1, size))):
            ours = seconds(lambda size=size, axis=axis: median_filter(values, size, axis))
            assert ours < seconds(lambda window=window: scipy.ndimage.median_filter(values, window, mode="reflect"))
