"""Commands and names that stay whatever else is renamed."""

from __future__ import annotations

import pytest

from genrelab.cli import launch
from genrelab.config import conf_dir
from genrelab.tuning.main import read_options
from genrelab.tuning.plan import iter_searches, read_plan
from paths import REPOSITORY


@pytest.mark.parametrize(
    "command",
    [
        "model=resnet18flex_dual features=pcen_mfcc",
        "-m beta=1,1.5,2",
        "-m beta=1,1.5,2,2.5",
        "-m model=cnn,resnet18flex features=pcen,mel_db loss=cross_entropy,graph_soft experiment=quickstart",
        "-m hydra/sweeper=genrelab_optuna search=beta",
    ],
)
def test_train_command_composes(command):
    launch.preflight(command.split())


def test_sweep_command_is_read():
    options = read_options(["search=beta", "workers=2"])
    assert options.workers == 2 and options.overrides == ("search=beta",)
    [plan] = [read_plan(arguments) for arguments in iter_searches(options.overrides)]
    assert list(plan.spec.params) == ["beta"]


@pytest.mark.parametrize("group", ["model", "features", "accelerator", "loss", "dataset", "split", "search"])
def test_group_exists(group):
    assert any((conf_dir() / group).glob("*.yaml"))


def test_accelerator_options():
    assert {path.stem for path in (conf_dir() / "accelerator").glob("*.yaml")} == {"auto", "cpu", "cuda", "mps", "ddp"}


@pytest.mark.parametrize("name", ["conf", "src", "tests", "train.py", "sweep.py", "pyproject.toml", "Makefile"])
def test_top_level_name_exists(name):
    assert (REPOSITORY / name).exists()
