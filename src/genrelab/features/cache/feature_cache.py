"""`FeatureCache`: precomputed features of tracks, built once, gathered in whole batches."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from genrelab.audio import Augment
from genrelab.audio.spec import AudioSpec, fingerprint
from genrelab.audio.usability import too_short
from genrelab.features import FeatureSpec, compile_kernels
from genrelab.features.cache.builder import BuildPlan, IndexWriter, clear_write_errors, plan_build, remove_partial_files
from genrelab.features.cache.progress import build_progress
from genrelab.features.cache.report import PrepareReport
from genrelab.features.cache.shards import KEY, FeatureShards, cache_lock
from genrelab.features.cache.track_index import RejectedFiles, TrackIndex
from genrelab.features.cache.worker import ORIGINAL, TrackResult, WorkerConfig
from genrelab.features.cache.worker_pool import check_not_worker, run_jobs
from genrelab.features.registry import FEATURES
from genrelab.utils.errors import GenrelabError, report_progress_on_interrupt
from genrelab.utils.processes import default_workers

log = logging.getLogger(__name__)

FORMAT = 1  # raised when stored numbers change their meaning
ROW_COLUMNS = ["track_id", "source", "segment", "start", "augment", "position"]


@dataclass(frozen=True)
class _Table:
    """All committed rows: the first feature's index, and where each row lies in each feature."""

    version: tuple[object, ...]
    indexes: list[pd.DataFrame]
    places: list[np.ndarray]  # per feature [N, 2] shard and row, -1 where the feature lacks the row


class FeatureCache:
    """Features of segments on disk, keyed by (track, file signature, segment, augmentation).

    Args:
        root: the store's folder; several datasets, features and audio specs share it.
        audio: decoding and segmentation.
        specs: features, in the order that `load` returns them.

    Raises:
        ValueError: no feature.
        GenrelabError: the folder holds other features under the same fingerprint (a damaged store).
    """

    def __init__(self, root: str | os.PathLike[str], audio: AudioSpec, specs: Sequence[FeatureSpec]) -> None:
        if not specs:
            raise ValueError("a store needs one feature or more")
        self.root = Path(root)
        self.audio = audio
        self.specs = tuple(specs)
        self._shards = [self._open(spec) for spec in self.specs]
        # Two names for one feature (the same picture twice, as an ablation) share its rows on disk.
        folders = [one.folder for one in self._shards]
        self._unique = [place for place, folder in enumerate(folders) if folders.index(folder) == place]
        self._track_index = TrackIndex(self.root / f"audio-{fingerprint(audio)}")
        self._rejected_files = RejectedFiles(self.root)
        self._sources: dict[str, str] = {}
        self._rejected: set[str] = set()
        self._table: _Table | None = None
        self._ready_at = 0.0

    def _open(self, spec: FeatureSpec) -> FeatureShards:
        key = fingerprint({"format": FORMAT, "audio": self.audio.to_dict(), "feature": spec.fingerprint})
        feature = {name: value for name, value in spec.to_dict().items() if name != "name"}
        meta = {"feature": feature, "audio": self.audio.to_dict(), "shape": list(spec.shape), "dtype": spec.dtype}
        return FeatureShards(self.root / f"{spec.kind}-{key}", {**meta, "format": FORMAT})

    def prepare(
        self,
        tracks: pd.DataFrame,
        augments: Sequence[Augment] = (),
        augmented_tracks: Collection[str] = frozenset(),
        backend: str = "numba",
        workers: int | None = None,
        progress: bool = True,
    ) -> PrepareReport:
        """Compute and store what is missing; safe to interrupt, to kill, and to run in several processes at once.

        Args:
            tracks: `track_id` and `path`, as in a dataset index.
            augments: further copies, made of `augmented_tracks` only.
            augmented_tracks: track ids of the train part.
            backend: computes the features ("librosa" is librosa, "numba" has its numbers).
            workers: processes; all cores by default, and 1 works in this process.
            progress: show a bar on the terminal.

        Raises:
            GenrelabError: the store cannot be written or is full; a feature does not fit its dtype; workers
                are killed. What was done until then is kept.
            Interrupted: Ctrl-C; likewise.
        """
        check_not_worker()
        begin = self._ready_at = time.monotonic()
        found = self.plan_build(tracks, augments, augmented_tracks)
        results: list[TrackResult] = []
        if found.jobs:
            with report_progress_on_interrupt(partial(self._kept, tracks, augments, augmented_tracks)), self._locked():
                # another process may have built it meanwhile
                found = self.plan_build(tracks, augments, augmented_tracks)
                results = self._build(found, augments, backend, workers or default_workers(), progress)
        seconds = time.monotonic() - begin
        return replace(self._report(tracks, found, results, seconds), startup_seconds=self._ready_at - begin)

    def _kept(self, tracks: pd.DataFrame, augments: Sequence[Augment], augmented_tracks: Collection[str]) -> str:
        """What there is after an interruption, in words."""
        left = {job.track_id for job in self.plan_build(tracks, augments, augmented_tracks).jobs}
        count = tracks["track_id"].nunique()
        return f"features of {count - len(left)} of {count} tracks are kept"

    def plan_build(
        self, tracks: pd.DataFrame, augments: Sequence[Augment] = (), augmented_tracks: Collection[str] = frozenset()
    ) -> BuildPlan:
        """What `prepare` would have to do for these tracks; nothing is decoded or written."""
        labels = (ORIGINAL, *(augment.name for augment in augments))
        augmented = set(augmented_tracks)
        unique = [self._shards[place] for place in self._unique]

        def copies(track: str) -> tuple[str, ...]:
            return labels if track in augmented else labels[:1]

        return plan_build(tracks, unique, self._track_index, self._rejected_files, copies)

    def rows(self, track_ids: Collection[str], augment_names: Sequence[str] = (ORIGINAL,)) -> pd.DataFrame:
        """The stored rows of some tracks, the same for every feature.

        Args:
            track_ids: tracks that were prepared; those rejected or too short have no rows.
            augment_names: which copies ("none" is the original).

        Returns:
            `track_id, source, segment, start, augment, position`, sorted by track, segment, and order of labels;
            `position` is for `load`.

        Raises:
            GenrelabError: a track, a copy or a feature was not prepared.
        """
        table = self._read_table()
        wanted = pd.Index(list(dict.fromkeys(track_ids)), dtype=object)
        masks = [self._mask(index, wanted, augment_names) for index in table.indexes]
        position = np.flatnonzero(masks[0])
        for spec, mask, places in zip(self.specs, masks, table.places, strict=True):
            lacking = int((places[position, 0] < 0).sum())
            if lacking or int(mask.sum()) != len(position):
                raise GenrelabError(
                    f"store {self.root}: {self.specs[0].name} and {spec.name} do not have the same segments "
                    f"({len(position)} and {int(mask.sum())}); run `genrelab prepare` with both"
                )
        rows = table.indexes[0].iloc[position][ROW_COLUMNS[:-1]].assign(position=position)
        self._check_complete(rows, wanted, augment_names)
        rank = rows["augment"].map({label: number for number, label in enumerate(augment_names)})
        order = rows.assign(rank=rank).sort_values(["track_id", "segment", "rank"], kind="stable").index
        return rows.loc[order, ROW_COLUMNS].reset_index(drop=True)

    def load(self, rows: pd.DataFrame) -> list[np.ndarray]:
        """Gather rows that `rows()` returned.

        Returns:
            one array per spec, `[N, *spec.shape]` in the stored dtype, in the order of the rows.
        """
        table = self._table or self._read_table()
        position = rows["position"].to_numpy(np.int64)
        if len(position) and position.max() >= len(table.indexes[0]):
            table = self._read_table()
        return [
            shards.read(places[position, 0], places[position, 1])
            for shards, places in zip(self._shards, table.places, strict=True)
        ]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        def waits() -> None:
            log.warning("store %s: another process is building it; waiting until it is done", self.root)

        with clear_write_errors(self.root):
            lock = cache_lock(self.root, waits)
            lock.__enter__()
        try:
            remove_partial_files([self.root, self._track_index.path.parent, *(one.folder for one in self._shards)])
            yield
        finally:
            lock.__exit__(None, None, None)

    def _build(
        self, found: BuildPlan, augments: Sequence[Augment], backend: str, workers: int, progress: bool
    ) -> list[TrackResult]:
        """Do the jobs; return the outcomes without their arrays."""
        specs = tuple(self.specs[place] for place in self._unique)
        modules = tuple(sorted({FEATURES.get(spec.kind).__module__ for spec in specs} - {"__main__"}))
        plan = WorkerConfig(self.audio, specs, tuple(augments), backend, modules)
        unique = [self._shards[place] for place in self._unique]
        committer = IndexWriter(self.root, unique, self._track_index, self._rejected_files)
        results = []
        compile_kernels(backend, partial(print, file=sys.stderr) if progress else log.info)
        with build_progress(len(found.jobs), progress) as (ready, advance):

            def started() -> None:
                self._ready_at = time.monotonic()
                ready()

            try:
                team = min(workers, max(len(found.jobs), 1))
                for result in run_jobs(plan, list(found.jobs), team, started):
                    if result.config_error:
                        raise GenrelabError(result.config_error)
                    committer.add(result)
                    results.append(result.summary())
                    advance(result.seconds)
            finally:
                committer.commit()  # also after Ctrl-C: what is done is kept
        return results

    def _report(
        self, tracks: pd.DataFrame, found: BuildPlan, results: Sequence[TrackResult], seconds: float
    ) -> PrepareReport:
        lines = self._track_index.read()
        lines = lines[lines["track_id"].map(found.sources) == lines["source"]]
        reasons = dict.fromkeys(lines.loc[lines["segments"] == 0, "track_id"], too_short(self.audio))
        reasons |= {**found.rejected, **{one.job.track_id: one.decode_error for one in results if one.decode_error}}
        self._sources.update(found.sources)
        self._rejected = (self._rejected - set(tracks["track_id"])) | set(reasons)
        low = lines[lines["sample_rate"].between(1, self.audio.sample_rate - 1)]
        notes = {track: note for track, note in zip(lines["track_id"], lines["notes"], strict=True) if note}
        rates = dict(zip(low["track_id"], low["sample_rate"].tolist(), strict=True))
        pairs = list(zip(tracks["track_id"], tracks["path"], strict=True))
        return PrepareReport(
            built=sum(one.segments > 0 for one in results),
            present=found.present,
            rejected=tuple((str(path), reasons[track]) for track, path in pairs if track in reasons),
            seconds=seconds,
            audio_seconds=sum(one.seconds for one in results),
            padded=int(lines["padded"].sum()),
            short=tuple(lines.loc[lines["padded"], "track_id"]),
            upsampled=tuple((str(path), rates[track]) for track, path in pairs if track in rates),
            notes=tuple((str(path), notes[track]) for track, path in pairs if track in notes),
        )

    def _read_table(self) -> _Table:
        """The joined indexes, read again when one of them has changed."""
        files = [one.folder / "index.parquet" for one in self._shards]
        version = tuple((file.stat().st_mtime_ns, file.stat().st_size) if file.exists() else None for file in files)
        if self._table is None or self._table.version != version:
            indexes = [one.index() for one in self._shards]
            base = indexes[0][KEY]
            places = [base.merge(one, how="left", on=KEY)[["shard", "row"]].fillna(-1) for one in indexes]
            self._table = _Table(version, indexes, [one.to_numpy(np.int64) for one in places])
        return self._table

    def _mask(self, index: pd.DataFrame, wanted: pd.Index[str], labels: Sequence[str]) -> np.ndarray:
        """Rows of the wanted tracks and labels, of the file as it was prepared last."""
        mask = np.array(index["track_id"].isin(wanted) & index["augment"].isin(list(labels)), dtype=bool)
        some = index.loc[mask, ["track_id", "source"]]
        latest = some.drop_duplicates("track_id", keep="last")
        current = {**dict(zip(latest["track_id"], latest["source"], strict=True)), **self._sources}
        mask[mask] = (some["source"] == some["track_id"].map(current)).to_numpy(dtype=bool)
        return mask

    def _check_complete(self, rows: pd.DataFrame, wanted: pd.Index[str], labels: Sequence[str]) -> None:
        """Tell what was never prepared apart from what has no rows."""
        having = set(rows["track_id"])
        lacking = [track for track in wanted if track not in having and track not in self._rejected]
        if lacking:
            lines = self._track_index.read()
            known = set(lines.loc[lines["segments"] == 0, "track_id"])
            known |= {entry["track_id"] for entry in self._rejected_files.read().values()}
            lacking = [track for track in lacking if track not in known]
        if lacking:
            raise GenrelabError(f"store {self.root}: never prepared: {_such(lacking)}; run `genrelab prepare`")
        for label in labels:
            missing = having - set(rows.loc[rows["augment"] == label, "track_id"])
            if missing:
                raise GenrelabError(
                    f"store {self.root}: no copy {label!r} of {_such(sorted(missing))}; "
                    "run `genrelab prepare` with this augmentation"
                )


def _such(tracks: Sequence[str]) -> str:
    more = len(tracks) - 1
    return repr(tracks[0]) + (f" and {more} other track{'s' * (more > 1)}" if more else "")
