"""Recipes that people pass on are data: what would run code or read the environment is refused before Hydra acts."""

from __future__ import annotations

import re

import pytest

from genrelab.cli import launch
from genrelab.config import compose
from genrelab.engine.auto.command import resume_race
from genrelab.runs.run_record import RunRecord
from genrelab.utils.errors import ConfigError

CALLBACK = "hydra:\n  callbacks:\n    planted:\n      _target_: os.mkdir\n      path: {marker}\n"
LOGGING = "hydra:\n  job_logging:\n    version: 1\n    handlers: {{x: {{(): os.mkdir, path: {marker}}}}}\n"
HOSTILE = {
    "callbacks": ("experiment/mine.yaml", f"# @package _global_\n{CALLBACK}"),
    "job_logging": ("experiment/mine.yaml", f"# @package _global_\n{LOGGING}"),
    "package": ("experiment/mine.yaml", "# @package hydra.callbacks.planted\n_target_: os.mkdir\npath: {marker}\n"),
    "defaults": (
        "experiment/mine.yaml",
        "# @package _global_\ndefaults:\n  - /more@hydra.callbacks.planted: it\n",
    ),
    "launcher": ("experiment/mine.yaml", "# @package _global_\ndefaults:\n  - override /hydra/launcher: mine\n"),
    "outside": ("experiment/mine.yaml", "# @package _global_\ndefaults:\n  - /model/../../../elsewhere: it\n"),
    "plugins": ("experiment/mine.yaml", "# @package _global_\nplugins: [planted_module]\n"),
    "environment": ("experiment/mine.yaml", "# @package _global_\nmodel:\n  width: ${{oc.env:SECRET}}\n"),
    "environment of defaults": (
        "experiment/mine.yaml",
        "# @package _global_\ndefaults:\n  - override /model: ${{oc.env:SECRET}}\n",
    ),
    "nested resolver": (
        "experiment/mine.yaml",
        "# @package _global_\nseed: ${{${{paths.name}}:SECRET}}\n",
    ),
}


def written(folder, hostile, marker):
    name, text = hostile
    file = folder / name
    file.parent.mkdir(parents=True)
    (folder / "more").mkdir()
    (folder / "more" / "it.yaml").write_text(f"_target_: os.mkdir\npath: {marker}\n")
    (folder / "hydra" / "launcher").mkdir(parents=True)
    (folder / "hydra" / "launcher" / "mine.yaml").write_text(f"_target_: os.mkdir\npath: {marker}\n")
    file.write_text(text.format(marker=marker))
    return file


def attempt(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        launch.train(arguments)
    return caught.value.code, "".join(capsys.readouterr())


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET", "s3cr3t")
    (tmp_path / "planted_module.py").write_text("import os\nos.mkdir('marker')\n")
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize("command", [["--config-dir", "recipes"], ["-cd", "recipes", "-m"], ["--config-dir=recipes"]])
@pytest.mark.parametrize("case", HOSTILE)
def test_a_recipe_that_would_do_more_is_refused(capsys, tmp_path, case, command):
    file = written(tmp_path / "recipes", HOSTILE[case], tmp_path / "marker")
    code, output = attempt(capsys, [*command, "experiment=mine", "trainer.max_epochs=0"])
    assert code == 2 and not (tmp_path / "marker").exists()
    assert str(file) in output and "--trust-config" in output
    assert "s3cr3t" not in output and "Traceback" not in output


@pytest.mark.parametrize("flags", [["--cfg", "job"], ["--cfg", "job", "--resolve"]])
def test_it_is_not_shown_either(capsys, tmp_path, flags):
    written(tmp_path / "recipes", HOSTILE["environment"], tmp_path / "marker")
    code, output = attempt(capsys, [*flags, "--config-dir", "recipes", "experiment=mine"])
    assert code == 2 and "s3cr3t" not in output and "Traceback" not in output


def test_what_sweeps_leave_behind_is_checked_too(capsys, tmp_path):
    file = written(tmp_path / "outputs" / "sweeps", HOSTILE["callbacks"], tmp_path / "marker")
    code, output = attempt(capsys, ["experiment=mine"])
    assert code == 2 and not (tmp_path / "marker").exists() and str(file) in output


def test_options_of_hydra_are_refused_by_their_place(capsys, tmp_path):
    written(tmp_path / "recipes", HOSTILE["callbacks"], tmp_path / "marker")
    code, output = attempt(capsys, ["--config-dir", "recipes", "-m", "hydra/launcher=mine", "beta=1,2"])
    assert code == 2 and not (tmp_path / "marker").exists() and "launcher/mine" in output


@pytest.mark.parametrize(
    "flags",
    [
        ["--config-path", "recipes"],
        ["-cp=recipes"],
        ["--config-name", "x"],
        ["--config-pa=recipes"],
        ["-cn", "x"],
        ["--experimental-rerun", "x.pickle"],
        ["--exp=x.pickle"],
        ["hydra.searchpath=[file://recipes]"],
    ],
)
def test_nothing_is_loaded_past_the_check(capsys, flags):
    code, output = attempt(capsys, [*flags, "beta=1"])
    assert code == 2 and re.search(rf"error: configuration, .*{re.escape(flags[0])}", output)


def test_a_trusted_recipe_may_do_all_that_hydra_can(capsys, tmp_path):
    written(tmp_path / "recipes", HOSTILE["environment"], tmp_path / "marker")
    code, output = attempt(capsys, ["--trust-config", "--config-dir", "recipes", "experiment=mine"])
    assert code == 2 and "model.width: 's3cr3t'" in output


def test_values_and_references_are_free(tmp_path):
    file = written(tmp_path / "recipes", HOSTILE["callbacks"], tmp_path / "marker")
    file.write_text("# @package _global_\ndefaults:\n  - override /features: pcen\nseed: 3\nbeta: ${seed}\n")
    arguments = launch.recipe_flags(["--config-dir", "recipes", "experiment=mine", "model=cnn"])
    launch.preflight(arguments)


def test_trust_ends_with_the_command(capsys, tmp_path):
    written(tmp_path / "recipes", HOSTILE["environment"], tmp_path / "marker")
    attempt(capsys, ["--trust-config", "--config-dir", "recipes", "experiment=mine"])
    assert "--trust-config" in attempt(capsys, ["--config-dir", "recipes", "experiment=mine"])[1]


def test_a_resumed_run_imports_nothing_unasked(capsys, tmp_path):
    folder = tmp_path / "run"
    RunRecord.start(folder, compose(["model=cnn", "features=mel_db", "plugins=[planted_module]"]), [])
    code, output = attempt(capsys, [f"resume={folder}"])
    assert code == 2 and not (tmp_path / "marker").exists()
    assert str(folder / "config.yaml") in output and "--trust-config" in output
    with pytest.raises(SystemExit):
        launch.train([f"resume={folder}", "dataset.root=/no/such", "--trust-config"])
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    "text", ["plugins=[planted_module]", "hydra.callbacks.x._target_=os.mkdir", "seed=${oc.env:A}"]
)
def test_a_resumed_race_imports_nothing_unasked(tmp_path, text):
    folder = tmp_path / "race"
    record = RunRecord.start(folder, compose([]), [])
    record.data["auto"] = {"overrides": [text], "budget": 1}
    record.write()
    with pytest.raises(ConfigError, match="--trust-config"):
        resume_race(folder, trusted=False)
    assert not (tmp_path / "marker").exists()
