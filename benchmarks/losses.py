"""Seconds of a training step with each loss against cross-entropy: 250 classes, batch 256.

    python benchmarks/losses.py

The step is forward, loss, backward and optimizer of a network on random features. The MLP's step is the shortest that
genrelab has, so that it shows a loss's cost most; the cnn's is what a small picture network takes. Wanted: 98 %.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch
from harness import interleaved, ratio

from genrelab.registry import LOSSES, MODELS, OPTIMIZERS

CLASSES, BATCH = 250, 256
NETWORKS = {"mlp": ((57,), 40), "cnn": ((64, 64), 1)}  # shape of the features, steps a round


def graph() -> dict[str, torch.Tensor]:
    """Genres on a line, nine to a supergenre, three of these to a cluster: like the Musicmap in size."""
    places = torch.arange(CLASSES)
    away = (places[:, None] - places).abs().float()
    return {"distances": away.clamp(max=11), "supergenres": places // 9, "clusters": places // 27}


def stepper(model: str, loss: str, shape: tuple[int, ...], steps: int) -> Callable[[], None]:
    """A function that takes `steps` training steps."""
    torch.manual_seed(0)
    net = MODELS.build(model, {}, in_shapes=[shape], n_classes=CLASSES)
    objective = LOSSES.build(loss, {}, **graph())
    optimizer = OPTIMIZERS.build("adam", {}, parameters=net.parameters())
    features, target = torch.randn(BATCH, *shape), torch.randint(CLASSES, (BATCH,))

    def train() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            objective(net(features), target).backward()
            optimizer.step()

    return train


def main() -> None:
    torch.set_num_threads(1)
    for model, (shape, steps) in NETWORKS.items():
        plain = stepper(model, "cross_entropy", shape, steps)
        for loss in (kind for kind in LOSSES.kinds() if kind != "cross_entropy"):
            seconds = interleaved({"cross_entropy": plain, loss: stepper(model, loss, shape, steps)}, rounds=15)
            step = 1000 * statistics.median(seconds[loss]) / steps
            extra = 1000 * (min(seconds[loss]) - min(seconds["cross_entropy"])) / steps
            share = ratio(seconds, of=loss, to="cross_entropy")
            print(f"{model} {loss}: {step:.2f} ms a step, {share:.1%} of the speed, {extra:+.3f} ms", flush=True)


if __name__ == "__main__":
    main()
