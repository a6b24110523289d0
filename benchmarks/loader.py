"""Whole-batch gather against a per-sample Dataset behind PyTorch's DataLoader, over the same resident pictures.

python benchmarks/loader.py [--rounds 5]
"""

from __future__ import annotations

import numpy as np
import torch
from harness import interleaved, make_parser, ratio
from torch.utils.data import DataLoader, TensorDataset

from genrelab.datamodules import Batch, BatchLoader

ROWS, BATCH = 4_000, 64


def main() -> None:
    rounds = make_parser(__doc__, rounds=5).parse_args().rounds
    features = (torch.randn(ROWS, 128, 256).half(), torch.randn(ROWS, 32, 256).half())
    target = torch.arange(ROWS) % 12
    order = torch.from_numpy(np.random.default_rng(0).permutation(ROWS))
    ours = BatchLoader(Batch(features, target, target, target), lambda: order, BATCH)
    theirs = DataLoader(TensorDataset(*features, target), batch_size=BATCH, shuffle=True)

    def run(loader: object) -> None:
        for _ in loader:  # type: ignore[attr-defined]
            pass

    seconds = interleaved({"genrelab": lambda: run(ours), "DataLoader": lambda: run(theirs)}, rounds)
    for side, values in seconds.items():
        print(f"{side}: {ROWS / float(np.median(values)):.0f} segments/s of 128x256 + 32x256 float16")
    print(f"genrelab is {ratio(seconds, of='genrelab', to='DataLoader'):.1f} times as fast")


if __name__ == "__main__":
    main()
