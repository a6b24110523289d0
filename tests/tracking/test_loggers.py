"""Weights & Biases (offline, without an account) and TensorBoard, over a whole small run."""

from __future__ import annotations

import pytest

from genrelab import run
from genrelab.config import compose


@pytest.fixture
def logged(small, monkeypatch) -> list[str]:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    return [*small, "trainer.epochs=2", "trainer.baselines=false"]


def test_both_loggers_get_the_epochs(logged, tmp_path):
    pytest.importorskip("wandb")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    overrides = [*logged, "logger=[wandb,tensorboard]"]
    record = run.train(compose(overrides), tmp_path / "run", overrides)
    assert record["status"] == "finished"
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert len(events.Scalars("val/track/distance")) == 2
    offline = list((tmp_path / "run" / "wandb").glob("offline-run-*"))
    assert len(offline) == 1 and record["run_id"] in offline[0].name
    stored = next(offline[0].glob("*.wandb")).read_bytes()
    names = "val/track/distance test/confusion_genre test/per_genre test/examples test/track/accuracy effective_beta"
    for text in names.split():
        assert text.encode() in stored, text
    assert stored.count(f"model-{record['run_id']}".encode()) >= 2, "the best and the last checkpoint"
    assert b"test/distances" not in stored, "a flat taxonomy has no distances"
    media = {path.parent.name for path in offline[0].rglob("media/*/test/*")}
    assert media and list(offline[0].rglob("media/images/test/examples_mel_db_*.png"))


def test_a_failed_run_is_closed_as_failed(logged, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    from genrelab.task import GenreTask

    codes = []
    finish = wandb.finish

    def watched(exit_code: int) -> None:
        codes.append(exit_code)
        finish(exit_code)

    monkeypatch.setattr(wandb, "finish", watched)
    monkeypatch.setattr(GenreTask, "on_test_epoch_end", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run.train(compose([*logged, "logger=wandb"]), tmp_path / "run")
    assert codes == [1] and wandb.run is None


def test_what_wandb_does_not_take_is_a_warning(logged, tmp_path, monkeypatch, capsys):
    pytest.importorskip("wandb")

    def refuse(*_: object) -> None:
        raise OSError("upload refused")

    monkeypatch.setattr("genrelab.tracking.publish._to_wandb", refuse)
    record = run.train(compose([*logged, "logger=wandb"]), tmp_path / "run")
    assert record["status"] == "finished"
    assert "warning: W&B did not get all results of this run (upload refused)" in capsys.readouterr().err


@pytest.mark.slow
def test_pooled_folds_are_published_as_a_run_of_their_own(logged, tmp_path):
    pytest.importorskip("wandb")
    kept = [text for text in logged if not text.startswith("split.")]
    overrides = [*kept, "split=stratified", "split.folds=3", "trainer.epochs=1", "logger=wandb"]
    record = run.train(compose(overrides), tmp_path / "run", overrides)
    offline = list((tmp_path / "run" / "wandb").glob("offline-run-*"))
    assert len(offline) == 1 and offline[0].name.endswith(record["run_id"])
    assert b"test/per_genre" in next(offline[0].glob("*.wandb")).read_bytes()
    assert len(list((tmp_path / "run").glob("fold-*/wandb/offline-run-*"))) == 3


def test_confused_pairs_are_a_short_table_for_many_genres():
    import numpy as np

    from genrelab.tracking.publish import _pairs

    matrix = np.zeros((248, 248), int)
    matrix[3, 5], matrix[3, 3], matrix[9, 9] = 2, 6, 1
    table = _pairs(matrix, [f"g{number}" for number in range(248)])
    assert table.values.tolist() == [["g3", "g3", 6, 75.0], ["g3", "g5", 2, 25.0], ["g9", "g9", 1, 100.0]]
