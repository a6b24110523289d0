"""musicnn's network: a twin in numpy on TensorFlow's layout, weights of an installed package, and what is told."""

import importlib.util

import numpy as np
import pytest
import torch

from genrelab.config import compose
from genrelab.engine.validate_config import check
from genrelab.models.musicnn import EPSILON
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError
from paths import SHARED_DATA
from tf_bundles import drawn, write_bundle

FRAMES = 24


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A folder with a package `musicnn` of drawn weights, which cannot be imported."""
    root = tmp_path_factory.mktemp("site")
    write_bundle(root / "musicnn" / "MTT_musicnn", drawn())
    (root / "musicnn" / "__init__.py").write_text("raise ImportError('needs TensorFlow')")
    return root


def build(**params):
    torch.manual_seed(0)
    return MODELS.build("musicnn", params, in_shapes=[(96, FRAMES)], n_classes=4)


def norm(x, w, number):
    name = f"batch_normalization_{number}" if number else "batch_normalization"
    gamma, beta, mean, variance = (w[f"{name}/{key}"] for key in ("gamma", "beta", "moving_mean", "moving_variance"))
    return (x - mean) / np.sqrt(variance + EPSILON) * gamma + beta


def conv(x, w, number, time):
    """ReLU of a convolution `[T, bands, out]` of `[T, bands]`, padded by `time` frames before and after."""
    name = f"conv2d_{number}" if number else "conv2d"
    kernel = w[f"{name}/kernel"][:, :, 0]
    padded = np.pad(x, (time, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2])
    return np.maximum(np.einsum("tfij,ijo->tfo", windows, kernel, optimize=True) + w[f"{name}/bias"], 0)


def twin(decibels, w):
    """Pooled and penultimate vectors of one picture `[96, T]`, layer by layer as musicnn's program says."""
    x = norm(np.log10(1e4 * 10 ** (decibels.T / 10) + 1)[..., None], w, 0)[..., 0]  # [T, 96]
    fronts = [conv(x, w, number, (3, 3)) for number in (0, 1)]
    fronts += [conv(x, w, number, ((k - 1) // 2, k // 2)) for number, k in ((2, 128), (3, 64), (4, 32))]
    layers = [np.concatenate([norm(one, w, n + 1).max(axis=1) for n, one in enumerate(fronts)], axis=1)]
    for number in (5, 6, 7):
        found = norm(conv(layers[-1], w, number, (3, 3))[:, 0], w, number + 1)
        layers.append(found if number == 5 else found + layers[-1])
    joined = np.concatenate(layers, axis=1)
    pooled = np.stack([joined.max(axis=0), joined.mean(axis=0)], axis=1).reshape(-1)
    dense = np.maximum(norm(pooled, w, 9) @ w["dense/kernel"] + w["dense/bias"], 0)
    return pooled, norm(dense, w, 10)


@pytest.mark.parametrize("vector", ["pooled", "penultimate"])
def test_its_vectors_are_those_of_a_twin_in_numpy(package, vector):
    model = build(weights=str(package / "musicnn" / "MTT_musicnn"), vector=vector).eval()
    decibels = np.random.default_rng(1).uniform(-80, 30, (2, 96, FRAMES)).astype(np.float32)
    expected = np.stack([twin(one.astype(np.float64), drawn())[vector == "penultimate"] for one in decibels])
    with torch.no_grad():
        logits = model(torch.from_numpy(decibels))
        torch.testing.assert_close(
            logits, torch.from_numpy(expected).float() @ model.fc.weight.T + model.fc.bias, atol=2e-4, rtol=1e-3
        )
    assert model.fc.in_features == expected.shape[1] == {"pooled": 1506, "penultimate": 200}[vector]


def test_the_packages_weights_are_found_without_importing_it(package, monkeypatch):
    monkeypatch.syspath_prepend(str(package))
    model = build(weights="MTT_musicnn")
    np.testing.assert_array_equal(model.net.dense.bias.detach(), drawn()["dense/bias"])
    again = build()  # of a checkpoint, which holds its weights itself
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.net.dense.weight, model.net.dense.weight)
    with pytest.raises(ConfigError, match=r"MSD_musicnn: "):
        build(weights="MSD_musicnn")


@pytest.mark.parametrize("frozen", [True, False])
def test_what_is_trained(frozen):
    model = build(frozen=frozen).train()
    before = {name: value.clone() for name, value in model.net.state_dict().items()}
    optimizer = torch.optim.SGD([one for one in model.parameters() if one.requires_grad], lr=0.1)
    model(torch.randn(3, 96, FRAMES)).square().sum().backward()
    optimizer.step()
    same = all(torch.equal(before[name], value) for name, value in model.net.state_dict().items())
    assert same is frozen and model.fc.weight.grad is not None


@pytest.mark.slow
def test_fine_tuned_it_learns_a_small_set_by_heart():
    model = build(frozen=False, dropout=0.0).train()
    pictures, target = torch.randn(8, 96, FRAMES) * 20 - 20, torch.arange(8) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    for _ in range(12):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(pictures), target).backward()
        optimizer.step()
    assert (model(pictures).argmax(dim=1) == target).all()


def test_what_does_not_fit_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install --no-deps musicnn"):
        build(weights="MTT_musicnn")
    with pytest.raises(ConfigError, match=r"\b96 .*\b128\b.*features=mel_musicnn"):
        MODELS.build("musicnn", {}, in_shapes=[(128, 50)], n_classes=4)
    with pytest.raises(ConfigError, match=r"'last' .*'penultimate', 'pooled'"):
        build(vector="last")
    write_bundle(tmp_path, {"conv2d/kernel": np.ones((7, 38, 1, 204), np.float32)})
    with pytest.raises(ConfigError, match=r"model\.weights: .*'.*/.*'"):
        build(weights=str(tmp_path))
    write_bundle(tmp_path, {**drawn(), "dense/bias": np.ones(500, np.float32)})
    with pytest.raises(ConfigError, match=r"model\.weights: (?!.*'\w+/\w+')"):
        build(weights=str(tmp_path))


def test_a_picture_that_it_was_not_trained_on_is_refused():
    overrides = ["dataset=demo", "experiment=musicnn", "data.normalize=per_bin", "features.mel_musicnn.n_fft=1024"]
    with pytest.raises(ConfigError, match="experiment=musicnn") as caught:
        check(compose(overrides), overrides)
    named = {tuple(problem.split()[:2]) for problem in caught.value.problems}
    assert named == {("data.normalize:", "per_bin"), ("features.mel_musicnn.n_fft:", "1024")}
    check(compose(overrides[:2]), overrides[:2])


@pytest.mark.shared
@pytest.mark.skipif(importlib.util.find_spec("musicnn") is None, reason="musicnn is not installed")
def test_the_real_weights_name_real_music():
    from genrelab.audio import load_audio
    from genrelab.audio.spec import AudioSpec
    from genrelab.features import extract, make_spec
    from genrelab.models.musicnn import INPUT_FEATURE, _folder
    from genrelab.models.tf_checkpoint import read_bundle

    arrays = read_bundle(_folder("MSD_musicnn"))
    model = build(weights="MSD_musicnn").eval()
    model.fc = torch.nn.Linear(200, 50)
    model.load_state_dict({
        **model.state_dict(),
        "fc.weight": torch.from_numpy(arrays["dense_1/kernel"].T.copy()),
        "fc.bias": torch.from_numpy(arrays["dense_1/bias"].copy()),
    })  # fmt: skip
    spec = make_spec("mel", INPUT_FEATURE, AudioSpec(sample_rate=16_000, segment_duration=3))
    tags = {"metal": 11, "blues": 26, "hiphop": 33}  # MSD_LABELS
    for genre, tag in tags.items():
        likely = []
        for clip in sorted((SHARED_DATA / "gtzan_mini" / "genres_original" / genre).glob("*.flac"))[:4]:
            samples = load_audio(clip, 16_000)[160_000 : 160_000 + 48_000]
            with torch.no_grad():
                likely.append(model(torch.from_numpy(extract([spec], samples)[0])[None]).numpy()[0])
        mean = np.mean(likely, axis=0)
        assert mean[tag] > max(mean[other] for other in tags.values() if other != tag), genre
