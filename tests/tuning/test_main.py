"""sweep.py as one types it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from genrelab.config import conf_dir
from genrelab.runs.checkpoint import load_checkpoint
from genrelab.tuning.main import read_options, sweep
from genrelab.utils.errors import ConfigError
from paths import REPOSITORY

# System A's rows: search, how many trials here, the figure that it promises.
PUBLISHED = [
    ("beta", 9, "curve"),
    ("beta_by_model", 4, "curve"),
    ("features_single", 8, "ranking"),
    ("features_dual", 7, "ranking"),
    ("graph_weights", 8, "slice"),
    ("optuna", 8, "slice"),
    ("pareto", 6, "front"),
]


def test_own_keys_are_taken_out():
    options = read_options(["search=beta", "workers=2", "retrain_best=true", "seeds=3", "beta=choice(1,2)"])
    assert (options.workers, options.retrain_best, options.seeds) == (2, True, 3)
    assert options.overrides == ("search=beta", "beta=choice(1,2)")


@pytest.mark.parametrize("text", ["workers=0", "workers=two", "seeds=-1", "retrain_best=maybe", "-m"])
def test_values_that_do_not_fit_are_said_so(text):
    with pytest.raises(ConfigError, match=text.split("=")[0]):
        read_options([text])


@pytest.mark.parametrize(("typo", "meant"), [("n_trails", "n_trials"), ("worker", "workers"), ("retrain", None)])
def test_a_mistyped_key_of_the_sweep_is_suggested(typo, meant):
    if meant is None:  # too far from anything
        assert read_options([f"{typo}=2"]).overrides == (f"{typo}=2",)
        return
    with pytest.raises(ConfigError, match=rf"\b{typo}: .*'{meant}'"):
        read_options([f"{typo}=2"])


def test_keys_of_the_configuration_are_no_typos():
    given = ("seed=1", "loss=ce", "beta=2", "trainer.max_epochs=3", "+x=1", "sampler=tpe", "study=mine", "n_trials=3")
    assert read_options(given).overrides == given


def test_help_names_the_searches(capsys):
    sweep(["--help"])
    shown = capsys.readouterr().out
    assert all(path.stem in shown for path in (conf_dir() / "search").glob("*.yaml"))


def test_mistakes_exit_with_2_and_one_line(capsys):
    with pytest.raises(SystemExit) as left:
        sweep(["search=bta"])
    assert left.value.code == 2
    assert re.fullmatch(r"error: .*search=bta: .*'beta'.*\n", capsys.readouterr().err)


def command(*arguments):
    return [sys.executable, str(REPOSITORY / "sweep.py"), *arguments]


@pytest.mark.slow
def test_a_sweep_survives_ctrl_c_and_a_killed_worker(small, tmp_path):
    shared = [*small, "trainer.baselines=false", "loss=graph_soft", "beta=choice(0.5,1,2,4)"]
    line = command(*shared, "sampler=grid", "study=s", "workers=2", "retrain_best=true", "seeds=2")
    folder = tmp_path / "outputs" / "sweeps" / "s"
    first = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path)
    _wait((folder / "0" / "run.json").exists)
    first.send_signal(signal.SIGINT)
    told = first.communicate(timeout=60)[0]
    assert first.returncode == 130 and "queued again" in told

    second = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path)
    _wait(lambda: any(path.is_dir() and int(path.name) > 1 for path in folder.glob("[0-9]*")))
    os.kill(_children(second.pid)[0], signal.SIGKILL)
    told = second.communicate(timeout=240)[0]
    assert second.returncode == 0, told
    assert "started again" in told
    found = json.loads((folder / "summary.json").read_text())
    assert found["trials"]["complete"] == 4
    assert load_checkpoint(tmp_path / found["best"]["checkpoint"])["state_dict"]
    assert (folder / "plots" / "curve.png").exists()
    seeds = json.loads(next(folder.glob("seeds_of_*/seeds.json")).read_text())
    assert len(seeds["val/track/distance"]["values"]) == 2
    again = subprocess.run(
        [
            sys.executable,
            str(REPOSITORY / "train.py"),
            "--config-dir",
            str(folder.parent),
            "experiment=s/best",
            f"paths.output_dir={tmp_path / 'again'}",
            "trainer.max_epochs=1",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=200,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    config = yaml.safe_load(next((tmp_path / "again" / "runs").glob("*/config.yaml")).read_text())
    assert config["beta"] == found["best"]["params"]["beta"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "trials", "figure"), PUBLISHED)
def test_every_published_search_draws_its_figure(name, trials, figure, tmp_path):
    cache = REPOSITORY / "outputs" / "cache"
    narrow = [] if name == "beta_by_model" else ["model.width=8"]  # its networks have no width
    shared = [f"search={name}", "debug=short", *narrow, "trainer.max_epochs=3", "workers=2", f"n_trials={trials}"]
    told = subprocess.run(
        command(*shared, f"paths.cache_dir={cache}", f"paths.feature_cache_dir={REPOSITORY / 'outputs' / 'store'}"),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=600,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    folder = tmp_path / "outputs" / "sweeps" / name
    assert (folder / "plots" / f"{figure}.png").exists()
    found = json.loads((folder / "summary.json").read_text())
    assert found["trials"]["complete"] + found["trials"]["pruned"] == trials
    assert (tmp_path / found["best"]["checkpoint"]).exists()
    assert f"experiment={name}/best" in told.stdout


def _children(pid):
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait(condition, seconds=120):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, "waited too long"
        time.sleep(0.05)
