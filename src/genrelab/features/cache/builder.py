"""Building what a store lacks: planned against the index, computed in parallel, committed as it comes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from genrelab.audio.errors import NO_SUCH_FILE
from genrelab.features.cache.shards import FeatureShards
from genrelab.features.cache.track_index import RejectedFiles, TrackIndex, file_signature
from genrelab.features.cache.worker import TrackJob, TrackResult
from genrelab.utils.errors import GenrelabError
from genrelab.utils.stop_signals import deferred_stop

COMMIT_TRACKS = 64
COMMIT_SECONDS = 20.0
COMMIT_BYTES = 256 << 20


@dataclass(frozen=True)
class BuildPlan:
    """What a store lacks for some tracks.

    Args:
        jobs: the work to do.
        present: tracks of which all is there (or that are known to be too short).
        rejected: reason by track id of files that are missing or in quarantine.
        sources: signature of the file by track id.
    """

    jobs: tuple[TrackJob, ...]
    present: int
    rejected: dict[str, str]
    sources: dict[str, str]


def plan_build(
    tracks: pd.DataFrame,
    shards: Sequence[FeatureShards],
    track_index: TrackIndex,
    rejected_files: RejectedFiles,
    copies: Callable[[str], tuple[str, ...]],
) -> BuildPlan:
    """Compare what is wanted with what the index names.

    Args:
        tracks: `track_id`, `path`.
        shards: one per feature.
        track_index: knows the tracks that gave no segment.
        rejected_files: knows the files of no use.
        copies: labels wanted for a track id, the original first.
    """
    done = [_done(one.index()) for one in shards]
    lines = track_index.read()
    empty = lines[lines["segments"] == 0]
    too_short = set(zip(empty["track_id"], empty["source"], strict=True))
    entries = rejected_files.read()
    jobs, rejected, sources, present = [], {}, {}, 0
    for track, path in zip(tracks["track_id"], tracks["path"], strict=True):
        try:
            source = file_signature(path)
        except OSError as error:
            rejected[track] = NO_SUCH_FILE if isinstance(error, FileNotFoundError) else f"unreadable ({error.strerror})"
            continue
        sources[track] = source
        entry = entries.get(str(Path(path).absolute()))
        if entry is not None and rejected_files.matches(entry, path):
            rejected[track] = entry["reason"]
            continue
        needs = []
        for label in copies(track):
            places = tuple(place for place, keys in enumerate(done) if (track, source, label) not in keys)
            if places:
                needs.append((label, places))
        if needs and (track, source) not in too_short:
            jobs.append(TrackJob(track, str(path), source, tuple(needs)))
        else:
            present += 1
    return BuildPlan(tuple(jobs), present, rejected, sources)


def _done(index: pd.DataFrame) -> set[tuple[str, str, str]]:
    """(track, source, label) that are stored: all segments of one are committed together."""
    columns = index[["track_id", "source", "augment"]].drop_duplicates()
    return set(columns.itertuples(index=False, name=None))


@dataclass
class IndexWriter:
    """Gathers outcomes and writes them in shards, so that a killed build loses little.

    Args:
        root: the store's folder, for messages.
        shards: one per feature.
        track_index: gets a line per track.
        rejected_files: gets the bad files.
    """

    root: Path
    shards: Sequence[FeatureShards]
    track_index: TrackIndex
    rejected_files: RejectedFiles
    _waiting: list[TrackResult] = field(default_factory=list)
    _since: float = field(default_factory=time.monotonic)

    def add(self, result: TrackResult) -> None:
        """Take an outcome; commit when enough wait."""
        self._waiting.append(result)
        late = time.monotonic() - self._since > COMMIT_SECONDS
        if late or len(self._waiting) >= COMMIT_TRACKS or sum(one.nbytes for one in self._waiting) > COMMIT_BYTES:
            self.commit()

    def commit(self) -> None:
        """Write what waits: features first, then the ledger.

        Raises:
            GenrelabError: the folder cannot be written or is full; nothing is half-written.
        """
        waiting, self._waiting = self._waiting, []
        self._since = time.monotonic()
        if not waiting:
            return
        good = [one for one in waiting if not one.decode_error]
        with deferred_stop(), clear_write_errors(self.root):
            for place, one in enumerate(self.shards):
                self._append(one, place, good)
            if good:
                self.track_index.add([_line(result) for result in good])
            bad = {_key(one): (one.job.track_id, one.decode_error) for one in waiting if one.decode_error}
            self.rejected_files.update(bad, {_key(one) for one in good})

    def _append(self, shards: FeatureShards, place: int, results: list[TrackResult]) -> None:
        having = [one for one in results if place in one.rows]
        if not having:
            return
        keys = pd.DataFrame(
            [(one.job.track_id, one.job.source, *key) for one in having for key in one.keys[place]],
            columns=["track_id", "source", "segment", "start", "augment"],
        )
        shards.append(keys, np.concatenate([one.rows[place] for one in having]))


def _key(result: TrackResult) -> str:
    return str(Path(result.job.path).absolute())


def _line(result: TrackResult) -> dict[str, object]:
    job = result.job
    return {
        "track_id": job.track_id,
        "source": job.source,
        "seconds": result.seconds,
        "segments": result.segments,
        "padded": result.padded,
        "sample_rate": result.sample_rate,
        "notes": "; ".join(result.notes),
    }


@contextmanager
def clear_write_errors(root: Path) -> Iterator[None]:
    """Turn an OSError of writing into one line that names the store's folder and the remedy."""
    try:
        yield
    except OSError as error:
        full = root.exists() and shutil.disk_usage(root).free < (1 << 20)
        if isinstance(error, FileExistsError | NotADirectoryError):
            raise GenrelabError(
                f"store {root}: not a folder; set paths.feature_cache_dir to a writable folder"
            ) from error
        reason = "no space left on device" if full else (error.strerror or str(error)).lower()
        remedy = (
            "free some space, or set paths.feature_cache_dir"
            if "space" in reason
            else "set paths.feature_cache_dir to a folder you may write"
        )
        raise GenrelabError(f"store {root}: cannot be written ({reason}); {remedy}") from error


def remove_partial_files(folders: Sequence[Path]) -> None:
    """Remove temporary files of writers that were killed; the caller holds the lock."""
    for folder in folders:
        for part in folder.glob(".*.part*"):
            part.unlink(missing_ok=True)
