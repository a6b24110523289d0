"""Networks that are trained on crops: whole clips are scored by windows."""

import pytest
import torch
from torch import nn

from genrelab.inference.penultimate import penultimate
from genrelab.models import CNN, VGGMel, WindowedNetwork, build_network
from genrelab.models.auxiliary_heads import AuxiliaryHeads, last_linear

SHAPE = (16, 50)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return build_network("vgg_mel", {"width": 4}, [SHAPE], 3, crop_ratio=0.4).eval()


def test_logits_are_the_mean_over_windows_that_cover_the_clip(net):
    clips = torch.randn(5, *SHAPE)
    assert net.windows == [[slice(0, 20), slice(15, 35), slice(30, 50)]]
    wanted = torch.stack([net.net(clips[..., at : at + 20]) for at in (0, 15, 30)]).mean(dim=0)
    torch.testing.assert_close(net(clips), wanted)
    assert torch.equal(net(clips[..., 7:27]), net.net(clips[..., 7:27])), "a crop is one window"


@pytest.mark.parametrize(("width", "ratio"), [(50, 0.4), (51, 0.34), (7, 0.9), (3, 0.1), (256, 0.5), (9, 0.24)])
def test_windows_leave_no_column_out(width, ratio):
    [windows] = WindowedNetwork(nn.Identity(), [(4, width)], ratio).windows
    assert {at for window in windows for at in range(window.start, window.stop)} == set(range(width))


def test_pictures_of_several_widths_and_vectors_go_together():
    class Sums(nn.Module):
        """One logit of each input."""

        def forward(self, wide, narrow, vector):
            return torch.stack([wide.sum(dim=(1, 2)), narrow.sum(dim=(1, 2)), vector.sum(dim=1)], dim=1)

    net = WindowedNetwork(Sums(), [(2, 20), (2, 11), (5,)], 0.3)
    logits = net(torch.ones(3, 2, 20), torch.ones(3, 2, 11), torch.ones(3, 5))
    torch.testing.assert_close(logits, torch.tensor([[12.0, 6.0, 5.0]]).expand(3, 3))


def test_without_crops_the_network_is_the_network():
    assert isinstance(build_network("vgg_mel", {"width": 4}, [SHAPE], 3), VGGMel)
    assert isinstance(build_network("mlp", {}, [(57,)], 3, crop_ratio=0.5), nn.Module)
    assert not isinstance(build_network("mlp", {}, [(57,)], 3, crop_ratio=0.5), WindowedNetwork)


def test_networks_that_keep_places_apart_are_built_for_the_crop():
    net = build_network("cnn", {"width": 2}, [(32, 128)], 3, crop_ratio=0.5)
    assert isinstance(net.net, CNN) and net(torch.randn(2, 32, 128)).shape == (2, 3)


def test_weights_keep_the_names_of_the_network(net):
    plain = VGGMel([SHAPE], 3, width=4)
    assert list(net.state_dict()) == list(plain.state_dict())
    plain.load_state_dict(net.state_dict())
    holder = nn.ModuleDict({"net": net})
    again = nn.ModuleDict({"net": build_network("vgg_mel", {"width": 4}, [SHAPE], 3, 0.4)})
    assert next(iter(holder.state_dict())) == f"net.{next(iter(plain.state_dict()))}"
    again.load_state_dict(holder.state_dict())
    clips = torch.randn(2, *SHAPE)
    assert torch.equal(again["net"].eval()(clips), net(clips))
    with pytest.raises(RuntimeError, match=r"Missing.*fc\.bias"):
        net.load_state_dict({key: value for key, value in plain.state_dict().items() if key != "fc.bias"})


def test_vectors_of_the_last_layer_are_averaged_as_logits_are(net):
    clips = torch.randn(4, *SHAPE)
    vectors = penultimate(net, [clips], 3)
    torch.testing.assert_close(net.net.fc(vectors), net(clips))
    heads = AuxiliaryHeads(last_linear(net, [SHAPE], 3), [2, 5], torch.zeros(9, 2, dtype=torch.int64), 0.3)
    net(clips)
    assert heads(4).shape == (4, 7)
