"""Tables and pictures of a report, each against its definition."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from genrelab.evaluation.report import tables
from genrelab.evaluation.report.examples import choose_examples, data_uri
from genrelab.evaluation.report.heatmap import _spread_apart, heatmap
from genrelab.evaluation.report.svg import Series, histogram, line_chart, nice_ticks
from genrelab.runs.run_dir import RunDir


@pytest.fixture
def run(run_folder) -> RunDir:
    return RunDir.read(run_folder)


@pytest.fixture
def confusion(run) -> np.ndarray:
    return tables.confusion_matrix(run.at_level("test", "track"), len(run.taxonomy.genres))


def test_paths_of_confusions_are_as_long_as_their_distances(run, confusion):
    common, far = tables.top_confusions(run, confusion)
    assert all(one.count > 1 for one in common) and len(common) + len(far) > 3
    assert [one.count for one in common] == sorted((one.count for one in common), reverse=True)
    assert [one.distance for one in far] == sorted((one.distance for one in far), reverse=True)
    for one in (*common, *far):
        assert sum(step.length for step in one.path) == pytest.approx(one.distance)
        assert one.path[-1].title == one.prediction != one.truth


def test_random_mistakes_are_as_many_and_spread_over_all_other_genres(run, confusion):
    table = tables.mistake_distance_table(run, confusion)
    wrong = confusion.sum() - np.trace(confusion)
    assert table["mistakes"].sum() == wrong and table["random"].sum() == pytest.approx(wrong)
    expected = sum(
        (confusion[g].sum() - confusion[g, g]) * (np.delete(run.distances[g], g) == table["distance"].iloc[0]).mean()
        for g in range(len(confusion))
    )
    assert table["random"].iloc[0] == pytest.approx(expected)


def test_a_genre_without_tracks_has_no_recall(run, confusion):
    confusion = confusion.copy()
    confusion[2] = 0
    row = tables.per_genre_table(run, confusion).iloc[2]
    assert row["tracks"] == 0 and np.isnan(row["recall"]) and row["mistaken_for"] == ""


def test_examples_are_right_near_and_far_and_come_from_the_middle(run, run_folder):
    level = run.at_level("test", "track")

    class AnyFeatureCache:
        specs = ()

        def load(self, rows):
            self.rows = rows
            return []

    rows = pd.DataFrame({"track_id": np.repeat(level.track, 3), "segment": [0, 1, 2] * len(level)})
    feature_cache = AnyFeatureCache()
    assert choose_examples(run_folder, feature_cache, rows) == []  # a store without pictures
    assert set(feature_cache.rows["segment"]) == {1} and len(feature_cache.rows) == 6
    answer = dict(zip(level.track, level.logits.argmax(axis=1), strict=True))
    target = dict(zip(level.track, level.target, strict=True))
    away = [float(run.distances[target[t], answer[t]]) for t in feature_cache.rows["track_id"]]
    assert away[:2] == [0, 0] and 0 < max(away[2:4]) <= min(away[4:])
    assert len({target[t] for t in feature_cache.rows["track_id"][:2]}) == 2


def test_pictures_become_png_addresses():
    assert data_uri(np.arange(12.0).reshape(3, 4)).startswith("data:image/png;base64,iVBOR")
    assert data_uri(np.full((3, 4), np.nan)).startswith("data:image/png")


@pytest.mark.parametrize("size", [3, 12, 45, 46, 248])
def test_heat_maps_draw_each_cell_and_no_label_touches_another(size):
    matrix = np.diag(np.arange(1, size + 1))
    names = [f"genre {i}" for i in range(size)]
    groups = [f"group {min(i // 9, 27)}" if i < size - 2 else f"last {i}" for i in range(size)]
    drawn = heatmap(matrix, names, groups, percent=False)
    assert drawn.count('class="right"') == size and 'class="wrong"' not in drawn
    ends = re.findall(r'<text x="[\d.]+" y="([\d.]+)" class="ink" text-anchor="end">', drawn)
    gaps = np.diff([float(y) for y in ends])
    assert len(ends) == (size if size <= 45 else len(set(groups))) and gaps.min() > 11


def test_labels_move_apart_within_their_bounds():
    found = _spread_apart([1, 2, 3, 97, 98, 99], gap=5, end=100)
    assert np.diff(found).min() >= 5 - 1e-9 and found[0] == 1 and found[-1] <= 97.5 + 1e-9
    assert _spread_apart([10, 50], gap=5, end=100) == [10, 50]


def test_curves_keep_their_gaps():
    y = np.array([1.0, 2.0, np.nan, 3.0, np.nan, np.nan])
    drawn = line_chart("Loss", [Series("val", np.arange(1.0, 7.0), y, "accent")], mark=2)
    path = re.findall(r'<path d="(M[^"]*L[^"]*)" class="curve accent"', drawn)
    assert len(path) == 1 and path[0].count("M") == 2
    assert drawn.count("<circle") == 1  # the value between two gaps is a dot
    assert "best epoch" in drawn
    assert "<circle" in line_chart("One epoch", [Series("val", np.array([1.0]), np.array([0.5]), "accent")])


def test_ticks_are_round_and_inside():
    assert nice_ticks(0, 1) == [0, 0.25, 0.5, 0.75, 1.0]
    assert nice_ticks(0.0, 103.0) == [0, 50, 100]
    assert nice_ticks(2, 2) == [2]


def test_a_histogram_of_many_different_distances_is_binned():
    values = np.linspace(0.1, 9, 200).tolist()
    assert histogram(values, [1.0] * 200, [1.0] * 200, "mistakes").count("<rect") == 30


@pytest.mark.parametrize("y", [[0.2, 0.9, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.9, 0.99, 0.98]])
def test_axes_of_shares_end_at_0_and_100_percent(y, tmp_path, monkeypatch):
    from genrelab.evaluation.report import figures

    picture = line_chart("Top 3", [Series("val", np.arange(1.0, 4), np.array(y), "accent")], percent=True)
    shown = [float(found) for found in re.findall(r">(-?[\d.]+) %<", picture)]
    assert shown and min(shown) >= 0 and max(shown) <= 100
    drawn = []
    monkeypatch.setattr(figures, "save_figure", lambda figure, path: drawn.append(figure))
    figures.draw_curves(pd.DataFrame({"epoch": range(3), "val/track/top3": y}), tmp_path / "x.png", None)
    for axes in drawn[0].axes:
        if axes.get_title(loc="left").startswith("Top 3"):
            low, high = axes.get_ylim()
            assert 0 <= low < high <= 1


def test_an_example_of_mfcc_shows_more_than_its_first_coefficient(run, run_folder):
    from genrelab.audio import AudioSpec
    from genrelab.evaluation.report.examples import to_rgba
    from genrelab.features import make_spec

    spec = make_spec("mfcc", {"kind": "mfcc"}, AudioSpec())
    picture = np.random.default_rng(0).normal(0, 5, (6, 32, 256))
    picture[:, 0] = -300

    class AnyFeatureCache:
        specs = (spec,)

        def load(self, rows):
            return [picture[: len(rows)]]

    rows = pd.DataFrame({"track_id": run.at_level("test", "track").track})
    examples = choose_examples(run_folder, AnyFeatureCache(), rows)
    assert len(examples) == 6 and all(one.colors == "RdBu_r" for one in examples)
    assert examples[0].picture.dtype == np.uint8 and examples[0].picture[1:].std() > 40
    drawn = to_rgba(examples[0].picture, examples[0].colors)
    assert drawn.shape == (32, 256, 4) and drawn[-1, 0, 2] > drawn[-1, 0, 0], "low values, at the bottom, are blue"
