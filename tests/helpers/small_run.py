"""Runs on a few files of sound that take seconds: pictures of 32 x 32, a narrow network, three epochs."""

from collections.abc import Sequence
from pathlib import Path

PICTURES = ("mel_db", "pcen")
DUAL = ("model=resnet18flex_dual", "model.width=4")


def small_overrides(pictures: Sequence[str] = PICTURES, model: Sequence[str] = DUAL) -> list[str]:
    """Overrides of such a run on a folder of genres; each picture has n_mels, n_fft and hop_length."""
    sizes = ("n_fft=512", "hop_length=256", "n_mels=32", "frames=32")
    return [
        "dataset=folder",
        "taxonomy=flat",
        "split.ratios=[0.6,0.2,0.2]",
        "audio.sample_rate=8000",
        "audio.segment_duration=2.0",
        "augment=none",
        f"features=[{','.join(pictures)}]",
        *(f"features.{name}.{size}" for name in pictures for size in sizes),
        *model,
        "data.batch_size=8",
        "trainer.max_epochs=3",
        "trainer.estimate=false",
        "accelerator=cpu",
    ]


def train_small(music: Path, root: Path, overrides: Sequence[str] | None = None) -> Path:
    """Folder of a run on the genre folders `music`, below root; `small_overrides()` by default."""
    from genrelab.config import compose
    from genrelab.engine.run import train

    overrides = [*(overrides or small_overrides()), f"dataset.root={music}", f"paths.output_dir={root / 'outputs'}"]
    folder = root / "outputs" / "runs" / "small"
    train(compose(overrides), folder, overrides)
    return folder
