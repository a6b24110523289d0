"""The lessons that sweeps taught, each on a plain function in place of training."""

import json
import math
import re
import time

import pytest

from genrelab.training.trial_context import CURRENT_TRIAL
from genrelab.tuning.study_storage import WORKER_DIED, SharedStudy, trial_attributes
from genrelab.tuning.worker import TrialResult, run_trial
from genrelab.utils.errors import GenrelabError
from sweep_helpers import bowl, check_forty, kill, make_spec, run, start_worker, states, wait_for


def points(study):
    return [tuple(trial.params.values()) for trial in study.trials()]


def test_n_trials_is_the_total_and_a_second_start_only_adds(tmp_path):
    run(make_spec(tmp_path, n_trials=4))
    study = run(make_spec(tmp_path, n_trials=6))
    assert states(study) == ["COMPLETE"] * 6
    assert len({path.name for path in tmp_path.iterdir() if path.name.isdigit()}) == 6  # `bowl` makes each anew


def test_a_study_started_again_does_not_draw_the_same_points(tmp_path):
    run(make_spec(tmp_path, n_trials=4))
    study = run(make_spec(tmp_path, n_trials=8))
    assert len(set(points(study))) == 8


def test_workers_with_one_seed_draw_different_points(tmp_path):
    one = run(make_spec(tmp_path / "a"), worker=0)
    other = run(make_spec(tmp_path / "b"), worker=1)
    assert not set(points(one)) & set(points(other))
    again = run(make_spec(tmp_path / "c"), worker=0)
    assert points(again) == points(one)


@pytest.mark.parametrize("storage", ["journal", "sqlite"])
def test_a_killed_workers_trial_is_found_by_its_lock_and_queued_again(tmp_path, storage):
    spec = make_spec(tmp_path, n_trials=3, storage=storage)
    process = start_worker(spec, 0, seconds=60)
    study = SharedStudy(spec)
    wait_for(lambda: study.counts().running == 1 and (tmp_path / "0").exists())
    study.requeue_stale()
    assert states(study) == ["RUNNING"]  # it lives
    kill(process)
    study = run(spec)
    assert states(study) == ["FAIL"] + ["COMPLETE"] * 3
    lost, again = study.trials()[:2]
    assert trial_attributes(lost)["error"] == WORKER_DIED
    assert again.user_attrs["retry_of"] == 0
    assert again.params == lost.params


def test_a_dead_trial_does_not_end_a_study_short_and_is_not_retried_for_ever(tmp_path):
    spec = make_spec(tmp_path, n_trials=2, max_retries=1)
    for _ in range(2):  # dies twice over the same point
        study = SharedStudy(spec)
        study.ask()
        study.locks._held.popitem()[1].release()
    study = run(spec)
    assert states(study) == ["FAIL", "FAIL", "COMPLETE", "COMPLETE"]
    assert trial_attributes(study.trials()[1])["requeued"] is False and trial_attributes(study.trials()[1])[
        "error"
    ].startswith(WORKER_DIED)
    assert study.trials()[2].params != study.trials()[1].params


def test_exceptions_and_nan_count_as_failures_alike_and_three_in_a_row_end_a_launch(tmp_path):
    def poor(job):
        if job.number == 0:
            raise RuntimeError("CUDA out of memory")
        return TrialResult((math.nan if job.number < 3 else 1.0,))

    with pytest.raises(GenrelabError, match=r"^3 trials .*\btrial 2: .*\bnan$"):
        run(make_spec(tmp_path), poor)
    study = run(make_spec(tmp_path), poor)  # a new start begins to count anew
    assert states(study) == ["FAIL"] * 3 + ["COMPLETE"] * 6


@pytest.mark.slow
def test_failures_in_all_are_capped_too(tmp_path):
    def every_other(job):
        return TrialResult((math.nan if job.number % 2 else 1.0,))

    with pytest.raises(GenrelabError, match=r"^4 trials "):
        run(make_spec(tmp_path, n_trials=40, max_failures=4), every_other)


def test_pruned_trials_are_pruned_not_failed_and_count(tmp_path):
    def curve(job):
        for epoch in range(6):
            value = 1.0 if job.number < 2 else 9.0
            CURRENT_TRIAL.get().report_epoch("val/x", {"val/x": math.nan if epoch == 0 else value}, epoch)
        return TrialResult((value,))

    pruner = {"kind": "median", "startup_trials": 2, "warmup_epochs": 2}
    study = run(make_spec(tmp_path, n_trials=4, pruner=pruner), curve)
    assert states(study) == ["COMPLETE", "COMPLETE", "PRUNED", "PRUNED"]
    pruned = study.trials()[2]
    assert max(pruned.intermediate_values) == 2
    assert re.search(r"epoch 3: val/x 9\.000", trial_attributes(pruned)["pruned"])
    assert CURRENT_TRIAL.get() is None


def test_several_objectives_never_report(tmp_path):
    def two(job):
        assert CURRENT_TRIAL.get() is None
        return TrialResult((job.params["x"], -job.params["x"]))

    spec = make_spec(
        tmp_path, objectives=("a", "b"), directions=("min", "min"), pruner={"kind": "median"}, sampler={"kind": "nsga2"}
    )
    assert states(run(spec, two)) == ["COMPLETE"] * 6


def test_a_changed_space_is_refused_with_what_changed(tmp_path):
    run(make_spec(tmp_path, n_trials=1, fixed={"trainer.max_epochs": 20}))
    changed = make_spec(tmp_path, params={"x": "interval(-1.0,2.0)"}, fixed={"trainer.max_epochs": 30})
    with pytest.raises(GenrelabError) as error:
        SharedStudy(changed)
    assert re.search(r"params\.x: .*-1 to 1, .*-1 to 2", str(error.value))
    assert re.search(r"config\.trainer\.max_epochs: .*20, .*30", str(error.value))
    assert "study=NAME" in str(error.value)
    SharedStudy(make_spec(tmp_path, n_trials=5, sampler={"kind": "tpe"}, fixed={"trainer.max_epochs": 20}))  # these may


def test_a_study_of_before_a_key_goes_on_with_what_its_absence_meant(tmp_path):
    run(make_spec(tmp_path, n_trials=1, fixed={"loss.kind": "hxe"}))
    with pytest.raises(GenrelabError, match=r"config\.loss\.weighting: .*from_leaf, .*from_root"):
        SharedStudy(make_spec(tmp_path, fixed={"loss.kind": "hxe", "loss.weighting": "from_root"}))
    SharedStudy(make_spec(tmp_path, fixed={"loss.kind": "hxe", "loss.weighting": "from_leaf"}))


def test_a_grid_runs_each_point_once_and_ends_by_itself(tmp_path):
    spec = make_spec(
        tmp_path, sampler={"kind": "grid"}, n_trials=None, params={"x": "range(0,1,0.25)", "y": "choice(a,b)"}
    )
    study = run(spec)
    wanted = [(x, y) for x in (0.0, 0.25, 0.5, 0.75) for y in "ab"]
    assert points(study) == wanted
    assert states(run(spec)) == ["COMPLETE"] * 8  # nothing is left to do


def test_a_grids_failed_points_are_tried_again_by_the_next_start(tmp_path):
    spec = make_spec(tmp_path, sampler={"kind": "grid"}, n_trials=None, params={"x": "choice(1,2,3)"})
    study = run(spec, lambda job: TrialResult((math.nan if job.params["x"] == 2 else 1.0,)))
    assert states(study) == ["COMPLETE", "FAIL", "COMPLETE"]
    study.retry_failed()
    study = run(spec)
    assert states(study) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials()[3].user_attrs["retry_of"] == 1


def test_ctrl_c_queues_the_trial_again(tmp_path):
    def stop(job):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(make_spec(tmp_path, max_retries=0), stop)
    study = run(make_spec(tmp_path, n_trials=2, max_retries=0))
    assert states(study) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials()[1].user_attrs["retry_of"] == 0


def test_no_trial_starts_after_the_deadline(tmp_path):
    assert states(run(make_spec(tmp_path), deadline=time.time() - 1)) == []


def test_other_data_than_the_studys_are_refused(tmp_path):
    def of(data):
        return lambda job: TrialResult((1.0,), {"data": data})

    run(make_spec(tmp_path, n_trials=2), of("one"))
    with pytest.raises(GenrelabError, match=r"study 'bowl' .*study=NAME"):
        run(make_spec(tmp_path), of("other"))


def test_half_a_line_in_the_journal_hinders_nobody(tmp_path):
    run(make_spec(tmp_path, n_trials=2))
    journal = tmp_path / "study.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code": 4, "wor')  # a full disk
    assert states(run(make_spec(tmp_path, n_trials=4))) == ["COMPLETE"] * 4
    for line in journal.read_text().splitlines():
        json.loads(line)


def test_two_workers_share_forty_trials_and_one_is_killed(tmp_path):
    spec = make_spec(tmp_path, n_trials=40)
    workers = [start_worker(spec, number) for number in range(2)]
    study = SharedStudy(spec)
    wait_for(lambda: study.counts().ended >= 10)
    kill(workers[0])
    workers[0] = start_worker(spec, 0)
    assert [worker.wait(20) for worker in workers] == [0, 0]
    check_forty(study)


def test_a_trial_that_another_worker_runs_is_waited_for(tmp_path):
    spec = make_spec(tmp_path, n_trials=2)
    mine = SharedStudy(spec)
    first = mine.ask()
    other = SharedStudy(spec, worker=1)
    second = other.ask()
    assert other.ask() is None and not other.is_finished()  # both count while they run
    run_trial(other, second, bowl)
    assert not other.is_finished()
    run_trial(mine, first, bowl)
    assert other.is_finished()
    assert not list((tmp_path / ".running").iterdir())
