"""Audio: decoding, segments, augmentation. Importing it costs numpy alone; decoders come when needed."""

from genrelab.audio.augmentation_presets import augment_rng
from genrelab.audio.errors import AudioError
from genrelab.audio.io import AudioInfo, DecodedAudio, decode_audio, load_audio, probe
from genrelab.audio.noise import GaussianNoise, PinkNoise, PublishedNoise
from genrelab.audio.segmentation import Segment, cut_segments, keyed_rng, trim_silence
from genrelab.audio.spec import AudioSpec, fingerprint
from genrelab.audio.transforms import Augment, Chain, Gain, PitchShift, RandomPitch, Shift, TimeStretch

__all__ = [
    "AudioError",
    "AudioInfo",
    "AudioSpec",
    "Augment",
    "Chain",
    "DecodedAudio",
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
    "decode_audio",
    "fingerprint",
    "keyed_rng",
    "load_audio",
    "probe",
    "trim_silence",
]
