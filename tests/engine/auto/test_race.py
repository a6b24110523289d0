"""The race on small tables: what its models see, what is kept, and what chance gives."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.splits import SplitError
from genrelab.engine.auto import command, networks
from genrelab.engine.auto import race as races
from genrelab.engine.auto.candidates import Candidate
from genrelab.engine.auto.outcome import decide, summarize
from genrelab.engine.auto.race import FULL, Race, RaceData, estimator_fit, nested_folds
from genrelab.utils.errors import GenrelabError

GENRES = 3
MAJORITY = Candidate("majority", "majority", ("x",))
LINEAR = Candidate("linear", "logistic_regression", ("x",), grid={"c": (0.01, 0.1)})
FOREST = Candidate("forest", "random_forest", ("x",), {"n_estimators": 20})
TWO = (MAJORITY, LINEAR)
ARTISTS = {"artists": "apart", "artist_leak": False, "notes": []}


@pytest.fixture(autouse=True)
def _few_folds(monkeypatch):
    monkeypatch.setattr(races, "OUTER_FOLDS", (3,))
    monkeypatch.setattr(races, "INNER_FOLDS", (2,))


def make_index(target, artist):
    rows = {"track_id": [f"{i:03d}" for i in range(len(target))], "genre": [f"g{one}" for one in target]}
    return DatasetIndex("d", pd.DataFrame(rows).assign(path="x", artist_id=[f"a{one}" for one in artist]))


def make_data(target, x, artist=None, group_by="artist"):
    artist = np.arange(len(target)) if artist is None else artist
    outer, inner = nested_folds(make_index(target, artist), 0, group_by)
    track = np.arange(len(target))
    group = np.unique(artist, return_inverse=True)[1] if group_by else track
    ids = tuple(f"{i:03d}" for i in track)
    vectors = {"x": np.asarray(x, np.float32)}
    return RaceData(ids, target, group, outer, inner, track, np.zeros_like(track, np.int32), vectors, GENRES)


def informative(seed=0, n=60, shift=1.0):
    rng = np.random.default_rng(seed)
    target = np.arange(n) % GENRES
    return target, rng.normal(size=(n, 8)) + shift * np.eye(GENRES, 8)[target]


def race(folder, data, candidates=TWO, **options):
    return Race(folder, data, [(one, estimator_fit(one, data)) for one in candidates], **options)


def summary(folder, data, **options):
    results, left_out = race(folder, data, **options).run()
    return summarize(decide(results, data), results, data, left_out, ARTISTS)


def test_neither_choice_nor_model_sees_the_outer_test_fold(tmp_path):
    data = make_data(*informative())
    spoiled = np.where(data.outer == 0, (data.target + 1) % GENRES, data.target)
    x = np.where(data.outer[:, None] == 0, 100.0, data.vectors["x"]).astype(np.float32)
    other = replace(data, target=spoiled, vectors={"x": x})
    found = [race(tmp_path / name, one).run()[0] for name, one in (("a", data), ("b", other))]
    before, after = (decide(results, data) for results in found)
    for title in found[0]:
        inside = data.inner["0"] >= 0
        assert (found[0][title]["0"].log_p[inside] == found[1][title]["0"].log_p[inside]).all()
        assert found[0][title]["0"].chosen == found[1][title]["0"].chosen
    assert before.folds[0].index == after.folds[0].index
    assert (before.folds[0].weights == after.folds[0].weights).all()
    assert not np.array_equal(before.folds[1].nll, after.folds[1].nll)  # where these tracks are trained on


def test_artists_that_give_genres_away_gain_nothing_while_they_are_kept_apart(tmp_path):
    artist = np.repeat(np.arange(12), 5)
    target = artist % GENRES
    marks = np.eye(12)[artist]  # a leak: names the artist, says nothing of music
    apart = summary(tmp_path / "apart", make_data(target, marks, artist))
    mixed = summary(tmp_path / "mixed", make_data(target, marks, artist, group_by=None))
    assert mixed["nested"]["accuracy"] > 0.8
    assert apart["nested"]["accuracy"] <= 0.4 and apart["chosen"] == "majority"


def test_an_informative_feature_is_found_and_scored(tmp_path):
    found = summary(tmp_path, make_data(*informative(shift=3.0)))
    assert found["nested"]["accuracy"] > 0.85 and found["chosen"] != "majority"
    assert found["nested"]["low"] > 1 / GENRES
    rows = {row["title"]: row for row in found["candidates"]}
    assert list(rows) == ["majority", "linear", "stack"]
    assert rows["majority"]["difference"]["high"] < 0
    assert rows[found["chosen"]]["difference"] is None and rows[found["chosen"]]["used"]
    assert sum(row["folds_chosen"] for row in rows.values()) == found["folds"] == 3


def test_an_interrupted_race_goes_on_to_the_same_result(tmp_path):
    data = make_data(*informative())
    done = []

    def stop(candidate, part):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append((candidate.title, part))

    whole = race(tmp_path / "whole", data).run()[0]
    with pytest.raises(KeyboardInterrupt):
        race(tmp_path / "cut", data, progress=stop).run()
    again = []
    resumed = race(tmp_path / "cut", data, progress=lambda one, part: again.append((one.title, part))).run()[0]
    assert len(done) == 5 and len(again) == 2 * len(data.parts) - 5 and not set(done) & set(again)
    for title, parts in whole.items():
        for part, result in parts.items():
            assert (resumed[title][part].log_p == result.log_p).all() and resumed[title][part].chosen == result.chosen
    with pytest.raises(GenrelabError, match=r"cut: .*start a new one"):
        race(tmp_path / "cut", replace(data, seed=1)).run()


def test_a_candidate_that_fails_leaves_the_others(tmp_path):
    data = make_data(*informative())
    fits = [(one, estimator_fit(one, data)) for one in TWO]

    def fail(chosen, train, test):
        raise ValueError("no such luck\nat all")

    results, left_out = Race(tmp_path, data, [*fits, (FOREST, fail)]).run()
    assert list(results) == ["majority", "linear"] and left_out == {"forest": "failed: no such luck"}
    assert decide(results, data).titles == ("majority", "linear", "stack")


def test_the_budget_leaves_out_what_takes_longer(tmp_path):
    data = make_data(*informative())
    asked = []

    def estimate(candidate, fit):
        asked.append(candidate.title)
        return 10.0

    three = (*TWO, FOREST)
    results, left_out = race(tmp_path, data, three, budget=100.0, estimate=estimate).run()
    assert list(results) == ["majority", "linear"] and list(left_out) == asked == ["forest"]
    assert str(round(10 * data.n_fits(FOREST))) in left_out["forest"]
    assert list(race(tmp_path / "short", data, three, budget=1e-9).run()[0]) == ["majority", "linear"]


def test_the_time_of_a_network_is_that_of_its_steps_which_crop(monkeypatch):
    data, given = (
        informative(),
        {"model": {"kind": "vgg_mel"}, "data": {"crop_ratio": 0.5}, "trainer": {"max_epochs": 7}},
    )
    cache, data = SimpleNamespace(specs=[SimpleNamespace(shape=(32, 64))]), make_data(*informative())
    monkeypatch.setattr(networks, "step_seconds", lambda *given: 0.5)  # of a cropped segment
    estimate = networks.estimate_network({**given, "seed": 0}, cache, data)
    assert estimate() == pytest.approx(0.5 * 7 * 60 * (1 - 1 / len(data.inner)))


def test_every_track_is_held_out_once_and_its_artist_with_it():
    target, artist = np.repeat(np.arange(GENRES), 20), np.repeat(np.arange(12), 5)
    outer, inner = nested_folds(make_index(target, artist), 0, "artist")
    assert set(inner) == {"0", "1", "2", FULL} and (inner[FULL] >= 0).all()
    for part in ("0", "1", "2"):
        assert ((inner[part] < 0) == (outer == int(part))).all()
        for place in (outer, inner[part]):
            assert all(len(set(place[artist == one])) == 1 for one in range(12))


def test_genres_whose_artists_cannot_be_kept_apart_are_named():
    target, artist = np.repeat(np.arange(GENRES), 20), np.repeat(np.arange(12), 5)
    artist = np.where(target == 1, 99, artist)
    index = make_index(target, artist)
    (outer, _), reason = command._folds(index, 0, "artist", explicit=False)
    assert "g1 (1)" in reason and "g0" not in reason and "split.group_by" in reason
    assert len(set(outer[target == 1])) > 1
    with pytest.raises(SplitError, match=r"g1 \(1\)"):
        command._folds(index, 0, "artist", explicit=True)
    assert command._folds(index, 0, None, explicit=True)[1] == ""


def permuted(folder, seed):
    target, x = informative(seed)
    rng = np.random.default_rng(seed)
    return summary(folder / str(seed), make_data(rng.permutation(target), x))["nested"]


def test_permuted_labels_give_chance(tmp_path):
    found = [permuted(tmp_path, seed) for seed in range(3)]
    assert sum(one["low"] <= 1 / GENRES <= one["high"] for one in found) >= 2


@pytest.mark.slow
def test_twenty_permutations_of_labels_give_chance(tmp_path):
    found = [permuted(tmp_path, seed) for seed in range(20)]
    assert sum(one["low"] <= 1 / GENRES <= one["high"] for one in found) >= 17
    assert abs(np.mean([one["accuracy"] for one in found]) - 1 / GENRES) < 0.05


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10min", 600), ("1.5h", 5400), ("90", 90)])
def test_budgets_are_durations(text, seconds):
    assert command.parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0s", "-3min", "10 parsecs"])
def test_other_budgets_are_refused(text):
    with pytest.raises(GenrelabError, match="--budget"):
        command.parse_budget(text)
