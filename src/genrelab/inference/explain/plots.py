"""Pictures of an explanation, and of what a network's layers make of a window (E13)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from genrelab.features import FeatureSpec, TimeFrequencyFeature, build_feature
from genrelab.features.colormaps import ColorScale, colormap_for
from genrelab.inference.console import format_percent
from genrelab.inference.explain.explanation import Explanation
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAPS_OF_LAYER, MOST_LAYERS = 8, 6
METHOD_TITLES = {"gradcam": "Grad-CAM", "occlusion": "occlusion"}


def plot_explanation(found: Explanation, specs: Sequence[FeatureSpec], name: str) -> Figure:
    """Each picture of the window, and the same with its salient parts lit and the rest darkened."""
    from matplotlib.figure import Figure

    rows = [row for row, one in enumerate(found.saliency_maps) if one is not None]
    figure = Figure(figsize=(11, 0.9 + 2.5 * len(rows)), layout="constrained")
    figure.suptitle(_title(found, specs[0], name), x=0.01, ha="left", fontsize=11)
    panels = figure.subplots(len(rows), 2, squeeze=False, sharex=True)
    for (left, right), row in zip(panels, rows, strict=True):
        picture, spec = found.feature_maps[row], specs[row]
        colors = colormap_for(getattr(build_feature(spec), "unit", ""), picture)
        start = found.window.start / spec.sample_rate
        extent = (start, start + spec.n_samples / spec.sample_rate, -0.5, spec.shape[0] - 0.5)
        shown: dict[str, Any] = {"origin": "lower", "aspect": "auto", "extent": extent, "interpolation": "nearest"}
        left.imshow(picture, cmap=colors.cmap, vmin=colors.vmin, vmax=colors.vmax, **shown)
        left.set_title(spec.name, loc="left", fontsize=9)
        salient = found.saliency_maps[row]
        assert salient is not None
        right.imshow(overlay_saliency(picture, salient, colors), **shown)
        if salient.max() > 0:
            right.contour(_smooth(salient), levels=[0.5], colors="#27d3c3", linewidths=1.2, extent=extent)
        right.set_title("what spoke for it", loc="left", fontsize=9)
        _ticks((left, right), spec)
    for panel in panels[-1]:
        panel.set_xlabel("seconds in the recording", fontsize=9)
    return figure


def overlay_saliency(picture: np.ndarray, salient: np.ndarray, colors: ColorScale) -> np.ndarray:
    """A picture in its colors where it is salient, dark and gray elsewhere, `[H, W, 3]` from 0 to 1."""
    import matplotlib as mpl

    bright = mpl.colormaps[colors.cmap](colors.to_uint8(picture))[..., :3]
    dark = 0.35 * bright.mean(axis=2, keepdims=True)
    return np.asarray(dark + _smooth(salient)[..., None] * (bright - dark))


def _smooth(salient: np.ndarray) -> np.ndarray:
    """A map spread over 0 to 1, without the steps of its patches or cells."""
    import scipy.ndimage

    wide = scipy.ndimage.gaussian_filter(salient, [size / 40 for size in salient.shape])
    low, high = np.quantile(wide, [0.1, 0.99])
    return np.asarray(np.clip((wide - low) / max(high - low, 1e-9), 0, 1))


def _title(found: Explanation, spec: FeatureSpec, name: str) -> str:
    start = found.window.start / spec.sample_rate
    seconds = f"{start:.1f} to {start + spec.n_samples / spec.sample_rate:.1f} s"
    answer = f"{found.title} {format_percent(found.probability).strip()}"
    return "   |   ".join(text for text in (name, seconds, answer, METHOD_TITLES[found.method]) if text)


def _ticks(panels: Sequence[Any], spec: FeatureSpec) -> None:
    feature = build_feature(spec)
    if not isinstance(feature, TimeFrequencyFeature):  # samples
        return
    what, ticks = feature.ticks(spec.sample_rate)
    for number, panel in enumerate(panels):
        scale = spec.shape[0] / max(feature.height(), 1)
        panel.set_yticks([row * scale for row in ticks], list(ticks.values()) if number == 0 else [])
        panel.tick_params(labelsize=8)
        if number == 0:
            panel.set_ylabel(what, fontsize=9)


def plot_layers(model: nn.Module, features: Sequence[Tensor], name: str) -> Figure:
    """The strongest feature maps of a network's convolutions, a row a layer from first to last (E13).

    Raises:
        GenrelabError: it has none.
    """
    from matplotlib.figure import Figure

    maps = feature_maps(model, features)
    if not maps:
        raise GenrelabError(f"{type(model).__name__} has no convolutions, so no feature maps")
    places = _spread(len(maps))
    figure = Figure(figsize=(12, 0.6 + 1.5 * len(places)), layout="constrained")
    title = f"{name}   |   strongest feature maps (number of the channel) of some convolutions, first to last"
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    panels = figure.subplots(len(places), MAPS_OF_LAYER, squeeze=False)
    for row, place in zip(panels, places, strict=True):
        own = maps[place]
        order = np.argsort(-own.std(axis=(1, 2)), kind="stable")[:MAPS_OF_LAYER]
        for panel in row:
            panel.set_axis_off()
        for panel, channel in zip(row, order, strict=False):
            panel.imshow(own[channel], origin="lower", aspect="auto", cmap="viridis", interpolation="nearest")
            panel.set_title(f"{channel}", fontsize=7, color="#8a909c", loc="right")
        row[0].set_title("", loc="right")
        row[0].set_title(_layer_title(place, len(maps), own.shape), fontsize=7, loc="left")
    return figure


def _layer_title(place: int, count: int, shape: tuple[int, ...]) -> str:
    """A layer as readers know it: "convolution 3 of 20: 64 maps, 32 x 47"."""
    channels, height, width = shape
    return f"convolution {place + 1} of {count}: {channels} maps, {height} x {width}"


def feature_maps(model: nn.Module, features: Sequence[Tensor]) -> list[np.ndarray]:
    """Answers of every two-dimensional convolution to one window, `[channels, H, W]`, in the order of their work."""
    found: list[np.ndarray] = []

    def keep(_layer: nn.Module, _given: Any, answer: Tensor) -> None:
        found.append(answer[0].cpu().numpy())

    hooks = [layer.register_forward_hook(keep) for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    try:
        with torch.no_grad():
            model(*features)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _spread(count: int) -> list[int]:
    """Places of at most `MOST_LAYERS` of some layers, the first and the last among them."""
    return sorted(set(np.linspace(0, count - 1, min(MOST_LAYERS, count)).round().astype(int).tolist()))


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, atomically."""
    with atomic_path(path) as part:
        figure.savefig(part, dpi=130, facecolor="white")
    return path
