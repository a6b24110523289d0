"""Cross-entropy against its formula."""

import pytest
import torch

from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_equals_the_formula(smoothing):
    logits, target = torch.randn(6, 5), torch.tensor([0, 4, 2, 2, 1, 3])
    log_p = logits - logits.logsumexp(dim=1, keepdim=True)
    labels = (1 - smoothing) * torch.eye(5)[target] + smoothing / 5
    loss = LOSSES.build("cross_entropy", {"label_smoothing": smoothing}, distances=torch.zeros(5, 5))
    torch.testing.assert_close(loss(logits, target), -(labels * log_p).sum(dim=1).mean())


def test_out_of_range():
    with pytest.raises(ConfigError, match=r"loss\.label_smoothing: 1\.0 .*\[0, 1\)"):
        LOSSES.build("cross_entropy", {"label_smoothing": 1.0})
