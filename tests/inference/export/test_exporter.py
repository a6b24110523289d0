import json
import re
import subprocess
import sys

import numpy as np
import pytest
import yaml

from genrelab import load_predictor
from genrelab.inference.export import export_run, formats
from genrelab.inference.export.parity import TOLERANCE
from genrelab.runs.checkpoint import load_checkpoint
from genrelab.runs.predictions import read_predictions
from genrelab.utils.errors import GenrelabError
from streams import encoded, rising

for_onnx = pytest.mark.skipif(
    any(__import__("importlib.util").util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
    reason="the extra 'export' is not installed",
)


@pytest.fixture(scope="module")
def onnx(run, tmp_path_factory):
    return export_run(run, "onnx", tmp_path_factory.mktemp("onnx"), license="cc0-1.0")


def snippet(folder) -> str:
    return re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), flags=re.DOTALL)[1]


@for_onnx
def test_onnx_logits_equal_the_run_s(onnx, run, predictor, song):
    folder, config = onnx
    assert config["input"] == "waveform" and config["parity"]["share"] < TOLERANCE
    windows = np.stack([window.samples for window in predictor.windows(predictor.decode(song))])
    own = predictor.predict(song).logits
    span = np.ptp(read_predictions(run / "predictions.parquet").logits)  # of one song's two windows it may be small
    for count in (1, len(windows)):  # any number of windows
        found = formats.run_onnx(folder / "model.onnx", {"samples": windows[:count]})
        assert np.abs(found - own[:count]).max() < TOLERANCE * span


@for_onnx
def test_probabilities_are_calibrated(onnx, predictor, song):
    import onnxruntime

    windows = np.stack([window.samples for window in predictor.windows(predictor.decode(song))])
    session = onnxruntime.InferenceSession(str(onnx[0] / "model.onnx"))
    logits, probabilities = session.run(None, {"samples": windows})
    np.testing.assert_allclose(probabilities, predictor.segment_probabilities(logits), atol=1e-5)


@for_onnx
def test_the_card_s_program_runs_without_genrelab(onnx, predictor, song, tmp_path):
    folder, config = onnx
    program = snippet(folder).replace("song.wav", str(song))
    assert "genrelab" not in program
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    best = predictor.predict(song).top[0]
    assert done.stdout.splitlines()[0] == f"{best.title}: {best.probability:.0%}"
    assert config["titles"] == list(predictor.titles)
    (stream := tmp_path / "song.mp3").write_bytes(encoded(rising()))  # which soundfile may read a part of
    program = snippet(folder).replace("song.wav", str(stream))
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "ffmpeg -i" in done.stderr and not done.stdout


@pytest.mark.slow
@for_onnx
def test_features_go_in_where_asked(run, tmp_path, predictor, song):
    folder, config = export_run(run, "onnx", tmp_path, input_type="features")
    assert list(config["inputs"]) == ["mel_db", "pcen"] and "takes features" in (folder / "README.md").read_text()
    features = predictor.features(predictor.decode(song)[: predictor.audio.segment_samples])
    fed = {name: one.numpy() for name, one in zip(config["inputs"], features, strict=True)}
    own = predictor.logits(features).numpy()
    assert np.abs(formats.run_onnx(folder / "model.onnx", fed) - own).max() < 1e-4


@pytest.mark.slow
def test_torch_export_without_genrelab(run, tmp_path, predictor, song):
    folder, config = export_run(run, "torch-export", tmp_path)
    assert config["parity"]["share"] < TOLERANCE
    program = snippet(folder).replace("song.wav", str(song))
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(predictor.predict(song).top[0].title)


@pytest.mark.parametrize("form", ["safetensors", "hub"])
def test_weights_come_back_as_the_same_predictor(run, tmp_path, predictor, song, form):
    folder, _ = export_run(run, form, tmp_path)
    again = load_predictor(folder)
    wanted, found = predictor.predict(song), again.predict(song)
    np.testing.assert_array_equal(found.logits, wanted.logits)
    np.testing.assert_allclose(found.probabilities, wanted.probabilities, rtol=1e-12)
    assert (found.label, found.hedged, found.rejection_reason) == (wanted.label, wanted.hedged, wanted.rejection_reason)
    assert again.calibration.to_dict() == predictor.calibration.to_dict()
    assert again.calibration.content_thresholds == predictor.calibration.content_thresholds is not None
    modes = {file.stat().st_mode for file in folder.iterdir()}
    assert len(modes) == 1, "who may read the card may read the weights"


def test_the_hub_s_front_matter_is_yaml_with_the_report_s_numbers(run, tmp_path):
    folder, _ = export_run(run, "hub", tmp_path, license="cc-by-4.0")
    _, front, text = (folder / "README.md").read_text().split("---\n", 2)
    matter = yaml.safe_load(front)
    metrics = json.loads((run / "metrics.json").read_text())
    found = {row["type"]: row["value"] for row in matter["model-index"][0]["results"][0]["metrics"]}
    value = metrics[metrics["headline"]]["track"]["accuracy"]
    assert found["accuracy"] == pytest.approx(value["value"], abs=1e-4)
    assert matter["license"] == "cc-by-4.0" and "cc-by-4.0" in text
    assert f"[{100 * value['low']:.1f}, {100 * value['high']:.1f}]" in text
    for heading in ("Use", "Results", "Training data", "Genres", "Intended use and limits", "License"):
        assert f"\n## {heading}\n" in text
    assert not re.search(r"\n{3,}", text), "gaps"


def test_a_checkpoint_alone_has_a_card_that_says_so(run, tmp_path):
    alone = tmp_path / "alone.ckpt"
    alone.write_bytes((run / "checkpoints" / "best.ckpt").read_bytes())
    folder, _ = export_run(alone, "safetensors")
    text = (folder / "README.md").read_text()
    assert "calibrated" in text and "Accuracy" not in text


def test_errors_name_the_remedy(run, tmp_path, monkeypatch):
    with pytest.raises(GenrelabError, match=r"tflite.*onnx"):
        export_run(run, "tflite")
    with pytest.raises(GenrelabError, match=r"mp3.*auto"):
        export_run(run, "onnx", tmp_path, input_type="mp3")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(GenrelabError, match=r"^onnx .*pip install 'genrelab\[export\]'"):
        formats.require("onnx")


def test_a_broken_safetensors_file_is_told(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(GenrelabError, match=r"model\.safetensors: ") as caught:
        load_checkpoint(path)
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(GenrelabError, match=r"none\.safetensors: ") as caught:
        load_checkpoint(tmp_path / "none.safetensors")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.slow
@for_onnx
def test_several_genres_are_answered_by_sigmoids_above_thresholds(several, jamendo, tmp_path):
    import onnxruntime

    predictor, song = load_predictor(several), jamendo / "04" / "4.mp3"
    folder, config = export_run(several, "onnx", tmp_path)
    wanted = predictor.predict(song)
    windows = np.stack([window.samples for window in predictor.windows(predictor.decode(song))])
    logits, probabilities = onnxruntime.InferenceSession(str(folder / "model.onnx")).run(None, {"samples": windows})
    assert np.abs(logits - wanted.logits).max() < TOLERANCE * np.ptp(wanted.logits)
    np.testing.assert_allclose(probabilities, predictor.segment_probabilities(logits), atol=1e-5)
    np.testing.assert_allclose(probabilities.mean(axis=0), wanted.probabilities, atol=TOLERANCE)
    assert config["thresholds"]["track"] == list(wanted.thresholds.values())
    program = snippet(folder).replace("song.wav", str(song))
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [guess.title for guess in wanted.genres]


@pytest.mark.parametrize("form", ["safetensors", "hub"])
def test_the_weights_of_several_genres_keep_their_thresholds(several, jamendo, tmp_path, form):
    folder, _ = export_run(several, form, tmp_path)
    wanted, found = (load_predictor(one).predict(jamendo / "04" / "4.mp3") for one in (several, folder))
    np.testing.assert_array_equal(found.logits, wanted.logits)
    assert (found.genres, found.thresholds, found.rejection_reason) == (
        wanted.genres,
        wanted.thresholds,
        wanted.rejection_reason,
    )
    text = (folder / "README.md").read_text()
    assert "PR-AUC, macro" in text and "Accuracy" not in text
    assert not re.search(r"\n{3,}", text)
    if form == "hub":
        matter = yaml.safe_load(text.split("---\n", 2)[1])
        types = {row["type"] for row in matter["model-index"][0]["results"][0]["metrics"]}
        assert {"pr_auc", "roc_auc", "f1_macro"} <= types
