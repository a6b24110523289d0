"""Cost of a training step of every model: GFLOP, parameters, samples a second forward and backward, interleaved.

    python benchmarks/models.py [--batch 32] [--rounds 5] [NAME ...]

Samples a second are medians; the last column compares with the default dual network in the same rounds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch
from harness import interleaved, make_parser, ratio
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from genrelab.losses.registry import LOSSES
from genrelab.models.registry import MODELS

CLASSES = 12
HIGH, LOW, VECTOR = (128, 256), (32, 256), (57,)
REFERENCE = "dual"
CASES: dict[str, tuple[str, tuple[tuple[int, ...], ...], dict[str, Any]]] = {
    REFERENCE: ("resnet18flex_dual", (HIGH, LOW), {}),
    "dual, time stride 2": ("resnet18flex_dual", (HIGH, LOW), {"time_stride": 2}),
    "dual, published stem": ("resnet18flex_dual", (HIGH, LOW), {"stem": "published"}),
    "dual, width 16": ("resnet18flex_dual", (HIGH, LOW), {"width": 16}),
    "dual, width 64": ("resnet18flex_dual", (HIGH, LOW), {"width": 64}),
    "dual, width 64, time stride 2": ("resnet18flex_dual", (HIGH, LOW), {"width": 64, "time_stride": 2}),
    "dual, width 64, published stem (A22)": ("resnet18flex_dual", (HIGH, LOW), {"width": 64, "stem": "published"}),
    "single 128 rows": ("resnet18flex", (HIGH,), {}),
    "single 128 rows, width 64 (A21)": ("resnet18flex", (HIGH,), {"width": 64}),
    "single 32 rows": ("resnet18flex", (LOW,), {}),
    "single 32 rows, published stem": ("resnet18flex", (LOW,), {"stem": "published"}),
    "cnn (A24)": ("cnn", (HIGH,), {}),
    "cnn, width 16": ("cnn", (HIGH,), {"width": 16}),
    "mlp (B08)": ("mlp", (VECTOR,), {}),
}


def make_case(name: str) -> tuple[nn.Module, list[tuple[int, ...]]]:
    kind, shapes, params = CASES[name]
    return MODELS.build(kind, params, in_shapes=shapes, n_classes=CLASSES), list(shapes)


def gflop(net: nn.Module, features: list[Tensor]) -> float:
    """Forward, per sample; a multiplication and an addition are two."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(*features)
    net.train()
    return counter.get_total_flops() / len(features[0]) / 1e9


def step(net: nn.Module, features: list[Tensor], loss: nn.Module, target: Tensor) -> Callable[[], None]:
    def run() -> None:
        net.zero_grad(set_to_none=True)
        loss(net(*features), target).backward()

    return run


def main() -> None:
    parser = make_parser(__doc__, rounds=5)
    parser.add_argument("names", nargs="*", help="cases; all of them by default")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(CASES):
        parser.error(f"no case {', '.join(sorted(unknown))}; there is: {'; '.join(CASES)}")
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    names = [REFERENCE, *(name for name in asked.names or CASES if name != REFERENCE)]
    loss = LOSSES.build("graph_soft", {"beta": 1.5}, distances=1 - torch.eye(CLASSES))
    target = torch.arange(asked.batch) % CLASSES
    facts, sides = {}, {}
    for name in names:
        net, shapes = make_case(name)
        features = [torch.randn(asked.batch, *shape) for shape in shapes]
        facts[name] = (gflop(net, features), sum(p.numel() for p in net.parameters()))
        sides[name] = step(net, features, loss, target)
    seconds = interleaved(sides, asked.rounds)
    print(f"batch {asked.batch}, {asked.threads} threads, {asked.rounds} rounds, torch {torch.__version__}")
    print(f"{'model':38}{'GFLOP':>8}{'parameters':>13}{'samples/s':>11}{'speed':>8}")
    for name in names:
        rate = asked.batch / statistics.median(seconds[name])
        cost, size = facts[name]
        print(f"{name:38}{cost:8.4f}{size:13,}{rate:11.1f}{ratio(seconds, name, REFERENCE):7.2f}x")


if __name__ == "__main__":
    main()
