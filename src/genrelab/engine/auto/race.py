"""The race: each candidate's held-out answers inside every outer training part, kept as they are made."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from genrelab.datamodules.normalizer import Normalizer
from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.splits import SplitError
from genrelab.datasets.splits.grouping import find_groups
from genrelab.datasets.splits.stratified_group import GroupBy, assign
from genrelab.engine.auto.candidates import Candidate
from genrelab.engine.auto.selection import track_losses
from genrelab.features.cache import AnyFeatureCache
from genrelab.models.classical import Estimator
from genrelab.models.registry import MODELS
from genrelab.postprocessing import MULTICLASS
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path, write_json

OUTER_FOLDS = (5, 4, 3)  # as many as artists allow
INNER_FOLDS = (5, 4, 3, 2)
CHUNK = 256  # rows read at once
FULL = "all"  # the part of all tracks, from which the final model is chosen
# Fits a model with these parameters on the rows of a mask; log-probabilities [n, C] of the rows of another, and the
# count of the model's numbers.
Fit = Callable[[Mapping[str, float], np.ndarray, np.ndarray], tuple[np.ndarray, int]]


@dataclass(frozen=True)
class RaceData:
    """Rows (segments) of all tracks, and how they are parted.

    Args:
        track_ids: `T` ids, sorted.
        target: `[T]` index of each track's genre.
        group: `[T]` number of each track's artist (and album), or of the track where artists are ignored.
        outer: `[T]` outer fold of each track.
        inner: For each outer fold and `FULL`, `[T]` inner fold of each track; -1 in the fold's own test part.
        track: `[R]` number of each row's track.
        segment: `[R]` place of each row in its track.
        vectors: `[R, D]` float32 of each feature, its mean and standard deviation over time.
        n_classes: C.
        seed: Seed of whatever is drawn.
    """

    track_ids: tuple[str, ...]
    target: np.ndarray
    group: np.ndarray
    outer: np.ndarray
    inner: Mapping[str, np.ndarray]
    track: np.ndarray
    segment: np.ndarray
    vectors: Mapping[str, np.ndarray]
    n_classes: int
    seed: int = 0

    @property
    def parts(self) -> list[str]:
        """The outer folds, "0" first, and `FULL`."""
        return list(self.inner)

    @property
    def row_target(self) -> np.ndarray:
        """`[R]` index of each row's genre."""
        return np.asarray(self.target[self.track])

    @property
    def row_group(self) -> np.ndarray:
        """`[R]` number of each row's group."""
        return np.asarray(self.group[self.track])

    def n_fits(self, candidate: Candidate) -> int:
        """Count the models that a candidate fits in a whole race."""
        return sum(
            len(candidate.choices()) * int(place.max() + 1) + (part != FULL) for part, place in self.inner.items()
        )

    @property
    def fingerprint(self) -> str:
        """Hash of what results depend on: 16 hex digits."""
        digest = hashlib.sha256(json.dumps([list(self.track_ids), self.seed]).encode())
        for array in (self.target, self.outer, *self.inner.values(), self.track, *self.vectors.values()):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Result:
    """What a candidate answered in one part.

    Args:
        log_p: `[R, C]` log-probabilities: of rows of the training part those of inner folds, of the test part's rows
            those of the model fitted on the whole training part.
        chosen: Values of the grid's parameter.
        size: Numbers that the model holds.
        seconds: Time that it took.
    """

    log_p: np.ndarray
    chosen: Mapping[str, float]
    size: int
    seconds: float


def nested_folds(index: DatasetIndex, seed: int, group_by: GroupBy) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Part tracks into outer folds, and the training part of each into inner folds, groups kept apart in both.

    Args:
        index: The tracks.
        seed: Seed of the split.
        group_by: "artist" keeps artists apart; None parts by track.

    Returns:
        `outer` and `inner` of `RaceData`, in the order of the index.

    Raises:
        SplitError: A genre has too few artists (or tracks); names the genres.
    """
    for folds in OUTER_FOLDS:
        try:
            outer = _assign(index, folds, seed, group_by)
            inner = {}
            for part in (*map(str, range(folds)), FULL):
                inside = np.ones(len(index), dtype=bool) if part == FULL else outer != int(part)
                inner[part] = np.full(len(index), -1, dtype=np.int64)
                inner[part][inside] = _inner(index.only(list(index.tracks["track_id"][inside])), seed, group_by)
            return outer, inner
        except SplitError:
            if folds == OUTER_FOLDS[-1]:
                raise
    raise AssertionError


def _inner(index: DatasetIndex, seed: int, group_by: GroupBy) -> np.ndarray:
    for folds in INNER_FOLDS:
        try:
            return _assign(index, folds, seed, group_by)
        except SplitError:
            if folds == INNER_FOLDS[-1]:
                raise
    raise AssertionError


def _assign(index: DatasetIndex, folds: int, seed: int, group_by: GroupBy) -> np.ndarray:
    return assign(index, np.full(folds, 1 / folds), seed, group_by, "nested folds")


def read_rows(
    index: DatasetIndex,
    cache: AnyFeatureCache,
    genres: Sequence[str],
    seed: int,
    group_by: GroupBy,
    folds: tuple[np.ndarray, dict[str, np.ndarray]],
) -> RaceData:
    """Read all tracks' features, averaged over time, from a prepared cache.

    Args:
        index: The tracks, each with at least one segment in the cache.
        cache: Prepared features.
        genres: The C genres, in the order of the answers.
        seed: Seed of whatever is drawn.
        group_by: As in `nested_folds`.
        folds: What that returned.
    """
    ids = index.tracks["track_id"].tolist()
    rows = cache.rows(ids)
    number = {track: place for place, track in enumerate(ids)}
    parts: list[list[np.ndarray]] = [[] for _ in cache.specs]
    for at in range(0, len(rows), CHUNK):
        for feature, found in zip(cache.load(rows.iloc[at : at + CHUNK]), parts, strict=True):
            values = feature.astype(np.float32)
            if values.ndim == 3:
                values = np.concatenate([values.mean(axis=2), values.std(axis=2)], axis=1)
            found.append(values)
    code = {genre: place for place, genre in enumerate(genres)}
    return RaceData(
        track_ids=tuple(ids),
        target=index.tracks["genre"].map(code).to_numpy(np.int64),
        group=find_groups(index, artists=group_by == "artist"),
        outer=folds[0],
        inner=folds[1],
        track=rows["track_id"].map(number).to_numpy(np.int64),
        segment=rows["segment"].to_numpy(np.int32),
        vectors={spec.name: np.concatenate(found) for spec, found in zip(cache.specs, parts, strict=True)},
        n_classes=len(genres),
        seed=seed,
    )


def estimator_fit(candidate: Candidate, data: RaceData) -> Fit:
    """Return what fits a candidate of scikit-learn's on averages over time, as a run of its configuration does."""
    names = candidate.features or tuple(data.vectors)
    x = np.concatenate([data.vectors[name] for name in names], axis=1)
    target = torch.from_numpy(data.row_target)

    def fit(chosen: Mapping[str, float], train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, int]:
        shapes = [(x.shape[1],)]
        net: Estimator = MODELS.build(
            candidate.kind, {**candidate.params, **chosen}, in_shapes=shapes, n_classes=data.n_classes
        )
        scale = Normalizer.fit([[x[train]]], shapes, "per_bin")
        with torch.no_grad():
            net.fit(net.vectors(*scale([torch.from_numpy(x[train])])), target[train], data.seed)
            logits = net(*scale([torch.from_numpy(x[test])]))
        log_p = np.asarray(MULTICLASS.log_probs_or_logits(logits.numpy()), dtype=np.float32)
        return log_p, sum(buffer.numel() for buffer in net.buffers())

    return fit


def run_part(candidate: Candidate, fit: Fit, data: RaceData, part: str) -> Result:
    """Answer a part: inner folds choose the grid's value, and a model fitted on all of them answers the test part.

    Neither the choice nor any model sees a row of the part's test fold.

    Args:
        candidate: With its grid.
        fit: Fits it.
        data: Rows and folds.
        part: An outer fold's number, or `FULL`, which has no test part.
    """
    started = time.perf_counter()
    place = data.inner[part][data.track]  # [R]
    inside = place >= 0
    best: tuple[float, dict[str, float], np.ndarray, int] | None = None
    for chosen in candidate.choices():
        log_p = np.full((len(place), data.n_classes), np.nan, dtype=np.float32)
        for fold in range(int(place.max()) + 1):
            log_p[place == fold], size = fit(chosen, inside & (place != fold), place == fold)
        loss = float(track_losses(log_p[inside], data.row_target[inside], data.track[inside]).mean())
        if best is None or loss < best[0]:
            best = loss, chosen, log_p, size
    assert best is not None
    _, chosen, log_p, size = best
    if not inside.all():
        log_p[~inside], size = fit(chosen, inside, ~inside)
    if not np.isfinite(log_p).all():
        raise GenrelabError(f"{candidate.title}: its answers are not finite")
    return Result(log_p, chosen, size, time.perf_counter() - started)


@dataclass
class Race:
    """Runs candidates part by part, and keeps every result in a folder.

    Args:
        folder: Of the results; those that are there are not computed again.
        data: Rows and folds.
        fits: What fits each candidate, in the order of the candidates.
        budget: Seconds for all.
        estimate: Seconds of one fit of a candidate; may fit it once to measure.
        progress: Called with the candidate and the part before each result.
    """

    folder: Path
    data: RaceData
    fits: Sequence[tuple[Candidate, Fit]]
    budget: float = float("inf")
    estimate: Callable[[Candidate, Fit], float] | None = None
    progress: Callable[[Candidate, str], None] = lambda candidate, part: None

    def run(self, spent: float = 0.0) -> tuple[dict[str, dict[str, Result]], dict[str, str]]:
        """Run all that the budget allows.

        The first two candidates are run whatever the budget says, so that there is a choice. A candidate that fails,
        or that would take longer than what is left, is left out; the others go on.

        Args:
            spent: Seconds of the budget that are used already.

        Returns:
            Results by candidate's title and part, and the reason for each candidate that was left out.

        Raises:
            GenrelabError: The results that are kept are of other data, or no candidate is left.
        """
        self._check_same_data()
        results = {candidate.title: self._kept(candidate) for candidate, _ in self.fits}
        left_out = self._read_left_out()
        spent += sum(one.seconds for found in results.values() for one in found.values())
        began = time.perf_counter()
        for number, (candidate, fit) in enumerate(self.fits):
            if candidate.title in left_out:
                continue
            found, must = results[candidate.title], number < 2
            left = self.budget - spent - (time.perf_counter() - began)
            try:
                missing = [part for part in self.data.parts if part not in found]
                if missing and not found and not must and self.estimate is not None:
                    needed = self.estimate(candidate, fit) * self.data.n_fits(candidate)
                    if needed > left:
                        raise _NoTime(f"needs about {needed:.0f} s, {max(left, 0):.0f} s of the budget are left")
                for part in missing:
                    left = self.budget - spent - (time.perf_counter() - began)
                    if left <= 0 and not must:
                        raise _NoTime("was not finished when the budget ended")
                    self.progress(candidate, part)
                    # The matrices of averages are small: threads would only wait for each other.
                    with nullcontext() if candidate.network else threadpool_limits(1, "blas"):
                        found[part] = run_part(candidate, fit, self.data, part)
                    self._keep(candidate, part, found[part])
            except Exception as error:
                reason = str(error).partition("\n")[0] or type(error).__name__
                left_out[candidate.title] = reason if isinstance(error, _NoTime) else f"failed: {reason}"
                write_json(self.folder / "left_out.json", left_out)
        raced = {title: found for title, found in results.items() if title not in left_out}
        if not raced:
            raise GenrelabError(f"no candidate is left: {'; '.join(f'{k}: {v}' for k, v in left_out.items())}")
        return raced, left_out

    def _check_same_data(self) -> None:
        path, now = self.folder / "data.json", {"fingerprint": self.data.fingerprint}
        if path.exists() and json.loads(path.read_text(encoding="utf-8")) != now:
            raise GenrelabError(f"{self.folder}: tracks or features changed since this race began (start a new one)")
        write_json(path, now)

    def _path(self, candidate: Candidate, part: str) -> Path:
        return self.folder / f"{candidate.slug}.{part}.npz"

    def _kept(self, candidate: Candidate) -> dict[str, Result]:
        return dict(self._read(candidate))

    def _read(self, candidate: Candidate) -> Iterator[tuple[str, Result]]:
        for part in self.data.parts:
            try:
                with np.load(self._path(candidate, part), allow_pickle=False) as kept:
                    chosen = json.loads(str(kept["chosen"]))
                    yield part, Result(kept["log_p"], chosen, int(kept["size"]), float(kept["seconds"]))
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # none, or cut by a power failure
                continue

    def _keep(self, candidate: Candidate, part: str, result: Result) -> None:
        with atomic_path(self._path(candidate, part), durable=False) as path:
            np.savez(
                path,
                log_p=result.log_p,
                chosen=json.dumps(dict(result.chosen)),
                size=result.size,
                seconds=result.seconds,
            )

    def _read_left_out(self) -> dict[str, str]:
        path = self.folder / "left_out.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


class _NoTime(Exception):
    """A candidate that the budget does not allow."""


def measure_fit(data: RaceData) -> Callable[[Candidate, Fit], float]:
    """Return what measures the seconds of one fit of a candidate, on the first part's first fold."""

    def measure(candidate: Candidate, fit: Fit) -> float:
        place = data.inner[data.parts[0]][data.track]
        started = time.perf_counter()
        fit(candidate.choices()[len(candidate.choices()) // 2], place > 0, place == 0)
        return time.perf_counter() - started

    return measure
