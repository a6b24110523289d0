"""Groups of tracks that must stay together, and their assignment to parts."""

from __future__ import annotations

import re

import numpy as np

from genrelab.datasets.index import DatasetIndex


def group_keys(dataset_index: DatasetIndex) -> dict[str, tuple[tuple[str, str], ...]]:
    """What ties a track to others: ("artist", name) for each of its artists, ("album", id); nothing if unknown."""
    columns = dataset_index.tracks[["track_id", "artist_id", "album_id"]].itertuples(index=False, name=None)
    keys: dict[str, tuple[tuple[str, str], ...]] = {}
    for track, artist, album in columns:
        names = [name.strip().casefold() for name in re.split(r";\s", artist or "") if name.strip()]
        albums = [("album", album.casefold())] if album else []
        keys[track] = (*(("artist", name) for name in names), *albums)
    return keys


def find_groups(dataset_index: DatasetIndex, artists: bool = True) -> np.ndarray:
    """Number the groups of tracks that share an artist, an album or a recording, also by way of others.

    Args:
        dataset_index: the tracks.
        artists: False: copies of one recording alone are groups.

    Returns:
        `[N]` int64, the group of each track in the dataset index's order, numbered by first occurrence;
        a track of unknown artist and album, without copies, is a group of its own.
    """
    parent: dict[object, object] = {}

    def root(key: object) -> object:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    tracks = dataset_index.tracks["track_id"].tolist()
    if artists:
        for track, ties in group_keys(dataset_index).items():
            for tie in ties:
                parent[root(tie)] = root(track)
    for first, *others in dataset_index.duplicate_groups or ():
        for other in others:
            parent[root(other)] = root(first)
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(root(track), len(numbers)) for track in tracks], dtype=np.int64)


def assign_groups(counts: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give each group to a part, so that every genre's counts come near the shares and no genre misses a part.

    Large groups go first, each to the part where it lowers the squared distance from the wanted counts most; among
    equal ones to the part that lacks most tracks over all genres, in folds that with the fewest, lest each genre's
    largest group goes to the first. Then groups move to parts that a genre still misses.

    Args:
        counts: `[G, C]` tracks of each group by genre.
        shares: `[P]` of the parts, summing to 1.
        rng: decides the order of groups of the same size.

    Returns:
        `[G]` int64, the part of each group.
    """
    wanted = np.outer(shares, counts.sum(axis=0)).astype(float)  # [P, C]
    weight = 1.0 / np.maximum(counts.sum(axis=0), 1)  # a track of a small genre counts for more
    have = np.zeros_like(wanted)
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    part = np.zeros(len(counts), dtype=np.int64)
    for group in order:
        genres = np.flatnonzero(counts[group])
        add, gap = counts[group, genres], (have - wanted)[:, genres]  # [c], [P, c]
        cost = ((2 * gap * add + add**2) * weight[genres]).sum(axis=1)  # [P] change of the squared distance
        equal = np.flatnonzero(cost <= cost.min() + 1e-9)
        surplus = (have - wanted)[equal].sum(axis=1)  # rounded: shares like 1/3 sum up to almost equal numbers
        part[group] = equal[surplus.round(6).argmin()]
        have[part[group]] += counts[group]
    _fill_gaps(counts, wanted, weight, order, part)
    return part


def refine(counts: np.ndarray, shares: np.ndarray, part: np.ndarray, passes: int = 10) -> None:
    """Move groups one at a time, in place, while that brings the counts nearer to the shares.

    Where groups count for several genres at once, as tracks with several do, dealing them out once leaves parts that
    are too large. A move that empties a part of a genre is not made.

    Args:
        counts: `[G, C]`, as in `assign_groups`.
        shares: `[P]`.
        part: `[G]` of each group.
        passes: over all groups, at most.
    """
    wanted = np.outer(shares, counts.sum(axis=0)).astype(float)
    weight = 1.0 / np.maximum(counts.sum(axis=0), 1)
    have = np.zeros_like(wanted)
    np.add.at(have, part, counts)
    for _ in range(passes):
        moved = False
        for group in range(len(counts)):
            genres, here = np.flatnonzero(counts[group]), part[group]
            add = counts[group, genres]
            gap = (have - wanted)[:, genres]
            gap[here] -= add
            cost = ((2 * gap * add + add**2) * weight[genres]).sum(axis=1)
            there = int(cost.argmin())
            if cost[there] < cost[here] - 1e-9 and (have[here, genres] > add).all():
                have[here] -= counts[group]
                have[there] += counts[group]
                part[group], moved = there, True
        if not moved:
            return


def _fill_gaps(counts: np.ndarray, wanted: np.ndarray, weight: np.ndarray, order: np.ndarray, part: np.ndarray) -> None:
    """Move groups, in place, while a genre misses a part and a move mends that."""
    present = counts.sum(axis=0) > 0

    def badness() -> tuple[int, float]:
        have = np.zeros_like(wanted)
        np.add.at(have, part, counts)
        return int((have[:, present] == 0).sum()), float((((have - wanted) ** 2) * weight).sum())

    best = badness()
    while best[0]:
        have = np.zeros_like(wanted)
        np.add.at(have, part, counts)
        place, genre = np.argwhere((have == 0) & present)[0]
        moves = []
        for group in order[counts[order, genre] > 0]:
            before, part[group] = part[group], place
            moves.append((badness(), int(group)))
            part[group] = before
        better = min((move for move in moves if move[0] < best), default=None)
        if better is None:
            return  # the caller sees the gap and says so
        best, group = better
        part[group] = place
