"""One run, two paths: what training's store, batches and task say of audio, and what the predictor says."""

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from genrelab import load_predictor
from genrelab.audio import AudioError
from genrelab.audio.errors import NO_SAMPLES, NON_FINITE
from genrelab.config import compose
from genrelab.engine import build
from genrelab.features.cache import FeatureCache
from genrelab.postprocessing import aggregate_segments
from genrelab.runs.predictions import read_predictions
from genrelab.utils.errors import GenrelabError
from paths import SHARED_DATA
from small_run import small_overrides, train_small


def agree(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-3 * np.ptp(theirs)
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).all()


def test_logits_and_decisions_are_those_of_the_run_itself(run, predictor):
    """predictions.parquet was written by Lightning, store and all."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    paths = build.read_dataset_index(config).tracks.set_index("track_id")["path"]
    written = read_predictions(run / "predictions.parquet")
    for track in sorted(set(written.track_id)):
        theirs = written.logits[written.track_id == track]
        found = predictor.predict(paths[track])
        agree(found.logits, theirs)
        joined, _ = aggregate_segments(theirs, np.zeros(len(theirs), int))
        assert found.top[0].genre == written.genres[int(joined.argmax())]


def stored_logits(predictor, files, root) -> dict[str, np.ndarray]:
    """Training's path: decoded and stored by the store's workers, loaded, normalized, through the network."""
    import pandas as pd

    feature_cache = FeatureCache(root, predictor.audio, predictor.in_specs)
    feature_cache.prepare(pd.DataFrame({"track_id": files, "path": files}), workers=1, progress=False)
    rows = feature_cache.rows(files)
    loaded = [torch.from_numpy(feature) for feature in feature_cache.load(rows)]
    with torch.inference_mode():
        logits = predictor.model(*predictor.normalizer(loaded)).numpy()
    return {file: logits[(rows["track_id"] == file).to_numpy()] for file in files}


@pytest.mark.slow
def test_a_run_with_features_made_in_the_step_listens_alike(music, tmp_path):
    """It stores waveforms of 16 bits and computes features in torch, unrounded."""
    run = train_small(music, tmp_path, [*small_overrides(), "data.on_the_fly=true"])
    dataset_index = build.read_dataset_index(compose([*small_overrides(), f"dataset.root={music}"]))
    paths = dataset_index.tracks.set_index("track_id")["path"]
    predictor = load_predictor(run)
    assert predictor.on_the_fly
    written = read_predictions(run / "predictions.parquet")
    for track in sorted(set(written.track_id)):
        agree(predictor.predict(paths[track]).logits, written.logits[written.track_id == track])


@pytest.mark.shared
def test_real_clips_through_store_and_predictor(predictor, tmp_path):
    clips = sorted((SHARED_DATA / "gtzan_mini").rglob("*.flac"))[::9]
    theirs = stored_logits(predictor, [str(clip) for clip in clips], tmp_path)
    for clip in clips:
        agree(predictor.predict(clip).logits, theirs[str(clip)])


def test_it_imports_neither_hydra_nor_lightning(run, music):
    song = next(music.rglob("*.wav"))
    code = (
        "import sys, genrelab\n"
        f"p = genrelab.load_predictor({str(run)!r})\n"
        f"p.predict({str(song)!r})\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules}"
        " & {'hydra', 'omegaconf', 'lightning', 'sklearn', 'matplotlib'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_prediction_holds_what_it_says(run, predictor, music):
    song = next(music.rglob("*.wav"))
    found = predictor.predict(song, top=2)
    assert found.path == str(song) and found.seconds == pytest.approx(4.2, abs=0.01)
    assert [entry.start for entry in found.segments] == pytest.approx([0, 2], abs=0.3)
    assert all(entry.probabilities.sum() == pytest.approx(1) for entry in found.segments)
    assert len(found.top) == 2 and found.top[0].probability >= found.top[1].probability
    assert found.probabilities.sum() == pytest.approx(1) and found.logits.shape == (2, 3)
    assert found.neighbors == ()  # a flat taxonomy
    plain = found.to_dict(predictor.genres)
    assert plain["top"][0]["title"] == found.top[0].title and len(plain["segments"]) == 2


def test_samples_of_any_kind_are_the_file(predictor, music):
    song = next(music.rglob("*.wav"))
    samples, rate = soundfile.read(song, dtype="float32")
    of_file = predictor.predict(song).logits
    np.testing.assert_array_equal(predictor.predict(samples, rate).logits, of_file)
    stereo = np.stack([samples, samples], axis=1)
    np.testing.assert_allclose(predictor.predict(stereo, rate).logits, of_file, atol=1e-5)
    whole = np.round(samples * 32768).astype(np.int16)  # the file's own numbers
    np.testing.assert_allclose(predictor.predict(whole, rate).logits, of_file, atol=1e-5)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(0, np.float32), NO_SAMPLES),
        (np.full(9000, np.nan, np.float32), re.escape(NON_FINITE)),
        (np.zeros((2, 3, 4), np.float32), r"\[2, 3, 4\]"),
    ],
)
def test_useless_samples_are_told(predictor, samples, reason):
    with pytest.raises(AudioError, match=reason):
        predictor.predict(samples)


def test_a_hop_covers_all_and_ends_with_the_recording(predictor):
    samples = np.random.default_rng(0).normal(0, 0.1, 8000 * 7).astype(np.float32)
    windows = predictor.windows(samples, hop=0.75)
    starts = [window.start / 8000 for window in windows]
    assert starts[:3] == [0, 0.75, 1.5] and starts[-1] == 5 and len(starts) == 8
    for window in windows:
        np.testing.assert_array_equal(window.samples, samples[window.start : window.start + 16_000])
    assert [w.start / 8000 for w in predictor.windows(samples)] == [0, 2, 4]
    for hop in (0, -1, 2.5):
        with pytest.raises(GenrelabError, match="hop"):
            predictor.windows(samples, hop=hop)


def test_silence_at_the_start_moves_the_timeline(predictor):
    noise = np.random.default_rng(0).normal(0, 0.1, 8000 * 4).astype(np.float32)
    late = np.concatenate([np.zeros(8000 * 3, np.float32), noise])
    for hop in (None, 1.0):
        assert predictor.predict(late, hop=hop).segments[0].start == pytest.approx(3, abs=0.2)


def test_a_short_recording_is_padded(predictor):
    found = predictor.predict(np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32))
    assert len(found.segments) == 1 and found.segments[0].seconds == pytest.approx(0.5)


def test_embeddings_give_the_logits(predictor, music):
    samples = predictor.decode(next(music.rglob("*.wav")))
    features = predictor.features(np.stack([w.samples for w in predictor.windows(samples)]))
    assert [tuple(one.shape) for one in features] == [(2, *spec.shape) for spec in predictor.in_specs]
    vectors = predictor.embed(features)
    assert vectors.shape == (2, 64)
    torch.testing.assert_close(predictor.model.fc(vectors), predictor.logits(features))


def test_probabilities_are_calibrated_on_val(run, predictor):
    from genrelab.postprocessing.temperature_scaling import fit_temperature

    val = read_predictions(run / "predictions.parquet").only("val")
    assert predictor.calibration.fitted
    assert predictor.calibration.segment_temperature == fit_temperature(val.logits, val.target)


def test_a_checkpoint_alone_works_uncalibrated(run, tmp_path, music):
    file = tmp_path / "model.ckpt"
    shutil.copy(run / "checkpoints" / "best.ckpt", file)
    alone = load_predictor(file)
    assert not alone.calibration.fitted and alone.calibration.track_temperature == 1.0
    assert alone.predict(next(music.rglob("*.wav"))).top


def test_what_val_sounds_like_travels_with_the_checkpoint(run, predictor, tmp_path, music):
    from genrelab.audio.content_detection import ContentThresholds, analyze_files

    val = [
        str(music / track) for track in sorted(set(read_predictions(run / "predictions.parquet").only("val").track_id))
    ]
    shutil.copy(run / "checkpoints" / "best.ckpt", tmp_path / "model.ckpt")
    for found in (predictor, load_predictor(tmp_path / "model.ckpt")):
        assert found.calibration.content_thresholds == ContentThresholds.fit(analyze_files(val, 8000)) and len(val) == 6


def test_an_older_run_has_no_bounds_of_its_sound(run, tmp_path, capsys):
    from genrelab.inference.command import PredictOptions, predict_command

    shutil.copytree(run, tmp_path / "old")
    file = tmp_path / "old" / "checkpoints" / "best.ckpt"
    checkpoint = torch.load(file, weights_only=True)
    del checkpoint["genrelab"]["sound"]
    torch.save(checkpoint, file)
    hiss = np.random.default_rng(0).normal(size=10 * 8000).astype(np.float32) / 10
    assert load_predictor(file).predict(hiss).rejection_reason == "noise"
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", hiss, 8000)
    assert predict_command(tmp_path / "old", [tmp_path / "a.wav", tmp_path / "b.wav"], PredictOptions()) == 0
    assert capsys.readouterr().err.count("note: ") == 1


def change(run: Path, file: Path, **content) -> Path:
    checkpoint = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    checkpoint["genrelab"] |= content
    torch.save(checkpoint, file)
    return file


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"genres": ["a", "b"]}, r"x\.ckpt: .*genres .*taxonomy"),
        ({"model": {"kind": "resnet18flex_dual", "params": {"width": 8}, "in_shapes": [[32, 32], [32, 32]]}}, "fit"),
        ({"model": {"kind": "mine", "params": {}, "in_shapes": []}}, "--plugins"),
        ({"model": {}}, "fit together"),
        ({"sound": {"flatness": 0.5}}, "fit together"),
        ({"preprocessing": {"audio": None, "features": [], "normalize": []}}, "cannot listen"),
        ({"preprocessing": {"audio": {"rate": 1}, "features": [], "normalize": []}}, "fit together"),
    ],
)
def test_checkpoints_that_do_not_fit_give_one_line(run, tmp_path, content, reason):
    with pytest.raises(GenrelabError, match=reason) as caught:
        load_predictor(change(run, tmp_path / "x.ckpt", **content))
    assert "\n" not in str(caught.value) and "x.ckpt" in str(caught.value)


def test_folders_without_a_checkpoint_say_what_to_name(run, tmp_path):
    for path, reason in ((tmp_path / "none", "no such run"), (tmp_path, "no checkpoints"), (run.parent, "one of them")):
        with pytest.raises(GenrelabError, match=reason):
            load_predictor(path)
    assert load_predictor(run / "run.json").path == run / "checkpoints" / "best.ckpt"


@pytest.mark.slow
def test_the_demo_through_training_predictor_app_and_onnx(tmp_path):
    from genrelab.engine.run import train
    from genrelab.inference.app.service import AppService, Limits
    from genrelab.inference.export import export_run
    from genrelab.inference.export.formats import run_onnx

    overrides = ["experiment=quickstart", "trainer.max_epochs=1", f"paths.output_dir={tmp_path}", "accelerator=cpu"]
    overrides += [
        "demo.genres=3",
        "demo.tracks_per_genre=8",
        "demo.artists_per_genre=4",
        "split.ratios=[0.5,0.25,0.25]",
    ]
    config = compose(overrides)
    train(config, tmp_path / "run", overrides)
    paths = build.read_dataset_index(config).tracks.set_index("track_id")["path"]
    predictor = load_predictor(tmp_path / "run")
    written = read_predictions(tmp_path / "run" / "predictions.parquet")
    folder, _ = export_run(tmp_path / "run", "onnx", tmp_path / "onnx")
    service = AppService(predictor, Limits())
    for track in sorted(set(written.track_id)):
        theirs = written.logits[written.track_id == track]
        found = predictor.predict(paths[track])
        agree(found.logits, theirs)
        windows = np.stack([window.samples for window in predictor.windows(predictor.decode(paths[track]))])
        agree(run_onnx(folder / "model.onnx", {"samples": windows}), theirs)
        shown = html.unescape(service.predict(paths[track])[0])
        assert found.rejection_reason or found.label in shown
        assert found.rejection_reason or found.top[0].title in shown


def test_no_such_device_is_one_line(run):
    if not os.environ.get("CUDA_VISIBLE_DEVICES"):
        with pytest.raises(GenrelabError, match="device cuda:97"):
            load_predictor(run, device="cuda:97")


def test_notes_on_a_file_are_logged(predictor, song, tmp_path, caplog):
    samples, rate = soundfile.read(song)
    mono = samples if samples.ndim == 1 else samples[:, 0]
    path = tmp_path / "opposed.wav"
    soundfile.write(path, np.stack([mono, -mono], axis=1), rate)
    found = predictor.predict(path)
    assert [record.getMessage().startswith(f"{path}: ") for record in caplog.records] == [True]
    soundfile.write(path, mono, rate)
    assert found.top == predictor.predict(path).top and len(caplog.records) == 1
