"""Building the demo in its cache: tracks that are missing, over all cores; whatever is stopped is resumed.

<cache>/demo-<fingerprint>/demo.json           what it was made from
                          /demo-000123.flac    16-bit mono; the number says nothing about the genre
                          /.lock               held while anyone composes
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing import parent_process
from pathlib import Path

from filelock import FileLock, Timeout

from genrelab.datasets.synthesis.artist_profiles import generator, make_artist
from genrelab.datasets.synthesis.composer import COMPOSER, compose, track_generator
from genrelab.datasets.synthesis.genre_rules import BY_CODE, GENRES
from genrelab.datasets.synthesis.render import SAMPLE_RATE, find_soundfont, render
from genrelab.utils.errors import ConfigError, GenrelabError, Interrupted, suggest
from genrelab.utils.io import atomic_path, write_json
from genrelab.utils.processes import default_workers, quiet_start, spawn_context

WORK = 0.005  # seconds on one core for a second of music
SMALL = 4.0  # seconds of work; less is done in this process, because starting workers takes longer


@dataclass(frozen=True)
class DemoSpec:
    """What decides the demo's tracks.

    Args:
        genres: Musicmap codes.
        tracks_per_genre, artists_per_genre: how many.
        seconds: length of a track.
        seed: of everything.

    Raises:
        ConfigError: a value makes no sense.
    """

    genres: tuple[str, ...]
    tracks_per_genre: int = 40
    artists_per_genre: int = 8
    seconds: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        problems = [
            f"dataset.genres: the demo has no {code!r}{suggest(code, BY_CODE)}"
            for code in self.genres
            if code not in BY_CODE
        ]
        if len(set(self.genres)) != len(self.genres):
            problems.append("dataset.genres: a genre stands twice")
        if len(self.genres) < 2:
            problems.append("dataset.genres: name at least 2")
        if self.artists_per_genre < 1:
            problems.append(f"dataset.artists_per_genre: {self.artists_per_genre}; use 3 or more")
        if self.tracks_per_genre < self.artists_per_genre:
            problems.append(
                f"dataset.tracks_per_genre: {self.tracks_per_genre} tracks are too few for "
                f"{self.artists_per_genre} artists; use {self.artists_per_genre} or more"
            )
        if not (math.isfinite(self.seconds) and 1.0 <= self.seconds <= 600.0):
            problems.append(f"dataset.seconds: {self.seconds} is not between 1 and 600")
        if problems:
            raise ConfigError(problems)

    @property
    def fingerprint(self) -> str:
        """Names the cache folder: the parameters and the composer's version."""
        return generator(COMPOSER, SAMPLE_RATE, asdict(self)).bytes(6).hex()


@dataclass(frozen=True)
class DemoTrack:
    """One track to be made: `number` counts an artist's tracks, `path` is where it goes."""

    genre: str
    artist: int
    number: int
    path: Path

    @property
    def artist_id(self) -> str:
        """Unique over genres: "jam02 artist 3"."""
        return f"{self.genre} artist {self.artist + 1}"


def choose_genres(genres: int | Sequence[str]) -> tuple[str, ...]:
    """The first n genres of the demo (related ones stand together), or those named.

    Raises:
        ConfigError: more than there are.
    """
    if not isinstance(genres, int):
        return tuple(genres)
    if not 2 <= genres <= len(GENRES):
        raise ConfigError([f"dataset.genres: {genres}; the demo has 2 to {len(GENRES)} genres"])
    return tuple(genre.code for genre in GENRES[:genres])


def list_tracks(spec: DemoSpec, folder: Path) -> list[DemoTrack]:
    """All tracks of a demo. File numbers are drawn, so that neither name nor order tells the genre."""
    total = len(spec.genres) * spec.tracks_per_genre
    order = generator("numbers", spec.seed).permutation(total)
    tracks: list[DemoTrack] = []
    for code in spec.genres:
        for place in range(spec.tracks_per_genre):
            number, artist = divmod(place, spec.artists_per_genre)
            tracks.append(DemoTrack(code, artist, number, folder / f"demo-{order[len(tracks)]:06d}.flac"))
    return tracks


def make_track(spec: DemoSpec, track: DemoTrack) -> None:
    """Compose, render and write one track, whole or not at all."""
    import soundfile

    genre = BY_CODE[track.genre]
    artist = make_artist(genre, track.artist, spec.seed)
    rng = track_generator(spec.seed, genre, track.artist, track.number)
    samples = render(compose(genre, artist, spec.seconds, rng), artist, spec.seconds, rng)
    with atomic_path(track.path) as part:
        soundfile.write(part, samples, SAMPLE_RATE, subtype="PCM_16", format="FLAC")


def build_demo(spec: DemoSpec, cache: Path, workers: int | None = None, progress: bool = True) -> list[DemoTrack]:
    """Make the tracks that the cache lacks.

    Args:
        cache: folder of all demos; each has a folder of its own in it.
        workers: processes; None: one a core.
        progress: say what happens, with a bar.

    Returns:
        all tracks, in the order of `list_tracks`.

    Raises:
        GenrelabError: the folder cannot be written, or a package is missing.
        Interrupted: Ctrl-C; what is made is kept.
    """
    folder = cache / f"demo-{spec.fingerprint}"
    tracks = list_tracks(spec, folder)
    if all(track.path.exists() for track in tracks):
        return tracks
    find_soundfont()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder, progress):
            missing = [track for track in tracks if not track.path.exists()]
            for part in folder.glob(".*.part*"):  # left by a builder that was killed
                part.unlink(missing_ok=True)
            write_json(folder / "demo.json", {"composer": COMPOSER, "sample_rate": SAMPLE_RATE, **asdict(spec)})
            _make_all(spec, missing, workers or default_workers(), progress)
    except KeyboardInterrupt as stop:
        done = sum(track.path.exists() for track in tracks)
        raise Interrupted(f"{done} of the demo's {len(tracks)} tracks are kept") from stop
    except OSError as error:
        raise GenrelabError(
            f"demo {folder}: cannot be written ({(error.strerror or str(error)).lower()}); "
            "free some space, or set paths.cache_dir to a folder you may write"
        ) from error
    return tracks


def _make_all(spec: DemoSpec, missing: list[DemoTrack], workers: int, progress: bool) -> None:
    work = WORK * spec.seconds * len(missing)
    workers = 1 if work < SMALL else min(workers, len(missing))
    if progress and missing:
        _announce(spec, missing, workers)
    with _bar(len(missing), progress) as advance:
        if workers == 1:
            for track in missing:
                make_track(spec, track)
                advance()
            return
        for _ in _in_parallel(spec, missing, workers):
            advance()


def _in_parallel(spec: DemoSpec, missing: list[DemoTrack], workers: int) -> Iterator[None]:
    from concurrent.futures.process import BrokenProcessPool

    pool = ProcessPoolExecutor(workers, spawn_context(), initializer=_start_worker)
    try:
        with quiet_start():
            results = pool.map(make_track, [spec] * len(missing), missing)
        yield from results
    except BrokenProcessPool as error:
        raise GenrelabError(
            "a worker that composed the demo ended early, for want of memory or because the calling script "
            "lacks `if __name__ == '__main__':`; run again, what is made is kept"
        ) from error
    finally:
        # Ctrl-C: what is queued is dropped, what is under way ends within a fraction of a second.
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _announce(spec: DemoSpec, missing: list[DemoTrack], workers: int) -> None:
    from rich.console import Console

    estimate = WORK * spec.seconds * len(missing) / workers + (2 if workers > 1 else 0)
    console = Console(stderr=True, highlight=False)
    console.print(
        f"demo: composing {len(missing)} tracks of {spec.seconds:g} s in {len(spec.genres)} genres, "
        f"about {max(5, round(estimate / 5) * 5)} s on {workers} core{'s' if workers > 1 else ''}; once only"
    )


@contextmanager
def _bar(total: int, show: bool) -> Iterator[Callable[[], None]]:
    if not show or total == 0:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("demo"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("tracks"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("demo", total=total)
        yield lambda: bar.advance(task)


@contextmanager
def _lock(folder: Path, say: bool) -> Iterator[None]:
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if say:
            print(f"demo: another process is composing in {folder}; waiting for it", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        with suppress(OSError):
            lock.release()
