"""What makes a readable recording useless as an example of its genre: silence, or next to no sound."""

from __future__ import annotations

from genrelab.audio.spec import AudioSpec

SILENT_PEAK = 1e-3  # -60 dB under full scale
SILENT = "silent (peak under -60 dB)"
MIN_SHARE = 0.1  # of a segment that is sound; what is padded further is an example of silence


def find_fault(peak: float, usable: float, spec: AudioSpec) -> str:
    """Say why a recording is left out of training; "" where it is not.

    Args:
        peak: largest absolute sample.
        usable: s of sound, silence at both ends trimmed as `spec` has it.
        spec: length of a segment, and what becomes of shorter tracks.
    """
    if peak < SILENT_PEAK:
        return SILENT
    return too_short(spec) if round(usable * spec.sample_rate) < _least_samples(spec) else ""


def too_short(spec: AudioSpec) -> str:
    """Say below how many seconds of sound a track is left out."""
    option = " (audio.short_tracks=drop)" if spec.short_tracks == "drop" else ""
    return f"too short: under {_least_samples(spec) / spec.sample_rate:g} s of sound{option}"


def _least_samples(spec: AudioSpec) -> float:
    return spec.segment_samples * (1.0 if spec.short_tracks == "drop" else MIN_SHARE)
