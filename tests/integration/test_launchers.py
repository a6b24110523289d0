"""Launchers of multiruns: joblib and submitit over real processes, SLURM over programs that play its part."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genrelab.cli import launch
from paths import REPOSITORY

TRAIN = [sys.executable, str(REPOSITORY / "train.py"), "-m"]
FAKES = {
    # Accepts a job array and runs its tasks in the background, as a cluster would; once more where one was requeued.
    "sbatch": """#!/bin/bash
cp "$1" "$FAKE_SLURM/script.sh"
last=$(grep -oP '(?<=--array=0-)[0-9]+' "$1")
for task in $(seq 0 "$last"); do
  SLURM_JOB_ID=$((70 + task)) SLURM_ARRAY_JOB_ID=70 SLURM_ARRAY_TASK_ID=$task SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 \\
  SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_JOB_NAME=genrelab SLURM_JOB_NODELIST=here \\
    bash "$1" > "$FAKE_SLURM/task$task.txt" 2>&1 < /dev/null &
done
echo "Submitted batch job 70"
""",
    "srun": """#!/bin/bash
shift 3  # --unbuffered --output FILE
"$@" &
child=$!
echo $child > "$FAKE_SLURM/pid$SLURM_ARRAY_TASK_ID"
wait $child
test -e "$FAKE_SLURM/requeued$SLURM_ARRAY_TASK_ID" && exec "$@"
""",
    "scontrol": """#!/bin/bash
case "$1" in
  requeue) touch "$FAKE_SLURM/requeued${2#70_}";;
  *) echo here;;
esac
""",
    "sacct": """#!/bin/bash
echo 'JobID|State|NodeList'
echo '70_0|RUNNING|here'
echo '70_1|RUNNING|here'
""",
}


def start(overrides: list[str], **environment: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if name != "GENRELAB_LAUNCH_ID"}
    return subprocess.Popen(
        [*TRAIN, *overrides], cwd=REPOSITORY, env=kept | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    raise AssertionError(f"{path} never came")


def records(outputs: Path) -> list[dict]:
    launches = list((outputs / "sweeps").iterdir())
    assert len(launches) == 1, "every process agrees on the folder"
    found = [json.loads((launches[0] / name / "run.json").read_text()) for name in ("0", "1")]
    assert [record["run_id"] for record in found] == [f"{launches[0].name}-0", f"{launches[0].name}-1"]
    assert all(f"seed={number + 1}" in record["overrides"] for number, record in enumerate(found))
    return found


@pytest.fixture
def two(small, tmp_path) -> list[str]:
    return [*small, "trainer.max_epochs=1", "trainer.baselines=false", "seed=1,2"]


def test_a_launcher_that_is_not_installed_is_one_line(monkeypatch, capsys):
    from hydra.core.config_store import ConfigStore

    launch.preflight(["-m", "beta=1,2", "hydra/launcher=joblib"])  # the plugins register themselves
    launchers = ConfigStore.instance().repo["hydra"]["launcher"]
    for name in ("joblib.yaml", "submitit_slurm.yaml"):
        monkeypatch.delitem(launchers, name)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    for name in ("joblib", "slurm"):
        with pytest.raises(SystemExit) as caught:
            launch.train(["-m", "beta=1,2", f"hydra/launcher={name}"])
        assert caught.value.code == 2
        said = capsys.readouterr().err
        assert re.fullmatch(rf"error: .*hydra/launcher={name}: .*pip install 'genrelab\[launchers\]'\n", said)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "hydra/launcher=jobllib"], "hydra/launcher 'jobllib'.*'joblib'"),
        (["hydra/launcher=joblib"], "add -m"),
        (["-m", "search=beta", "hydra/launcher=joblib"], "python sweep.py workers=N"),
        (["-m", "beta=1,2", "hydra/launcher=slurm"], "srun"),
        (["-m", "beta=1,2", "hydra/launcher=joblib", "hydra.launcher.jobs=2"], r"hydra\.launcher\.jobs: "),
    ],
)
def test_mistakes_are_one_line(capsys, monkeypatch, arguments, message):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(SystemExit) as caught:
        launch.train(arguments)
    assert caught.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_processes_of_a_launcher_are_told_the_folder(monkeypatch, capsys):
    """What they inherit is not enough: SLURM may keep the environment back, joblib keeps workers of a launch before."""
    told = []
    monkeypatch.delenv("GENRELAB_LAUNCH_ID", raising=False)
    monkeypatch.setattr(launch, "_with_hydra", lambda job, arguments: told.append(arguments[-1]))
    launch.train(["-m", "beta=1,2", "hydra/launcher=joblib"])
    launch.train(["-m", "beta=1,2", "hydra/launcher=joblib"])
    assert all(text.startswith("hydra.sweep.dir=${paths.sweeps_dir}/20") for text in told) and told[0] != told[1]
    name = told[1].rpartition("/")[2]
    assert re.search(rf"^2 jobs .*hydra/launcher=joblib.*outputs/sweeps/{name}$", capsys.readouterr().out, re.MULTILINE)


def test_jobs_side_by_side_share_the_cores(monkeypatch):
    from genrelab.training import trainer

    monkeypatch.setattr(trainer, "default_workers", lambda: 16)
    for told, threads in (("4", 4), ("4,2", 4), ("", 8), ("0", 8)):
        monkeypatch.setenv("OMP_NUM_THREADS", told)
        assert trainer._num_threads(2) == threads


def test_a_job_that_a_launcher_lost_is_one_line(monkeypatch, capsys):
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    def lose(*_: object) -> None:
        raise TerminatedWorkerError("A worker process was killed.\nThe exit codes are {SIGKILL(-9)}")

    monkeypatch.setattr(launch, "_with_hydra", lose)
    with pytest.raises(SystemExit) as caught:
        launch.train(["-m", "beta=1,2", "hydra/launcher=joblib"])
    assert caught.value.code == 2
    assert re.fullmatch(r"error: .*: A worker process was killed\.\n", capsys.readouterr().err)


@pytest.mark.slow
def test_joblib(two, tmp_path):
    process = start([*two, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"])
    said, wrong = process.communicate(timeout=300)
    assert process.returncode == 0, wrong
    assert [record["status"] for record in records(tmp_path / "outputs")] == ["finished"] * 2
    assert re.match(r"2 jobs .*hydra/launcher=joblib", said)


@pytest.mark.slow
def test_joblib_composes_the_demo_and_its_errors_are_one_line(tmp_path):
    """On a fresh folder of outputs; the second job's demo has fewer tracks than artists."""
    small = ["debug=fast", "features=mfcc", "model=mlp", "augment=none", "callbacks=none"]
    own = ["demo.genres=5", "demo.tracks_per_genre=6,2", f"paths.output_dir={tmp_path / 'outputs'}"]
    process = start([*small, *own, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"])
    _, wrong = process.communicate(timeout=300)
    assert process.returncode == 2, wrong
    assert (
        wrong.splitlines()[-1].startswith("error: ") and "dataset.tracks_per_genre: 2 tracks" in wrong.splitlines()[-1]
    )
    found = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.glob("outputs/sweeps/*/[01]/run.json")}
    assert {name: record["status"] for name, record in found.items()} == {"0": "finished", "1": "failed"}, wrong


@pytest.mark.slow
def test_a_job_that_fails_leaves_the_others_and_is_one_line(two, tmp_path):
    wrong_at_work = [*two[:-1], "model.width=16,32", "optimizer.lr=1e30"]
    process = start([*wrong_at_work, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"])
    _, wrong = process.communicate(timeout=300)
    assert process.returncode == 2, wrong
    assert "optimizer.lr" in wrong
    assert "Traceback" not in wrong
    folders = sorted((tmp_path / "outputs" / "sweeps").glob("*/[01]/run.json"))
    assert [json.loads(path.read_text())["status"] for path in folders] == ["failed"] * 2


@pytest.mark.slow
def test_submitit_here_goes_on_after_it_was_preempted(two, tmp_path):
    longer = [text.replace("epochs=1", "epochs=15") for text in two]
    process = start([*longer, "callbacks=none", "hydra/launcher=submitit_local"])
    sweeps = tmp_path / "outputs" / "sweeps"
    wait_for(sweeps, process)
    folder = next(sweeps.iterdir())
    wait_for(folder / "0" / "checkpoints" / "last.ckpt", process)
    for controller in (folder / ".submitit").glob("[0-9]*"):
        children = Path(f"/proc/{controller.name}/task/{controller.name}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGUSR2)  # submitit's, for "your time is over"
    assert process.wait(300) == 0, process.communicate()[1]
    assert [record["status"] for record in records(tmp_path / "outputs")] == ["finished"] * 2
    logs = [path.read_text() for path in folder.glob(".submitit/*/*.out")]
    assert any(re.search(r"resum.* epoch \d", log) for log in logs)
    epochs = [line.split(",")[0] for line in (folder / "0" / "metrics.csv").read_text().splitlines()[1:]]
    assert len(epochs) == len(set(epochs)) == 15


@pytest.mark.slow
def test_slurm_gets_its_settings_and_runs_the_jobs(two, tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in FAKES.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    overrides = [*two, "hydra/launcher=slurm", "hydra.launcher.partition=gpu", "hydra.launcher.account=music"]
    process = start(overrides, PATH=f"{programs}:{os.environ['PATH']}", FAKE_SLURM=str(tmp_path))
    _, wrong = process.communicate(timeout=300)
    told = "".join(path.read_text() for path in tmp_path.glob("task*.txt"))
    assert process.returncode == 0, wrong + told
    script = (tmp_path / "script.sh").read_text()
    for setting in (
        "time=1440", "cpus-per-task=8", "gpus-per-node=1", "mem=32GB", "partition=gpu", "account=music",
        "array=0-1%2", "job-name=genrelab", "signal=USR2@120",
    ):  # fmt: skip
        assert f"#SBATCH --{setting}" in script, setting
    assert [record["status"] for record in records(tmp_path / "outputs")] == ["finished"] * 2
