"""Datasets of spectrogram pictures, as they were published beside audio or in its place."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from genrelab.datasets.audio_folder import find_root, normalize_id
from genrelab.datasets.gtzan import BAD_CLIP, clip_name, published_tracks
from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.registry import DATASETS
from genrelab.features.precomputed import PrecomputedFeature, PrecomputedFeatures
from genrelab.utils.errors import ConfigError, GenrelabError
from genrelab.utils.io import atomic_path

ENDINGS = (".png", ".webp", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif")
GTZAN_PLACES = ("images_original", "Data/images_original", ".")


@DATASETS.register("gtzan_images", "given")
def gtzan_images(cache: Path, root: str | None = None, height: int = 128, width: int = 256) -> DatasetIndex:
    """Read GTZAN's published mel spectrogram pictures: images_original/<genre>/<genre>NNNNN.png (or .webp; E01).

    The white margins are cut off, colors (matplotlib's magma) are turned back into levels 0 to 255, and the picture is
    averaged down. File names become clips ("blues.00000"), so that the fault-filtered lists and artists apply.

    Args:
        cache: folder that keeps the levels; supplied by code.
        root: the unpacked archive, or its folder images_original.
        height: rows, low frequencies first.
        width: columns.

    Raises:
        ConfigError: no root named, or sizes below 1.
        GenrelabError: root is missing, or holds no picture of GTZAN.
    """
    top = find_root(root, "the unpacked GTZAN archive, or its folder images_original")
    folder = next((top / place for place in GTZAN_PLACES if any((top / place).glob("blues/*"))), top)
    files = {clip_name(file.stem): file for file in _files(folder)}
    clips = {clip: file for clip, file in files.items() if clip in published_tracks()}
    if not clips:
        raise GenrelabError(
            f"{top}: no picture of GTZAN in it; expected images_original/blues/blues00000.png and so on"
        )
    rejected = [(str(file), "not a clip of GTZAN") for clip, file in files.items() if clip not in published_tracks()]
    levels, bad = _read_all(list(clips.values()), height, width, "magma", None, cache)
    rejected += bad
    kept = [clip for clip, file in clips.items() if str(file) not in dict(bad)]
    rows = pd.DataFrame({"track_id": kept, "genre": [clip.split(".")[0] for clip in kept]})
    rows["artist_id"] = [published_tracks()[clip][1] for clip in kept]
    rows["official_split"] = [published_tracks()[clip][0] for clip in kept]
    rows["path"] = [str(clips[clip]) for clip in kept]
    notes = [f"spectrogram pictures in place of audio, {height}x{width} levels of 256"]
    if BAD_CLIP not in kept:
        notes.append(f"{BAD_CLIP} has no picture: the fault-filtered train list counts 442 of its 443 clips")
    precomputed = PrecomputedFeatures(
        np.array(kept, object), np.zeros(len(kept), np.int64), (PrecomputedFeature("picture", levels),)
    )
    return DatasetIndex("gtzan_images", rows, tuple(notes), tuple(rejected), precomputed=precomputed)


@DATASETS.register("pictures", "given")
def spectrogram_images(
    cache: Path,
    root: str | None = None,
    height: int = 128,
    width: int = 256,
    colors: str = "gray",
    crop: Sequence[int] | None = None,
) -> DatasetIndex:
    """Read root/genre/[artist/]picture: any spectrogram pictures, low frequencies at the bottom.

    Args:
        cache: folder that keeps the levels; supplied by code.
        root: the folder of genres.
        height: rows.
        width: columns.
        colors: "gray" (brightness), or the matplotlib color map they were drawn with ("magma", "viridis", ...).
        crop: left, top, right, bottom of the spectrogram in pixels; None cuts white margins off.

    Raises:
        ConfigError: no root named, sizes below 1, no such color map, or a crop that is none.
        GenrelabError: root is missing or holds no picture.
    """
    top = find_root(root, "the folder with a folder of pictures for each genre")
    files = [file for file in _files(top) if len(file.relative_to(top).parts) > 1]
    if not files:
        raise GenrelabError(f"{top}: no pictures in it; expected genre/picture.png")
    levels, bad = _read_all(files, height, width, colors, crop, cache)
    kept = [file for file in files if str(file) not in dict(bad)]
    parts = [file.relative_to(top).parts for file in kept]
    ids = [normalize_id("/".join(part)) for part in parts]
    artists = [part[1] if len(part) > 2 else None for part in parts]
    rows = pd.DataFrame({"track_id": ids, "genre": [normalize_id(part[0]) for part in parts], "artist_id": artists})
    rows["path"] = [str(file) for file in kept]
    precomputed = PrecomputedFeatures(
        np.array(ids, object), np.zeros(len(ids), np.int64), (PrecomputedFeature("picture", levels),)
    )
    notes = (f"spectrogram pictures in place of audio, {height}x{width} levels of 256",)
    return DatasetIndex(top.name, rows, notes, tuple(bad), precomputed=precomputed)


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.suffix.lower() in ENDINGS and not path.name.startswith("."))


def _read_all(
    files: Sequence[Path], height: int, width: int, colors: str, crop: Sequence[int] | None, cache: Path
) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """`[N, height, width]` uint8 of the readable files, and the others with reasons; kept in the cache."""
    problems = [f"dataset.{n}: {v} is below 1" for n, v in (("height", height), ("width", width)) if v < 1]
    if crop is not None and (len(crop) != 4 or crop[0] >= crop[2] or crop[1] >= crop[3] or min(crop) < 0):
        problems.append(f"dataset.crop: {list(crop)}; use left, top, right, bottom in pixels")
    if problems:
        raise ConfigError(problems)
    table = None if colors == "gray" else colormap_levels(colors)
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    wish = (stats, height, width, colors, list(crop) if crop else None)
    stored = cache / "pictures" / f"{hashlib.sha256(repr(wish).encode()).hexdigest()[:16]}.npz"
    if not stored.exists():
        rows, bad = [], []
        for file in files:
            try:
                rows.append(read_grayscale(file, height, width, table, crop))
            except (OSError, ValueError, SyntaxError) as error:  # Pillow raises SyntaxError for broken PNG
                bad.append((str(file), f"unreadable picture ({str(error).splitlines()[0][:80]})"))
        if not rows:
            raise GenrelabError(f"{files[0].parent}: none of its pictures can be read ({bad[0][1]})")
        with atomic_path(stored) as part:
            np.savez(part, levels=np.stack(rows), bad=np.array(bad, dtype=str).reshape(-1, 2))
    with np.load(stored) as data:
        return data["levels"], [(str(path), str(reason)) for path, reason in data["bad"]]


def read_grayscale(
    file: Path, height: int, width: int, table: np.ndarray | None = None, crop: Sequence[int] | None = None
) -> np.ndarray:
    """One picture as `[height, width]` uint8, row 0 the lowest band.

    Args:
        file: of any format Pillow reads.
        height: rows, reached by averaging.
        width: columns, likewise.
        table: `[32768]` level by color (five bits a channel), from `colormap_levels`; None takes the brightness.
        crop: left, top, right, bottom; None cuts white margins off.
    """
    from PIL import Image

    with Image.open(file) as image:  # what is clear shows white
        clear = image.convert("RGBA")
        pixels = np.asarray(Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB"))
    if crop is None:
        ink = pixels.min(axis=2) < 255
        if not ink.any():
            raise ValueError("an empty picture")
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        crop = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    pixels = pixels[crop[1] : crop[3], crop[0] : crop[2]]
    if not pixels.size:
        raise ValueError("the crop lies outside")
    if table is None:
        levels = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    else:
        red, green, blue = (pixels[..., i].astype(np.int32) >> 3 for i in range(3))
        levels = table[(red << 10) | (green << 5) | blue].astype(np.float32)
    small = Image.fromarray(levels, mode="F").resize((width, height), Image.Resampling.BOX)
    return np.ascontiguousarray(np.rint(np.asarray(small)).astype(np.uint8)[::-1])


@lru_cache(maxsize=4)
def colormap_levels(name: str) -> np.ndarray:
    """`[32768]` uint8: the nearest level of a matplotlib color map, for colors of five bits a channel.

    Raises:
        ConfigError: no such map.
    """
    import matplotlib

    if name not in matplotlib.colormaps:
        raise ConfigError([f"dataset.colors: {name!r} is no color map; use gray, magma, viridis, inferno, jet, ..."])
    points = np.asarray(matplotlib.colormaps[name](np.arange(256)))[:, :3].astype(np.float32) * 255
    grid = (np.arange(32, dtype=np.float32) * 8 + 3.5).tolist()
    table = np.empty(32_768, np.uint8)
    for place, red in enumerate(grid):
        colors = np.stack(np.meshgrid([red], grid, grid, indexing="ij"), axis=-1).reshape(-1, 1, 3)
        table[place * 1024 : (place + 1) * 1024] = np.square(colors - points).sum(axis=2).argmin(axis=1)
    return table
