"""A decoded track to segments: trim, cut, choose, pad."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from genrelab.audio.sample_buffer import release_memory
from genrelab.audio.spec import AudioSpec

_FRAME, _HOP = 2048, 512  # librosa.effects.trim's defaults
_CHUNK = 4096  # blocks of a hop squared at once


@dataclass(frozen=True, eq=False)
class Segment:
    """A fixed-length excerpt.

    Args:
        index: its place in the track, counted before any choosing: `start == index * spec.segment_samples`.
        start: first sample, counted in the trimmed track.
        samples: [spec.segment_samples] float32.
        padded: whether the track was shorter and silence was added at the end.
    """

    index: int
    start: int
    samples: np.ndarray
    padded: bool = False


def keyed_rng(*key: int | str) -> np.random.Generator:
    """A generator that depends on the key alone: the same in every process, order and platform."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def trim_silence(samples: np.ndarray, top_db: float) -> np.ndarray:
    """Cut silence off both ends; a view. Same bounds as `librosa.effects.trim(samples, top_db=top_db)`.

    Args:
        samples: [T] float32.
        top_db: a frame is silent when its RMS lies this many dB under the loudest frame's.

    Returns:
        [T'] the part from the first to the last frame that is not silent; all of it if the track is all zero.
    """
    first, last = trim_bounds(samples, top_db)
    return samples[first:last]


def trim_bounds(samples: np.ndarray, top_db: float) -> tuple[int, int]:
    """First sample that `trim_silence` keeps, and the first behind those it keeps."""
    if samples.size == 0:
        return 0, 0
    n_blocks = (len(samples) // _HOP * _HOP + _FRAME) // _HOP
    blocks = np.zeros(n_blocks)
    lead = _FRAME // 2 // _HOP  # blocks of silence before the first sample
    for at in range(0, n_blocks - lead, _CHUNK):  # the squares of an hour in double would fill a gigabyte
        some = samples[at * _HOP : min(at + _CHUNK, n_blocks - lead) * _HOP].astype(np.float64)
        some = np.pad(some, (0, -len(some) % _HOP)).reshape(-1, _HOP)
        blocks[lead + at : lead + at + len(some)] = np.square(some).sum(axis=1)
        release_memory(samples)
    power = np.convolve(blocks, np.ones(_FRAME // _HOP), "valid") / _FRAME  # [n_frames]
    level = 10 * np.log10(np.maximum(power, 1e-10))
    loud = np.flatnonzero(level - level.max() > -top_db)
    return int(loud[0]) * _HOP, min(len(samples), (int(loud[-1]) + 1) * _HOP)


def cut_segments(samples: np.ndarray, spec: AudioSpec, track_id: str) -> list[Segment]:
    """Trim a track and cut it into non-overlapping segments.

    Args:
        samples: [T] float32 at `spec.sample_rate`.
        spec: lengths, number, choice, and what happens to short tracks.
        track_id: keys the random choice, together with `spec.data_seed`.

    Returns:
        At most `spec.max_segments` segments in order of time. The last partial segment is dropped. A track shorter
        than one segment gives one with `padded=True`, or an empty list where `spec.short_tracks` is "drop".
    """
    if spec.trim_top_db is not None:
        samples = trim_silence(samples, spec.trim_top_db)
    length = spec.segment_samples
    if len(samples) < length:
        if spec.short_tracks == "drop" or len(samples) == 0:
            return []
        padded = np.zeros(length, np.float32)
        padded[: len(samples)] = samples
        return [Segment(0, 0, padded, padded=True)]
    chosen = _choose(len(samples) // length, spec, track_id)
    return [Segment(i, i * length, samples[i * length : (i + 1) * length]) for i in chosen]


def _choose(n: int, spec: AudioSpec, track_id: str) -> list[int]:
    """Which of n segments are kept, ascending."""
    keep = n if spec.max_segments is None else min(n, spec.max_segments)
    if keep == n:
        return list(range(n))
    if spec.segment_selection == "random":
        drawn = keyed_rng("segments", spec.data_seed, track_id).choice(n, size=keep, replace=False)
        return sorted(int(i) for i in drawn)
    # The middles of `keep` equal stretches: never the intro alone, and the middle where only one is kept.
    return [(2 * i + 1) * n // (2 * keep) for i in range(keep)]
