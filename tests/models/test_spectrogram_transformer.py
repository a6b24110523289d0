"""The spectrogram transformer."""

import sys

import pytest
import torch

from genrelab.models import SpectrogramTransformer
from genrelab.utils.errors import ConfigError

SMALL = {"width": 8, "layers": 1, "heads": 2}


def test_as_large_as_the_paper():
    pytest.importorskip("transformers")
    with torch.device("meta"):
        net = SpectrogramTransformer([(128, 1024)], 527, width=768, layers=12, heads=12, stride=10)
    tokens = 12 * 101 + 2  # Gong et al.: 1212 patches, and two tokens of a class
    assert net.net.embeddings.position_embeddings.shape == (1, tokens, 768)
    layer = 4 * (768 * 768 + 768) + 2 * 768 * 3072 + 3072 + 768 + 4 * 768
    embeddings = 768 * 256 + 768 + 2 * 768 + tokens * 768
    assert sum(p.numel() for p in net.net.parameters()) == 12 * layer + embeddings + 2 * 768


@pytest.mark.parametrize("shape", [(128, 64), (12, 40), (1, 1), (33, 17)])
def test_logits_and_gradients_of_any_picture(shape):
    pytest.importorskip("transformers")
    net = SpectrogramTransformer([shape], 5, **SMALL)
    picture = torch.randn(2, *shape)
    logits = net(picture)
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    assert net.net.embeddings.position_embeddings.grad.abs().sum() > 0
    assert net.eval()(picture[:1]).shape == (1, 5)


def test_what_does_not_fit(monkeypatch):
    assert len(SpectrogramTransformer.check_inputs([(57,)])) == 1
    with pytest.raises(ConfigError, match=r"model\.heads: 3 .*model\.width 8"):
        SpectrogramTransformer([(32, 32)], 3, width=8)
    with pytest.raises(ConfigError, match=r"model\.patch: 0 .*\b1\b"):
        SpectrogramTransformer([(32, 32)], 3, patch=0)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"transformers.*pip install"):
        SpectrogramTransformer([(32, 32)], 3)
