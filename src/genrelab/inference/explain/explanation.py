"""`explain`: why a recording got its answer, shown on the window that spoke for it most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genrelab.features import extract_segments
from genrelab.inference import Prediction, Predictor, Window
from genrelab.inference.explain.saliency import CELLS, Maps, Progress, saliency
from genrelab.taxonomy.taxonomy import Taxonomy, UnknownGenre
from genrelab.utils.errors import GenrelabError


@dataclass(frozen=True, eq=False)
class Explanation:
    """What in a window spoke for a genre.

    Args:
        genre: its place among the classes.
        title: of the genre.
        probability: of the genre in this window, calibrated.
        window: samples, and the first one's place in the recording.
        feature_maps: the window's features as computed, one for each input.
        saliency_maps: `[H, W]` from 0 to 1 for each input, None for a vector.
        method: "occlusion" or "gradcam".
        prediction: of the whole recording.
    """

    genre: int
    title: str
    probability: float
    window: Window
    feature_maps: tuple[np.ndarray, ...]
    saliency_maps: Maps
    method: str
    prediction: Prediction


def explain(
    predictor: Predictor,
    samples: np.ndarray,
    genre: str | None = None,
    method: str = "occlusion",
    offset: float | None = None,
    cells: int = CELLS,
    progress: Progress = lambda done: None,
) -> Explanation:
    """Find what in a recording spoke for a genre.

    Args:
        predictor: the run.
        samples: `[T]` float32 at the run's sample rate (`predictor.decode(path)`).
        genre: its code or title; None: the likeliest of the recording.
        method: see `saliency`.
        offset: second in the recording; None: the window in which the genre is likeliest.
        cells: see `occlusion`; fewer are quicker and coarser.
        progress: see `occlusion`.

    Raises:
        GenrelabError: see `saliency`; an unknown genre; a second that the recording does not have.
    """
    windows = predictor.windows(samples)
    logits = predictor.window_logits(windows)
    prediction = predictor.postprocess(samples, windows, logits)
    code = prediction.top[0].genre if genre is None else _named(genre, predictor.taxonomy)
    place = predictor.genres.index(code)
    probabilities = predictor.segment_probabilities(logits)[:, place]
    chosen = int(probabilities.argmax()) if offset is None else _window_at(offset, windows, predictor.audio.sample_rate)
    window = windows[chosen]
    features = predictor.features(window.samples)
    maps = saliency(predictor.model, features, place, method, cells, predictor.output_type, progress)
    return Explanation(
        place,
        predictor.titles[place],
        float(probabilities[chosen]),
        window,
        tuple(extract_segments(predictor.in_specs, [window.samples])[0]),
        maps,
        method,
        prediction,
    )


def _named(genre: str, taxonomy: Taxonomy) -> str:
    try:
        return taxonomy.resolve(genre)
    except UnknownGenre as error:
        raise GenrelabError(f"--genre: the run knows no {error}") from error


def _window_at(at: float, windows: list[Window], sample_rate: int) -> int:
    end = (windows[-1].start + len(windows[-1].samples)) / sample_rate
    if not 0 <= at < end:
        raise GenrelabError(f"--offset {at:g}: the recording has windows from 0 to {end:.1f} s")
    starts = np.array([window.start for window in windows]) / sample_rate
    return max(int(np.searchsorted(starts, at, side="right")) - 1, 0)
