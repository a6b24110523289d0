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

    overrides = [*logged, "logger=[wandb,tensorboard]", "logger.wandb.log_model=true"]
    record = run.train(compose(overrides), tmp_path / "run", overrides)
    assert record["status"] == "finished"
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert len(events.Scalars("val/track/distance")) == 2
    offline = list((tmp_path / "run" / "wandb").glob("offline-run-*"))
    assert len(offline) == 1 and record["run_id"] in offline[0].name
    stored = next(offline[0].glob("*.wandb")).read_bytes()
    for text in (b"val/track/distance", b"test/confusion", b"test/track/accuracy", b"effective_beta"):
        assert text in stored, text


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
