"""Many recordings: found in folders, predicted side by side, in order, to the end whatever is broken."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from genrelab.audio import AudioError
from genrelab.utils.errors import GenrelabError

T = TypeVar("T")
QUEUE_FACTOR = 4  # files waiting for each worker


@dataclass(frozen=True)
class FileResult(Generic[T]):
    """What became of a file: a value, or the reason why there is none."""

    path: Path
    value: T | None
    reason: str = ""


class FoundFiles(NamedTuple):
    """Files to work on.

    Args:
        files: each once.
        rejected: (path, reason) of what cannot be used.
        left_out: line on the files in folders that are no audio; "" where there are none.
    """

    files: list[Path]
    rejected: list[tuple[str, str]]
    left_out: str


def find_audio_files(paths: Sequence[Path]) -> FoundFiles:
    """Find the audio files named, and those in folders named, at any depth.

    The files are in the order of `paths` and sorted within folders. A file that is named counts as audio whatever its
    name.
    """
    found: list[Path] = []
    rejected: list[tuple[str, str]] = []
    others: Counter[str] = Counter()
    left_out = ""
    for path in (path.expanduser() for path in paths):
        if path.is_dir():
            from genrelab.datasets.audio_folder import format_others, list_audio  # pandas, which a file does not need

            inside = list_audio(path)
            found += inside.files
            rejected += inside.rejected
            others += inside.others
            left_out = f"left out, since they are not audio: {format_others(others)}" if others else ""
            if not inside.files and not inside.rejected:
                rejected.append((str(path), "a folder without audio"))
        else:
            found.append(path)
    return FoundFiles(
        list({os.path.realpath(path): path for path in reversed(found)}.values())[::-1], rejected, left_out
    )


def map_files(work: Callable[[Path], T], files: Iterable[Path], workers: int = 1) -> Iterator[FileResult[T]]:
    """Do `work` for files in threads; outcomes in the order of the files. No file's trouble ends it.

    Args:
        work: decoding and networks let other threads run meanwhile.
        files: paths.
        workers: threads; 1 works in the caller's.
    """
    if workers <= 1:
        yield from (_outcome(work, path) for path in files)
        return
    waiting: deque[Future[FileResult[T]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for path in files:
                waiting.append(pool.submit(_outcome, work, path))
                if len(waiting) >= QUEUE_FACTOR * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _outcome(work: Callable[[Path], T], path: Path) -> FileResult[T]:
    try:
        return FileResult(path, work(path))
    except AudioError as error:
        return FileResult(path, None, error.reason)
    except MemoryError:
        return FileResult(path, None, "too long for this machine's memory")
    except GenrelabError as error:
        return FileResult(path, None, str(error).partition("\n")[0])
    except Exception as error:  # a defect; the other files are predicted all the same
        return FileResult(path, None, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
