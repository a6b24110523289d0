from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch
from torch import nn

from genrelab.inference.penultimate import penultimate


class Meeting(nn.Module):
    """Lets two calls meet before the last layer, whichever thread they come from."""

    def __init__(self):
        super().__init__()
        self.barrier = Barrier(2)
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        self.barrier.wait(timeout=20)
        answer = self.last(x)
        self.barrier.wait(timeout=20)
        return answer


def test_two_threads_get_each_their_own_vectors():
    net = Meeting()
    inputs = [torch.zeros(1, 4), torch.ones(1, 4)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda x: penultimate(net, [x], 3), inputs))
    assert all(torch.equal(vector, x) for vector, x in zip(found, inputs, strict=True))
