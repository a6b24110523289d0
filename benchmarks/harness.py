"""Interleaved timing: A B A B ..., so that a noisy machine disturbs both sides alike."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping


def make_parser(doc: str, rounds: int) -> argparse.ArgumentParser:
    """A script's command line; `--rounds 1` shows in short that it runs."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=rounds, help="of each comparison; 1 shows that the script runs")
    return parser


def interleaved(
    sides: Mapping[str, Callable[[], object]], rounds: int = 7, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each side in each round; one round before them warms up. The order turns every round.

    `time.process_time` as clock leaves out what other processes take from sides of one thread each.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for round_number in range(rounds + 1):
        names = list(sides) if round_number % 2 else list(reversed(sides))
        for name in names:
            started = clock()
            sides[name]()
            if round_number:
                seconds[name].append(clock() - started)
    return seconds


def ratio(seconds: Mapping[str, list[float]], of: str, to: str) -> float:
    """Median over the rounds of `to`'s time divided by `of`'s: the share of `to`'s speed that `of` reaches."""
    return statistics.median(b / a for a, b in zip(seconds[of], seconds[to], strict=True))
