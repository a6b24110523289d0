"""Audio: decoding, segments, augmentation. Importing it costs numpy alone; decoders come when needed."""

from genrelab.audio.augment import augment_rng
from genrelab.audio.changes import Augment, Chain, Gain, PitchShift, RandomPitch, Shift, TimeStretch
from genrelab.audio.decode import AudioError, AudioInfo, load_audio, load_with_rate, probe
from genrelab.audio.noise import GaussianNoise, PinkNoise, PublishedNoise
from genrelab.audio.segment import Segment, cut_segments, keyed_rng, trim_silence
from genrelab.audio.spec import AudioSpec, fingerprint

__all__ = [
    "AudioError",
    "AudioInfo",
    "AudioSpec",
    "Augment",
    "Chain",
    "Gain",
    "GaussianNoise",
    "PinkNoise",
    "PitchShift",
    "PublishedNoise",
    "RandomPitch",
    "Segment",
    "Shift",
    "TimeStretch",
    "augment_rng",
    "cut_segments",
    "fingerprint",
    "keyed_rng",
    "load_audio",
    "load_with_rate",
    "probe",
    "trim_silence",
]
