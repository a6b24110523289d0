"""A recording to windows: training's own segments, or closer ones."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from genrelab.audio import AudioError, AudioSpec, cut_segments, decode_audio
from genrelab.audio.downmix import to_mono
from genrelab.audio.errors import NO_SAMPLES, NON_FINITE
from genrelab.audio.segmentation import trim_bounds
from genrelab.utils.errors import GenrelabError

log = logging.getLogger(__name__)


class Window(NamedTuple):
    """A window of a recording: its first sample in the recording, and `[spec.segment_samples]` float32."""

    start: int
    samples: np.ndarray


def cut_windows(samples: np.ndarray, spec: AudioSpec, hop: float | None = None) -> list[Window]:
    """Cut a recording as training does, but all of it, and short ones too.

    Args:
        samples: `[T]` float32 at `spec.sample_rate`.
        spec: of the run. Its `max_segments` and `short: drop` saved time in training and do not count here.
        hop: seconds from window to window; None lays them end to end, as in training, and drops the last partial
            one. With a hop the last window ends where the recording ends.

    Returns:
        one window or more, in order of time; a recording shorter than a window is padded with silence.

    Raises:
        GenrelabError: a hop that is not above 0, or longer than a window.
    """
    check_hop(hop, spec)
    first, last = (0, len(samples)) if spec.trim_top_db is None else trim_bounds(samples, spec.trim_top_db)
    length = spec.segment_samples
    if hop is None or last - first <= length:
        whole = replace(spec, max_segments=None, short_tracks="pad")
        return [Window(first + one.start, one.samples) for one in cut_segments(samples, whole, "")]
    step = max(1, round(hop * spec.sample_rate))
    starts = [*range(first, last - length, step), last - length]
    return [Window(start, samples[start : start + length]) for start in starts]


def check_hop(hop: float | None, spec: AudioSpec) -> None:
    """Refuse a hop that leaves gaps or never ends. Raises GenrelabError."""
    if hop is not None and not 0 < hop <= spec.segment_duration:
        raise GenrelabError(f"hop: {hop:g} s is not above 0 and at most {spec.segment_duration:g} s, a window's length")


def read_recording(recording: object, sample_rate: int | None, target_rate: int) -> np.ndarray:
    """A file or samples to mono float32 at the rate wanted; what a user should know of a file is logged.

    Args:
        recording: a path, or samples `[T]` or `[T, channels]`, float in [-1, 1] or signed integers of full scale.
        sample_rate: Hz of given samples; None: they have the rate wanted.
        target_rate: Hz.

    Raises:
        AudioError: the file or the samples cannot be used.
    """
    if not isinstance(recording, np.ndarray):
        decoded = decode_audio(recording, target_rate)  # type: ignore[arg-type]
        _log(recording, decoded.notes)
        return decoded.samples
    samples = recording
    if samples.dtype.kind == "i":
        samples = samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    if samples.dtype.kind != "f" or samples.ndim not in (1, 2):
        raise AudioError("samples", f"{samples.dtype} {list(samples.shape)}; give [T] or [T, channels], float or int")
    samples = samples.astype(np.float32, copy=False)
    if samples.size == 0:
        raise AudioError("samples", NO_SAMPLES)
    if not np.isfinite(samples).all():
        raise AudioError("samples", NON_FINITE)
    samples, notes = to_mono(samples if samples.ndim == 2 else samples[:, None])
    _log("samples", notes)
    if sample_rate is not None and sample_rate != target_rate:
        import soxr

        samples = soxr.resample(samples, sample_rate, target_rate, quality="HQ").astype(np.float32, copy=False)
    return np.ascontiguousarray(samples)


def _log(recording: object, notes: Iterable[str]) -> None:
    for note in notes:
        log.warning("%s: %s", recording, note)
