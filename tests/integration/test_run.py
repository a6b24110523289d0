"""A whole run on made-up music: what it leaves, resuming, folds, what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from genrelab.config import compose
from genrelab.engine import build, run
from genrelab.runs.checkpoint import load_checkpoint
from genrelab.runs.predictions import read_predictions
from genrelab.training.batch_norm import recompute_batch_norm_statistics
from genrelab.utils.errors import ConfigError, GenrelabError
from paths import REPOSITORY
from tiny_task import fail_at_epoch


def train(overrides: list[str], folder: Path) -> dict:
    return run.train(compose(overrides), folder, overrides)


def test_a_run_leaves_everything_that_a_reader_needs(small, tmp_path):
    folder = tmp_path / "run"
    record = train([*small, "callbacks=swa", "callbacks.swa.start_epoch=0"], folder)
    for name in (
        "config.yaml",
        "overrides.txt",
        "run.json",
        "metrics.csv",
        "metrics.json",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "checkpoints/swa.ckpt",
        "predictions.parquet",
        "split.json",
        "taxonomy.json",
        "report/index.html",
    ):
        assert (folder / name).exists(), name
    assert record == json.loads((folder / "run.json").read_text())
    assert record["status"] == "finished" and record["dataset"]["tracks"] == {"train": 18, "val": 6, "test": 6}
    curves = pd.read_csv(folder / "metrics.csv")
    assert curves["epoch"].tolist() == [0, 1, 2]
    assert record["monitor"]["best"] <= curves["val/track/distance"].min()
    predictions = read_predictions(folder / "predictions.parquet")
    assert len(predictions.only("test")) == 12 and len(predictions.only("val")) == 12
    best = load_checkpoint(folder / "checkpoints" / "best.ckpt")
    assert best["genrelab"]["genres"] == list(predictions.genres)
    assert "optimizer_states" not in best
    torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)


def test_the_best_checkpoint_gives_the_written_logits(small, tmp_path):
    """Serving from the checkpoint alone: audio file -> logits as in predictions.parquet."""
    from genrelab.audio import AudioSpec, cut_segments, load_audio
    from genrelab.datamodules import Normalizer
    from genrelab.features import FeatureSpec, extract, quantize
    from genrelab.models.registry import MODELS

    folder = tmp_path / "run"
    train(small, folder)
    content = load_checkpoint(folder / "checkpoints" / "best.ckpt")
    made = content["genrelab"]
    net = MODELS.build(
        made["model"]["kind"],
        made["model"]["params"],
        in_shapes=[tuple(shape) for shape in made["model"]["in_shapes"]],
        n_classes=len(made["genres"]),
    )
    net.load_state_dict(content["state_dict"])
    net.eval()
    audio = AudioSpec.from_dict(made["preprocessing"]["audio"])
    specs = [FeatureSpec.from_dict(spec) for spec in made["preprocessing"]["features"]]
    normalizer = Normalizer(made["preprocessing"]["normalize"])
    tests = read_predictions(folder / "predictions.parquet").only("test")
    root = Path(compose(small)["dataset"]["root"])
    track = tests.track_id[0]
    for segment in cut_segments(load_audio(root / track, audio.sample_rate), audio, track):
        arrays = [quantize(s, a)[None] for s, a in zip(specs, extract(specs, segment.samples), strict=True)]
        with torch.no_grad():
            logits = net(*normalizer([torch.from_numpy(array) for array in arrays]))[0].numpy()
        row = (tests.track_id == track) & (tests.segment_id == segment.index)
        assert np.allclose(logits, tests.logits[row][0], atol=1e-4)


@pytest.mark.parametrize("statistics", ["recomputed", "running"])
def test_best_checkpoint_holds_the_statistics_that_val_was_scored_with(small, tmp_path, statistics):
    overrides = [*small, f"model.bn_statistics={statistics}"]
    record = train(overrides, tmp_path / "run")
    best = load_checkpoint(tmp_path / "run" / "checkpoints" / "best.ckpt")["state_dict"]
    config = compose(overrides)
    dataset = build.read_dataset(config)
    split, feature_cache = build.make_split(config, dataset.index), build.make_feature_cache(config)
    data = build.make_data(config, dataset, split, feature_cache, ())
    normalizer, net = data.fit_normalizer(), build.make_network(config, data.shapes, len(dataset.taxonomy.genres))
    net.load_state_dict(best)
    batches = list(data.train_sample_dataloader())
    recompute_batch_norm_statistics(net, [lambda batch=batch: net(*normalizer(batch.features)) for batch in batches])
    same = [
        torch.allclose(value, best[name], atol=1e-5) for name, value in net.state_dict().items() if "running" in name
    ]
    assert all(same) is (statistics == "recomputed")
    assert record["batch_norm"]["statistics"] == statistics


def test_bn_statistics_of_an_unknown_kind_are_refused(small, tmp_path):
    with pytest.raises(ConfigError) as refused:
        train([*small, "model.bn_statistics=median"], tmp_path / "run")
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["model.bn_statistics"]


COMPARED = ["epoch", "lr", "train/loss", "val/loss", "val/track/distance", "val/segment/accuracy"]


@pytest.mark.slow
def test_killed_in_mid_epoch_and_resumed_equals_uninterrupted(small, tmp_path):
    whole = [
        *small,
        "trainer.max_epochs=8",
        "model.dropout=0.3",
        "augment=pitch_noise",
        "scheduler.patience=0",
        "callbacks=swa",
    ]
    train(whole, tmp_path / "whole")
    killed = tmp_path / "killed"
    command = [sys.executable, "train.py", *whole, f"hydra.run.dir={killed}", "trainer.enable_progress_bar=false"]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.time() + 120
    while time.time() < deadline and process.poll() is None:
        curves = killed / "metrics.csv"
        if curves.exists() and len(pd.read_csv(curves)) >= 2:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(pd.read_csv(killed / "metrics.csv")) < 8, "killed too late to test anything"
    subprocess.run(
        [sys.executable, "train.py", f"resume={killed}"], cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL
    )
    a, b = (pd.read_csv(folder / "metrics.csv")[COMPARED] for folder in (tmp_path / "whole", killed))
    pd.testing.assert_frame_equal(a, b, rtol=1e-5)
    a, b = (read_predictions(folder / "predictions.parquet").logits for folder in (tmp_path / "whole", killed))
    assert np.allclose(a, b, atol=1e-4)
    with pytest.raises(GenrelabError, match="is finished"):
        run.resume(killed)


@pytest.mark.slow
def test_two_processes_train_one_run(small, tmp_path):
    overrides = [
        *small,
        "accelerator=ddp",
        "accelerator.accelerator=cpu",
        "callbacks=swa",
        "callbacks.swa.start_epoch=0",
    ]
    folder = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "train.py", *overrides, f"hydra.run.dir={folder}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "finished" and record["hardware"]["devices"] == 2
    assert done.stdout.count("epoch   1/3") == done.stdout.count("report: ") == 1
    assert len(pd.read_csv(folder / "metrics.csv")) == 3
    assert len(read_predictions(folder / "predictions.parquet").only("test")) == 12, "each segment once"


def test_interrupted_between_epochs_and_resumed_equals_uninterrupted(small, tmp_path, monkeypatch):
    """The same without a process: an error at the start of epoch 2 stands for a kill."""
    overrides = [*small, "trainer.max_epochs=4", "model.dropout=0.3", "scheduler.patience=0", "trainer.report=false"]
    train(overrides, tmp_path / "whole")
    fail_at_epoch(monkeypatch, 2)
    with pytest.raises(RuntimeError):
        train(overrides, tmp_path / "broken")
    assert json.loads((tmp_path / "broken" / "run.json").read_text())["status"] == "failed"
    monkeypatch.undo()
    run.resume(tmp_path / "broken")
    a, b = (pd.read_csv(tmp_path / name / "metrics.csv")[COMPARED] for name in ("whole", "broken"))
    pd.testing.assert_frame_equal(a, b, rtol=1e-5)


@pytest.mark.slow
def test_a_run_that_failed_after_training_is_not_trained_further(small, tmp_path, monkeypatch):
    from genrelab.training.task import GenreTask

    overrides = [*small, "trainer.max_epochs=6", "callbacks=swa", "callbacks.swa.start_epoch=0", "trainer.report=false"]
    overrides += ["callbacks.early_stopping.patience=1", "optimizer.lr=0.000001"]
    train(overrides, tmp_path / "whole")
    monkeypatch.setattr(GenreTask, "on_test_epoch_end", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(overrides, tmp_path / "broken")
    monkeypatch.undo()
    run.resume(tmp_path / "broken")
    records = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("whole", "broken")]
    assert records[0]["monitor"] == records[1]["monitor"] and records[0]["monitor"]["epochs"] < 6
    assert records[0]["swa"] == records[1]["swa"]


@pytest.mark.slow
def test_folds_are_pooled_so_that_each_track_is_tested_once(small, tmp_path):
    overrides = [text for text in small if not text.startswith("split.")]
    overrides += ["split=stratified", "split.folds=3", "trainer.max_epochs=1"]
    record = train(overrides, tmp_path / "run")
    tests = read_predictions(tmp_path / "run" / "predictions.parquet").only("test")
    assert len(np.unique(tests.track_id)) == 30 and len(tests) == 60
    assert len(record["folds"]) == 3 and record["dataset"]["tracks"]["test"] == 30
    assert (tmp_path / "run" / "report" / "index.html").exists()


def test_the_test_part_is_locked_before_the_test_stage(small, tmp_path):
    from genrelab.engine import build

    config = compose(small)
    dataset = build.read_dataset(config)
    split = build.make_split(config, dataset.index)
    feature_cache = build.make_feature_cache(config)
    build.prepare(feature_cache, dataset, split, ())
    data = build.make_data(config, dataset, split, feature_cache, ())
    with pytest.raises(GenrelabError, match="locked"):
        data.test_dataloader()


def test_statistics_and_copies_come_from_train_alone(small, tmp_path):
    """Plant the leak: val and test rows are replaced by huge values; the normalizer must not move."""
    from genrelab.engine import build

    config = compose([*small, "augment=pitch_noise"])
    dataset = build.read_dataset(config)
    split = build.make_split(config, dataset.index)
    feature_cache, augments = build.make_feature_cache(config), build.make_augments(config)
    build.prepare(feature_cache, dataset, split, augments)
    data = build.make_data(config, dataset, split, feature_cache, augments)
    train_tracks = set(split.tracks("train"))
    loaded = []
    load = feature_cache.load
    feature_cache.load = lambda rows: loaded.append(set(rows["track_id"])) or load(rows)
    data.fit_normalizer()
    assert set().union(*loaded) <= train_tracks
    assert set(data.rows("train")["augment"]) == {"none", *(augment.name for augment in augments)}
    for part in ("val", "test"):
        assert set(data.rows(part)["augment"]) == {"none"}
    everything = pd.concat([pd.read_parquet(path) for path in feature_cache.root.glob("*/index.parquet")])
    copies = everything[everything["augment"] != "none"]
    assert len(copies) == len(train_tracks) * 2 * len(augments)
    assert set(copies["track_id"]) <= train_tracks, "augmented copies of val or test tracks are not even built"


def test_weights_do_not_depend_on_batch_size(small):
    from genrelab.engine import build

    nets = [build.make_network(compose([*small, f"data.batch_size={size}"]), [(32, 32)], 3) for size in (4, 64)]
    for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_diverging_training_says_so(small, tmp_path):
    with pytest.raises(GenrelabError, match=r"^val/.* optimizer\.lr"):
        train([*small, "optimizer.lr=1e30"], tmp_path / "run")


def test_a_run_is_not_resumed_on_changed_music(small, music, tmp_path):
    import shutil

    root = tmp_path / "music"
    shutil.copytree(music, root)
    overrides = [*small, f"dataset.root={root}", "trainer.max_epochs=1", "trainer.report=false"]
    train(overrides, tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    path.write_text(path.read_text().replace('"finished"', '"failed"'))
    song = next(root.rglob("*.wav"))
    song.write_bytes((root / "Fast" / "Fast artist 1" / "song 1.wav").read_bytes())
    with pytest.raises(GenrelabError, match=r"/run: .*\bsplit\b"):
        run.resume(tmp_path / "run")


def test_a_run_is_resumed_where_the_music_has_moved(small, music, tmp_path):
    import shutil

    before, after = tmp_path / "music", tmp_path / "moved"
    shutil.copytree(music, before)
    overrides = [*small, f"dataset.root={before}", "trainer.max_epochs=1", "trainer.report=false"]
    first = train(overrides, tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    path.write_text(path.read_text().replace('"finished"', '"failed"'))
    shutil.copytree(before, after, copy_function=shutil.copy)  # with new dates
    shutil.rmtree(before)
    again = run.resume(tmp_path / "run", [f"dataset.root={after}", "accelerator.num_threads=1"])
    assert again["status"] == "finished" and again["split"]["hash"] == first["split"]["hash"]
    assert again["objective"] == first["objective"]
    assert again["resumed_with"] == [f"dataset.root={after}", "accelerator.num_threads=1"]
    assert f"root: {after}" in (tmp_path / "run" / "config.yaml").read_text()
    path.write_text(path.read_text().replace('"finished"', '"failed"'))
    (after / "Slow" / "Slow artist 0" / "song 0.wav").unlink()
    with pytest.raises(GenrelabError, match=r"/run: .*\bsplit\b"):
        run.resume(tmp_path / "run")


def test_a_run_is_not_resumed_on_another_graph(small, tmp_path):
    train([*small, "trainer.max_epochs=1", "trainer.report=false"], tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    path.write_text(path.read_text().replace('"finished"', '"failed"'))
    began = json.loads(path.read_text())
    began["fingerprints"] |= {"taxonomy": "another", "mel_db": "another"}
    path.write_text(json.dumps(began))
    with pytest.raises(GenrelabError, match=r"\btaxonomy\b.*\bmel_db\b"):
        run.resume(tmp_path / "run")


def test_two_processes_do_not_resume_one_run(small, tmp_path):
    from filelock import FileLock

    train([*small, "trainer.max_epochs=1", "trainer.report=false"], tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    path.write_text(path.read_text().replace('"finished"', '"failed"'))
    with FileLock(tmp_path / "run" / ".lock"), pytest.raises(GenrelabError, match=r"/run: .*\bprocess\b"):
        run.resume(tmp_path / "run")


def test_any_file_of_a_run_names_it_on_resuming(small, tmp_path):
    train([*small, "trainer.max_epochs=1", "trainer.report=false"], tmp_path / "run")
    with pytest.raises(GenrelabError, match=r"/run: .*\bfinished\b"):
        run.resume(tmp_path / "run" / "checkpoints" / "last.ckpt")


def test_a_table_of_features_is_trained_on(tmp_path):
    generator = np.random.default_rng(0)
    genres = np.repeat(["Rock", "Jazz", "Pop"], 30)
    values = generator.normal(size=(90, 4)) + 3 * np.eye(3, 4)[pd.factorize(genres)[0]]
    table = pd.DataFrame(values, columns=list("abcd")).assign(genre=genres)
    table.to_csv(tmp_path / "table.csv", index=False)
    overrides = [
        "dataset=table",
        f"dataset.path={tmp_path / 'table.csv'}",
        "trainer.max_epochs=3",
        "accelerator=cpu",
        "trainer.report=false",
    ]
    record = train([*overrides, "data.batch_size=16"], tmp_path / "run")
    assert record["status"] == "finished" and record["features"] == ["table"]
    with pytest.raises(ConfigError, match=r"^(?!.*augment).*features"):
        train([*overrides, "features=pcen", "model=cnn"], tmp_path / "other")
    with pytest.raises(ConfigError, match="augment"):
        train([*overrides, "augment=pitch_noise"], tmp_path / "other")


@pytest.mark.slow
def test_masks_and_mixup_change_training_alone(small, tmp_path):
    changed = ["data.freq_mask_ratio=0.3", "data.time_mask_ratio=0.3", "data.mixup_alpha=0.4"]
    plain, other = (train([*small, *more], tmp_path / name) for name, more in (("plain", []), ("other", changed)))
    a, b = (pd.read_csv(tmp_path / name / "metrics.csv") for name in ("plain", "other"))
    assert plain["status"] == other["status"] == "finished"
    assert not np.allclose(a["train/loss"], b["train/loss"])
    with pytest.raises(ConfigError, match=r"data\.freq_mask_ratio: 1\.5 .*\[0, 1\)"):
        train([*small, "data.freq_mask_ratio=1.5"], tmp_path / "wrong")
