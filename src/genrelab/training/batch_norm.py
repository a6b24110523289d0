"""Batch-norm statistics for evaluation: recomputed from train rows, and checked against batch statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

LONG_EPOCH = 22  # steps after which running statistics (momentum 0.1) are 90 % those of the same epoch
MAX_GAP = 0.3, 0.25  # nats, and share of the loss by batch statistics, that eval mode may add
_DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


def batch_norms(net: nn.Module) -> list[_BatchNorm]:
    """List the batch-norm layers whose running statistics training updates.

    A part that its network keeps in eval mode during training (a frozen encoder) is left out: its statistics belong to
    the weights that came with it.
    """
    training = {module: module.training for module in net.modules()}
    net.train()
    found = [m for m in net.modules() if isinstance(m, _BatchNorm) and m.training and m.track_running_stats]
    for module, mode in training.items():
        module.training = mode
    return found


@torch.no_grad()
def dropout_precedes_batch_norm(net: nn.Module, forward: Callable[[], object]) -> bool:
    """Return whether dropout runs before a batch norm, whose running statistics then do not fit evaluation.

    Dropout keeps the mean of its input and adds variance, which evaluation does not have (Li et al., "Understanding the
    Disharmony between Dropout and Batch Normalization by Variance Shift", CVPR 2019).

    Args:
        net: Network in eval mode.
        forward: Runs the network once on any input.
    """
    order: list[bool] = []  # of the layers as they run: True for dropout
    layers = [m for m in net.modules() if isinstance(m, _DROPOUT) and m.p > 0]
    hooks = [m.register_forward_hook(lambda *_: order.append(True)) for m in layers]
    hooks += [m.register_forward_hook(lambda *_: order.append(False)) for m in batch_norms(net)]
    try:
        forward()
    finally:
        for hook in hooks:
            hook.remove()
    return True in order and False in order[order.index(True) :]


@torch.no_grad()
def recompute_batch_norm_statistics(net: nn.Module, forwards: Iterable[Callable[[], object]]) -> None:
    """Replace running statistics by plain averages over some batches, everything else in eval mode.

    Wu and Johnson, "Rethinking 'Batch' in BatchNorm" (arXiv 2105.07576), call this PreciseBN.

    Args:
        net: Network; left in eval mode.
        forwards: Each runs the network once, on a batch of train rows.
    """
    net.eval()
    with _batch_statistics(batch_norms(net), momentum=None) as norms:
        for norm in norms:
            norm.reset_running_stats()
        for forward in forwards if norms else ():
            forward()


@dataclass(frozen=True)
class StatisticsGap:
    """Mean loss of the same train rows by batch norm's two kinds of statistics, dropout off, in nats."""

    eval_loss: float
    batch_loss: float
    n_rows: int

    @property
    def too_wide(self) -> bool:
        """Whether eval mode adds more than 0.3 nats and more than a quarter."""
        nats, share = MAX_GAP
        if not math.isfinite(self.eval_loss):
            return math.isfinite(self.batch_loss)
        gap = self.eval_loss - self.batch_loss
        return gap > nats and gap > share * abs(self.batch_loss)

    def to_dict(self) -> dict[str, float | None]:
        """Plain data for a run's record; JSON has no NaN and no infinity, which become None."""
        return {name: value if math.isfinite(value) else None for name, value in asdict(self).items()}

    def message(self, statistics: str, after_dropout: bool) -> str:
        """Say what is wrong, why, and what to do about it.

        Args:
            statistics: How they were computed: "running" or "recomputed".
            after_dropout: Whether dropout runs before a batch norm.
        """
        cause = "dropout" if after_dropout else "weights that change faster than they do"
        if statistics == "running":
            cause = f"running statistics behind {cause}; use model.bn_statistics=recomputed"
        else:
            cause = "statistics recomputed from train rows; use more train tracks, or a network without batch norm"
        return (
            f"batch norm does not fit evaluation: on {self.n_rows} train segments the loss is {self.eval_loss:.2f} in "
            f"eval mode and {self.batch_loss:.2f} by batch statistics ({cause})"
        )


@torch.no_grad()
def measure_gap(net: nn.Module, losses: Iterable[Callable[[], tuple[Tensor, int]]]) -> StatisticsGap:
    """Compare eval mode with batch statistics on the same rows, without changing anything.

    Args:
        net: Network; left in eval mode.
        losses: Each returns the mean loss of a batch of train rows, and their number.
    """
    net.eval()
    norms = batch_norms(net)
    kept = [{name: buffer.clone() for name, buffer in norm.named_buffers()} for norm in norms]
    totals, n_rows = [0.0, 0.0], 0
    for loss in losses:
        value, count = loss()
        with _batch_statistics(norms, momentum=0.0):
            by_batch, _ = loss()
        totals = [totals[0] + float(value) * count, totals[1] + float(by_batch) * count]
        n_rows += count
    for norm, buffers in zip(norms, kept, strict=True):
        for name, buffer in buffers.items():
            norm.get_buffer(name).copy_(buffer)
    return StatisticsGap(totals[0] / n_rows, totals[1] / n_rows, n_rows)


@contextmanager
def _batch_statistics(norms: list[_BatchNorm], momentum: float | None) -> Iterator[list[_BatchNorm]]:
    """Have layers normalize by the statistics of the batch, in a network that is otherwise in eval mode."""
    kept = [norm.momentum for norm in norms]
    try:
        for norm in norms:
            norm.momentum = momentum
            norm.training = True
        yield norms
    finally:
        for norm, value in zip(norms, kept, strict=True):
            norm.momentum = value
            norm.training = False
