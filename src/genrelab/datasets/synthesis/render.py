"""A piece to sound: a General MIDI soundfont, then the artist's room, equaliser, hiss and level."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from genrelab.datasets.synthesis.artist_profiles import Artist
from genrelab.datasets.synthesis.composer import InstrumentTrack, Score
from genrelab.utils.errors import GenrelabError

SAMPLE_RATE = 22_050  # Hz
LEVEL = -21.0  # RMS, dB of full scale
LEVEL_SPREAD = 2.0  # dB either way, drawn without a look at the genre
CEILING = 0.98
BALANCE = {"drums": 0.0, "bass": -1.0, "chords": -3.0, "figure": -4.0, "tune": -2.0}  # dB


def find_soundfont() -> Path:
    """The General MIDI soundfont inside the installed `pretty_midi`, found without importing it.

    Raises:
        GenrelabError: it is not there.
    """
    spec = importlib.util.find_spec("pretty_midi")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    for folder in folders:
        for path in sorted(Path(folder).glob("*.sf2")):
            return path
    raise GenrelabError(
        "the demo needs the soundfont of the package pretty_midi, which is not installed; "
        "pip install 'genrelab[demo]', or name music of your own: dataset=folder dataset.root=/path/to/music"
    )


def render(score: Score, artist: Artist, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Play a piece and mix it as its artist does.

    Returns:
        exactly round(seconds * SAMPLE_RATE) mono samples, float32, their level independent of the genre.
    """
    length = round(seconds * SAMPLE_RATE)
    first = round(score.lead * SAMPLE_RATE)
    mix = np.zeros(length)
    for part in score.tracks:
        stem = _play(part, first, length)
        level = float(np.sqrt(np.mean(stem**2)))
        if level > 0:  # players are equally loud before the artist's mix: a loud drum kit would tell the genre
            gain = 10 ** ((BALANCE[part.role] + artist.gains[part.role]) / 20)
            mix += stem * (gain / level)
    mix = _color(_with_room(mix, artist, rng), artist)
    mix += rng.normal(size=length) * _rms(mix) * 10 ** (artist.hiss / 20)
    target = LEVEL + float(rng.uniform(-LEVEL_SPREAD, LEVEL_SPREAD))
    return _level(mix, 10 ** (target / 20)).astype(np.float32)


def _synthesizer() -> Any:
    """A synthesizer of its own for each part (under 1 ms): a used one keeps state, and the next sound differs."""
    try:
        from symusic import Synthesizer
    except ImportError as error:
        raise GenrelabError("the demo needs the package symusic; pip install 'genrelab[demo]'") from error
    return Synthesizer(sf_path=str(_soundfont()), sample_rate=SAMPLE_RATE, quality=1)


@cache
def _soundfont() -> Path:
    return find_soundfont()


def _play(part: InstrumentTrack, first: int, length: int) -> np.ndarray:
    """One part alone from sample `first` on, mono, [length]."""
    from symusic import core

    if not part.notes:
        return np.zeros(length)
    score: Any = core.ScoreTick(480).to("second")
    track = core.TrackSecond(part.role, part.program, part.role == "drums")
    track.notes = core.NoteSecondList.from_numpy(
        np.array([one.time for one in part.notes], np.float32),
        np.array([one.length for one in part.notes], np.float32),
        np.array([one.pitch for one in part.notes], np.int8),
        np.array([one.velocity for one in part.notes], np.int8),
    )
    score.tracks.append(track)
    both = np.asarray(_synthesizer().render(score, stereo=True), np.float64)[:, first : first + length]
    out = np.zeros(length)
    out[: both.shape[1]] = both.mean(axis=0)
    return out


def _with_room(mix: np.ndarray, artist: Artist, rng: np.random.Generator) -> np.ndarray:
    """Reverberation: noise that dies away, as loud and long as the artist's room has it."""
    from scipy.signal import fftconvolve

    wet, decay = artist.room
    time = np.arange(round(decay * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.normal(size=len(time)) * np.exp(-6.9 * time / decay)
    tail /= np.sqrt(np.sum(tail**2))
    return np.asarray(mix + wet * fftconvolve(mix, tail)[: len(mix)])


def _color(mix: np.ndarray, artist: Artist) -> np.ndarray:
    """The artist's equaliser, on the spectrum of the whole: a slope, and one bump an octave wide."""
    from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

    size = next_fast_len(len(mix) + SAMPLE_RATE // 4, real=True)
    octaves = np.log2(np.maximum(rfftfreq(size, 1 / SAMPLE_RATE), 40.0) / 1_000.0)
    center, height = artist.peak
    bump = height * np.exp(-0.5 * ((octaves - np.log2(center / 1_000.0)) / 0.7) ** 2)
    gain = 10 ** ((artist.tilt * octaves + bump) / 20)
    return np.asarray(irfft(rfft(mix, size) * gain, size)[: len(mix)])


def _level(mix: np.ndarray, target: float) -> np.ndarray:
    """Bring the RMS to `target`; peaks are bent softly under full scale."""
    for _ in range(3):  # bending takes a little level away, so the second and third round put it back
        mix = mix * (target / max(_rms(mix), 1e-9))
        mix = np.where(np.abs(mix) > 0.6, np.sign(mix) * (0.6 + 0.38 * np.tanh((np.abs(mix) - 0.6) / 0.38)), mix)
    return np.asarray(np.clip(mix, -CEILING, CEILING))


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))
