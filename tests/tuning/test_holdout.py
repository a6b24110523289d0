"""Trials of few tracks: one training each, whatever `split=auto` makes of a run."""

import yaml

from genrelab.tuning.objective import TrainingObjective
from genrelab.tuning.plan import read_plan
from genrelab.tuning.processes import print_plan
from genrelab.tuning.study_storage import SharedStudy
from genrelab.tuning.worker import TrialJob
from small_run import small_overrides

SPLIT = {"kind": "auto", "ratios": None, "seed": 0, "group_by": "artist"}


def plan(music, outputs, *more):
    small = [text for text in small_overrides(["mel_db"], ["model=knn"]) if not text.startswith("split")]
    quiet = ["trainer.report=false", "trainer.baselines=false", "refit=false"]
    given = [*small, *quiet, "split=auto", f"dataset.root={music}", f"paths.output_dir={outputs}"]
    return read_plan([*given, "model.n_neighbors=choice(1,3)", "n_trials=2", *more])


def test_a_trial_is_one_training_and_its_recipe_keeps_the_folds(music, tmp_path):
    found = plan(music, tmp_path)
    objective = TrainingObjective(found.spec, found.overrides)
    job = TrialJob(0, tmp_path / "0", {"model.n_neighbors": 1}, ("model.n_neighbors=1",))
    objective(job)
    config = yaml.safe_load((job.folder / "config.yaml").read_text())
    assert config["split"] == {"kind": "grouped", "ratios": [0.7, 0.2, 0.1], "seed": 0, "group_by": "artist"}
    assert not (job.folder / "fold-0").exists()
    recipe = objective.composer.recipe(job.overrides, [])
    assert objective.composer.config(job.overrides)["split"] == SPLIT and "ratios" not in recipe


def test_the_plan_says_so(music, tmp_path, capsys):
    for more, said in (([], True), (["split=grouped", "study=other"], False)):
        print_plan(SharedStudy(plan(music, tmp_path, *more).spec), 1)
        assert ("holdout" in capsys.readouterr().out) is said
