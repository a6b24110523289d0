"""Weights & Biases (offline, without an account) and TensorBoard, over a whole small run."""

from __future__ import annotations

import re

import pytest

from genrelab.config import compose
from genrelab.engine import run
from offline_wandb import read_offline


@pytest.fixture
def logged(small, monkeypatch) -> list[str]:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    return [*small, "trainer.max_epochs=2", "trainer.baselines=false"]


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
    from genrelab.training.task import GenreTask

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
    assert re.search(r"^warning: W&B .*\(upload refused\)$", capsys.readouterr().err, re.MULTILINE)


def test_a_run_tells_wandb_what_it_is(logged, tmp_path):
    pytest.importorskip("wandb")
    folder = tmp_path / "study" / "3"
    record = run.train(compose([*logged, "logger=wandb", "logger.wandb.tags=[mine,cnn]"]), folder)
    told = read_offline(next((folder / "wandb").glob("offline-run-*")))
    assert told.run.display_name == record["run_id"] == "study-3"
    assert told.run.run_id.startswith("study-3-"), "another study of this name must not write into it"
    assert (told.run.run_group, told.run.job_type) == ("study", "sweep")
    assert set(told.run.tags) == {"mine", "cnn", "mel_db", "cross_entropy", "folder"}
    assert told.exit_code == 0 and told.summary["status"] == "finished"
    assert told.config["model"]["kind"] == "cnn" and told.config["split"]["ratios"] == [0.6, 0.2, 0.2]
    assert told.config["features_name"] == "mel_db"
    assert told.summary["objective"] == record["objective"]
    assert {"beta", "effective_beta", "best_epoch", "parameters", "test/track/ece"} <= set(told.summary)
    models = [aliases for name, aliases in told.artifacts if name == f"model-{told.run.run_id}"]
    assert ["last" in aliases for aliases in models] == [True, False], "the best comes last, to be the latest"
    assert "best" in models[1]


def test_a_resumed_run_goes_on_under_its_id(logged, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    from genrelab.training.callbacks import MetricsCSVWriter

    folder = tmp_path / "study" / "0"
    begin = MetricsCSVWriter.on_train_epoch_start

    def interrupted(self, trainer, module):
        if trainer.current_epoch == 2:
            raise KeyboardInterrupt
        begin(self, trainer, module)

    with monkeypatch.context() as patch:
        patch.setattr(MetricsCSVWriter, "on_train_epoch_start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.train(compose([*logged, "trainer.max_epochs=3", "logger=wandb"]), folder)
    assert run.resume(folder)["status"] == "finished"
    first, second = (read_offline(path) for path in sorted((folder / "wandb").glob("offline-run-*")))
    assert first.run.run_id == second.run.run_id and first.run.run_group == second.run.run_group == "study"
    assert (first.exit_code, second.exit_code) == (130, 0)
    assert (first.summary["status"], second.summary["status"]) == ("interrupted", "finished")
    assert (len(first.history["train/loss"]), len(second.history["train/loss"])) == (2, 1)
    assert "test/per_genre" in {name.partition(".")[0] for name in second.history}


def test_a_pruned_trial_did_not_fail(logged, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    from genrelab.training.trial_context import Pruned, TrialReporter, report_to_trial

    with pytest.raises(Pruned), report_to_trial(TrialReporter(lambda value, epoch: True, None)):
        run.train(compose([*logged, "logger=wandb"]), tmp_path / "study" / "1")
    told = read_offline(next((tmp_path / "study" / "1" / "wandb").glob("offline-run-*")))
    assert told.exit_code == 0 and told.summary["status"] == "pruned"


@pytest.mark.slow
def test_pooled_folds_are_published_as_a_run_of_their_own(logged, tmp_path):
    pytest.importorskip("wandb")
    kept = [text for text in logged if not text.startswith("split.")]
    overrides = [*kept, "split=stratified", "split.folds=3", "trainer.max_epochs=1", "logger=wandb"]
    record = run.train(compose(overrides), tmp_path / "run", overrides)
    offline = list((tmp_path / "run" / "wandb").glob("offline-run-*"))
    assert len(offline) == 1 and f"-{record['run_id']}-" in offline[0].name
    assert b"test/per_genre" in next(offline[0].glob("*.wandb")).read_bytes()
    assert len(list((tmp_path / "run").glob("fold-*/wandb/offline-run-*"))) == 3


def test_confused_pairs_are_a_short_table_for_many_genres():
    import numpy as np

    from genrelab.tracking.publish import _confused_pairs

    matrix = np.zeros((248, 248), int)
    matrix[3, 5], matrix[3, 3], matrix[9, 9] = 2, 6, 1
    table = _confused_pairs(matrix, [f"g{number}" for number in range(248)])
    assert table.values.tolist() == [["g3", "g3", 6, 75.0], ["g3", "g5", 2, 25.0], ["g9", "g9", 1, 100.0]]
