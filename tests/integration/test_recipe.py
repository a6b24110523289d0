"""`recipe=strong`: what it composes, and that what it trains is scored, resumed, predicted and exported as one."""

import json
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import torch

from genrelab.config import compose
from genrelab.engine import run
from genrelab.engine.validate_config import check
from genrelab.inference import load_predictor
from genrelab.inference.explain.saliency import grad_cam
from genrelab.inference.export.exporter import export_run
from genrelab.runs.predictions import read_predictions
from genrelab.utils.errors import ConfigError
from small_run import small_overrides
from tiny_task import fail_at_epoch

STRONG = (
    *small_overrides(["mel_db"], ["model=vgg_mel", "model.width=4"]),
    *("recipe=strong", "trainer.max_epochs=4", "scheduler.warmup_epochs=1", "data.batch_size=8", "data.crop_ratio=0.4"),
    *("data.random_roll=per_sample", "data.class_balanced=true", "trainer.report=false", "trainer.baselines=false"),
)


@pytest.fixture(scope="module")
def overrides(music, tmp_path_factory):
    root = tmp_path_factory.mktemp("recipe")
    return [*STRONG, f"dataset.root={music}", f"paths.output_dir={root}"]


@pytest.fixture(scope="module")
def folder(overrides, tmp_path_factory):
    folder = tmp_path_factory.mktemp("strong") / "run"
    run.train(compose(overrides), folder, overrides)
    return folder


def test_resumed_equals_uninterrupted(overrides, folder, tmp_path, monkeypatch):
    fail_at_epoch(monkeypatch, 2)
    with pytest.raises(RuntimeError):
        run.train(compose(overrides), tmp_path / "run", overrides)
    monkeypatch.undo()
    run.resume(tmp_path / "run")
    a, b = (pd.read_csv(one / "metrics.csv").drop(columns="seconds") for one in (folder, tmp_path / "run"))
    pd.testing.assert_frame_equal(a, b, check_exact=True)
    a, b = (torch.load(one / "checkpoints" / "last.ckpt", weights_only=True) for one in (folder, tmp_path / "run"))
    for key in a["state_dict"]:
        assert torch.equal(a["state_dict"][key], b["state_dict"][key]), key
    assert all(torch.equal(one, other) for one, other in zip(a["ema"]["weights"], b["ema"]["weights"], strict=True))
    assert not torch.equal(a["ema"]["weights"][0], a["state_dict"]["blocks.0.weight"])


def test_recordings_are_predicted_as_they_were_scored(folder, music):
    predictor = load_predictor(folder)
    record = json.loads((folder / "run.json").read_text())
    assert record["batch_norm"]["statistics"] == "recomputed"
    test = read_predictions(folder / "predictions.parquet").only("test")
    for track in dict.fromkeys(test.track_id):
        [song] = [path for path in music.rglob("*.wav") if path.stem in track and path.parent.name in track]
        own = test.logits[test.track_id == track]
        np.testing.assert_allclose(predictor.predict(song).logits, own, atol=2e-3)
        vectors = predictor.embed(predictor.features(predictor.windows(predictor.decode(song))[0].samples))
        assert vectors.shape == (1, 16)


def test_grad_cam_covers_the_whole_segment(folder):
    predictor = load_predictor(folder)
    torch.manual_seed(0)
    [found] = grad_cam(predictor.model, [torch.randn(1, 32, 32)], 0)
    assert found.shape == (32, 32) and predictor.model.n_windows == 3
    assert all(found[:, part].max() > 0 for part in (slice(0, 10), slice(11, 21), slice(22, 32)))


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("onnxruntime") is None or find_spec("onnxscript") is None, reason="needs the extra export"
)
def test_exported_windows_agree(folder, tmp_path):
    written, config = export_run(folder, "onnx", tmp_path)  # compares the file's logits with the run's
    assert (written / "model.onnx").exists() and config["parity"]["same"]


def test_the_command_line_wins_over_the_recipe():
    strong = compose(["recipe=strong"])
    assert strong["optimizer"]["kind"] == "adamw" and strong["scheduler"]["kind"] == "cosine"
    own = ["recipe=strong", "optimizer=sgd", "scheduler=plateau", "callbacks=default", "data.crop_ratio=1"]
    own += ["trainer.ema_decay=null", "dataset=jamendo", "target=multi_label"]
    found = compose(own)
    check(found, own)
    assert (found["optimizer"]["kind"], found["scheduler"]["kind"]) == ("sgd", "plateau")
    assert found["data"]["crop_ratio"] == 1 and found["trainer"]["ema_decay"] is None
    assert "early_stopping" in found["callbacks"] and found["trainer"]["monitor"] == "val/track/pr_auc"
    assert compose([]) == compose(["recipe=none"])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["trainer.ema_decay=0.9", "callbacks=swa"], r"trainer\.ema_decay: callbacks=swa"),
        (["trainer.ema_decay=0.9", "model.bn_statistics=running"], r"model\.bn_statistics: .*recomputed"),
        (["trainer.ema_decay=1.0"], r"trainer\.ema_decay: 1\.0"),
        (["data.crop_ratio=0"], r"data\.crop_ratio: 0"),
        (["data.random_roll=each"], r"data\.random_roll: 'each'.*'per_sample'"),
        (["model=vgg_mel", "features=pcen", "data.crop_ratio=0.01"], r"features=pcen: .*128x3\b.*data\.crop_ratio"),
    ],
)
def test_what_does_not_go_together(overrides, message):
    with pytest.raises(ConfigError, match=message):
        check(compose(overrides), overrides)


def test_several_genres_a_track_are_not_balanced():
    overrides = ["dataset=jamendo", "target=multi_label", "data.class_balanced=true"]
    with pytest.raises(ConfigError, match=r"data\.class_balanced"):
        check(compose(overrides), overrides)
