"""A run on the fixture `music` that takes seconds: two pictures of 32 x 32, a narrow network, three epochs."""

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
