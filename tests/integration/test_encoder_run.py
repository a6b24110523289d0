"""A run on the sound itself, by a frozen encoder; its export, and its checkpoint without the weights' folder."""

import shutil

import numpy as np
import pytest
import torch

from genrelab import load_predictor
from genrelab.config import compose
from genrelab.engine.run import train
from genrelab.inference.explain import explain

pytest.importorskip("transformers")


@pytest.mark.slow
def test_a_frozen_encoder_from_waveform_to_answer(small, music, tmp_path):
    from genrelab.models import Encoder

    torch.manual_seed(0)
    Encoder([(1, 16_000)], 3, width=32, layers=1).net.save_pretrained(tmp_path / "weights")
    overrides = [one for one in small if not one.startswith(("features", "model"))]
    overrides += ["features=waveform", "model=encoder", f"model.weights={tmp_path / 'weights'}", "trainer.max_epochs=1"]
    folder = tmp_path / "outputs" / "runs" / "encoder"
    train(compose(overrides), folder, overrides)
    shutil.rmtree(tmp_path / "weights")
    predictor = load_predictor(folder)
    song = sorted((music / "Slow").rglob("*.wav"))[0]
    found = predictor.predict(song)
    assert predictor.model.net.config.hidden_size == 32 and np.isfinite(found.logits).all()
    shown = explain(predictor, predictor.decode(song), cells=4)
    assert shown.saliency_maps[0].shape == (1, 16_000)
