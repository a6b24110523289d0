"""`Split`: which track belongs to which part; saved, hashed, disjoint by construction.

One rule breaks tracks: `random_segments` gives shares, and every segment is drawn for itself, see `Split.holds`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from genrelab.datasets.index import SPLIT_NAMES, DatasetIndex, SplitName
from genrelab.datasets.splits.grouping import group_keys
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import write_json

Artists = Literal["apart", "ignored", "unknown"]
ACROSS_SPLITS = "copies across the split"  # what a run's warning about them begins with


class SplitError(GenrelabError):
    """A dataset cannot be split by a rule, or a split leaks; the text names genres and remedies."""


@dataclass(frozen=True)
class Split:
    """Tracks by part.

    Args:
        assignment: split ("train" | "val" | "test") by track id; tracks without a part are not used.
        kind: the rule that made it ("grouped").
        seed: its own seed; None for published lists.
        artists: kept apart, ignored, or unknown throughout.
        artist_leak: artists stand in several parts, or may: the run ignores artists that are known.
        crossing: how many artists stand in several parts.
        unsafe: segments of one track stand in several parts; only with `shares`.
        shares: of train, val and test in the segments of every track, each drawn by (seed, track, segment); `parts`
            then only names the tracks. None: parts hold whole tracks.
        fold: which of the folds is the test part; None where there are none.
        folds: their number.
        notes: lines for log and report.
        refit: its train part holds the tracks of parts that are no longer needed, which may be empty.

    Raises:
        SplitError: a part is empty, its name is none of the three, or tracks are broken without being unsafe.
    """

    assignment: Mapping[str, SplitName]
    kind: str
    seed: int | None = None
    artists: Artists = "unknown"
    artist_leak: bool = False
    crossing: int = 0
    unsafe: bool = False
    fold: int | None = None
    folds: int | None = None
    notes: tuple[str, ...] = ()
    shares: tuple[float, float, float] | None = None
    refit: bool = False

    def __post_init__(self) -> None:
        if self.unsafe != (self.shares is not None):
            raise SplitError(
                f"split {self.kind}: unsafe={self.unsafe}, but shares={self.shares}; only shares break tracks"
            )
        counts = Counter(self.assignment.values())
        if strange := sorted(set(counts) - set(SPLIT_NAMES)):
            raise SplitError(f"split {self.kind}: {strange[0]!r} is none of train, val, test")
        if empty := [part for part in SPLIT_NAMES if not counts[part] and not (self.unsafe or self.refit)]:
            raise SplitError(f"split {self.kind}: no track in {' and '.join(empty)}")
        if self.artists == "apart" and self.crossing:
            raise SplitError(f"split {self.kind}: {self.crossing} artists stand in several parts, yet it says 'apart'")

    @classmethod
    def from_tracks(
        cls, train: Iterable[str], val: Iterable[str], test: Iterable[str], kind: str, **facts: Any
    ) -> Split:
        """Make a split from lists of tracks.

        Raises:
            SplitError: a track stands in two parts.
        """
        parts: dict[str, SplitName] = {}
        lists: tuple[tuple[SplitName, Iterable[str]], ...] = (("train", train), ("val", val), ("test", test))
        for part, tracks in lists:
            for track in tracks:
                if parts.setdefault(track, part) != part:
                    raise SplitError(f"split {kind}: track {track!r} stands in {parts[track]} and in {part}")
        return cls(parts, kind, **facts)

    def joined(self, *parts: SplitName) -> Split:
        """Return the split in which the tracks of `parts` (of segments: their share) belong to train too."""
        shares = self.shares
        if shares is not None:
            moved = [name in parts for name in SPLIT_NAMES]
            kept = [0.0 if gone else share for gone, share in zip(moved, shares, strict=True)]
            shares = (kept[0] + sum(shares) - sum(kept), kept[1], kept[2])
        assignment: dict[str, SplitName] = {
            track: "train" if part in parts else part for track, part in self.assignment.items()
        }
        return replace(self, assignment=assignment, shares=shares, refit=True)

    def tracks(self, split: SplitName) -> tuple[str, ...]:
        """The track ids of a part, sorted; of a split by shares all tracks, since each may stand in every part."""
        return tuple(sorted(track for track, its in self.assignment.items() if its == split or self.unsafe))

    def contains(self, split: SplitName, track_ids: Sequence[str], segments: Sequence[int]) -> np.ndarray:
        """Which segments of the part's tracks are its own: all `[N]` of them, or those that were drawn for it."""
        if self.shares is None:
            return np.ones(len(track_ids), dtype=bool)
        ends = np.cumsum(self.shares)[:-1]
        drawn = [_uniform(self.seed or 0, track, int(place)) for track, place in zip(track_ids, segments, strict=True)]
        return np.asarray(np.searchsorted(ends, drawn, side="right") == SPLIT_NAMES.index(split))

    @property
    def hash(self) -> str:
        """Hash of the sorted (track, part) pairs, and of how segments are drawn: 16 hex digits."""
        drawn = [] if self.shares is None else [[list(self.shares), self.seed]]
        text = json.dumps([*sorted(self.assignment.items()), *drawn], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Plain data: the facts, the hash, and a list of track ids per part; all stand in train where tracks break."""
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("assignment", "notes")}
        lists: dict[str, list[str]] = {
            part: sorted(track for track, its in self.assignment.items() if its == part) for part in SPLIT_NAMES
        }
        facts["shares"] = None if self.shares is None else list(self.shares)
        return {**facts, "notes": list(self.notes), "hash": self.hash, **lists}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Split:
        """Inverse of `to_dict`.

        Raises:
            SplitError: a track stands in two parts, or the hash is not that of the tracks.
        """
        facts = {name: data[name] for name in cls.__dataclass_fields__ if name in data and name != "notes"}
        facts["shares"] = None if facts.get("shares") is None else tuple(facts["shares"])
        lists = (data[part] for part in SPLIT_NAMES)
        split = cls.from_tracks(*lists, **facts, notes=tuple(data.get("notes", ())))
        if data.get("hash", split.hash) != split.hash:
            raise SplitError(f"split {split.kind}: its tracks were changed after it was saved (the hash differs)")
        return split

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON, atomically."""
        write_json(path, self.to_dict())


def _uniform(seed: int, track: str, segment: int) -> float:
    """A number in [0, 1) that depends on its key alone."""
    digest = hashlib.sha256(f"random_segments\x1f{seed}\x1f{track}\x1f{segment}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def read_split(path: str | os.PathLike[str]) -> Split:
    """Read a split that `Split.save` wrote.

    Raises:
        GenrelabError: missing, damaged, changed since, or with a track in two parts.
    """
    try:
        return Split.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise GenrelabError(f"{path}: no such split file") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GenrelabError(f"{path}: not a split of genrelab ({error})") from error


def crossing_artists(parts: Mapping[str, SplitName], dataset_index: DatasetIndex) -> list[str]:
    """The known artists whose tracks stand in more than one part, sorted."""
    where: dict[str, set[str]] = defaultdict(set)
    for track, keys in group_keys(dataset_index).items():
        if track in parts:
            for kind, name in keys:
                if kind == "artist":
                    where[name].add(parts[track])
    return sorted(name for name, its in where.items() if len(its) > 1)


def crossing_duplicates(
    parts: Mapping[str, SplitName], dataset_index: DatasetIndex
) -> list[tuple[tuple[str, SplitName], ...]]:
    """The recordings whose copies stand in more than one part, each as (track, part) of its copies."""
    groups = [
        tuple((track, parts[track]) for track in group if track in parts)
        for group in dataset_index.duplicate_groups or ()
    ]
    return [group for group in groups if len({part for _, part in group}) > 1]


def check_apart(parts: Mapping[str, SplitName], dataset_index: DatasetIndex) -> None:
    """Assert that no known artist and no known album crosses parts.

    Raises:
        SplitError: one does; the text names it.
    """
    where: dict[tuple[str, str], SplitName] = {}
    for track, keys in group_keys(dataset_index).items():
        for key in keys if track in parts else ():
            if where.setdefault(key, parts[track]) != parts[track]:
                raise SplitError(
                    f"{key[0]} {key[1]!r} stands in {where[key]} and in {parts[track]}; use split.group_by=null"
                )
