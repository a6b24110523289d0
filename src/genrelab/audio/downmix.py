"""Channels to mono: their mean, but for silent channels and for channels that cancel."""

from __future__ import annotations

import numpy as np

_EVERY = 61  # frames: of the levels, one in so many is measured; no divisor of a sample rate
_SILENT = 1e-6  # of the loudest channel's power
_CANCELLED = 0.01  # of the channels' power, that their mean should hold at least
_LOUD = 8.0  # times full scale; lossy formats and hot masters stay under 4


class Downmix:
    """The mean of channels, and what is measured on the way.

    Args:
        channels: of the blocks.
        chosen: places of the channels that are averaged; None: all.
    """

    def __init__(self, channels: int, chosen: tuple[int, ...] | None = None) -> None:
        self.chosen = chosen if chosen is not None else tuple(range(channels))
        self._products = np.zeros((channels, channels))
        self._peak = 0.0

    def add(self, block: np.ndarray) -> np.ndarray:
        """`[n, channels]` float32 to mono `[n]`."""
        some = np.ascontiguousarray(block[::_EVERY])
        with np.errstate(over="ignore", invalid="ignore"):
            self._products += some.T @ some
        self._peak = max(self._peak, float(np.abs(some).max(initial=0)))
        return self._mean(block)

    def _mean(self, block: np.ndarray) -> np.ndarray:
        """Channel by channel, since `mean(axis=1)` takes 30 times as long for two."""
        mono = block[:, self.chosen[0]].copy()
        for channel in self.chosen[1:]:
            mono += block[:, channel]
        if len(self.chosen) > 1:
            mono /= np.float32(len(self.chosen))
        return mono

    def better(self) -> tuple[int, ...]:
        """The channels that should be averaged, by all blocks so far.

        All of them, as a rule. Of more than two those that are not silent: a 5.1 file of a stereo recording is as loud
        as that. Where the mean would hold under 1 % of the channels' power, the loudest alone.
        """
        power = np.diag(self._products)
        if not np.isfinite(power).all() or not power.any():
            return self.chosen
        sounding = power > _SILENT * power.max() if len(power) > 2 else np.ones(len(power), bool)
        places = np.flatnonzero(sounding)
        mean = self._products[np.ix_(places, places)].sum() / len(places) ** 2
        if mean < _CANCELLED * power[places].mean():
            places = np.array([power.argmax()])
        return tuple(int(place) for place in places)

    def notes(self) -> tuple[str, ...]:
        """What a user should know, a line each."""
        found = []
        if len(self.chosen) == 1 and len(self._products) > 1 and self.better() == self.chosen:
            power = np.diag(self._products)
            if (power > _SILENT * power.max()).sum() > 1:
                found.append(f"its channels cancel each other: channel {self.chosen[0] + 1} is taken, not their mean")
        if self._peak > _LOUD:
            found.append(
                f"peak at {self._peak:.0f} times full scale: perhaps integers in a float file (divide them by 32768)"
            )
        return tuple(found)


def to_mono(frames: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """`[T, channels]` float32 to mono `[T]`, and the notes on it."""
    mix = Downmix(frames.shape[1])
    mono = mix.add(frames)
    if (better := mix.better()) != mix.chosen:
        mix = Downmix(frames.shape[1], better)
        mono = mix.add(frames)
    return mono, mix.notes()
