"""Made-up feature sets in the published format: the same each time, with genres that can be told apart."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from genrelab.datasets.registry import DATASETS
from genrelab.datasets.synthesis.feature_sets import GENRE_COUNTS, SHAPES, SyntheticTracks, write_feature_sets
from genrelab.utils.errors import ConfigError

SMALL = {"train_tracks_per_genre": 4, "test_tracks": 100}


def test_the_published_counts_are_top_magds():
    assert sum(GENRE_COUNTS.values()) == 406_427 and len(GENRE_COUNTS) == 13


def test_files_are_read_back_as_the_published_ones(tmp_path):
    sets = ["jmir-spectral-all-v1.0", "rh"]
    index = DATASETS.build("top_magd_synthetic", {"sets": sets, **SMALL}, cache=tmp_path)
    assert index.stand_in and index.genres == tuple(sorted(GENRE_COUNTS)) and "synthetic" in index.notes[0]
    assert index.tracks["official_split"].value_counts()["train"] == 4 * 13
    counts = index.tracks.query("official_split == 'test'")["genre"].value_counts()
    assert counts.index[0] == "Pop_Rock" and 0.55 < counts.iloc[0] / counts.sum() < 0.65 and counts.min() == 1
    made = SyntheticTracks(**SMALL)
    assert index.tracks["track_id"].tolist() == made.ids
    for name, feature in zip(sets, index.precomputed.features, strict=True):
        np.testing.assert_allclose(feature.values, made.values(name), rtol=1e-3)


@pytest.mark.parametrize("name", SHAPES)
def test_numbers_are_the_seeds(name):
    first, again, other = (SyntheticTracks(**SMALL, seed=seed).values(name) for seed in (0, 0, 1))
    assert first.shape == (len(SyntheticTracks(**SMALL).ids), np.prod(SHAPES[name])) and (first > 0).all()
    assert np.array_equal(first, again) and not np.allclose(first, other)


def test_genres_can_be_told_apart_but_not_wholly():
    tracks = SyntheticTracks(100, 1000)
    train = tracks.in_train
    values = np.log(tracks.values("rh"))
    fitted = LogisticRegression(C=0.01, max_iter=1000).fit(values[train], tracks.genre[train])
    accuracy = fitted.score(values[~train], tracks.genre[~train])
    assert 3 / 13 < accuracy < tracks.best_accuracy < 0.8


def test_what_cannot_be_made_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"dataset\.sets: no 'sdd'.*'ssd'"):
        write_feature_sets(SyntheticTracks(), ["sdd"], tmp_path)
    with pytest.raises(ConfigError, match=r"dataset\.sets: none named"):
        write_feature_sets(SyntheticTracks(), [], tmp_path)
    with pytest.raises(ConfigError) as caught:
        SyntheticTracks(1, 3, -1)
    names = [problem.split(":")[0] for problem in caught.value.problems]
    assert names == ["dataset.train_tracks_per_genre", "dataset.test_tracks", "dataset.seed"]
