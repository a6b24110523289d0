"""Filtering, grouping, and means over seeds."""

from __future__ import annotations

import numpy as np
import pytest

from genrelab.evaluation.comparison import compare
from genrelab.evaluation.comparison.filters import differing, matching
from genrelab.evaluation.comparison.formatting import cells
from genrelab.evaluation.comparison.groups import find_row, rows_of
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
    assert len(matching(runs, conditions)) == count


def test_conditions_over_scores(runs):
    found = matching(runs, ["accuracy>0.8"])
    assert found and all(run.scores["accuracy"]["value"] > 0.8 for run in found) and len(found) < 12


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("betta=1", "did you mean 'beta'"),
        ("kind=mlp", "which one"),
        ("beta", "say KEY=VALUE"),
        ("beta>much", "not a number"),
        ("qqqqqqq=1", "there is: run, seed"),
    ],
)
def test_wrong_conditions_are_named(runs, condition, text):
    with pytest.raises(GenrelabError, match=text):
        matching(runs, [condition])


def test_nothing_left_is_said(sweep):
    with pytest.raises(GenrelabError, match="none of the 12 runs meets beta>9"):
        compare([sweep], where=["beta>9"])


def test_seeds_collapse_to_mean_and_spread(runs):
    rows = rows_of(runs)
    assert [row.label for row in rows] == ["cross_entropy", *(f"graph_soft, beta {beta}" for beta in (1, 2, 4))]
    row = rows[1]
    each = [run.scores["accuracy"]["value"] for run in runs if run.record["loss"]["beta"] == 1.0]
    assert len(row.runs) == 3 and row.mean("accuracy") == pytest.approx(np.mean(each))
    assert row.spread("accuracy") == pytest.approx(np.std(each, ddof=1))
    lows = [run.scores["accuracy"]["low"] for run in row.runs]
    assert row.ends("accuracy")[0] == pytest.approx(np.mean(lows))
    assert row.ends("never_heard_of") is None and row.tracks == 60 and row.flags == ("stand_in",)
    assert row.constant("accuracy") == pytest.approx(1 / 6) and row.trained_baseline("accuracy") is None


def test_grouping_by_keys_and_by_run(sweep, runs):
    assert [(row.label, len(row.runs)) for row in rows_of(runs, ["loss"])] == [("cross_entropy", 3), ("graph_soft", 9)]
    assert len(rows_of(runs, ["run"])) == 12 and len(rows_of(runs, ["lr"])) == 1
    assert "differ in beta" in " ".join(compare([sweep], by=["loss"]).notes)
    with pytest.raises(GenrelabError, match="no run has such a key"):
        rows_of(runs, ["nonsense"])


def test_two_runs_stand_apart_even_if_only_their_seed_differs(sweep):
    found = compare([sweep / "0", sweep / "1"])
    assert [row.settings["seed"] for row in found.rows] == [0, 1] and found.two is not None


def test_what_follows_from_another_model_is_no_difference(make_run, tmp_path):
    make_run(tmp_path / "a")
    make_run(tmp_path / "b", config={"model": {"kind": "cnn", "width": 8}}, model={"kind": "cnn"})
    make_run(tmp_path / "c", config={"model": {"kind": "cnn", "width": 16}}, model={"kind": "cnn"})
    make_run(
        tmp_path / "d", config={"paths": {"output_dir": "elsewhere"}, "optimizer": {"kind": "sgd", "momentum": 0.9}}
    )
    runs, _ = find_runs([tmp_path])
    assert differing(runs) == ["model", "optimizer", "model.width"]
    assert differing(runs[:2]) == ["model"]
    rows = rows_of(runs)
    assert {row.label for row in rows} == {"mlp, adam", "mlp, sgd", "cnn, adam, width 8", "cnn, adam, width 16"}


def test_an_effective_beta_that_beta_does_not_tell_is_a_difference(make_run, tmp_path):
    make_run(tmp_path / "a", beta=1.0)
    make_run(tmp_path / "b", beta=1.0, loss={"kind": "graph_soft", "beta": 1.0, "effective_beta": 7.0})
    runs, _ = find_runs([tmp_path])
    assert "effective_beta" in differing(runs)


def test_flags_tell_leaks_val_scores_and_debugging(make_run, tmp_path):
    make_run(tmp_path / "a", split={"kind": "grouped", "artist_leak": True, "unsafe": True})
    make_run(tmp_path / "b", overrides=["debug=fast"], seed=1)
    (row,) = rows_of(find_runs([tmp_path])[0], ["model"])
    assert row.flags == ("unsafe", "artist_leak", "stand_in", "debug")
    assert cells(row, "accuracy")[0].endswith(" % UNSAFE")


def test_the_reference_is_found_by_folder_name_and_label(sweep, runs):
    rows = rows_of(runs)
    assert find_row(rows, str(sweep / "4")) is rows[1]
    assert find_row(rows, "11") is rows[3] and find_row(rows, "cross_entropy") is rows[0]
    with pytest.raises(GenrelabError, match="which one"):
        find_row(rows, "graph_soft")
    with pytest.raises(GenrelabError, match="not among"):
        find_row(rows, "elsewhere")


def test_a_run_without_config_and_record_is_compared(make_run, tmp_path):
    folder = make_run(tmp_path / "a")
    (folder / "config.yaml").unlink()
    (folder / "run.json").unlink()
    found = compare([tmp_path])
    assert found.rows[0].label == "a" and found.rows[0].mean("accuracy") is not None
