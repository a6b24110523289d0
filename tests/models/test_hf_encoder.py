import numpy as np
import pytest
import torch

from genrelab.audio.spec import AudioSpec
from genrelab.features import extract, make_spec
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError

pytest.importorskip("transformers")
SOUND, PICTURE = [(1, 4000)], [(48, 100)]
SHAPES = {"wav2vec2": SOUND, "hubert": SOUND, "clap": PICTURE, "ast": PICTURE}


def build(family, **params):
    torch.manual_seed(0)
    params = {"family": family, "width": 16, **params}
    return MODELS.build("encoder", params, in_shapes=SHAPES[family], n_classes=5)


@pytest.mark.parametrize("family", SHAPES)
@pytest.mark.parametrize("frozen", [True, False])
def test_what_is_trained(family, frozen):
    model = build(family, frozen=frozen).train()
    before = {name: value.clone() for name, value in model.net.named_parameters()}
    given = torch.randn(3, *SHAPES[family][0])
    optimizer = torch.optim.SGD([one for one in model.parameters() if one.requires_grad], lr=0.1)
    logits = model(given)
    assert logits.shape == (3, 5)
    logits.square().sum().backward()
    optimizer.step()
    moved = any(not torch.equal(before[name], value) for name, value in model.net.named_parameters())
    assert moved is not frozen and model.fc.weight.grad is not None
    assert model.net.training is not frozen


@pytest.mark.parametrize("family", SHAPES)
def test_a_local_folder_s_weights_and_a_checkpoint_without_it(family, tmp_path):
    source = build(family, width=32, layers=3 if family != "clap" else 2)
    source.net.save_pretrained(tmp_path / "weights")
    model = build(family, weights=str(tmp_path / "weights")).eval()
    given = torch.randn(2, *SHAPES[family][0])
    again = build(family)  # of a checkpoint: the folder is not asked for, sizes are others
    again.load_state_dict(model.state_dict())
    with torch.no_grad():
        for name, value in source.net.state_dict().items():
            assert torch.equal(model.net.state_dict()[name], value), name
        assert torch.equal(again.eval()(given), model(given))


def test_level_and_offset_of_sound_do_not_count():
    model = build("wav2vec2").eval()
    given = torch.randn(2, *SOUND[0])
    with torch.no_grad():
        torch.testing.assert_close(model(0.1 * given + 0.3), model(given), atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("family", "shapes", "told"),
    [
        ("wav2vec2", PICTURE, "features=waveform"),
        ("clap", SOUND, "features=mel_db"),
        ("hubert", [(1, 100)], "400 samples"),
        ("musicnn", SOUND, "musicnn"),
        ("ast", [(48, 100), (48, 100)], "takes 1 feature"),
    ],
)
def test_inputs_that_do_not_fit_are_told(family, shapes, told):
    with pytest.raises(ConfigError, match=told):
        MODELS.build("encoder", {"family": family}, in_shapes=shapes, n_classes=5)


def test_weights_that_do_not_fit_are_told(tmp_path):
    with pytest.raises(ConfigError, match=r"no config\.json"):
        build("hubert", weights=str(tmp_path))
    build("ast").net.save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match=r"model\.weights: .*'audio-spectrogram-transformer'.*model\.family=hubert"):
        build("hubert", weights=str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"none")
    with pytest.raises(ConfigError, match=r"model\.weights: (?!.*model\.family=)"):
        build("ast", weights=str(tmp_path))


def test_samples_are_the_sound():
    spec = make_spec("samples", {"kind": "samples"}, AudioSpec(8000, 1.0))
    sound = np.random.default_rng(0).uniform(-1, 1, 8000).astype(np.float32)
    [found] = extract([spec], sound)
    assert spec.shape == (1, 8000) and spec.dtype == "float16"
    np.testing.assert_array_equal(found, sound[None])
    from genrelab.features.extraction import extract_batch

    [batch] = extract_batch([spec], torch.from_numpy(sound)[None])
    np.testing.assert_array_equal(batch.numpy(), sound[None, None])
