"""A run on vectors of a frozen encoder, computed once, and its use on audio."""

import pytest

from genrelab.config import compose
from genrelab.engine import run
from genrelab.features import quantization
from genrelab.inference import load_predictor
from genrelab.utils.errors import GenrelabError
from tf_bundles import drawn, write_bundle


@pytest.mark.slow
def test_a_run_predicts_from_audio_with_the_same_weights_only(music, tmp_path):
    write_bundle(tmp_path / "drawn", drawn())
    weights = tmp_path / "drawn"
    overrides = ["dataset=folder", f"dataset.root={music}", "taxonomy=flat", "features=musicnn", "augment=none"]
    overrides += [f"features.musicnn.weights={weights}", "audio.sample_rate=16000", "audio.segment_duration=1.0"]
    overrides += [
        "audio.max_segments=1",
        "split.ratios=[0.4,0.3,0.3]",
        "model=logistic_regression",
        f"paths.output_dir={tmp_path / 'out'}",
    ]
    overrides += ["split=grouped", "trainer.report=false", "trainer.baselines=false", "accelerator=cpu"]
    record = run.train(compose(overrides), tmp_path / "run", overrides)
    assert record["features"] == ["musicnn"]
    song = next(music.rglob("*.wav"))
    predictor = load_predictor(tmp_path / "run")
    assert abs(predictor.predict(song).probabilities.sum() - 1) < 1e-5
    write_bundle(tmp_path / "drawn", drawn(1))
    quantization._features.clear()  # as in another process
    with pytest.raises(GenrelabError, match=r"\.ckpt: features\.musicnn\.weights: "):
        load_predictor(tmp_path / "run")
