"""Pictures in color: A13's viridis picture, made twice."""

import matplotlib
import numpy as np
import pytest
import torch

from genrelab.models import DeepResNet
from genrelab.models.pseudo_rgb import IMAGENET_MEAN, IMAGENET_STD, PseudoRGB
from genrelab.utils.errors import ConfigError


@pytest.fixture
def pictures():
    return torch.randn(3, 20, 30, generator=torch.manual_seed(0)) * torch.tensor([1.0, 50.0, 1e-3])[:, None, None] - 7


def test_viridis_is_what_a_colored_png_gives(pictures):
    found = PseudoRGB("viridis")(pictures).numpy()
    for picture, ours in zip(pictures.numpy(), found, strict=True):
        levels = np.rint(255 * (picture - picture.min()) / (picture.max() - picture.min())).astype(np.uint8)
        pixels = np.rint(255 * matplotlib.colormaps["viridis"](levels)[..., :3])  # eight bits, as a PNG has
        wanted = (pixels / 255 - IMAGENET_MEAN) / IMAGENET_STD
        assert np.abs(ours.transpose(1, 2, 0) - wanted).max() < 0.05, "half a level, of 255, in a deviation of 0.22"


def test_scale_and_offset_fall_away_and_one_level_is_the_first_color(pictures):
    colored = PseudoRGB("gray")
    torch.testing.assert_close(colored(pictures), colored(3 * pictures + 5), rtol=1e-3, atol=1e-3)
    found = colored(torch.full((1, 4, 5), 0.3))
    assert found.shape == (1, 3, 4, 5) and torch.equal(found, colored.table[0].reshape(1, 3, 1, 1).expand_as(found))


def test_gradients_reach_the_picture():
    picture = torch.randn(1, 8, 8, requires_grad=True)
    PseudoRGB("viridis")(picture).square().sum().backward()
    assert picture.grad is not None and (picture.grad != 0).float().mean() > 0.8


def test_a_network_takes_one_gray_picture_and_keeps_torchvisions_names(tmp_path):
    net = DeepResNet([(64, 64)], 5, 18, width=64, colors="viridis").eval()
    plain = DeepResNet([(64, 64)] * 3, 5, 18).eval()
    assert list(net.state_dict()) == list(plain.state_dict())
    torch.save(net.state_dict(), tmp_path / "weights.pth")
    again = DeepResNet([(64, 64)], 5, 18, weights=str(tmp_path / "weights.pth"), colors="viridis").eval()
    again.fc.load_state_dict(net.fc.state_dict())
    plain.load_state_dict(net.state_dict())
    picture = torch.randn(2, 64, 64)
    with torch.no_grad():
        logits = net(picture)
        torch.testing.assert_close(logits, again(picture))
        torch.testing.assert_close(logits, plain(*PseudoRGB("viridis")(picture).unbind(dim=1)))
        torch.testing.assert_close(logits, net(2 * picture + 1), rtol=1e-3, atol=1e-3)
    with pytest.raises(ConfigError, match=r"model\.colors: .*\b3\b"):
        DeepResNet([(64, 64)] * 3, 5, 18, colors="gray")
