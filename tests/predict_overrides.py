"""A run on the fixture `music` that takes seconds: two pictures of 32 x 32, a narrow network, three epochs."""

from pathlib import Path

OVERRIDES = [
    "dataset=folder",
    "taxonomy=flat",
    "split.ratios=[0.6,0.2,0.2]",
    "audio.sample_rate=8000",
    "audio.segment_seconds=2.0",
    "augment=none",
    "features=[mel_db,pcen]",
    *(f"features.{name}.{key}" for name in ("mel_db", "pcen") for key in ("n_fft=512", "hop_length=256")),
    *(f"features.{name}.{key}" for name in ("mel_db", "pcen") for key in ("n_mels=32", "frames=32")),
    "model=resnet18flex_dual",
    "model.width=4",
    "data.batch_size=8",
    "trainer.epochs=3",
    "trainer.estimate=false",
    "trainer.baselines=false",
    "accelerator=cpu",
]


def train_small(music: Path, root: Path) -> Path:
    """Folder of a run on `music`, below root."""
    from genrelab.config import compose
    from genrelab.run import train

    overrides = [*OVERRIDES, f"dataset.root={music}", f"paths.outputs={root / 'outputs'}"]
    folder = root / "outputs" / "runs" / "small"
    train(compose(overrides), folder, overrides)
    return folder
