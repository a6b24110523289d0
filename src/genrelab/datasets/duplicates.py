"""Copies of one recording in a dataset: the same samples, or prints that agree (Haitsma & Kalker 2002)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from genrelab.audio.acoustic_print import NO_WORD, WORD_SECONDS, bit_errors
from genrelab.datasets.index import DUPLICATE_GROUP, DatasetIndex
from genrelab.datasets.recordings import Recording

# Of copies by other codecs and rates at most 0.11 of the bits differ, of different recordings 0.47 and more.
MAX_BIT_ERROR = 0.25
MIN_SECONDS = 3.0  # of a print, to compare it at all
OVERLAP_SECONDS = 10.0  # that two prints share, or half of the shorter
MIN_VOTES = 2  # words that two prints share at one offset, to compare all of them; copies share 30 and more of 640
_NEIGHBORS = 8  # recordings that a word is looked up in: of a common word the next ones, whose copies chain up
_MAX_WORDS = 1 << 25  # that are looked up at once; of larger datasets a share, the same of each recording


@dataclass(frozen=True)
class Copy:
    """Two recordings that are one.

    Args:
        first: place of one.
        second: place of the other, larger.
        bit_error: share of the prints' bits that differ; 0 where the samples are equal.
    """

    first: int
    second: int
    bit_error: float


def find_copies(recordings: Sequence[Recording]) -> list[Copy]:
    """Find pairs of recordings that are one, in other encodings, gains and cuts too.

    Recordings with equal words at equal distances are compared, not every pair: 10,000 of 30 s take some seconds.

    Args:
        recordings: unreadable and silent ones have no copies; those under three seconds only of equal samples.

    Returns:
        Pairs by place; of several recordings with equal samples the first stands for all.
    """
    copies, first_of = [], dict[str, int]()
    for place, recording in enumerate(recordings):
        if recording.sha256 and not recording.silent:
            first = first_of.setdefault(recording.sha256, place)
            if first != place:
                copies.append(Copy(first, place, 0.0))
    least = round(MIN_SECONDS / WORD_SECONDS)
    places = [place for place in first_of.values() if np.count_nonzero(recordings[place].words != NO_WORD) >= least]
    prints = [recordings[place].words for place in places]
    for a, b, offset in zip(*_candidates(prints), strict=True):
        error = min(_bit_error(prints[a], prints[b], int(offset) + shift) for shift in (-1, 0, 1))
        if error <= MAX_BIT_ERROR:
            first, second = sorted((places[a], places[b]))
            copies.append(Copy(first, second, error))
    return sorted(copies, key=lambda copy: (copy.first, copy.second))


def _candidates(prints: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of prints that share words at one offset, with the offset that has most of them.

    Returns:
        `[P]` place of one print, `[P]` of the other, `[P]` words that the other is behind.
    """
    words, owner, at = _lookup_table(prints)
    pairs, offsets = [], []
    for step in range(1, _NEIGHBORS + 1):
        same = np.flatnonzero(words[step:] == words[:-step])
        a, b = owner[same], owner[same + step]
        pairs.append(a.astype(np.int64) * len(prints) + b)
        offsets.append(at[same + step].astype(np.int64) - at[same])
    pair, offset = np.concatenate(pairs), np.concatenate(offsets)
    order = np.lexsort((offset, pair))
    pair, offset = pair[order], offset[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(pair) != 0) | (np.diff(offset) != 0)][: len(pair)])
    votes = np.diff(np.r_[starts, len(pair)])
    starts, votes = starts[votes >= MIN_VOTES], votes[votes >= MIN_VOTES]
    pair, offset = pair[starts], offset[starts]
    best = np.lexsort((-votes, pair))
    best = best[np.r_[True, np.diff(pair[best]) != 0][: len(best)]]
    return pair[best] // len(prints), pair[best] % len(prints), offset[best]


def _lookup_table(prints: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All words in order, with print and place; of a print each word once, where it comes first."""
    words = np.concatenate([np.zeros(0, np.uint32), *prints])
    owner = np.repeat(np.arange(len(prints), dtype=np.int32), [len(one) for one in prints])
    at = np.concatenate([np.zeros(0, np.int32), *(np.arange(len(one), dtype=np.int32) for one in prints)])
    used = words != NO_WORD
    if used.sum() > _MAX_WORDS:  # a multiplicative hash, so that copies keep the same words
        used &= words * np.uint32(2_654_435_761) < np.uint32(2**32 * _MAX_WORDS / used.sum())
    words, owner, at = words[used], owner[used], at[used]
    order = np.argsort(words, kind="stable")
    words, owner, at = words[order], owner[order], at[order]
    new = np.r_[True, (words[1:] != words[:-1]) | (owner[1:] != owner[:-1])][: len(words)]
    return words[new], owner[new], at[new]


def _bit_error(a: np.ndarray, b: np.ndarray, offset: int) -> float:
    """Share of differing bits where `b` is `offset` words behind; 1 where too little overlaps."""
    shorter = min(np.count_nonzero(a != NO_WORD), np.count_nonzero(b != NO_WORD))
    least = min(OVERLAP_SECONDS / WORD_SECONDS, shorter / 2)
    a, b = a[max(0, -offset) :], b[max(0, offset) :]
    length = min(len(a), len(b))
    differing, words = bit_errors(a[:length], b[:length])
    return differing if words >= least else 1.0


def group_copies(recordings: Sequence[Recording]) -> list[list[int]]:
    """Find the groups of recordings that are one, also by way of others, by place; each sorted, all by their first."""
    copies = find_copies(recordings)
    parent = list(range(len(recordings)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for copy in copies:
        first, second = sorted((root(copy.first), root(copy.second)))
        parent[second] = first
    groups: dict[int, list[int]] = defaultdict(list)
    for place in sorted({place for copy in copies for place in (copy.first, copy.second)}):
        groups[root(place)].append(place)
    return [groups[first] for first in sorted(groups)]


def mark_duplicates(dataset_index: DatasetIndex, groups: Sequence[Sequence[int]], drop: bool = False) -> DatasetIndex:
    """Name the group of tracks that are one recording in the column `duplicate_group`.

    Args:
        dataset_index: the tracks.
        groups: places of tracks that are one recording, see `group_copies`.
        drop: leave out tracks whose copies have other genres, since one of the labels is wrong.
    """
    tracks = dataset_index.tracks
    ids, genres = tracks["track_id"].tolist(), list(dataset_index.genres_of.values())
    named: list[str | None] = [None] * len(ids)
    dropped = []
    for group in groups:
        for place in group:
            named[place] = ids[group[0]]
            other = next((one for one in group if set(genres[one]) != set(genres[place])), None)
            if drop and other is not None:
                reason = f"a copy of {ids[other]}, whose genre is {' and '.join(genres[other])}"
                dropped.append((place, reason))
    marked = tracks.assign(**{DUPLICATE_GROUP: np.array(named, dtype=object)})
    gone = [place for place, _ in dropped]
    rejected = tuple((str(tracks["path"].iloc[place]), reason) for place, reason in dropped)
    return replace(
        dataset_index, tracks=marked.drop(index=marked.index[gone]), rejected=(*dataset_index.rejected, *rejected)
    )
