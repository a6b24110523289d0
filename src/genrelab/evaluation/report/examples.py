"""Example pictures: what the network saw of some tracks, and what it answered."""

from __future__ import annotations

import base64
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genrelab.metrics import fill_unreachable, top_k_classes
from genrelab.runs.run_dir import RunDir
from genrelab.utils.io import atomic_path

FILE = "examples.npz"


@dataclass(frozen=True)
class Example:
    """A picture of one segment.

    Args:
        title: the track.
        picture: `[H, W]`, low frequencies first; uint8 are places on the color map.
        feature_name: what it shows.
        genre: code of the right genre.
        answer: code of the genre that was answered for the track.
        colors: a matplotlib color map.
    """

    title: str
    picture: np.ndarray
    feature_name: str
    genre: str
    answer: str
    colors: str = "magma"


def choose_examples(run_dir: Path, feature_cache: Any, rows: pd.DataFrame, most: int = 6) -> list[Example]:
    """Pick telling tracks: the surest right ones, the nearest and the farthest mistakes.

    Args:
        run_dir: holds predictions and taxonomy.
        feature_cache: the `FeatureCache` that holds the rows.
        rows: `feature_cache.rows(...)` of the test tracks.
        most: tracks.

    Returns:
        one example for each of them and each feature that is a picture; each shows the track's middle segment.
    """
    from genrelab.features import build_feature, dequantize
    from genrelab.features.colormaps import colormap_for

    run = RunDir.read(run_dir)
    tracks = run.at_level(run.primary_split, "track")
    prediction = top_k_classes(tracks.logits, 1)[:, 0]
    chosen = []
    for place in _pick_tracks(run, tracks.logits, tracks.target, prediction, most):
        of_track = rows[rows["track_id"] == tracks.track[place]]
        if len(of_track):
            chosen.append((place, of_track.iloc[[len(of_track) // 2]]))
    if not chosen:
        return []
    arrays = feature_cache.load(pd.concat([row for _, row in chosen]))
    genres = run.taxonomy.genres
    found = []
    for number, (place, _) in enumerate(chosen):
        for spec, array in zip(feature_cache.specs, arrays, strict=True):
            if array.ndim == 3 and array.shape[1] > 1:  # one row of samples is no picture
                picture = dequantize(spec, array[number])
                colors = colormap_for(getattr(build_feature(spec), "unit", ""), picture)
                names = genres[tracks.target[place]], genres[prediction[place]]
                title = str(tracks.track[place])
                found.append(Example(title, colors.to_uint8(picture), spec.name, *names, colors.cmap))
    return found


def _pick_tracks(run: RunDir, logits: np.ndarray, target: np.ndarray, prediction: np.ndarray, most: int) -> list[int]:
    """Places of tracks, one of a genre where that is possible."""
    confidence = logits.max(axis=1)
    away = fill_unreachable(run.distances)[target, prediction]
    right = np.flatnonzero(prediction == target)
    wrong = np.flatnonzero(prediction != target)
    third = max(most // 3, 1)
    wishes = [
        right[np.argsort(-confidence[right], kind="stable")],
        wrong[np.lexsort((-confidence[wrong], away[wrong]))],
        wrong[np.lexsort((-confidence[wrong], -away[wrong]))],
    ]
    found: list[int] = []
    for wish in wishes:
        seen = {int(target[place]) for place in found}
        fresh = [place for place in wish.tolist() if int(target[place]) not in seen]
        distinct = list({int(target[place]): place for place in reversed(fresh)}.values())[::-1]
        queue = dict.fromkeys([*distinct, *wish.tolist()])
        found += [place for place in queue if place not in found][:third]
    return found[:most]


def save_examples(folder: Path, examples: Sequence[Example]) -> None:
    """Write examples beside the page, so that a report written again still has them."""
    meta = [{k: v for k, v in asdict(one).items() if k != "picture"} for one in examples]
    pictures = {f"picture{i}": _to_uint8(one.picture) for i, one in enumerate(examples)}
    with atomic_path(folder / FILE) as temporary:
        np.savez_compressed(temporary, meta=np.array(json.dumps(meta)), **pictures)  # type: ignore[arg-type]


def load_examples(folder: Path) -> list[Example]:
    """The examples that `keep` wrote; none where there are none."""
    try:
        with np.load(folder / FILE, allow_pickle=False) as held:
            meta = json.loads(str(held["meta"]))
            return [Example(picture=held[f"picture{i}"], **one) for i, one in enumerate(meta)]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        return []  # pictures are an extra: a report without them is whole


def data_uri(picture: np.ndarray, colors: str = "magma") -> str:
    """A picture `[H, W]` as a PNG inside an address, low frequencies at the bottom."""
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, to_rgba(picture, colors), format="png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def to_rgba(picture: np.ndarray, colors: str = "magma") -> np.ndarray:
    """A picture `[H, W]` as `[H, W, 4]` uint8 of colors, the highest frequency on top."""
    from matplotlib import colormaps

    return np.asarray(colormaps[colors](_to_uint8(picture)[::-1], bytes=True))


def _to_uint8(picture: np.ndarray) -> np.ndarray:
    """`[H, W]` uint8; the range without the outermost per mille fills it."""
    from genrelab.features.colormaps import colormap_for

    return picture if picture.dtype == np.uint8 else colormap_for("", picture).to_uint8(picture)
