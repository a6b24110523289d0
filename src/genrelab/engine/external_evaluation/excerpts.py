"""Excerpts drawn at random from a recording."""

from __future__ import annotations

import numpy as np

from genrelab.audio import AudioSpec, keyed_rng
from genrelab.audio.segmentation import trim_bounds


def draw_excerpts(
    samples: np.ndarray, spec: AudioSpec, count: int, seconds: float, seed: int, track_id: str
) -> list[np.ndarray]:
    """Draw `count` excerpts of `seconds`, which may overlap, in order of time.

    Args:
        samples: `[T]` float32 at `spec.sample_rate`; silence at its ends is left out as `spec.trim_top_db` says.
        spec: of the run.
        count: how many.
        seconds: of each.
        seed: with the track's id decides where they begin.
        track_id: of the recording.

    Returns:
        `count` arrays of one length; the whole recording once where it is shorter than an excerpt.
    """
    first, last = (0, len(samples)) if spec.trim_top_db is None else trim_bounds(samples, spec.trim_top_db)
    length = round(seconds * spec.sample_rate)
    if last - first <= length:
        return [samples[first:last]]
    starts = keyed_rng("excerpts", seed, track_id).integers(first, last - length + 1, size=count)
    return [samples[start : start + length] for start in sorted(starts.tolist())]
