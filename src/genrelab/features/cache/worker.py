"""What one worker does: a file to stored features, decoded once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from genrelab.audio import (
    AudioError,
    AudioSpec,
    Augment,
    Segment,
    augment_rng,
    cut_segments,
    decode_audio,
    trim_silence,
)
from genrelab.audio.sample_buffer import peak_level, release_memory
from genrelab.audio.usability import SILENT, find_fault
from genrelab.features import FeatureSpec, extract_segments, quantize
from genrelab.utils.errors import GenrelabError

ORIGINAL = "none"
BATCH = 32  # segments in memory at once


@dataclass(frozen=True)
class WorkerConfig:
    """What all jobs share; it travels to each worker once.

    Args:
        audio: decoding and segmentation.
        specs: the store's features.
        augments: the further copies, found by their labels.
        backend: computes the features.
        modules: imported before anything else, so that a user's own kinds are known.
    """

    audio: AudioSpec
    specs: tuple[FeatureSpec, ...]
    augments: tuple[Augment, ...] = ()
    backend: str = "numba"
    modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrackJob:
    """A track, and which features are missing (`needs`: places among the specs) by augmentation label."""

    track_id: str
    path: str
    source: str
    needs: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class TrackResult:
    """What became of a job.

    Args:
        job: the job.
        seconds: length of the decoded track, s.
        segments: how many were cut; 0 where the track is too short, see `find_fault`.
        padded: the only segment was filled up with silence.
        sample_rate: the file's own, Hz; 0 where unknown.
        notes: what a user should know of the file; it was read all the same.
        keys: (segment, start, label) of each row, by place of the feature.
        rows: `[n, *shape]` in the stored dtype, by place of the feature.
        decode_error: why the file is of no use; it goes into quarantine.
        config_error: a problem with the configuration, not with the file; it stops the build.
    """

    job: TrackJob
    seconds: float = 0.0
    segments: int = 0
    padded: bool = False
    sample_rate: int = 0
    notes: tuple[str, ...] = ()
    keys: dict[int, list[tuple[int, int, str]]] = field(default_factory=dict)
    rows: dict[int, np.ndarray] = field(default_factory=dict)
    decode_error: str = ""
    config_error: str = ""

    @property
    def nbytes(self) -> int:
        """Size of the rows in bytes."""
        return sum(rows.nbytes for rows in self.rows.values())

    def summary(self) -> TrackResult:
        """The outcome without its arrays, to keep for the report."""
        return replace(self, keys={}, rows={})


def process_track(plan: WorkerConfig, job: TrackJob) -> TrackResult:
    """Decode a track, cut it, augment it, and compute what is missing.

    Problems that are the file's or the configuration's come back in the outcome; anything else is raised.
    """
    try:
        decoded = decode_audio(job.path, plan.audio.sample_rate)
    except AudioError as error:
        return TrackResult(job, decode_error=error.reason)
    except GenrelabError as error:  # no room for a long recording's samples
        return TrackResult(job, config_error=f"{job.path}: {error}")
    samples, spec = decoded.samples, plan.audio
    seconds = len(samples) / spec.sample_rate
    if spec.trim_top_db is not None:
        samples, spec = trim_silence(samples, spec.trim_top_db), replace(spec, trim_top_db=None)
    fault = find_fault(peak_level(samples), len(samples) / spec.sample_rate, spec)
    if fault == SILENT:
        return TrackResult(job, decode_error=fault)
    if fault:  # by this audio spec, so that it is no property of the file
        return TrackResult(job, seconds, sample_rate=decoded.source_rate)
    segments = cut_segments(samples, spec, job.track_id)
    try:
        keys, rows = _compute(plan, job, segments)
    except GenrelabError as error:
        return TrackResult(job, config_error=f"{job.path}: {error}")
    padded = any(segment.padded for segment in segments)
    return TrackResult(job, seconds, len(segments), padded, decoded.source_rate, decoded.notes, keys, rows)


def _compute(
    plan: WorkerConfig, job: TrackJob, segments: Sequence[Segment]
) -> tuple[dict[int, list[tuple[int, int, str]]], dict[int, np.ndarray]]:
    """Keys and stacked rows by place of the feature."""
    augments = {augment.name: augment for augment in plan.augments}
    keys: dict[int, list[tuple[int, int, str]]] = {}
    if not segments:
        return {}, {}
    copies = Counter(place for _, places in job.needs for place in places)
    rows = {
        place: np.empty((count * len(segments), *plan.specs[place].shape), plan.specs[place].dtype)
        for place, count in copies.items()
    }
    for label, places in job.needs:
        specs = [plan.specs[place] for place in places]
        for at in range(0, len(segments), BATCH):
            some = segments[at : at + BATCH]
            sounds = []
            for segment in some:
                samples = segment.samples
                if label != ORIGINAL:
                    rng = augment_rng(plan.audio.data_seed, job.track_id, segment.index, label)
                    samples = augments[label].apply(samples, plan.audio.sample_rate, rng)
                sounds.append(samples)
            for segment, arrays in zip(some, extract_segments(specs, sounds, plan.backend), strict=True):
                for place, spec, array in zip(places, specs, arrays, strict=True):
                    known = keys.setdefault(place, [])
                    rows[place][len(known)] = quantize(spec, array)
                    known.append((segment.index, segment.start, label))
            release_memory(some[0].samples)
    return keys, rows
