"""Features made in the step: those of the store, from waveforms, on the batch's device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from genrelab.audio import AudioSpec
from genrelab.audio.registry import AUGMENTS
from genrelab.config import compose
from genrelab.datamodules import Normalizer, OnTheFlyFeatures
from genrelab.engine import build, run
from genrelab.engine.validate_config import check
from genrelab.features import TimeFrequencyFeature, make_spec
from genrelab.features.packed_waveform import pack
from genrelab.features.registry import FEATURES
from genrelab.runs.checkpoint import load_checkpoint
from genrelab.runs.predictions import read_predictions
from genrelab.utils.errors import ConfigError
from sounds import music as piece

BOTH = [
    "features=[mel_db,chroma_stft]",
    "features.mel_db.n_mels=32",
    "features.mel_db.frames=32",
    "model=resnet18flex_dual",
]


def prepared(overrides):
    """Split, store and data module of a configuration."""
    config = compose(overrides)
    check(config)
    dataset = build.read_dataset(config)
    split = build.make_split(config, dataset.index)
    feature_cache, augments = build.make_feature_cache(config), build.make_augments(config)
    build.prepare(feature_cache, dataset, split, augments)
    return config, feature_cache, build.make_data(config, dataset, split, feature_cache, augments)


def test_step_features_are_the_stores(small):
    small = [one for one in small if not one.startswith("features") and not one.startswith("model")] + BOTH
    _, stored, data = prepared(small)
    config, waves, online = prepared([*small, "data.on_the_fly=true"])
    assert [spec.fingerprint for spec in waves.specs] == [spec.fingerprint for spec in stored.specs]
    wanted = stored.load(data.rows("val"))
    batch = next(iter(online.val_dataloader()))
    assert batch.features[0].dtype == torch.int16 and len(batch.features) == 1
    in_step = build.make_online(config, waves)(batch.features)
    asked = waves.load(online.rows("val"))
    for spec, found, made, want in zip(waves.specs, in_step, asked, wanted, strict=True):
        peak = np.abs(want.astype(np.float32)).max()
        assert made.dtype == want.dtype and np.abs(made.astype(np.float32) - want).max() < 1e-3 * peak
        assert found.dtype == torch.float32
        assert np.abs(found.numpy() - want[: len(found)]).max() < 1e-3 * peak, spec.name


def network(path):
    from genrelab.models.registry import MODELS

    content = load_checkpoint(path)
    made = content["genrelab"]
    shapes = [tuple(shape) for shape in made["model"]["in_shapes"]]
    net = MODELS.build(made["model"]["kind"], made["model"]["params"], in_shapes=shapes, n_classes=len(made["genres"]))
    net.load_state_dict(content["state_dict"])
    return net.eval(), Normalizer(made["preprocessing"]["normalize"]), made["preprocessing"]["features"]


def test_weights_trained_on_stored_features_answer_alike_online(small, tmp_path):
    run.train(compose(small), tmp_path / "run", small)
    net, normalizer, _ = network(tmp_path / "run" / "checkpoints" / "best.ckpt")
    config, feature_cache, data = prepared([*small, "data.on_the_fly=true"])
    features = build.make_online(config, feature_cache)
    with torch.inference_mode():
        found = torch.cat([net(*normalizer(features(batch.features))) for batch in data.val_dataloader()]).numpy()
    wanted = read_predictions(tmp_path / "run" / "predictions.parquet").only("val").logits
    assert np.abs(found - wanted).max() < 1e-2 * np.ptp(wanted)


@pytest.mark.slow
def test_a_whole_run_online_and_its_checkpoint_serves_features(small, tmp_path):
    overrides = [
        *small,
        "data.on_the_fly=true",
        "augment=pitch_noise",
        "data.freq_mask_ratio=0.2",
        "data.mixup_alpha=0.2",
    ]
    overrides += ["callbacks=swa", "callbacks.swa.start_epoch=0"]
    record = run.train(compose(overrides), tmp_path / "run", overrides)
    assert record["status"] == "finished" and (tmp_path / "run" / "report" / "index.html").exists()
    kinds = {path.parent.name.rpartition("-")[0] for path in (tmp_path / "outputs" / "store").glob("*/index.parquet")}
    assert kinds == {"waveform"}, "nothing else is stored, no copies either"
    index = pd.concat([pd.read_parquet(p) for p in (tmp_path / "outputs" / "store").glob("*/index.parquet")])
    assert set(index["augment"]) == {"none"}
    net, normalizer, specs = network(tmp_path / "run" / "checkpoints" / "best.ckpt")
    assert [spec["kind"] for spec in specs] == ["mel_db"]
    _, stored, data = prepared(small)  # features as a store or `predict` computes them
    with torch.inference_mode():
        found = net(*normalizer([torch.from_numpy(array) for array in stored.load(data.rows("test"))])).numpy()
    wanted = read_predictions(tmp_path / "run" / "predictions.parquet").only("test").logits
    assert np.abs(found - wanted).max() < 1e-2 * np.ptp(wanted)


def test_two_runs_are_the_same(small, tmp_path):
    overrides = [*small, "data.on_the_fly=true", "augment=weak", "trainer.max_epochs=2", "trainer.report=false"]
    run.train(compose(overrides), tmp_path / "a", overrides)
    run.train(compose(overrides), tmp_path / "b", overrides)
    first, second = (pd.read_csv(tmp_path / name / "metrics.csv") for name in "ab")
    assert first["train/loss"].tolist() == second["train/loss"].tolist()


SPEC = make_spec("mel", {"kind": "mel_db"}, AudioSpec(segment_duration=1.0))


def waveforms(count):
    return torch.from_numpy(np.stack([pack(piece(1.0, seed=seed)) for seed in range(count)]).astype(np.int16))


def test_copies_are_drawn_in_training_only_and_seeded():
    features = OnTheFlyFeatures([SPEC], AUGMENTS.build("weak", {}))
    batch = (waveforms(12),)
    (plain,) = features(batch)
    assert torch.equal(features(batch)[0], plain)
    torch.manual_seed(5)
    (drawn,) = features(batch, training=True)
    same = (drawn == plain).flatten(1).all(dim=1)
    assert 0 < same.sum() < 12
    torch.manual_seed(5)
    assert torch.equal(features(batch, training=True)[0], drawn)
    assert not drawn.requires_grad


@pytest.mark.parametrize("augment", AUGMENTS.kinds())
def test_nothing_is_read_back_from_the_device(augment):
    batch = (torch.empty(6, SPEC.n_samples + 1, dtype=torch.int16, device="meta"),)
    (found,) = OnTheFlyFeatures([SPEC], AUGMENTS.build(augment, {}))(batch, training=True)
    assert found.device.type == "meta" and found.shape == (6, *SPEC.shape)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("features=descriptors", r"features\.descriptors: "),
        ("data.copies_per_epoch=all", r"data\.copies_per_epoch: "),
    ],
)
def test_what_is_not_made_in_the_step_is_told_beforehand(override, message):
    model = ["model=mlp"] if "descriptors" in override else []
    with pytest.raises(ConfigError, match=message):
        check(compose(["data.on_the_fly=true", override, *model]))


def test_a_dataset_of_features_has_no_waveforms(tmp_path):
    overrides = ["dataset=table", "dataset.path=/nowhere.csv", "data.on_the_fly=true", "augment=none"]
    with pytest.raises(ConfigError, match=r"data\.on_the_fly: "):
        check(compose(overrides))


def test_a_kind_of_ones_own_is_tried(monkeypatch):
    @dataclass(frozen=True, kw_only=True)
    class Numpys(TimeFrequencyFeature):
        def height(self):
            return 1025

        @property
        def hop(self):
            return 512

        def transform(self, transforms):
            return np.fft.ifftshift(transforms.samples[:1025, None])

    class Quiet:
        name = "quiet"

    FEATURES.kinds()
    monkeypatch.setitem(FEATURES._kinds, "numpys", Numpys)
    own = make_spec("own", {"kind": "numpys"}, AudioSpec(segment_duration=1.0))
    with pytest.raises(ConfigError) as caught:
        OnTheFlyFeatures([SPEC, own], (Quiet(),))
    named = [tuple(problem.split()[:2]) for problem in caught.value.problems]
    assert named == [("features.own:", "numpys"), ("augment:", "quiet")]
