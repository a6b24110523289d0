import numpy as np
import pytest
import torch
from torch import nn

from genrelab.inference.explain.saliency import _spans, grad_cam, occlusion, saliency
from genrelab.models import LSTM, ResNet18FlexDual
from genrelab.postprocessing import MULTILABEL
from genrelab.utils.errors import GenrelabError


class Corner(nn.Module):
    """Genre 1 is what is in the upper right corner, seen through a convolution."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
        nn.init.constant_(self.conv.weight, 1 / 9)

    def forward(self, picture):
        corner = self.conv(picture[:, None])[:, 0, 16:, 24:].mean(dim=(1, 2))
        return torch.stack([torch.zeros_like(corner), corner], dim=1)


def test_occlusion_finds_what_the_answer_hangs_on():
    [found] = occlusion(Corner(), [torch.full((1, 32, 48), 2.0)], 1)
    assert found.shape == (32, 48) and found.max() == 1
    inside = found[18:, 27:].mean()
    assert inside > 0.7 and found[:12, :18].max() == 0


def test_occlusion_by_brute_force():
    torch.manual_seed(0)
    model, feature = nn.Sequential(nn.Flatten(), nn.Linear(20, 3)), torch.randn(1, 4, 5)
    [found] = occlusion(model, [feature], 2, cells=9)  # more cells than pixels: a patch is one of them
    whole = model(feature).log_softmax(-1)[0, 2]
    wanted = np.zeros((4, 5))
    for row, column in np.ndindex(4, 5):
        hidden = feature.clone()
        hidden[0, row, column] = 0
        wanted[row, column] = max(0.0, (whole - model(hidden).log_softmax(-1)[0, 2]).item())
    np.testing.assert_allclose(found, wanted / wanted.max(), atol=1e-5)


def test_of_several_genres_each_is_explained_by_itself():
    class Two(nn.Module):
        """Genre 0 is the left half, genre 1 the right; a softmax would count what speaks against the other."""

        def forward(self, picture):
            return torch.stack([picture[:, :, :10].mean(dim=(1, 2)), -9 * picture[:, :, 10:].mean(dim=(1, 2))], dim=1)

    [found] = saliency(Two(), [torch.full((1, 8, 20), 1.0)], 0, cells=9, output_type=MULTILABEL)
    assert found[:, 12:].max() == 0 and found[:, :8].min() > 0.5


def test_progress_goes_over_all_pictures():
    model, told = ResNet18FlexDual([(64, 64), (32, 64)], 5, width=4).eval(), []
    occlusion(model, [torch.randn(1, 64, 64), torch.randn(1, 32, 64)], 0, cells=6, progress=told.append)
    assert told == sorted(told) and told[-1] == 1 and 0.5 in told and len(told) >= 4


@pytest.mark.parametrize(("size", "cells"), [(128, 12), (7, 12), (1, 3), (50, 1)])
def test_patches_cover_everything(size, cells):
    covered = {at for start, stop in _spans(size, cells) for at in range(start, stop)}
    assert covered == set(range(size))


def test_grad_cam_of_one_layer_is_gradient_times_answer():
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 4, 3, padding=1)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = conv, nn.Linear(4, 2)

        def forward(self, picture):
            return self.fc(self.conv(picture[:, None]).mean(dim=(2, 3)))

    net, feature = Net(), torch.randn(1, 6, 7)
    [found] = grad_cam(net, [feature], 1)
    cam = torch.einsum("c,chw->hw", net.fc.weight[1], conv(feature[:, None])[0]).relu().detach().numpy()
    np.testing.assert_allclose(found, cam / cam.max(), atol=1e-5)


def test_each_picture_has_a_map_of_its_own():
    torch.manual_seed(0)
    model = ResNet18FlexDual([(64, 64), (32, 64)], 5, width=4).eval()
    maps = grad_cam(model, [torch.randn(1, 64, 64), torch.randn(1, 32, 64)], 0)
    assert [one.shape for one in maps] == [(64, 64), (32, 64)]
    assert all(one.min() >= 0 and one.max() <= 1 for one in maps)


def test_what_cannot_be_explained_is_told():
    lstm = LSTM([(16, 12)], 3).eval()
    features = [torch.randn(1, 16, 12)]
    assert saliency(lstm, features, 0, "occlusion")[0].shape == (16, 12)
    with pytest.raises(GenrelabError, match=r"LSTM .*--method occlusion"):
        saliency(lstm, features, 0, "gradcam")
    with pytest.raises(GenrelabError, match=r"lime.*occlusion, gradcam"):
        saliency(lstm, features, 0, "lime")
    with pytest.raises(GenrelabError, match="no pictures"):
        saliency(lstm, [torch.randn(1, 16)], 0)
