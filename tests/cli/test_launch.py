"""The ten likeliest mistakes: one clear line and exit code 2, before data is touched where it can be."""

from __future__ import annotations

import subprocess
import sys

import pytest

from genrelab.cli import launch
from paths import REPOSITORY


def attempt(capsys, arguments: list[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        launch.train(arguments)
    return caught.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model.widht=32"], "model.widht: no such key; did you mean 'width'?"),
        (["modle=cnn"], "modle: no such key; did you mean 'model'?"),
        (["model=resnet18flx"], "no model 'resnet18flx'; did you mean 'resnet18flex'?"),
        (["trainer.monitor=val/track/acuracy"], "did you mean 'val/track/accuracy'?"),
        (["model.width=wide"], "model.width: 'wide' is not an int"),
        (["dataset=folder"], "dataset.root: name the folder"),
        (["dataset=folder", "dataset.root=/no/such/folder", "taxonomy=flat"], "/no/such/folder"),
        (["features=[pcen,mfcc]", "model=resnet18flex"], "resnet18flex"),
        (["loss=cross_entropy", "beta=2"], "the loss 'cross_entropy' has none"),
        (["features=[pcen,pcen]"], "'pcen' is named twice"),
        (["seed=-1"], "seed: -1 is not in"),
        (["model=null"], "model"),
        (["experiment=quickstart", "-m", "beta=1,x"], "beta"),
        (["trainer.max_epochs=0"], "trainer.max_epochs: 0 is below 1"),
        (["plugins=[no_such_module]"], "cannot import 'no_such_module'"),
        (["-m", "model.width=16,wide", "beta=1,2"], "model.width: 'wide' is not an int"),
        (["optimizer.lr=-1"], "optimizer: Invalid learning rate: -1"),
        (["beta=-1"], "loss.beta: -1 is not a finite number of 0 or more"),
        (["model.width=0"], "model.width: 0 is below 1"),
        (["scheduler.factor=3"], "scheduler.factor: 3 is not between 0 and 1"),
        (["trainer.gradient_clip_val=0"], "trainer.gradient_clip_val: 0 is not above 0"),
        (["accelerator.precision=8"], "accelerator.precision: 8 is not one of"),
        (["accelerator.devices=2"], "accelerator=ddp"),
        (["+foo=1"], "foo: no such key"),
        (["plugins=x"], "write plugins=[x]"),
        (["epochs=3"], "did you mean 'trainer.max_epochs'?"),
        (["beta=1,2"], "add -m"),
        (["quickstart"], "quickstart: not an override"),
        (["dataset=folder", "dataset.root=/a[b"], "/a[b: no such folder"),
        (["data.batch_size=[3"], "quote the value"),
        (["hydra.run.dirr=x"], "hydra.run.dirr: no such key; did you mean 'dir'?"),
        (["-m", "beta=interval(1,2)"], "sweep"),
        (["--config-dir", "/no/such", "beta=1"], "/no/such: no such folder"),
        (["resume="], "resume=: name the folder of a run"),
        (["resume=/no/such/run"], "not the folder of a run"),
        (["resume=somewhere", "beta=2"], "a resumed run keeps its configuration"),
    ],
)
def test_configuration_mistakes(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, error = attempt(capsys, arguments)
    assert code == 2 and message in error, error
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
    assert code == 2 and "lacks 3 of the 3 genres" in error and "taxonomy=flat" in error


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
    assert code == 2 and "no space left" in error and "Traceback" not in error


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
    launch.train(["-m", *small, "trainer.max_epochs=1", "trainer.baselines=false", "seed=0,1"])
    output = capsys.readouterr().out
    assert "job 1 of 2: " in output and "job 2 of 2: " in output
    assert "2 jobs in" in output and "genrelab compare" in output


def test_a_run_that_listens_says_what_to_do_next(capsys, small, tmp_path):
    launch.train([*small, "trainer.max_epochs=1", "trainer.baselines=false", f"hydra.run.dir={tmp_path / 'run'}"])
    assert f"next: genrelab predict {tmp_path / 'run'} SONG" in capsys.readouterr().out
