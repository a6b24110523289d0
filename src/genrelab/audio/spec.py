"""How audio becomes segments: plain data that travels into store, checkpoint and run record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from genrelab.utils.errors import ConfigError

# Field -> its name in checkpoints, feature caches and exported models: they were written before the field was renamed,
# and fingerprints are hashes of these names.
SAVED_NAMES = {
    "segment_duration": "segment_seconds",
    "segment_selection": "choose",
    "short_tracks": "short",
    "trim_top_db": "trim_db",
}

LOWEST_RATE, HIGHEST_RATE = 1_000, 1_000_000  # Hz; beyond, a number is a slip, or means to fill the memory
MAX_SEGMENT = 3_600  # s


@dataclass(frozen=True)
class AudioSpec:
    """Decoding and segmentation of a dataset.

    Args:
        sample_rate: Hz, mono.
        segment_duration: length of a segment, s.
        max_segments: most segments kept of one track; None keeps all.
        segment_selection: which segments are kept where there are more: spread evenly, or drawn by (data_seed, track).
        short_tracks: what happens to a track shorter than one segment (after trimming): padded with silence, or
            dropped.
        trim_top_db: silence at both ends below this many dB under the peak is trimmed
            (`librosa.effects.trim`); None trims nothing.
        data_seed: seed of segment choice and augmentation, apart from the training seed so that
            runs over several seeds share one store.
    """

    sample_rate: int = 22_050
    segment_duration: float = 15.0
    max_segments: int | None = 24
    segment_selection: Literal["even", "random"] = "even"
    short_tracks: Literal["pad", "drop"] = "pad"
    trim_top_db: float | None = 60.0
    data_seed: int = 0

    def __post_init__(self) -> None:
        problems = []
        if self.sample_rate < LOWEST_RATE:
            problems.append(f"audio.sample_rate: {self.sample_rate} Hz is too low; 22050 is usual")
        elif self.sample_rate > HIGHEST_RATE:
            problems.append(f"audio.sample_rate: {self.sample_rate} Hz is above {HIGHEST_RATE} (22050 is usual)")
        if not 0.1 <= self.segment_duration <= MAX_SEGMENT:
            problems.append(f"audio.segment_duration: {self.segment_duration} s is not between 0.1 and {MAX_SEGMENT}")
        if self.max_segments is not None and self.max_segments < 1:
            problems.append(f"audio.max_segments: {self.max_segments}; use 1 or more, or null for all")
        if problems:
            raise ConfigError(problems)

    @property
    def segment_samples(self) -> int:
        """Length of a segment in samples."""
        return round(self.segment_duration * self.sample_rate)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as checkpoints, feature caches and exported models hold it."""
        return {SAVED_NAMES.get(name, name): value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AudioSpec:
        """Make the spec of what `to_dict` returned.

        Raises:
            TypeError: a key is none of `to_dict`'s.
        """
        fields = {saved: name for name, saved in SAVED_NAMES.items()}
        return cls(**{fields.get(name, name): value for name, value in data.items()})


def fingerprint(value: Any) -> str:
    """Hash of plain data or an `AudioSpec`, the same in every process: 16 hex digits."""
    plain = value.to_dict() if isinstance(value, AudioSpec) else value
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), default=list)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
