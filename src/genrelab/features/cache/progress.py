"""The bar of a build: tracks a second, times real time, time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def build_progress(total: int, show: bool) -> Iterator[tuple[Callable[[], None], Callable[[float], None]]]:
    """Yield a function to call when workers are ready, and one to call after each track with its length in seconds.

    Args:
        total: number of tracks.
        show: False: no bar.
    """
    if not show or total == 0:
        yield lambda: None, lambda seconds: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("features"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("tracks  {task.fields[speed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    begin, heard, done = time.monotonic(), 0.0, 0
    with bar:
        task = bar.add_task("features", total=total, speed="starting workers")

        def ready() -> None:
            nonlocal begin
            begin = time.monotonic()  # the speed is that of the work, not of starting processes
            bar.update(task, speed="")

        def advance(seconds: float) -> None:
            nonlocal heard, done
            heard, done = heard + seconds, done + 1
            passed = max(time.monotonic() - begin, 1e-6)
            bar.update(task, advance=1, speed=f"{done / passed:.1f} tracks/s, {heard / passed:.0f} x real time")

        yield ready, advance
