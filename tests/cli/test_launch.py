"""The ten likeliest mistakes: one clear line and exit code 2, before data is touched where it can be."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from genrelab.cli import launch
from paths import REPOSITORY

DELETED = {
    "audio": "default",
    "data": "default",
    "graph": "taxonomy",
    "trainer": "default",
    "accelerator": "cpu",
    "callbacks": "none",
    "logger": "none",
    "paths": "default",
    "model": "cnn",
    "split": "grouped",
}


def attempt(capsys, arguments: list[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        launch.train(arguments)
    return caught.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model.widht=32"], r"model\.widht: .*'width'"),
        (["modle=cnn"], r": modle: .*'model'"),
        (["model=resnet18flx"], "model 'resnet18flx'.*'resnet18flex'"),
        (["trainer.monitor=val/track/acuracy"], "val/track/acuracy.*'val/track/accuracy'"),
        (["model.width=wide"], r"model\.width: 'wide'.* int\b"),
        (["dataset=folder"], r": dataset\.root: "),
        (["dataset=folder", "dataset.root=/no/such/folder", "taxonomy=flat"], "/no/such/folder"),
        (["features=[pcen,mfcc]", "model=resnet18flex"], "resnet18flex"),
        (["loss=cross_entropy", "beta=2"], "beta.*loss 'cross_entropy'"),
        (["features=[pcen,pcen]"], r"features: .*'pcen'"),
        (["seed=-1"], ": seed: -1 "),
        (["model=null"], ": model=null: "),
        (["experiment=quickstart", "-m", "beta=1,x"], "beta"),
        (["trainer.max_epochs=0"], r"trainer\.max_epochs: 0 .*\b1\b"),
        (["plugins=[no_such_module]"], "plugins: .*'no_such_module'"),
        (["-m", "model.width=16,wide", "beta=1,2"], r"model\.width: 'wide'.* int\b"),
        (["optimizer.lr=-1"], "optimizer: .*learning rate: -1"),
        (["beta=-1"], r"loss\.beta: -1 .*\b0\b"),
        (["model.width=0"], r"model\.width: 0 .*\b1\b"),
        (["scheduler.factor=3"], r"scheduler\.factor: 3 .*\b0\b.*\b1\b"),
        (["trainer.gradient_clip_val=0"], r"trainer\.gradient_clip_val: 0 .*\b0\b"),
        (["accelerator.precision=8"], r"accelerator\.precision: 8 .*16-mixed"),
        (["accelerator.devices=2"], "accelerator=ddp"),
        (["+foo=1"], ": foo: "),
        (["plugins=x"], r"plugins=\[x\]"),
        (["epochs=3"], r"epochs: .*'trainer\.max_epochs'"),
        (["beta=1,2"], "add -m"),
        (["quickstart"], ": quickstart: "),
        (["dataset=folder", "dataset.root=/a[b"], r"/a\[b: "),
        (["data.batch_size=[3"], r"data\.batch_size=\[3"),
        (["hydra.run.dirr=x"], r"hydra\.run\.dirr: .*'dir'"),
        (["-m", "beta=interval(1,2)"], "sweep"),
        (["--config-dir", "/no/such", "beta=1"], "/no/such: "),
        (["resume="], ": resume=: "),
        (["resume=/no/such/run"], "/no/such/run: "),
        *(([f"~{group}"], rf": {group}: .*\b{option}\b") for group, option in DELETED.items()),
        (["--cfg", "job", "-m", "beta=1,2"], ": --cfg: .*-m"),
        (["resume=somewhere", "beta=2"], ": beta=2: "),
    ],
)
def test_configuration_mistakes(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, error = attempt(capsys, arguments)
    assert code == 2 and re.search(message, error), error
    assert "Traceback" not in error
    assert error.startswith("error: ")


def test_nothing_is_written_where_the_configuration_does_not_fit(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attempt(capsys, ["optimizer.lr=-1"])
    assert list(tmp_path.iterdir()) == []


def test_several_mistakes_come_in_one_list(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, error = attempt(capsys, ["model.width=wide", "trainer.monitor=val/los", "data.batch_size=0"])
    assert code == 2 and "problems" in error
    assert all(part in error for part in ("model.width", "data.batch_size"))


def test_a_taxonomy_that_lacks_a_genre(capsys, small):
    code, error = attempt(capsys, [*small, "taxonomy=gtzan"])
    assert code == 2 and re.search(r"\b3 .*\b3 genres", error) and "taxonomy=flat" in error


def test_too_few_artists_in_a_genre(capsys, small):
    code, error = attempt(
        capsys, [*(text for text in small if "split" not in text), "split=stratified", "split.folds=6"]
    )
    assert code == 2 and "split.group_by=null" in error


def test_unwritable_output(capsys, small, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, error = attempt(capsys, [*small, f"paths.output_dir={tmp_path / 'file' / 'outputs'}"])
    assert code == 2 and "paths.output_dir=FOLDER" in error


def test_no_space_left(capsys, small, monkeypatch):
    import errno

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere.ckpt")

    monkeypatch.setattr("genrelab.training.callbacks.checkpointing.atomic_path", full)
    code, error = attempt(capsys, small)
    assert code == 2 and "somewhere.ckpt" in error and "paths.output_dir=FOLDER" in error and "Traceback" not in error


def test_bad_checkpoint_on_resuming(capsys, small, tmp_path, monkeypatch):
    from genrelab.training.task import GenreTask

    monkeypatch.setattr(GenreTask, "on_test_epoch_end", lambda self: 1 / 0)
    folder = tmp_path / "run"
    with pytest.raises(ZeroDivisionError):
        launch.train([*small, "trainer.max_epochs=1", f"hydra.run.dir={folder}"])
    monkeypatch.undo()
    (folder / "checkpoints" / "last.ckpt").write_bytes(b"not a checkpoint")
    code, error = attempt(capsys, [f"resume={folder}"])
    assert code == 2 and "last.ckpt" in error and "Traceback" not in error


def test_help_lists_the_groups_and_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['train.py', '--help']\n"
        "from genrelab.cli.launch import train\n"
        "try:\n    train(['--help'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'torch', 'lightning', 'librosa', 'pandas', 'matplotlib', 'wandb'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for group in ("dataset", "taxonomy", "features", "model", "loss", "accelerator", "experiment"):
        assert f"{group}: " in done.stdout


def test_a_multirun_ends_with_its_jobs_side_by_side(capsys, small):
    launch.train(["-m", *small, "trainer.max_epochs=1", "trainer.baselines=false", "trainer.report=false", "seed=0,1"])
    output = capsys.readouterr().out
    assert "job 1 of 2: " in output and "job 2 of 2: " in output
    assert "2 jobs " in output and "genrelab compare" in output


def test_a_run_that_listens_says_what_to_do_next(capsys, small, tmp_path):
    launch.train(
        [
            *small,
            "trainer.max_epochs=1",
            "trainer.baselines=false",
            "trainer.report=false",
            f"hydra.run.dir={tmp_path / 'run'}",
        ]
    )
    assert f"genrelab predict {tmp_path / 'run'} SONG" in capsys.readouterr().out
