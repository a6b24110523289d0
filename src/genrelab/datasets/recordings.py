"""One pass over a dataset's audio files: what each holds, and the prints that copies are found by.

`check`, `prepare` and `train` share what it finds, cached by path, size and modification time of the file:

<cache>/recordings/<fingerprint of the audio spec>/part-*.parquet   COLUMNS, one line a file; a later part goes first
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genrelab.audio import AudioError, AudioSpec, decode_audio, fingerprint, trim_silence
from genrelab.audio.acoustic_print import acoustic_print
from genrelab.audio.errors import NO_SUCH_FILE
from genrelab.audio.io import READER_VERSION
from genrelab.audio.sample_buffer import iter_chunks, peak_level
from genrelab.audio.usability import SILENT_PEAK, find_fault
from genrelab.features.cache.shards import cache_lock
from genrelab.features.cache.track_index import file_signature
from genrelab.utils.errors import GenrelabError, report_progress_on_interrupt
from genrelab.utils.io import atomic_path
from genrelab.utils.processes import default_workers

FORMAT = 2  # raised when cached numbers change their meaning
TRIM_DB = 60.0  # under the loudest frame, for the print of an audio spec that trims nothing
COLUMNS = ("path", "source", "duration", "usable", "sample_rate", "peak", "sha256", "words", "notes")
_COMMIT_FILES, _COMMIT_SECONDS = 1000, 60.0


@dataclass(frozen=True, eq=False)
class Recording:
    """What one file holds.

    Args:
        reason: why it cannot be read; "" where it can. All else is then unknown.
        duration: s.
        usable: s, silence at both ends trimmed.
        sample_rate: the file's own, Hz.
        peak: largest absolute sample.
        sha256: of the mono samples at the audio spec's rate.
        words: its print, see `acoustic_print`.
        notes: what a user should know of the file, which is read all the same.
    """

    reason: str = ""
    duration: float = float("nan")
    usable: float = float("nan")
    sample_rate: int = 0
    peak: float = 0.0
    sha256: str = ""
    words: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint32))
    notes: str = ""

    @property
    def silent(self) -> bool:
        """Whether it is read and has no sample above -60 dB."""
        return not self.reason and self.peak < SILENT_PEAK

    def fault(self, audio: AudioSpec) -> str:
        """Why it is of no use for training: unreadable, silent, too short; "" where it is of use."""
        return self.reason or find_fault(self.peak, self.usable, audio)


def scan_recordings(
    paths: Sequence[str],
    audio: AudioSpec,
    cache: Path | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> list[Recording]:
    """Decode every file once that the cache lacks, about 10 ms for 30 s beyond decoding.

    Args:
        paths: the files.
        audio: decoding, and how silence is trimmed.
        cache: folder that keeps what was found; None keeps nothing. Unreadable files are tried again.
        workers: threads (decoding leaves Python's lock); all cores by default.
        progress: show a bar on the terminal.

    Raises:
        GenrelabError: the cache cannot be read or written.
        Interrupted: Ctrl-C; what was read until then is kept.
    """
    paths = [str(Path(path).absolute()) for path in paths]
    store = _RecordingCache(cache, audio)
    with store.locked():
        known = store.read()
        sources = {path: _source(path) for path in paths}
        missing = [path for path in dict.fromkeys(paths) if (path, sources[path]) not in known]
        found: dict[str, Recording] = {}

        def kept() -> str:
            return f"{len(paths) - len(missing) + len(found)} of {len(paths)} files were read" + (
                " and are kept" if cache else ", none of it is kept"
            )

        with (
            report_progress_on_interrupt(kept),
            _progress(len(missing), progress) as advance,
            ThreadPoolExecutor(workers or default_workers()) as pool,
        ):
            try:
                for path, recording in zip(missing, pool.map(lambda path: _scan(path, audio), missing), strict=True):
                    found[path] = recording
                    store.add(path, sources[path], recording)
                    advance()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            finally:
                store.commit()
    return [known[path, sources[path]] if path not in found else found[path] for path in paths]


def _source(path: str) -> str:
    try:
        return file_signature(path)
    except OSError as error:
        return NO_SUCH_FILE if isinstance(error, FileNotFoundError) else "unreadable"


def _scan(path: str, audio: AudioSpec) -> Recording:
    """Decode one file."""
    try:
        decoded = decode_audio(path, audio.sample_rate)
    except AudioError as error:
        return Recording(error.reason)
    samples = decoded.samples
    trimmed = trim_silence(samples, TRIM_DB if audio.trim_top_db is None else audio.trim_top_db)
    kept = samples if audio.trim_top_db is None else trimmed
    return Recording(
        duration=len(samples) / audio.sample_rate,
        usable=len(kept) / audio.sample_rate,
        sample_rate=decoded.source_rate,
        peak=peak_level(samples),
        sha256=_digest(samples),
        words=acoustic_print(trimmed, audio.sample_rate),
        notes="; ".join(decoded.notes),
    )


def _digest(samples: np.ndarray) -> str:
    digest = hashlib.sha256()
    for part in iter_chunks(samples):
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


class _RecordingCache:
    """The files of the cache; without a folder nothing is kept."""

    def __init__(self, cache: Path | None, audio: AudioSpec) -> None:
        rules = {"format": FORMAT, "reader": READER_VERSION}
        key = fingerprint({**rules, "sample_rate": audio.sample_rate, "trim_top_db": audio.trim_top_db})
        self.folder = None if cache is None else cache / "recordings" / key
        self._waiting: list[dict[str, Any]] = []
        self._since = time.monotonic()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one process at a time read files, so that the processes of one training share the work."""
        if self.folder is None:
            yield
            return
        try:
            lock = cache_lock(self.folder)
            lock.__enter__()
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    def read(self) -> dict[tuple[str, str], Recording]:
        """Return what is kept, by path and signature."""
        known: dict[tuple[str, str], Recording] = {}
        for part in sorted(self.folder.glob("part-*.parquet")) if self.folder else ():
            try:
                table = pd.read_parquet(part, columns=list(COLUMNS))
            except (OSError, ValueError) as error:
                raise GenrelabError(f"{part}: unreadable ({error}); delete this file") from error
            for path, source, duration, usable, rate, peak, sha256, words, notes in table.itertuples(
                index=False, name=None
            ):
                print_ = np.frombuffer(words, np.uint32)
                known[path, source] = Recording("", duration, usable, int(rate), peak, sha256, print_, notes)
        return known

    def add(self, path: str, source: str, recording: Recording) -> None:
        """Keep what was found in a file; an unreadable one may be readable tomorrow, by ffmpeg say."""
        if self.folder is None or recording.reason:
            return
        facts = {**asdict(recording), "words": recording.words.tobytes()}
        self._waiting.append({"path": path, "source": source, **{name: facts[name] for name in COLUMNS[2:]}})
        if len(self._waiting) >= _COMMIT_FILES or time.monotonic() - self._since > _COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        self._since = time.monotonic()
        if self.folder is None or not waiting:
            return
        number = len(list(self.folder.glob("part-*.parquet")))
        try:
            with atomic_path(self.folder / f"part-{number:05d}.parquet", durable=False) as part:
                pd.DataFrame(waiting, columns=list(COLUMNS)).to_parquet(part, index=False)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> GenrelabError:
        reason = (error.strerror or str(error)).lower()
        return GenrelabError(f"{self.folder}: cannot be written ({reason}); set paths.cache_dir to another folder")


@contextmanager
def _progress(total: int, show: bool) -> Iterator[Any]:
    if not show or not total:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("recordings"), BarColumn(), MofNCompleteColumn(), TextColumn("files"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("recordings", total=total)
        yield lambda: bar.advance(task)
