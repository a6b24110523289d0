"""How audio becomes segments: plain data that travels into store, checkpoint and run record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from genrelab.utils.errors import ConfigError


@dataclass(frozen=True)
class AudioSpec:
    """Decoding and segmentation of a dataset.

    Args:
        sample_rate: Hz, mono.
        segment_seconds: length of a segment, s.
        max_segments: most segments kept of one track; None keeps all.
        choose: which segments are kept where there are more: spread evenly, or drawn by (data_seed, track).
        short: what happens to a track shorter than one segment (after trimming): padded with silence, or dropped.
        trim_db: silence at both ends below this many dB under the peak is trimmed
            (`librosa.effects.trim`); None trims nothing.
        data_seed: seed of segment choice and augmentation, apart from the training seed so that
            runs over several seeds share one store.
    """

    sample_rate: int = 22_050
    segment_seconds: float = 15.0
    max_segments: int | None = 24
    choose: Literal["even", "random"] = "even"
    short: Literal["pad", "drop"] = "pad"
    trim_db: float | None = 60.0
    data_seed: int = 0

    def __post_init__(self) -> None:
        problems = []
        if self.sample_rate < 1_000:
            problems.append(f"audio.sample_rate: {self.sample_rate} Hz is too low; 22050 is usual")
        if self.segment_seconds < 0.1:
            problems.append(f"audio.segment_seconds: {self.segment_seconds} s is too short; use 0.1 or more")
        if self.max_segments is not None and self.max_segments < 1:
            problems.append(f"audio.max_segments: {self.max_segments}; use 1 or more, or null for all")
        if problems:
            raise ConfigError(problems)

    @property
    def segment_samples(self) -> int:
        """Length of a segment in samples."""
        return round(self.segment_seconds * self.sample_rate)


def fingerprint(value: Any) -> str:
    """Hash of a plain value (dicts, lists, numbers, strings, dataclasses), the same in every process: 16 hex digits."""
    plain = asdict(value) if hasattr(value, "__dataclass_fields__") else value
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), default=list)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
