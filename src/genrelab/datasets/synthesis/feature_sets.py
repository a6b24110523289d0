"""Feature sets in the format of the Million Song Dataset, of tracks that do not exist.

<cache>/top-magd-<version>-<seed>-<tracks>/
    msd-rp.arff.gz                                        rows of numbers, the track id last
    msd-topMAGD-genreAssignment.cls                       track id, TAB, genre
    msd-topMAGD-partition_fixedSizeSplit_2000-v1.0.cls    track id, TAB, TRAIN or TEST
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from genrelab.utils.errors import ConfigError, suggest
from genrelab.utils.io import atomic_path, write_text

# Top-MAGD's tracks of each genre, 406,427 in all.
GENRE_COUNTS = {
    "Blues": 6836, "Country": 11772, "Electronic": 41075, "Folk": 5865, "International": 14242, "Jazz": 17836,
    "Latin": 17590, "New Age": 4010, "Pop_Rock": 238786, "Rap": 20939, "Reggae": 6946, "RnB": 14335, "Vocal": 6195,
}  # fmt: skip
PUBLISHED_TRAIN = 2000  # tracks of each genre in the published fixed-size split
# Published files `msd-<name>.arff.gz` and the axes along which their numbers lie (of rp modulation frequencies, bands).
SHAPES: dict[str, tuple[int, ...]] = {
    "jmir-mfcc-all-v1.0": (26,),
    "jmir-spectral-all-v1.0": (16,),
    "marsyas-timbral": (124,),
    "rh": (60,),
    "rp": (60, 24),
    "ssd": (7, 24),
    "tssd": (7, 7, 24),
}
LABELS = "msd-topMAGD-genreAssignment.cls"
PARTITION = "msd-topMAGD-partition_fixedSizeSplit_2000-v1.0.cls"
VERSION = 1  # of the numbers; files of another are not read
FACTORS = 12  # hidden numbers of a track, from which all its features follow
SPREAD = 0.75  # of genre centers along each factor, in deviations of a genre's tracks
NOISE = 0.5  # deviation of a feature's own noise, where the factors' part has a deviation near 1


@dataclass(frozen=True)
class SyntheticTracks:
    """Tracks with a genre, a part and hidden factors; sets of features are views of the same factors.

    A genre is a normal distribution of factors around its center, so that the best possible accuracy is known.

    Args:
        train_tracks_per_genre: as the published split's 2,000.
        test_tracks: about how many, in the proportions of the published test part (Pop_Rock has 62 %).
        seed: of everything.

    Raises:
        ConfigError: a number that makes no sense.
    """

    train_tracks_per_genre: int = 400
    test_tracks: int = 2600
    seed: int = 0

    def __post_init__(self) -> None:
        problems = []
        if self.train_tracks_per_genre < 2:
            problems.append(f"dataset.train_tracks_per_genre: {self.train_tracks_per_genre} (use 2 or more)")
        if self.test_tracks < len(GENRE_COUNTS):
            problems.append(f"dataset.test_tracks: {self.test_tracks} (use {len(GENRE_COUNTS)} or more, one a genre)")
        if self.seed < 0:
            problems.append(f"dataset.seed: {self.seed} (use 0 or more)")
        if problems:
            raise ConfigError(problems)

    @cached_property
    def genre(self) -> np.ndarray:
        """`[N]` number of each track's genre, those of train first, in no order within a part."""
        published = np.array(list(GENRE_COUNTS.values())) - PUBLISHED_TRAIN
        counts = np.maximum(1, np.round(self.test_tracks * published / published.sum()).astype(int))
        train = np.repeat(np.arange(len(GENRE_COUNTS)), self.train_tracks_per_genre)
        test = np.repeat(np.arange(len(GENRE_COUNTS)), counts)
        generator = self._generator("genre")
        return np.concatenate([generator.permutation(train), generator.permutation(test)])

    @property
    def in_train(self) -> np.ndarray:
        """`[N]` whether a track is in train."""
        return np.arange(len(self.genre)) < self.train_tracks_per_genre * len(GENRE_COUNTS)

    @property
    def ids(self) -> list[str]:
        """Track ids that no track of the Million Song Dataset has."""
        return [f"TRSYNTHETIC{number:07d}" for number in range(len(self.genre))]

    @cached_property
    def centers(self) -> np.ndarray:
        """`[G, FACTORS]` the genres' centers."""
        found: np.ndarray = self._generator("centers").normal(scale=SPREAD, size=(len(GENRE_COUNTS), FACTORS))
        return found

    @cached_property
    def factors(self) -> np.ndarray:
        """`[N, FACTORS]` the tracks' hidden numbers."""
        found: np.ndarray = self._generator("factors").normal(self.centers[self.genre])
        return found

    @property
    def best_accuracy(self) -> float:
        """Test accuracy of the nearest center, the best rule where genres are equally frequent, as in train."""
        distances = ((self.factors[:, None] - self.centers) ** 2).sum(-1)
        return float((distances.argmin(1) == self.genre)[~self.in_train].mean())

    def values(self, name: str) -> np.ndarray:
        """`[N, D]` positive float32 features: the factors through patterns that are smooth along the set's axes."""
        shape = SHAPES[name]
        generator = self._generator(name)
        patterns = np.stack([_smooth(shape, generator) for _ in range(FACTORS)])
        level = 2 * _smooth(shape, generator)
        noise = generator.normal(scale=NOISE, size=(len(self.genre), math.prod(shape)))
        scale = math.sqrt(FACTORS * (1 + SPREAD**2))
        found: np.ndarray = np.exp(level + self.factors @ patterns / scale + noise).astype(np.float32)
        return found

    def _generator(self, what: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *what.encode()])


def _smooth(shape: Sequence[int], generator: np.random.Generator) -> np.ndarray:
    """A product of slow waves along each axis, flattened, with a mean square of 1."""
    found: np.ndarray = np.ones(())
    for size in shape:
        phase = generator.uniform(0, 2 * math.pi)
        wave = np.cos(math.pi * generator.uniform(0.5, 4) * (np.arange(size) + 0.5) / size + phase)
        found = found[..., None] * wave
    found /= np.sqrt((found**2).mean())
    return found.ravel()


def write_feature_sets(tracks: SyntheticTracks, sets: Sequence[str], cache: Path) -> tuple[list[Path], Path, Path]:
    """Write what the cache lacks.

    Args:
        tracks: whose features.
        sets: names in `SHAPES`.
        cache: folder that keeps a folder of each seed and size.

    Returns:
        the ARFF files in the order of `sets`, the labels, the partition.

    Raises:
        ConfigError: no set named, or one that is not published.
    """
    problems = [f"dataset.sets: no {name!r}{suggest(name, SHAPES)}" for name in sets if name not in SHAPES]
    problems += [] if sets else [f"dataset.sets: none named (choose from {', '.join(SHAPES)})"]
    if problems:
        raise ConfigError(problems)
    sizes = f"{tracks.train_tracks_per_genre}-{tracks.test_tracks}"
    folder = cache / f"top-magd-{VERSION}-{tracks.seed}-{sizes}"
    files = [folder / f"msd-{name}.arff.gz" for name in sets]
    for name, file in zip(sets, files, strict=True):
        if not file.exists():
            _write_arff(file, name, tracks)
    genres = list(GENRE_COUNTS)
    columns = {
        folder / LABELS: [genres[number] for number in tracks.genre],
        folder / PARTITION: ["TRAIN" if train else "TEST" for train in tracks.in_train],
    }
    for path, column in columns.items():
        if not path.exists():
            lines = [f"{track}\t{text}\n" for track, text in zip(tracks.ids, column, strict=True)]
            write_text(path, "% synthetic: no tracks of the Million Song Dataset\n" + "".join(lines), durable=False)
    return files, folder / LABELS, folder / PARTITION


def _write_arff(path: Path, name: str, tracks: SyntheticTracks) -> None:
    values = tracks.values(name)
    row = ",".join(["%.4g"] * values.shape[1])
    with atomic_path(path, durable=False) as part, gzip.open(part, "wt", compresslevel=1, encoding="utf-8") as handle:
        handle.write(f"% synthetic: no tracks of the Million Song Dataset\n@RELATION 'synthetic {name}'\n")
        handle.writelines(f"@ATTRIBUTE component_{number} NUMERIC\n" for number in range(values.shape[1]))
        handle.write("@ATTRIBUTE MSD_TRACKID STRING\n@DATA\n")
        handle.writelines(f"{row % tuple(one)},'{track}'\n" for one, track in zip(values, tracks.ids, strict=True))
