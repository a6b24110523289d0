import csv
import json

from genrelab.tuning.plots import plot_all
from genrelab.tuning.summary import best_file, write_summary
from genrelab.tuning.worker import TrialResult
from sweep_helpers import make_spec, run


def recipe(overrides, comments):
    return "# " + " / ".join([*comments, *overrides]) + "\n"


def test_summary_table_and_best_follow_every_trial(tmp_path):
    spec = make_spec(tmp_path / "bowl", n_trials=2)
    study = run(spec, after=lambda: None)
    first = write_summary(study, recipe)
    study = run(make_spec(tmp_path / "bowl", n_trials=12))
    found = write_summary(study, recipe)
    values = [trial.value for trial in study.trials()]
    assert found["best"]["number"] == values.index(min(values)) != first["best"]["number"]
    assert found["best"]["folder"].endswith(f"bowl/{found['best']['number']}")
    assert found["trials"] == {"total": 12, "complete": 12, "pruned": 0, "failed": 0, "running": 0}
    assert json.loads((tmp_path / "bowl" / "summary.json").read_text()) == found
    rows = list(csv.DictReader((tmp_path / "bowl" / "trials.csv").open()))
    assert [float(row["val/track/distance"]) for row in rows] == values
    assert best_file(study) == tmp_path / "experiment" / "bowl" / "best.yaml"
    assert f"trial {found['best']['number']}," in best_file(study).read_text()
    assert best_file(study).read_text() == (tmp_path / "bowl" / "best.yaml").read_text()


def test_the_best_of_several_objectives_is_a_front(tmp_path):
    points = [(1, 1), (2, 3), (0, 0), (3, 2), (2, 2), (3, 2)]
    spec = make_spec(
        tmp_path / "bowl", objectives=("val/track/accuracy", "val/track/distance_skill"), directions=("max", "max")
    )
    found = write_summary(run(spec, lambda job: TrialResult(points[job.number])), recipe)
    assert [one["number"] for one in found["front"]] == [3, 5, 1]
    assert found["best"]["number"] == 3


def test_without_a_complete_trial_there_is_no_best(tmp_path):
    study = run(make_spec(tmp_path / "bowl"), deadline=0)
    assert write_summary(study, recipe)["best"] is None
    assert not best_file(study).exists()
    assert plot_all(study) == []


def scores(job, value):
    job.folder.mkdir()
    level = {"track": {name: {"value": value, "low": value - 0.1, "high": None} for name in ("distance", "accuracy")}}
    (job.folder / "metrics.json").write_text(json.dumps({"val": level, "test": level}))
    return TrialResult((value,))


def drawn(folder, **changes):
    study = run(make_spec(folder, **changes), lambda job: scores(job, float(len(str(job.params)) + job.number)))
    paths = plot_all(study)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    return [path.stem for path in paths]


def test_figures_fit_the_search(tmp_path):
    grid = {"sampler": {"kind": "grid"}, "n_trials": None}
    assert drawn(tmp_path / "a", params={"beta": "choice(1,1.5,2)"}, **grid) == ["curve", "history"]
    lines = {"beta": "choice(1,1.5,2)", "model": "choice(cnn,gru)"}
    assert drawn(tmp_path / "b", params=lines, **grid) == ["curve", "slice", "history"]
    assert drawn(tmp_path / "c", params={"features": "choice(pcen,mfcc)"}, **grid) == ["ranking", "history"]
    free = {"x": "interval(0.0,1.0)", "y": "tag(log,interval(1e-3,1.0))", "z": "choice(a,b)"}
    assert drawn(tmp_path / "d", params=free, n_trials=10) == ["slice", "importance", "history"]


def test_scores_of_an_unsafe_split_are_marked_wherever_a_study_shows_them(tmp_path, capsys, monkeypatch):
    from genrelab.tuning import finalize as finish
    from genrelab.tuning.console import SweepDisplay

    spec = make_spec(tmp_path / "bowl", n_trials=2)
    study = run(spec, lambda job: TrialResult(scores(job, 0.5).values, {"unsafe": True, "seconds": 1.0}))
    monkeypatch.setattr(finish, "Composer", lambda overrides: type("Some", (), {"recipe": staticmethod(recipe)}))
    drawn = []
    monkeypatch.setattr("matplotlib.figure.Figure.suptitle", lambda figure, text, **_: drawn.append(text))
    found = finish.finish(study, [])
    said = capsys.readouterr().out
    assert found["best"]["unsafe"] and "UNSAFE best: " in said
    assert drawn and all(text.startswith("UNSAFE split") for text in drawn)
    assert "UNSAFE split" in best_file(study).read_text()
    assert {row["unsafe"] for row in csv.DictReader((tmp_path / "bowl" / "trials.csv").open())} == {"True"}
    show = SweepDisplay(study, 1)
    assert all("UNSAFE  val/track/distance" in show._line(trial) for trial in study.trials())
    show.console.print(show._table(study.trials()))
    assert "UNSAFE best" in capsys.readouterr().out
    safe = write_summary(run(make_spec(tmp_path / "safe", n_trials=1)), recipe)
    assert safe["best"]["unsafe"] is False and "UNSAFE" not in (tmp_path / "safe" / "best.yaml").read_text()
