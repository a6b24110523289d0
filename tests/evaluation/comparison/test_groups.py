"""Filtering, grouping, and means over seeds."""

from __future__ import annotations

import re

import numpy as np
import pytest

from genrelab.evaluation.comparison import compare
from genrelab.evaluation.comparison.filters import filter_runs, varying_keys
from genrelab.evaluation.comparison.formatting import format_cells
from genrelab.evaluation.comparison.groups import find_group, group_runs
from genrelab.evaluation.comparison.loader import find_runs
from genrelab.utils.errors import GenrelabError


@pytest.fixture(scope="module")
def runs(sweep):
    return find_runs([sweep])[0]


@pytest.mark.parametrize(
    ("conditions", "count"),
    [
        (["loss=graph_soft"], 9),
        (["loss!=graph_soft"], 3),
        (["beta>=2"], 6),
        (["beta > 1", "seed=0"], 2),
        (["beta=1|4.0"], 6),
        (["beta=null"], 3),
        (["loss=*entropy|nothing"], 3),
        (["hidden=64"], 12),
        (["optimizer.lr<0.01"], 12),
        (["stand_in=true", "status=finished"], 12),
        (["run=1|10"], 2),
    ],
)
def test_conditions(runs, conditions, count):
    assert len(filter_runs(runs, conditions)) == count


def test_conditions_over_scores(runs):
    found = filter_runs(runs, ["accuracy>0.8"])
    assert found and all(run.scores["accuracy"]["value"] > 0.8 for run in found) and len(found) < 12


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("betta=1", "^betta: .*'beta'"),
        ("kind=mlp", r"^kind: .*loss\.kind, "),
        ("beta", r"--filter 'beta': .*KEY=VALUE"),
        ("beta>much", "'beta>much': 'much' "),
        ("qqqqqqq=1", "^qqqqqqq: .*run, seed"),
    ],
)
def test_wrong_conditions_are_named(runs, condition, text):
    with pytest.raises(GenrelabError, match=text):
        filter_runs(runs, [condition])


def test_nothing_left_is_said(sweep):
    with pytest.raises(GenrelabError, match=r"\b12 runs .*beta>9"):
        compare([sweep], filters=["beta>9"])


def test_seeds_collapse_to_mean_and_spread(runs):
    rows = group_runs(runs)
    assert [row.label for row in rows] == ["cross_entropy", *(f"graph_soft, beta {beta}" for beta in (1, 2, 4))]
    row = rows[1]
    each = [run.scores["accuracy"]["value"] for run in runs if run.record["loss"]["beta"] == 1.0]
    assert len(row.runs) == 3 and row.mean("accuracy") == pytest.approx(np.mean(each))
    assert row.std("accuracy") == pytest.approx(np.std(each, ddof=1))
    lows = [run.scores["accuracy"]["low"] for run in row.runs]
    assert row.interval("accuracy")[0] == pytest.approx(np.mean(lows))
    assert row.interval("never_heard_of") is None and row.n_tracks == 60 and row.flags == ("stand_in",)
    assert row.constant_baseline("accuracy") == pytest.approx(1 / 6) and row.trained_baseline("accuracy") is None


def test_grouping_by_keys_and_by_run(sweep, runs):
    assert [(row.label, len(row.runs)) for row in group_runs(runs, ["loss"])] == [
        ("cross_entropy", 3),
        ("graph_soft", 9),
    ]
    assert len(group_runs(runs, ["run"])) == 12 and len(group_runs(runs, ["lr"])) == 1
    assert any(re.search(r"\bbeta: .*±", note) for note in compare([sweep], group_by=["loss"]).notes)
    with pytest.raises(GenrelabError, match=r"^nonsense: "):
        group_runs(runs, ["nonsense"])


def test_two_runs_stand_apart_even_if_only_their_seed_differs(sweep):
    found = compare([sweep / "0", sweep / "1"])
    assert [row.settings["seed"] for row in found.groups] == [0, 1] and found.run_pair is not None


def test_what_follows_from_another_model_is_no_difference(make_run, tmp_path):
    make_run(tmp_path / "a")
    make_run(tmp_path / "b", config={"model": {"kind": "cnn", "width": 8}}, model={"kind": "cnn"})
    make_run(tmp_path / "c", config={"model": {"kind": "cnn", "width": 16}}, model={"kind": "cnn"})
    make_run(
        tmp_path / "d", config={"paths": {"output_dir": "elsewhere"}, "optimizer": {"kind": "sgd", "momentum": 0.9}}
    )
    runs, _ = find_runs([tmp_path])
    assert varying_keys(runs) == ["model", "optimizer", "model.width"]
    assert varying_keys(runs[:2]) == ["model"]
    rows = group_runs(runs)
    assert {row.label for row in rows} == {"mlp, adam", "mlp, sgd", "cnn, adam, width 8", "cnn, adam, width 16"}


def test_an_effective_beta_that_beta_does_not_tell_is_a_difference(make_run, tmp_path):
    make_run(tmp_path / "a", beta=1.0)
    make_run(tmp_path / "b", beta=1.0, loss={"kind": "graph_soft", "beta": 1.0, "effective_beta": 7.0})
    runs, _ = find_runs([tmp_path])
    assert "effective_beta" in varying_keys(runs)


def test_flags_tell_leaks_val_scores_and_debugging(make_run, tmp_path):
    make_run(tmp_path / "a", split={"kind": "grouped", "artist_leak": True, "unsafe": True})
    make_run(tmp_path / "b", overrides=["debug=fast"], seed=1)
    (row,) = group_runs(find_runs([tmp_path])[0], ["model"])
    assert row.flags == ("unsafe", "artist_leak", "stand_in", "debug")
    assert format_cells(row, "accuracy")[0].endswith(" % UNSAFE")


def test_the_reference_is_found_by_folder_name_and_label(sweep, runs):
    rows = group_runs(runs)
    assert find_group(rows, str(sweep / "4")) is rows[1]
    assert find_group(rows, "11") is rows[3] and find_group(rows, "cross_entropy") is rows[0]
    with pytest.raises(GenrelabError, match=r"--baseline graph_soft: .*beta 1; .*beta 2; .*beta 4"):
        find_group(rows, "graph_soft")
    with pytest.raises(GenrelabError, match="--baseline elsewhere: "):
        find_group(rows, "elsewhere")


def test_a_run_without_config_and_record_is_compared(make_run, tmp_path):
    folder = make_run(tmp_path / "a")
    (folder / "config.yaml").unlink()
    (folder / "run.json").unlink()
    found = compare([tmp_path])
    assert found.groups[0].label == "a" and found.groups[0].mean("accuracy") is not None
