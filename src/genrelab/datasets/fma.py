"""`dataset=fma_small`, `fma_medium`, `fma_large`: the Free Music Archive's clips (Defferrard et al. 2017)."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from genrelab.audio.errors import NO_SUCH_FILE
from genrelab.datasets.download import fetch
from genrelab.datasets.first_genre import SEVERAL, FirstGenre, choose_genres, note_choice
from genrelab.datasets.fma_exclusions import excluded_tracks
from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.registry import DATASETS
from genrelab.utils.errors import ConfigError, GenrelabError

Subset = Literal["small", "medium", "large"]
SUBSETS: tuple[Subset, ...] = ("small", "medium", "large")  # each holds those before it
PARTS = {"training": "train", "validation": "val", "test": "test"}
URL = "https://os.unil.cloud.switch.ch/fma/fma_{name}.zip"
SHA1 = {
    "metadata": "f0df49ffe5f2a6008d7dc83c6915b31835dfe733",
    "small": "ade154f733639d52e35e32f5593efe5be76c6d70",
    "medium": "c67b69ea232021025fca9231fc1c7c1a063ab50b",
    "large": "497109f4dd721066b5ce5e5f250ec604dc78939e",
}
USED = [("artist", "id"), ("album", "id"), ("set", "split"), ("set", "subset"), ("track", "genre_top"),
        ("track", "genres_all")]  # fmt: skip


@DATASETS.register("fma")
def fma(
    root: str | None = None,
    subset: Subset = "small",
    metadata: str | None = None,
    exclude: Sequence[int] | str = (),
    min_tracks: int = 0,
    first_genre: FirstGenre = "single",
    download: bool = False,
    multi_label: bool = False,
) -> DatasetIndex:
    """Read FMA's clips of 30 s with its own split, which keeps artists apart.

    With target=genre a track's genre is its top genre, of which 8 (small) or 16 occur; tracks of several (half of
    large) have none, and `first_genre` chooses. With target=multi_label its genres are all those of `genres_all`,
    ancestors among them.

    Args:
        root: folder of the unpacked archives: fma_metadata and fma_small (or fma_medium, fma_large); or the folder that
            holds 000, 001 and so on.
        subset: small, medium and large hold each other.
        metadata: folder of tracks.csv and genres.csv; None: root's fma_metadata.
        exclude: ids of further tracks to leave out, or a file with one a line. The 21 that are known to be cut wrongly
            are left out anyway, and of large those that were reported unreadable.
        min_tracks: genres that fewer tracks have are left out, with target=multi_label.
        first_genre: which of several top genres counts with target=genre, see `choose_genres`.
        download: get what is not there (342 MB of metadata; 7.2, 22 or 93 GB of audio), going on where it was cut.
        multi_label: keep all genres of a track; supplied by code.

    Raises:
        ConfigError: no root named.
        GenrelabError: files are missing or not those of FMA, or a download fails.
    """
    if not root:
        raise ConfigError(
            [f"dataset.root: name the folder of fma_metadata and fma_{subset}; dataset.download=true fills it"]
        )
    top = Path(root).expanduser()
    tables = Path(metadata).expanduser() if metadata else top / "fma_metadata"
    if download:
        _download(top, tables, subset)
    titles, tops = _titles(tables / "genres.csv")
    table = _of_subset(read_tracks(tables / "tracks.csv"), subset)
    audio = _audio_folder(top, subset)
    rows, rejected = [], []
    faults = excluded_tracks(subset, exclude)
    for number, line in zip(table.index, table[USED].itertuples(index=False, name=None), strict=True):
        artist, album, part, _, genre, ids = line
        path = audio / f"{number:06d}"[:3] / f"{number:06d}.mp3"
        row: dict[str, Any] = {
            "track_id": f"{number:06d}",
            "artist_id": str(artist),
            "album_id": str(album),
            "path": str(path),
        }
        row["official_split"] = PARTS.get(str(part))
        named: tuple[str, ...] = (str(genre),)
        if multi_label or pd.isna(genre):
            named = _named(tables, number, ids, titles if multi_label else tops)
        if number in faults:
            rejected.append((str(path), faults[number]))
        elif not named:
            rejected.append((str(path), "no genre"))
        elif not path.is_file():
            rejected.append((str(path), NO_SUCH_FILE))
        else:
            rows.append({**row, "genres": named})
    if not rows:
        raise GenrelabError(f"{audio}: no clip of fma_{subset} in it; expected e.g. 000/000002.mp3")
    return _make_index(subset, rows, rejected, min_tracks, None if multi_label else first_genre)


def read_tracks(path: Path) -> pd.DataFrame:
    """tracks.csv: columns are pairs such as (track, genre_top), the index is the track's id.

    Its header has three lines; the third names the index alone.

    Raises:
        GenrelabError: missing, unreadable, or not that table.
    """
    try:
        table = pd.read_csv(path, index_col=0, header=[0, 1], low_memory=False)
    except FileNotFoundError as error:
        raise GenrelabError(f"{path}: no such file; {_where()}") from error
    except (OSError, ValueError) as error:
        raise GenrelabError(f"{path}: unreadable ({str(error).splitlines()[0]})") from error
    if lacking := [" ".join(one) for one in USED if one not in table.columns]:
        raise GenrelabError(
            f"{path}: no column {lacking[0]!r}; expected FMA's tracks.csv with its header of three lines"
        )
    if not pd.api.types.is_integer_dtype(table.index):
        raise GenrelabError(f"{path}: its first column is no number of a track ({table.index[0]!r})")
    return table


def _of_subset(table: pd.DataFrame, subset: Subset) -> pd.DataFrame:
    """The rows of a subset and of those that it holds."""
    within = SUBSETS[: SUBSETS.index(subset) + 1]
    return table[table[("set", "subset")].isin(within)].sort_index()


def _titles(path: Path) -> tuple[dict[int, str], dict[int, str]]:
    """Name by id of every genre, and of the top genre that it belongs to."""
    try:
        table = pd.read_csv(path)
        numbers = table["genre_id"].tolist()
        titles = {int(number): str(title) for number, title in zip(numbers, table["title"], strict=True)}
        return titles, {int(number): titles[int(top)] for number, top in zip(numbers, table["top_level"], strict=True)}
    except FileNotFoundError as error:
        raise GenrelabError(f"{path}: no such file; {_where()}") from error
    except (OSError, ValueError, KeyError) as error:
        raise GenrelabError(f"{path}: not FMA's genres.csv ({str(error).splitlines()[0]})") from error


def _named(tables: Path, number: int, ids: Any, titles: dict[int, str]) -> tuple[str, ...]:
    """Names of a list of ids, written as Python writes lists."""
    try:
        return tuple(dict.fromkeys(titles[int(one)] for one in ast.literal_eval(str(ids))))
    except (ValueError, SyntaxError, KeyError, TypeError) as error:
        raise GenrelabError(f"{tables / 'tracks.csv'}: genres_all of track {number} is {ids!r} ({error})") from error


def _make_index(
    subset: str,
    rows: list[dict[str, Any]],
    rejected: list[tuple[str, str]],
    min_tracks: int,
    first_genre: FirstGenre | None,
) -> DatasetIndex:
    """The index; `first_genre` chooses one of several genres, None keeps all of them."""
    further = []
    if first_genre is None:
        counts = Counter(genre for row in rows for genre in row["genres"])
        for row in rows:  # the rarest first: of a branch the genre that says most
            row["genres"] = tuple(
                sorted((g for g in row["genres"] if counts[g] >= min_tracks), key=lambda g: counts[g])
            )
        rejected += [(row["path"], "its genres are rare ones") for row in rows if not row["genres"]]
        lines = [{**row, "genre": row["genres"][0]} for row in rows if row["genres"]]
    else:
        several = [row.pop("genres") for row in rows]
        chosen = choose_genres(several, first_genre)
        further = note_choice(several, chosen, first_genre)
        pairs = list(zip(rows, chosen, strict=True))
        rejected += [(row["path"], SEVERAL) for row, genre in pairs if genre is None]
        lines = [{**row, "genre": genre} for row, genre in pairs if genre is not None]
    reasons = Counter(reason for _, reason in rejected)
    notes = (f"{count} tracks left out: {reason}" for reason, count in sorted(reasons.items()))
    return DatasetIndex(f"fma_{subset}", pd.DataFrame(lines), (*notes, *further), tuple(rejected))


def _audio_folder(top: Path, subset: Subset) -> Path:
    """The folder of 000, 001 and so on; an archive of a larger subset serves too."""
    names = [f"fma_{name}" for name in (*SUBSETS[SUBSETS.index(subset) :], "full")]
    places = [top / name for name in names if (top / name).is_dir()]
    if places:
        return places[0]
    if any(one.name.isdigit() and len(one.name) == 3 for one in top.glob("[0-9]*")):
        return top
    raise GenrelabError(f"{top}: no folder fma_{subset}, nor 000; {_where(subset)}")


def _where(subset: str = "metadata") -> str:
    return f"unpack {URL.format(name=subset)} there, or let dataset.download=true do it"


def _download(top: Path, tables: Path, subset: Subset) -> None:
    """Get and unpack what is not there."""
    if not (tables / "tracks.csv").is_file():
        fetch(URL.format(name="metadata"), f"sha1:{SHA1['metadata']}", top, "fma_metadata")
    if not any((top / f"fma_{name}").is_dir() for name in SUBSETS[SUBSETS.index(subset) :]):
        fetch(URL.format(name=subset), f"sha1:{SHA1[subset]}", top, f"fma_{subset}")
