"""Sound: exact length, one level for all genres, nothing but music in it."""

import numpy as np
import pytest

from genrelab.datasets.synthesis.artist_profiles import make_artist
from genrelab.datasets.synthesis.composer import compose, track_generator
from genrelab.datasets.synthesis.genre_rules import GENRES
from genrelab.datasets.synthesis.render import LEVEL, LEVEL_SPREAD, SAMPLE_RATE, find_soundfont, render


def sound(genre, seconds=3.0, artist=0):
    rng = track_generator(0, genre, artist, 0)
    habits = make_artist(genre, artist, 0)
    return render(compose(genre, habits, seconds, rng), habits, seconds, rng)


def test_the_soundfont_is_found():
    assert find_soundfont().suffix == ".sf2"


def test_the_same_seed_gives_the_same_samples_whatever_was_rendered_before():
    first = [sound(genre, 2.0) for genre in GENRES]
    again = [sound(genre, 2.0) for genre in reversed(GENRES)]
    assert all(np.array_equal(one, other) for one, other in zip(first, reversed(again), strict=True))


@pytest.mark.parametrize("genre", GENRES, ids=lambda genre: genre.code)
def test_length_level_and_peaks(genre):
    samples = sound(genre)
    assert samples.dtype == np.float32 and samples.shape == (3 * SAMPLE_RATE,)
    level = 20 * np.log10(np.sqrt(np.mean(samples**2)))
    assert abs(level - LEVEL) < LEVEL_SPREAD + 0.3
    assert 0.05 < np.abs(samples).max() < 0.985


def test_no_genre_is_told_by_silence():
    for genre in GENRES:
        frames = sound(genre, 4.0)[: 4 * SAMPLE_RATE].reshape(-1, SAMPLE_RATE)  # 1 s each
        assert np.sqrt((frames**2).mean(axis=1)).min() > 1e-3
