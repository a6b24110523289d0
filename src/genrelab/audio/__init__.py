"""Audio: decoding, segments, augmentation. Importing it costs numpy alone; decoders come when needed."""

from genrelab.audio.augment import Augment, PinkNoise, PitchShift, PublishedNoise, augment_rng
from genrelab.audio.decode import AudioError, AudioInfo, load_audio, probe
from genrelab.audio.segment import Segment, cut_segments, keyed_rng, trim_silence
from genrelab.audio.spec import AudioSpec, fingerprint

__all__ = [
    "AudioError",
    "AudioInfo",
    "AudioSpec",
    "Augment",
    "PinkNoise",
    "PitchShift",
    "PublishedNoise",
    "Segment",
    "augment_rng",
    "cut_segments",
    "fingerprint",
    "keyed_rng",
    "load_audio",
    "probe",
    "trim_silence",
]
