import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genrelab.audio import AudioSpec, cut_segments, keyed_rng, trim_silence
from genrelab.audio.segmentation import _choose

SPEC = AudioSpec(sample_rate=1000, segment_duration=1.0, trim_top_db=None)


def track(n):
    return np.random.default_rng(n).normal(0, 0.1, n).astype(np.float32)


@pytest.mark.parametrize("n", [1, 511, 512, 2047, 2048, 2049, 30_001])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (5000, 0), (0, 7001), (3000, 4000)])
def test_trim_is_librosas(n, before, after):
    import librosa

    samples = np.concatenate([np.zeros(before), track(n), 1e-5 * track(after + 1)[:after]]).astype(np.float32)
    theirs, (start, end) = librosa.effects.trim(samples, top_db=60)
    ours = trim_silence(samples, 60)
    assert len(ours) == end - start and np.array_equal(ours, theirs)


@pytest.mark.parametrize("top_db", [20.0, 40.0, 60.0])
def test_trim_of_a_fading_track_is_librosas(top_db):
    import librosa

    samples = (track(60_000) * np.exp(-np.arange(60_000) / 6000) * np.minimum(1, np.arange(60_000) / 9000)).astype(
        np.float32
    )
    assert np.array_equal(trim_silence(samples, top_db), librosa.effects.trim(samples, top_db=top_db)[0])


def test_silence_is_not_trimmed_away():
    assert len(trim_silence(np.zeros(5000, np.float32), 60)) == 5000
    assert len(trim_silence(np.zeros(0, np.float32), 60)) == 0


def test_segments_do_not_overlap_and_the_tail_is_dropped():
    samples = track(3900)
    segments = cut_segments(samples, SPEC, "a")
    assert [(s.index, s.start, s.padded) for s in segments] == [(0, 0, False), (1, 1000, False), (2, 2000, False)]
    assert np.array_equal(np.concatenate([s.samples for s in segments]), samples[:3000])


@pytest.mark.parametrize("n", [1, 999])
def test_a_short_track_is_padded_at_the_end_or_dropped(n):
    (segment,) = cut_segments(track(n), SPEC, "a")
    assert segment.padded and segment.samples.shape == (1000,) and segment.samples.dtype == np.float32
    assert np.array_equal(segment.samples[:n], track(n)) and not segment.samples[n:].any()
    drop = AudioSpec(sample_rate=1000, segment_duration=1.0, trim_top_db=None, short_tracks="drop")
    assert cut_segments(track(n), drop, "a") == []
    assert cut_segments(track(0), SPEC, "a") == []
    assert not cut_segments(track(1000), drop, "a")[0].padded


@given(n=st.integers(1, 200), most=st.integers(1, 60), selection=st.sampled_from(["even", "random"]))
def test_choices_are_distinct_ascending_and_within(n, most, selection):
    spec = AudioSpec(max_segments=most, segment_selection=selection)
    chosen = _choose(n, spec, "t")
    assert len(chosen) == min(n, most) == len(set(chosen))
    assert chosen == sorted(chosen) and chosen[0] >= 0 and chosen[-1] < n


def test_even_choice_spreads():
    assert _choose(10, AudioSpec(max_segments=1), "t") == [5]
    assert _choose(9, AudioSpec(max_segments=3), "t") == [1, 4, 7]
    gaps = np.diff(_choose(101, AudioSpec(max_segments=24), "t"))
    assert gaps.max() - gaps.min() <= 1


def test_random_choice_is_keyed_by_seed_and_track():
    def spec(seed):
        return AudioSpec(max_segments=8, segment_selection="random", data_seed=seed)

    assert _choose(40, spec(0), "a") == _choose(40, spec(0), "a")
    assert len({tuple(_choose(40, spec(seed), name)) for seed in (0, 1) for name in "ab"}) == 4
    drawn = np.bincount(np.concatenate([_choose(12, AudioSpec(max_segments=3, segment_selection="random"), str(i))
                                        for i in range(800)]), minlength=12)  # fmt: skip
    assert drawn.min() > 150 and drawn.max() < 250  # 200 each


def test_keys_are_the_same_in_every_process():
    code = "from genrelab.audio import keyed_rng; print(keyed_rng('a', 1, 'b').integers(1 << 40))"
    outputs = {subprocess.check_output([sys.executable, "-c", code], text=True).strip() for _ in range(2)}
    assert outputs == {str(keyed_rng("a", 1, "b").integers(1 << 40))}
    assert keyed_rng("a", "bc").random() != keyed_rng("ab", "c").random()
