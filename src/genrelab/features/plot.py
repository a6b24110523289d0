"""One picture of everything that can be computed from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genrelab.audio.errors import NO_SAMPLES, AudioError
from genrelab.audio.io import load_audio
from genrelab.audio.segmentation import Segment, cut_segments, trim_silence
from genrelab.audio.spec import AudioSpec
from genrelab.features.base import TimeFrequencyFeature
from genrelab.features.colormaps import colormap_for
from genrelab.features.extraction import extract
from genrelab.features.quantization import build_feature, make_spec
from genrelab.features.spec import FeatureSpec
from genrelab.utils.io import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GALLERY = (
    *("mel_db", "mel_pcen", "hpss_harmonic", "hpss_percussive", "mfcc", "chroma_stft"),
    *("chroma_cqt", "chroma_cens", "tonnetz", "hpss_mean", "scalars"),
)
_INK, _FAINT = "#22262e", "#8a909c"


def plot_gallery(audio: Path | str, out: Path | str, specs: Sequence[FeatureSpec] | None = None) -> Path:
    """Draw the waveform and the features of the middle segment of a file.

    Args:
        audio: the file.
        out: a PNG file to write, or a folder to put `<name>-features.png` in.
        specs: features of one sample rate and segment length; None draws every kind at its defaults, 15 s.

    Returns:
        The PNG.

    Raises:
        AudioError: the file gives no samples.
    """
    audio, out = Path(audio), Path(out)
    specs = _defaults() if specs is None else list(specs)
    spec = _audio_of(specs[0]) if specs else AudioSpec(max_segments=1)
    samples = load_audio(audio, spec.sample_rate)
    kept = samples if spec.trim_top_db is None else trim_silence(samples, spec.trim_top_db)
    segments = cut_segments(kept, replace(spec, trim_top_db=None), audio.name)
    if not segments:
        raise AudioError(audio, NO_SAMPLES)
    cut = (
        kept.ctypes.data - samples.ctypes.data
    ) // samples.itemsize  # silence cut off its beginning: `kept` is a view
    segment = replace(segments[0], start=segments[0].start + cut)
    seconds = len(samples) / spec.sample_rate
    figure = _draw(f"{audio.name}   |   {_which(segment, spec, seconds)}", segment, spec.sample_rate, specs)
    out = out if out.suffix.lower() == ".png" else out / f"{audio.stem}-features.png"
    with atomic_path(out) as part:
        figure.savefig(part, dpi=130, facecolor="white")
    return out


def _defaults() -> list[FeatureSpec]:
    audio = AudioSpec()
    return [make_spec(kind, {"kind": kind}, audio) for kind in GALLERY]


def _audio_of(spec: FeatureSpec) -> AudioSpec:
    return AudioSpec(spec.sample_rate, spec.n_samples / spec.sample_rate, max_segments=1)


def _which(segment: Segment, spec: AudioSpec, seconds: float) -> str:
    """Which seconds of the file are shown, and why."""
    start = segment.start / spec.sample_rate
    if segment.padded:
        return f"all {seconds:.1f} s, padded with silence to one segment of {spec.segment_duration:g} s"
    end = start + spec.segment_duration
    return f"seconds {start:.1f} to {end:.1f} of {seconds:.1f} (the middle segment)"


def _draw(title: str, segment: Segment, sample_rate: int, specs: Sequence[FeatureSpec]) -> Figure:
    """The waveform over the whole width, pictures in two columns, vectors as tables below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    arrays = extract(specs, segment.samples)
    # One row is the waveform, which is drawn already.
    feature_maps = [
        pair for pair in zip(specs, arrays, strict=True) if len(pair[0].shape) == 2 and pair[0].shape[0] > 1
    ]
    vectors = [pair for pair in zip(specs, arrays, strict=True) if len(pair[0].shape) == 1]
    n_rows = -(-len(feature_maps) // 2)
    tables = [0.45 + 0.3 * -(-spec.shape[0] // 5) for spec, _ in vectors]
    heights = [1.3, *([2.3] * n_rows), *tables]
    figure = Figure(figsize=(14, sum(heights) + 0.9 + 0.3 * len(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    start = segment.start / sample_rate
    figure.suptitle(
        f"{title}   |   {sample_rate:,} Hz",
        fontsize=15, color=_INK, x=0.01, ha="left", weight="bold",
    )  # fmt: skip
    _waveform(figure.add_subplot(grid[0, :]), segment.samples, start, sample_rate)
    for place, (spec, array) in enumerate(feature_maps):
        _plot_feature_map(figure, figure.add_subplot(grid[1 + place // 2, place % 2]), spec, array, start)
    for place, (spec, array) in enumerate(vectors):
        _table(figure.add_subplot(grid[1 + n_rows + place, :]), spec, array)
    return figure


def _waveform(axes: Axes, samples: np.ndarray, start: float, sample_rate: int) -> None:
    """Extremes and RMS of short stretches: a plain line of 300,000 points would be a blot."""
    width = max(1, len(samples) // 1400)
    blocks = samples[: len(samples) // width * width].reshape(-1, width)
    time = start + (np.arange(len(blocks)) + 0.5) * width / sample_rate
    rms = np.sqrt(np.mean(blocks**2, axis=1))
    axes.fill_between(time, blocks.min(axis=1), blocks.max(axis=1), color="#9db4d8", lw=0, label="extremes")
    axes.fill_between(time, -rms, rms, color="#2f5597", lw=0, label="RMS")
    peak = max(float(np.abs(samples).max()), 1e-6)
    axes.set(xlim=(time[0], time[-1]), ylim=(-1.05 * peak, 1.05 * peak), xlabel="s", ylabel="full scale = 1")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=8, borderaxespad=0)
    _dress(axes, "Waveform", "")


def _plot_feature_map(figure: Figure, axes: Axes, spec: FeatureSpec, array: np.ndarray, start: float) -> None:
    feature = build_feature(spec)
    assert isinstance(feature, TimeFrequencyFeature)
    height, width = array.shape
    extent = (start, start + spec.n_samples / spec.sample_rate, 0.0, float(height))
    colors = colormap_for(feature.unit, array)
    image = axes.imshow(
        array, colors.cmap, origin="lower", aspect="auto", interpolation="nearest", extent=extent,
        vmin=colors.vmin, vmax=colors.vmax,
    )  # fmt: skip
    label, ticks = feature.ticks(spec.sample_rate)
    scale = height / feature.height()
    axes.set_yticks([(row + 0.5) * scale for row in ticks], list(ticks.values()))
    axes.set(xlabel="s", ylabel=label)
    bar = figure.colorbar(image, ax=axes, pad=0.015, aspect=18, extend="both" if colors.signed else "neither")
    bar.set_label(feature.unit, color=_FAINT, fontsize=8)
    bar.ax.tick_params(labelsize=7, colors=_FAINT, length=2)
    bar.outline.set_visible(False)
    _dress(axes, feature.title or spec.name, f"{spec.kind}  {height} x {width}")


def _table(axes: Axes, spec: FeatureSpec, values: np.ndarray) -> None:
    columns = build_feature(spec).columns()
    n_rows = -(-len(columns) // 5)
    for place, (name, value) in enumerate(zip(columns, values, strict=True)):
        x, y = place % 5 / 5, 1 - (place // 5 + 0.5) / n_rows
        axes.text(x + 0.005, y, name, color=_FAINT, fontsize=9, va="center", transform=axes.transAxes)
        axes.text(
            x + 0.18, y, f"{value:,.4g}", color=_INK, fontsize=9, va="center", ha="right", transform=axes.transAxes
        )
    axes.set(xticks=[], yticks=[])
    axes.set_frame_on(False)
    _dress(axes, "Numbers about the whole segment", f"{spec.kind}  {len(columns)}")


def _dress(axes: Axes, title: str, note: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=_INK, weight="bold")
    axes.set_title(note, loc="right", fontsize=8, color=_FAINT)
    axes.tick_params(labelsize=8, colors=_FAINT, length=2)
    axes.xaxis.label.set(color=_FAINT, fontsize=8)
    axes.yaxis.label.set(color=_FAINT, fontsize=8)
    for side in axes.spines.values():
        side.set_visible(False)
