"""`dataset=jamendo`: the genre tags of MTG-Jamendo (Bogdanov et al. 2019), tracks with one genre or several."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from genrelab.audio.errors import NO_SUCH_FILE
from genrelab.datasets.audio_folder import find_root
from genrelab.datasets.first_genre import SEVERAL, FirstGenre, choose_genres, note_choice
from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.registry import DATASETS
from genrelab.utils.errors import ConfigError, GenrelabError

PARTS = {"train": "train", "validation": "val", "test": "test"}
COLUMNS = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION"]  # then TAGS: as many columns as tags
CATEGORY = "genre---"


@DATASETS.register("jamendo")
def jamendo(
    root: str | None = None,
    tags: str | None = None,
    min_tracks: int = 0,
    first_genre: FirstGenre = "single",
    multi_label: bool = False,
) -> DatasetIndex:
    """Read MTG-Jamendo: audio at root/48/948.mp3 (or 948.low.mp3), tags in its TSV files.

    The tags of a line are as many columns as there are; those of other categories ("instrument---piano") are left out.
    They stand in alphabetical order on every line, so the first says nothing of a track.

    Args:
        root: folder of the audio, with its folders 00 to 99.
        tags: folder of a published split (autotagging_genre-train.tsv, -validation.tsv, -test.tsv), which becomes the
            official one, or one TSV of all tracks.
        min_tracks: genres that fewer tracks have are left out.
        first_genre: which of several counts with target=genre, see `choose_genres`; genres that were left out are none.
        multi_label: keep all genres of a track; supplied by code.

    Raises:
        ConfigError: no root or no tags named.
        GenrelabError: a file is missing, a line does not fit (file and line are named), or no audio is there.
    """
    if not tags:
        raise ConfigError(
            ["dataset.tags: name the folder data/splits/split-0 of github.com/MTG/mtg-jamendo-dataset, or a TSV of it"]
        )
    top = find_root(root, "the folder of MTG-Jamendo's audio, got with scripts/download of its repository")
    rows, rejected, seen = [], [], set[str]()
    for file, part in _files(Path(tags).expanduser()):
        for line, row in read_tags(file):
            if row["track_id"] in seen:
                raise GenrelabError(f"{file}, line {line}: {row['track_id']} stands twice; splits are not to be mixed")
            seen.add(row["track_id"])
            audio = _audio(top, row["path"])
            if audio is None:
                rejected.append((str(top / row["path"]), f"{NO_SUCH_FILE} ({file.name}, line {line})"))
            elif not row["genres"]:
                rejected.append((str(audio), f"no tag of a genre ({file.name}, line {line})"))
            else:
                rows.append({**row, "path": str(audio), "official_split": part})
    if not rows:
        raise GenrelabError(f"{top}: none of the {len(seen)} tracks of {tags} is there; expected e.g. 48/948.mp3")
    absent = len(seen) - len(rows)
    counts = Counter(genre for row in rows for genre in row["genres"])
    rare = sorted(genre for genre, count in counts.items() if count < min_tracks)
    for row in rows:
        row["genres"] = tuple(genre for genre in row["genres"] if counts[genre] >= min_tracks)
    rejected += [(row["path"], "its genres are rare ones") for row in rows if not row["genres"]]
    rows = [row for row in rows if row["genres"]]
    several = [row["genres"] for row in rows]
    chosen = [genres[0] for genres in several] if multi_label else choose_genres(several, first_genre)
    pairs = list(zip(rows, chosen, strict=True))
    rejected += [(row["path"], SEVERAL) for row, genre in pairs if genre is None]
    tracks = pd.DataFrame([{**row, "genre": genre} for row, genre in pairs if genre is not None])
    notes = [f"genres with fewer than {min_tracks} tracks, left out: {', '.join(rare)}"] if rare else []
    if absent:
        notes.append(f"{len(seen) - absent} of {len(seen)} tracks are here; {absent} are left out")
    if not multi_label:
        notes += note_choice(several, chosen, first_genre)
    return DatasetIndex(
        "jamendo", tracks if multi_label else tracks.drop(columns="genres"), tuple(notes), tuple(rejected)
    )


def read_tags(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lines of a TSV of MTG-Jamendo: number, and track_id, artist_id, album_id, path, duration (s), genres.

    Raises:
        GenrelabError: missing, unreadable, or a line that does not fit.
    """
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            reader = csv.reader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
            header = next(reader, [])
            if header[:5] != COLUMNS:
                raise GenrelabError(f"{path}: its header is not that of MTG-Jamendo ({' '.join(COLUMNS)} TAGS)")
            for fields in reader:
                if len(fields) < 5:
                    raise GenrelabError(f"{path}, line {reader.line_num}: {len(fields)} columns, 6 or more expected")
                track, artist, album, audio, duration, *tags = (field.strip() for field in fields)
                genres = dict.fromkeys(t.removeprefix(CATEGORY) for t in tags if t.startswith(CATEGORY))
                try:
                    seconds = float(duration)
                except ValueError:
                    raise GenrelabError(f"{path}, line {reader.line_num}: duration {duration!r}") from None
                yield (
                    reader.line_num,
                    {
                        "track_id": track,
                        "artist_id": artist,
                        "album_id": album,
                        "path": audio,
                        "duration": seconds,
                        "genres": tuple(genres),
                    },
                )
    except FileNotFoundError as error:
        raise GenrelabError(f"dataset.tags: {path}: no such file") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GenrelabError(f"{path}: unreadable ({error})") from error


def _files(tags: Path) -> list[tuple[Path, str | None]]:
    """The TSV files with the parts they stand for; one file stands for none."""
    if not tags.is_dir():
        return [(tags, None)]
    return [(tags / f"autotagging_genre-{name}.tsv", part) for name, part in PARTS.items()]


def _audio(top: Path, path: str) -> Path | None:
    """The file of a track: as published, or of the low-bitrate copy, whose names differ."""
    stem = path.removesuffix(".mp3")
    return next((file for name in (path, f"{stem}.low.mp3") if (file := top / name).is_file()), None)
