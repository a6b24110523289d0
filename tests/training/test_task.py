import pytest
import torch
from torch import nn

from genrelab.training.task import keep_up


@pytest.mark.parametrize("steps", [1, 2, 5, 10])
def test_running_statistics_are_those_of_the_last_two_epochs(steps):
    net = nn.Sequential(nn.BatchNorm1d(1))
    keep_up(net, steps)
    for _ in range(2 * steps):
        net(torch.tensor([[4.0], [6.0]]))
    assert net[0].running_mean.item() == pytest.approx(0.9 * 5.0, rel=1e-5)


def test_long_epochs_and_plain_averages_stay_as_they_are():
    net = nn.Sequential(nn.BatchNorm1d(1), nn.BatchNorm1d(1, momentum=None))
    keep_up(net, 12)
    assert [norm.momentum for norm in net] == [0.1, None]
