"""Every stop is a stop: SIGTERM and SIGHUP end a command as Ctrl-C does, with what is done kept.

Schedulers and containers send SIGTERM before they kill, a closed terminal SIGHUP. Python would end at once on both,
and a run would be listed as running for ever.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

STOPS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_last = signal.SIGINT


@contextmanager
def stopping_as_interrupted() -> Iterator[None]:
    """Raise KeyboardInterrupt at the first SIGTERM or SIGHUP; later ones do not disturb what is being kept.

    A signal that the caller ignores, as under `nohup`, or handles itself stays as it is.
    """
    global _last
    _last = signal.SIGINT
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in STOPS if signal.getsignal(number) is signal.SIG_DFL]

    def stop(number: int, frame: FrameType | None) -> None:
        global _last
        _last = signal.Signals(number)
        for one in ours:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def exit_code() -> int:
    """The code by which a shell knows the signal that ended a command: 130, 143 or 129."""
    return 128 + _last


@contextmanager
def deferred_stop() -> Iterator[None]:
    """Let Ctrl-C and the like wait until the block is done, so that a commit is whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before: dict[int, Any] = {}
    for number in (signal.SIGINT, *STOPS):
        if callable(signal.getsignal(number)):
            before[number] = signal.signal(number, lambda number, frame: held.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])
