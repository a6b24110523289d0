"""`DatasetIndex`: a table of tracks, what every dataset is turned into before anything else looks at it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from genrelab.features.precomputed import PrecomputedFeatures
from genrelab.utils.errors import GenrelabError

COLUMNS = ("track_id", "genre", "artist_id", "album_id", "path", "duration", "official_split")
DUPLICATE_GROUP = "duplicate_group"  # of tracks that are one recording: the first one's id; None without copies
LABEL = "label:"  # what columns of further labels begin with
REQUIRED = ("track_id", "genre", "path")
UNLABELED = (
    "(not given)"  # the genre of all tracks of a file that has none, which can only be joined to another dataset
)
SplitName = Literal["train", "val", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = ("train", "val", "test")
# Audio that libsndfile or ffmpeg reads. Files with other names are audio if their first bytes say so.
_EXTENSIONS = "wav wave bwf flac mp3 mp2 mp1 mpga ogg oga opus spx au snd aif aiff aifc m4a m4b m4r mp4 aac adts wma"
_EXTENSIONS += " ape wv mpc mp+ mpp mka webm weba caf w64 rf64 ac3 eac3 dts amr tta tak shn dsf voc oma mlp thd latm"
AUDIO_EXTENSIONS = frozenset(f".{name}" for name in _EXTENSIONS.split())


@dataclass(frozen=True)
class DatasetIndex:
    """The tracks of a dataset.

    Args:
        name: of the dataset, for run names and reports.
        tracks: one line a track: `track_id`, `genre`, `path` (str); `artist_id` (several artists joined by "; "),
            `album_id`, `official_split` ("train" | "val" | "test"), all str or None; `duration` (s, or NaN).
            `condition` ("cover", "live": scores of new songs are told apart by it) only where a dataset has it.
            Optional columns may be absent. Sorted by track_id on construction. Where several genres of a track are to
            be learnt, `genres` holds a tuple of them, `genre` among them. Columns `label:<name>` (str or None) hold
            further labels, such as the language, for heads of their own. `duplicate_group` is there where copies of
            one recording were looked for, see `mark_duplicates`.
        notes: lines for log and report.
        rejected: (path or row, reason) of what was left out.
        stand_in: True where the audio is made up for trying things out.
        given: features of the tracks where there is no audio; `path` then tells the file and row they come from.

    Raises:
        GenrelabError: no tracks; a column is missing; a track has no genre or no path; a track id stands twice.
    """

    name: str
    tracks: pd.DataFrame
    notes: tuple[str, ...] = ()
    rejected: tuple[tuple[str, str], ...] = ()
    stand_in: bool = False
    precomputed: PrecomputedFeatures | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tracks", _normal(self.name, self.tracks))
        object.__setattr__(self, "notes", tuple(self.notes))
        object.__setattr__(self, "rejected", tuple((str(path), str(reason)) for path, reason in self.rejected))

    def __len__(self) -> int:
        return len(self.tracks)

    @property
    def genres(self) -> tuple[str, ...]:
        """The genre names that occur, sorted."""
        return tuple(sorted({genre for genres in self.genres_of.values() for genre in genres}))

    @property
    def labeled(self) -> bool:
        """Whether the tracks have genres; those of a file that is joined to another dataset need none."""
        return self.genres != (UNLABELED,)

    @property
    def artists(self) -> Literal["all", "some", "none"]:
        """For how many tracks the artist is known."""
        known = int(self.tracks["artist_id"].notna().sum())
        return "none" if known == 0 else "all" if known == len(self.tracks) else "some"

    @property
    def multi_label(self) -> bool:
        """Whether a track may have several genres."""
        return "genres" in self.tracks.columns

    @property
    def duplicate_groups(self) -> tuple[tuple[str, ...], ...] | None:
        """The ids of tracks that are one recording, by group; None where copies were not looked for."""
        if DUPLICATE_GROUP not in self.tracks.columns:
            return None
        groups = self.tracks.groupby(DUPLICATE_GROUP, sort=True)["track_id"]
        return tuple(tuple(ids) for _, ids in groups if len(ids) > 1)

    @property
    def genres_of(self) -> dict[str, tuple[str, ...]]:
        """All genres by track id; the one where a track has one."""
        column = self.tracks["genres"] if self.multi_label else [(genre,) for genre in self.tracks["genre"]]
        return dict(zip(self.tracks["track_id"], column, strict=True))

    @property
    def genre_of(self) -> dict[str, str]:
        """Genre by track id."""
        return dict(zip(self.tracks["track_id"], self.tracks["genre"], strict=True))

    def only(self, track_ids: Collection[str]) -> DatasetIndex:
        """The same dataset with fewer tracks."""
        keep = self.tracks["track_id"].isin(set(track_ids))
        return replace(self, tracks=self.tracks[keep])

    def without(self, rejected: Iterable[tuple[str, str]]) -> DatasetIndex:
        """Leave out tracks that proved unusable, by path, and list them under `rejected`.

        Args:
            rejected: (path, reason), as `PrepareReport.rejected` has them.
        """
        reasons = {str(path): str(reason) for path, reason in rejected}
        gone = self.tracks["path"].isin(reasons.keys())
        told = {path for path, _ in self.rejected}
        further = tuple((path, reasons[path]) for path in self.tracks.loc[gone, "path"] if path not in told)
        return replace(self, tracks=self.tracks[~gone], rejected=self.rejected + further)


def _normal(name: str, tracks: pd.DataFrame) -> pd.DataFrame:
    """Check the table and bring it into its one form: `COLUMNS`, None for unknown, sorted by track id."""
    if missing := [column for column in REQUIRED if column not in tracks.columns]:
        raise GenrelabError(f"dataset {name}: its table lacks the column {missing[0]!r}")
    if not len(tracks):
        raise GenrelabError(f"dataset {name}: no track is left; see the rejected files, or name another dataset.root")
    table = pd.DataFrame({column: _column(tracks, column) for column in COLUMNS})
    for column in REQUIRED:
        if table[column].isna().any():
            line = int(table[column].isna().to_numpy().argmax())
            known = table["track_id"].iloc[line] or table["path"].iloc[line]
            raise GenrelabError(f"dataset {name}: row {line + 1} ({known}) has no {column}")
    for column in tracks.columns:
        if column in ("condition", DUPLICATE_GROUP) or str(column).startswith(LABEL):
            table[column] = _column(tracks, column)
    if "genres" in tracks.columns:
        table["genres"] = pd.Series(
            [tuple(dict.fromkeys(map(str, several))) for several in tracks["genres"]], dtype=object
        )
        for track, genre, several in zip(table["track_id"], table["genre"], table["genres"], strict=True):
            if genre not in several:
                raise GenrelabError(f"dataset {name}: the genre {genre!r} of {track!r} is none of {', '.join(several)}")
    twice = table["track_id"].duplicated(keep=False)
    if twice.any():
        track = table.loc[twice, "track_id"].iloc[0]
        paths = " and ".join(table.loc[table["track_id"] == track, "path"].head(2))
        raise GenrelabError(f"dataset {name}: the track id {track!r} stands for {paths}; ids are unique")
    unknown = sorted(set(table["official_split"].dropna()) - set(SPLIT_NAMES))
    if unknown:
        raise GenrelabError(f"dataset {name}: official split {unknown[0]!r} is none of train, val, test")
    return table.sort_values("track_id", kind="stable", ignore_index=True)


def _column(tracks: pd.DataFrame, column: str) -> pd.Series[Any]:
    if column == "duration":
        values = tracks[column] if column in tracks.columns else [float("nan")] * len(tracks)
        return pd.Series(pd.to_numeric(pd.Series(list(values)), errors="coerce").astype(float))
    if column not in tracks.columns:
        return pd.Series([None] * len(tracks), dtype=object)
    texts = [None if pd.isna(value) or not str(value).strip() else str(value).strip() for value in tracks[column]]
    return pd.Series(texts, dtype=object)
