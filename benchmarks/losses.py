"""What each loss adds to a training step of cross-entropy: 250 classes, batch 256.

    python benchmarks/losses.py [--rounds 25]

Forward and backward of each loss are timed on given logits, interleaved with cross-entropy's, and the least difference
is set against the least step of a whole network: differences of whole steps drown in a busy machine's noise. The
MLP's step is the shortest that genrelab has, so that a loss shows most there. Wanted: 98 %.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from harness import interleaved, make_parser

from genrelab.losses.multilabel import MULTILABEL_TAG
from genrelab.losses.registry import LOSSES
from genrelab.models.registry import MODELS
from genrelab.training.registry import OPTIMIZERS

CLASSES, BATCH = 250, 256
NETWORKS = {"mlp": ((57,), 20), "cnn": ((32, 32), 1)}  # shape of the features, steps a round
TIMES = 40  # a loss's forward and backward a round


def make_loss(kind: str) -> torch.nn.Module:
    """On genres on a line, nine to a supergenre, three of these to a cluster: like the Musicmap in size."""
    places = torch.arange(CLASSES)
    away = (places[:, None] - places).abs().float().clamp(max=11)
    of_tracks = {"prevalence": torch.full((CLASSES,), 2 / CLASSES)}
    groups = {"supergenres": places // 9, "clusters": places // 27}
    made: torch.nn.Module = LOSSES.build(kind, {}, distances=away, **groups, **of_tracks)
    return made


def alone(kind: str) -> Callable[[], None]:
    """Forward and backward of a loss on given logits."""
    loss, target = make_loss(kind), torch.randint(CLASSES, (BATCH,))
    if LOSSES.marked(kind, MULTILABEL_TAG):
        target = torch.nn.functional.one_hot(target, CLASSES)
    logits = torch.randn(BATCH, CLASSES, requires_grad=True)

    def work() -> None:
        for _ in range(TIMES):
            logits.grad = None
            loss(logits, target).backward()

    return work


def stepper(model: str, shape: tuple[int, ...], steps: int) -> Callable[[], None]:
    """Training steps of a network with cross-entropy."""
    net = MODELS.build(model, {}, in_shapes=[shape], n_classes=CLASSES)
    loss = make_loss("cross_entropy")
    optimizer = OPTIMIZERS.build("adam", {}, parameters=net.parameters())
    features, target = torch.randn(BATCH, *shape), torch.randint(CLASSES, (BATCH,))

    def train() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            loss(net(features), target).backward()
            optimizer.step()

    return train


def main() -> None:
    rounds = make_parser(__doc__, rounds=25).parse_args().rounds
    torch.set_num_threads(1)
    torch.manual_seed(0)
    plain, *others = sorted(LOSSES.kinds(), key=lambda kind: kind != "cross_entropy")
    seconds = interleaved({kind: alone(kind) for kind in (plain, *others)}, rounds)
    least = {kind: min(values) / TIMES for kind, values in seconds.items()}
    steps = {}
    for model, (shape, count) in NETWORKS.items():
        taken = interleaved({model: stepper(model, shape, count)}, min(rounds, 15 if count > 1 else 3))
        steps[model] = min(taken[model]) / count
        print(f"{model}: a step with cross-entropy takes {1000 * steps[model]:.2f} ms", flush=True)
    for kind in others:
        extra = least[kind] - least[plain]
        shares = ", ".join(f"{model} {step / (step + extra):.1%}" for model, step in steps.items())
        print(f"{kind}: {1000 * least[kind]:.3f} ms ({1000 * extra:+.3f}); speed of a step: {shares}", flush=True)


if __name__ == "__main__":
    main()
