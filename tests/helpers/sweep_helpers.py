"""Cheap studies: a plain function in place of training."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from genrelab.tuning.study_spec import StudySpec
from genrelab.tuning.study_storage import SharedStudy, trial_attributes
from genrelab.tuning.worker import TrialResult, run_trials


def make_spec(folder, **changes):
    given = {
        "name": "bowl",
        "folder": Path(folder),
        "params": {"x": "interval(-1.0,1.0)"},
        "objectives": ("val/track/distance",),
        "directions": ("min",),
        "sampler": {"kind": "random", "seed": 0},
        "n_trials": 6,
    }
    return StudySpec(**{**given, **changes})


def bowl(job):
    job.folder.mkdir()  # fails where a folder would be used twice
    return TrialResult((job.params["x"] ** 2,))


def run(spec, objective=bowl, worker=0, launch="", **options):
    study = SharedStudy(spec, worker, launch)
    run_trials(study, objective, poll=0.02, **options)
    return study


def states(study):
    return [trial.state.name for trial in study.trials()]


def start_worker(spec, worker, seconds=0.02, launch="one"):
    """A worker process on `spec` with an objective that sleeps."""
    code = (
        "import sys, time\n"
        "from genrelab.tuning.study_spec import StudySpec\n"
        "from genrelab.tuning.study_storage import SharedStudy, trial_attributes\n"
        "from genrelab.tuning.worker import TrialResult, run_trials\n"
        "def bowl(job):\n"
        "    job.folder.mkdir()\n"
        "    (job.folder / 'checkpoint').write_text(str(job.params['x']))\n"
        f"    time.sleep({seconds})\n"
        "    return TrialResult((job.params['x'] ** 2,), {'checkpoint': str(job.folder / 'checkpoint')})\n"
        f"run_trials(SharedStudy(StudySpec.from_json(sys.argv[1]), {worker}, {launch!r}), bowl, poll=0.05)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, spec.to_json()], stdout=subprocess.DEVNULL, start_new_session=True
    )


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(condition, seconds=20):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, "waited too long"
        time.sleep(0.02)


def check_forty(study):
    """Exactly forty distinct points ended, what was lost is linked, and the best one's checkpoint is its own."""
    trials = study.trials()
    ended = [trial for trial in trials if trial.state.name in ("COMPLETE", "PRUNED")]
    assert len(ended) == 40 == len({tuple(trial.params.items()) for trial in ended})
    lost = [trial for trial in trials if trial.state.name == "FAIL"]
    links = {trial.user_attrs["retry_of"]: trial for trial in trials if "retry_of" in trial.user_attrs}
    assert set(links) == {trial.number for trial in lost}
    assert all(trial.params.items() <= links[trial.number].params.items() for trial in lost)  # none where killed in ask
    best = min(ended, key=lambda trial: trial.value)
    assert float(Path(trial_attributes(best)["checkpoint"]).read_text()) == best.params["x"]
    assert {trial.user_attrs["worker"][2] for trial in ended} == {"one"}
    assert len({trial.user_attrs["worker"][1] for trial in ended}) >= 2
