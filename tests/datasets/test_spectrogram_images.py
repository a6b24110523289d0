"""Pictures of spectrograms: margins, color maps, orientation, what cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genrelab.datasets.spectrogram_images import colormap_levels, gtzan_images, read_grayscale, spectrogram_images
from genrelab.datasets.splits.registry import SPLITS
from genrelab.features.cache import PrecomputedFeatureCache
from genrelab.utils.errors import ConfigError, GenrelabError
from paths import SHARED_DATA


def draw(path: Path, levels: np.ndarray, margin: int = 4, name: str = "magma", alpha: bool = True) -> None:
    """A picture as matplotlib would save it: colors with white or clear margins."""
    import matplotlib

    rgba = np.zeros((levels.shape[0] + 2 * margin, levels.shape[1] + 2 * margin, 4), np.uint8)
    inner = np.asarray(matplotlib.colormaps[name](levels)) * 255
    rgba[margin:-margin, margin:-margin] = inner.round().astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(rgba)
    if not alpha:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    image.save(path)


@pytest.mark.parametrize("alpha", [True, False])
def test_margins_go_colors_become_levels_low_bands_come_first(tmp_path, alpha):
    levels = np.zeros((16, 24), np.uint8)
    levels[-2:] = 200  # the bottom of a picture holds the low bands
    draw(tmp_path / "a.png", levels, alpha=alpha)
    found = read_grayscale(tmp_path / "a.png", 16, 24, colormap_levels("magma"))
    assert found.shape == (16, 24)
    assert np.abs(found[:2].astype(int) - 200).max() <= 3 and found[2:].max() <= 3
    half = read_grayscale(tmp_path / "a.png", 8, 12, colormap_levels("magma"))
    assert half.shape == (8, 12) and abs(int(half[0, 0]) - 200) <= 3


def test_every_level_of_a_color_map_is_found_again():
    import matplotlib

    points = (np.asarray(matplotlib.colormaps["magma"](np.arange(256)))[:, :3] * 255).round().astype(int) >> 3
    table = colormap_levels("magma")[(points[:, 0] << 10) | (points[:, 1] << 5) | points[:, 2]]
    assert np.abs(table.astype(int) - np.arange(256)).max() <= 3


def test_a_folder_of_pictures(tmp_path):
    for genre in ("Rock", "Jazz"):
        for i in range(3):
            draw(tmp_path / "music" / genre / f"artist {i}" / f"{i}.png", np.full((8, 8), 40 * i + 40, np.uint8))
    (tmp_path / "music" / "Rock" / "broken.png").write_bytes(b"no picture")
    root = str(tmp_path / "music")
    dataset_index = spectrogram_images(tmp_path / "cache", root, 4, 4, colors="magma")
    assert len(dataset_index) == 6 and dataset_index.artists == "all"
    assert dataset_index.rejected[0][0].endswith("broken.png") and len(dataset_index.rejected) == 1
    feature_cache = PrecomputedFeatureCache(dataset_index.precomputed)
    values = feature_cache.load(feature_cache.rows(["Jazz/artist 1/1.png"]))[0]
    assert values.shape == (1, 4, 4) and np.abs(values.astype(int) - 80).max() <= 3
    again = spectrogram_images(tmp_path / "cache", root, 4, 4, colors="magma")
    assert np.array_equal(again.precomputed.features[0].values, dataset_index.precomputed.features[0].values)
    assert again.rejected == dataset_index.rejected, "the cache remembers what was unreadable"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"colors": "magna"}, ConfigError, r"dataset\.colors: 'magna'"),
        ({"height": 0}, ConfigError, r"dataset\.height: 0 .*\b1\b"),
        ({"crop": [5, 5, 1, 1]}, ConfigError, r"dataset\.crop: "),
        ({"root": "/no/such"}, GenrelabError, "/no/such: "),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, changes, error, message):
    draw(tmp_path / "music" / "Rock" / "a.png", np.full((8, 8), 99, np.uint8))
    with pytest.raises(error, match=message):
        spectrogram_images(tmp_path / "cache", **{"root": str(tmp_path / "music"), **changes})


@pytest.mark.shared
def test_gtzans_pictures_under_the_fault_filtered_lists(tmp_path):
    root = SHARED_DATA / "gtzan_images"
    some = tmp_path / "images_original"
    for genre in ("blues", "jazz"):
        (some / genre).mkdir(parents=True)
        for file in sorted((root / "images_original" / genre).glob("*"))[:60]:
            (some / genre / file.name).symlink_to(file)
    dataset_index = gtzan_images(tmp_path / "cache", str(tmp_path), 32, 64)
    assert len(dataset_index) == 120 and dataset_index.precomputed.features[0].values.shape == (120, 32, 64)
    assert "jazz.00054 " in dataset_index.notes[1]
    split = SPLITS.build("fault_filtered", {}, dataset_index=dataset_index)
    assert all(split.tracks(part) for part in ("train", "val", "test"))
