"""Paired tests: what is shown, what is not, and what is refused."""

from __future__ import annotations

import re
from typing import get_args

import numpy as np
import pytest

from genrelab.evaluation.comparison import compare
from genrelab.evaluation.comparison.pairwise import CHANGE_KINDS, compare_two_runs
from genrelab.evaluation.comparison.significance import Verdict
from genrelab.metrics import paired_difference
from genrelab.utils.errors import GenrelabError

BETTER, _, NO_DIFFERENCE, TOO_FEW_TRACKS = get_args(Verdict)


def test_a_clear_difference_is_shown_and_none_where_there_is_none(sweep):
    found = compare([sweep], baseline="cross_entropy")
    by_label = {row.label: paired for row, paired in zip(found.groups, found.paired_tests, strict=True)}
    assert by_label["cross_entropy"] is None
    better, same = by_label["graph_soft, beta 4"], by_label["graph_soft, beta 1"]
    assert better.n_tracks == 60 and better.verdict("accuracy") == better.verdict("distance") == BETTER
    assert better.differences["distance"].value < 0 < better.differences["accuracy"].value
    assert same.verdict("accuracy") == same.verdict("distance_skill") == NO_DIFFERENCE
    assert better.verdict("never_heard_of") is None
    means = [found.groups[i].mean("accuracy") for i in (3, 0)]
    assert better.differences["accuracy"].value == pytest.approx(means[0] - means[1])


def test_two_runs_are_tested_without_being_asked_as_the_metrics_do(sweep):
    found = compare([sweep / "0", sweep / "9"])
    assert found.reference is found.groups[0]
    a, b = (row.runs[0] for row in found.groups)
    folder = a.run_dir
    common = (a.predictions.target, a.predictions.track, folder.distances, folder.supergenres, folder.medoid)
    expected = paired_difference(a.predictions.logits, b.predictions.logits, *common)["accuracy"]
    assert found.paired_tests[1].differences["accuracy"] == expected


def test_other_tracks_are_refused_or_compared_on_the_common_ones(make_run, tmp_path):
    one = make_run(tmp_path / "one", tracks=60)
    two = make_run(tmp_path / "two", tracks=60, first=24, beta=2.0)
    far = make_run(tmp_path / "far", tracks=60, first=600, beta=4.0)
    with pytest.raises(GenrelabError, match=r"\b36 .*\b60\b.*--common-tracks"):
        compare([one, two], baseline=str(one))
    found = compare([one, two, far], baseline=str(one), common_tracks=True)
    by_label = {row.label: paired for row, paired in zip(found.groups, found.paired_tests, strict=True)}
    assert by_label["beta 2"].n_tracks == 36 and re.search(r"\b36 .*\b60$", by_label["beta 2"].notes[0])
    assert by_label["beta 4"].refused and not re.search(r"\d", by_label["beta 4"].refused)
    found = compare([one, two])
    assert found.run_pair is None and sum("--common-tracks" in note for note in found.notes) == 1
    assert sum("tracks" in note for note in found.notes) == 2


def test_other_genres_and_other_targets_are_refused(make_run, four_genres, relabeled, tmp_path):
    one = make_run(tmp_path / "one")
    other = make_run(tmp_path / "other", taxonomy=four_genres, beta=2.0)
    with pytest.raises(GenrelabError, match=r"\b4 of musicmap.* 6\b"):
        compare([one, other], baseline=str(one))
    moved = make_run(tmp_path / "moved", beta=4.0)
    relabeled(moved)
    with pytest.raises(GenrelabError, match=r"\b60 .*genre"):
        compare([one, moved], baseline=str(one))


def test_few_tracks_show_nothing(make_run, tmp_path):
    make_run(tmp_path / "a", tracks=12, skill=0.2)
    make_run(tmp_path / "b", tracks=12, skill=9.0, beta=2.0)
    found = compare([tmp_path])
    assert found.paired_tests[1].verdict("accuracy") == TOO_FEW_TRACKS


def test_the_only_row_cannot_be_tested(sweep):
    with pytest.raises(GenrelabError, match=r"--baseline .*--group-by run"):
        compare([sweep], filters=["beta=1"], baseline=str(sweep / "3"))


def test_two_runs_closely(sweep):
    found = compare([sweep / "0", sweep / "9"])
    a, b = found.run_pair
    two = compare_two_runs(a, b)
    answer = [run.predictions.logits.argmax(axis=1) for run in (a, b)]
    target = a.predictions.target
    right = [one == target for one in answer]
    assert [two.counts[kind] for kind in CHANGE_KINDS[:3]] == [
        int((right[0] & right[1]).sum()),
        int((~right[0] & right[1]).sum()),
        int((right[0] & ~right[1]).sum()),
    ]
    assert sum(two.counts.values()) == 60 and len(two.changes) == int((answer[0] != answer[1]).sum())
    titles = dict(zip(a.run_dir.taxonomy.titles, range(6), strict=True))
    for one in (*two.resolved_confusions, *two.new_confusions):
        for name, given in zip(("first", "second"), answer, strict=True):
            hits = (target == titles[one["truth"]]) & (given == titles[one["answer"]])
            assert one[name] == int(hits.sum())
    assert all(one["second"] < one["first"] for one in two.resolved_confusions)
    first = two.genres.iloc[0]
    members = target == titles[first["title"]]
    assert first["recall_change"] == pytest.approx(np.mean(right[1][members]) - np.mean(right[0][members]))
