"""Does accuracy move with the backend? The quickstart on stores of librosa and of the numba backend, several seeds.

    python benchmarks/accuracy_by_backend.py                      # 2 backends x 3 seeds x 8 epochs, ten minutes or so
    python benchmarks/accuracy_by_backend.py features=chroma_cqt  # anything after it goes to train.py

Every run has a folder below --folder, so that what is done is not done again. Intervals are 95 % of the mean over
seeds (Student's t), those of the difference of runs of one seed. Rounding alone sends two trainings apart, so the last
line asks what the backends themselves do: the answers of one network to test segments of both stores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from harness import make_parser

REPOSITORY = Path(__file__).resolve().parents[1]
BACKENDS = ("librosa", "numba")
SCORES = ("accuracy", "distance")


def score(folder: Path, backend: str, seed: int, epochs: int, overrides: list[str]) -> list[float]:
    """Train one run unless it is there; its `SCORES` on test tracks."""
    run = folder / backend / f"seed-{seed}"
    if not (run / "metrics.json").exists():
        command = [
            sys.executable,
            str(REPOSITORY / "train.py"),
            "experiment=quickstart",
            f"trainer.max_epochs={epochs}",
        ]
        command += [
            f"data.feature_backend={backend}",
            f"seed={seed}",
            f"hydra.run.dir={run}",
            f"paths.feature_cache_dir={folder / backend / 'store'}",
        ]
        command += [
            "trainer.estimate=false",
            "trainer.baselines=false",
            "trainer.enable_progress_bar=false",
            *overrides,
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    found = json.loads((run / "metrics.json").read_text())["test"]["track"]
    return [float(found[name]["value"]) for name in SCORES]


def answers(folder: Path, seed: int) -> str:
    """What the network that was trained on librosa's features answers to those of either engine."""
    import torch
    import yaml

    from genrelab.datamodules import Normalizer
    from genrelab.engine import build
    from genrelab.runs.checkpoint import load_checkpoint

    logits = {}
    run = folder / "librosa" / f"seed-{seed}"
    content = load_checkpoint(run / "checkpoints" / "best.ckpt")
    normalizer = Normalizer(content["genrelab"]["preprocessing"]["normalize"])
    for backend in BACKENDS:
        config = yaml.safe_load((folder / backend / f"seed-{seed}" / "config.yaml").read_text())
        dataset = build.read_dataset(config)
        split = build.make_split(config, dataset.index)
        feature_cache = build.make_feature_cache(config, dataset.index)
        net = build.make_network(
            config, [spec.shape for spec in feature_cache.specs], len(dataset.taxonomy.genres)
        ).eval()
        net.load_state_dict(content["state_dict"])
        features = [torch.from_numpy(array) for array in feature_cache.load(feature_cache.rows(split.tracks("test")))]
        with torch.inference_mode():
            logits[backend] = net(*normalizer(features)).numpy()
    slow, fast = (logits[backend] for backend in BACKENDS)
    other = int((slow.argmax(axis=1) != fast.argmax(axis=1)).sum())
    apart = np.abs(slow - fast).max() / np.ptp(slow)
    return f"one network on both stores: {other} of {len(slow)} answers differ, logits by {apart:.1e} of their range"


def interval(values: np.ndarray) -> str:
    """Mean and 95 % interval of it, which one value does not have."""
    from scipy.stats import t

    if len(values) < 2:
        return f"{values.mean():.3f}"
    reach = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.3f} [{values.mean() - reach:.3f}, {values.mean() + reach:.3f}]"


def main() -> None:
    """Read the command line."""
    parser = make_parser(__doc__, rounds=3)  # a seed each
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "accuracy-by-backend")
    asked, overrides = parser.parse_known_args()
    found: dict[str, list[list[float]]] = {backend: [] for backend in BACKENDS}
    for seed in range(asked.rounds):
        for backend in BACKENDS:
            found[backend].append(score(asked.folder.absolute(), backend, seed, asked.epochs, overrides))
            scores = ", ".join(f"{name} {value:.3f}" for name, value in zip(SCORES, found[backend][-1], strict=True))
            print(f"backend={backend} seed={seed}: {scores}", flush=True)
    values = {backend: np.array(rows) for backend, rows in found.items()}
    for place, name in enumerate(SCORES):
        for backend in BACKENDS:
            print(f"{name}, {backend}: {interval(values[backend][:, place])}")
        print(f"{name}, numba - librosa: {interval(values['numba'][:, place] - values['librosa'][:, place])}")
    print(answers(asked.folder.absolute(), 0))


if __name__ == "__main__":
    main()
