"""The presets of waveform augmentation, by kind."""

from genrelab.utils.registry import Registry

AUGMENTS = Registry("augment", "genrelab.audio.augmentation_presets")  # the other modules compile kernels
