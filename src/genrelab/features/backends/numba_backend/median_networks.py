"""Running medians as programs of minima and maxima, for kernels that run them on many columns at once.

A median by comparisons alone has no branches, so that one program serves a whole vector of columns. Windows that
overlap share what they have in common: of `group` windows side by side, the values common to all are sorted once;
then the group is halved again and again, each half merging in, sorted, what its own windows further share. Of the
sorted values only those are kept that can still be the median (Adams 2021, "Fast median filters using separable
sorting networks", in one dimension). Length 31 takes 33 minima and maxima a value; sorting each window, 274.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_TOP = -1  # stands for a value above all others, which fills a merge up to a power of two
_LARGEST_GROUP = 64


@dataclass(frozen=True)
class Network:
    """Medians of `group` windows side by side, by comparisons of registers.

    Args:
        group: windows at once; the first `size + group - 1` registers hold their values.
        steps: [n, 4] uint32: registers a and b, then where min(a, b) and max(a, b) go; never a or b themselves.
        results: [group] registers that hold the medians at the end.
        registers: how many there are; the last one takes what nobody needs.
    """

    group: int
    steps: np.ndarray
    results: np.ndarray
    registers: int


@lru_cache(maxsize=32)
def median_network(size: int) -> Network:
    """The network of windows of `size` values (rank size // 2, as in scipy for an even size)."""
    group = 1
    while 4 * group <= size + 1 and group < _LARGEST_GROUP:
        group *= 2
    draft = _Draft(size, group)
    draft.halve(0, group, draft.sort(range(group - 1, size)), size // 2)
    return draft.network()


class _Draft:
    """A network in the making: every comparison names two new values."""

    def __init__(self, size: int, group: int) -> None:
        self.size, self.group = size, group
        self.inputs = self.values = size + group - 1
        self.steps: list[tuple[int, int, int, int]] = []
        self.medians: dict[int, int] = {}
        self._runs: dict[tuple[int, int], list[int]] = {}

    def compare(self, a: int, b: int) -> tuple[int, int]:
        """The lesser and the greater."""
        if _TOP in (a, b):
            return (b, a) if a == _TOP else (a, b)
        self.values += 2
        self.steps.append((a, b, self.values - 2, self.values - 1))
        return self.values - 2, self.values - 1

    def merge(self, first: list[int], second: list[int]) -> list[int]:
        """Two ascending lists to one (Batcher's odd-even merge)."""
        half = 1
        while half < max(len(first), len(second)):
            half *= 2
        padded = [*first, *[_TOP] * (half - len(first)), *second, *[_TOP] * (half - len(second))]
        return [value for value in self._merge(padded) if value != _TOP]

    def _merge(self, values: list[int]) -> list[int]:
        if len(values) == 2:
            return list(self.compare(*values))
        merged = [0] * len(values)
        merged[::2], merged[1::2] = self._merge(values[::2]), self._merge(values[1::2])
        for i in range(1, len(values) - 1, 2):
            merged[i], merged[i + 1] = self.compare(merged[i], merged[i + 1])
        return merged

    def sort(self, values: range) -> list[int]:
        """Inputs in ascending order; runs that were sorted before are not sorted again."""
        key = (values.start, len(values))
        if key not in self._runs:
            half = 1
            while 2 * half < len(values):
                half *= 2
            halves = (values[:half], values[half:])
            self._runs[key] = list(values) if len(values) == 1 else self.merge(*map(self.sort, halves))
        return self._runs[key]

    def halve(self, first: int, count: int, common: list[int], rank: int) -> None:
        """Medians of windows `first` to `first + count - 1`.

        Args:
            first: the first window.
            count: a power of two.
            common: what can be the median of the values that all of them hold, ascending.
            rank: of the median among `common` and a window's `count - 1` further values.
        """
        low = max(0, rank - (count - 1))
        common, rank = common[low : rank + 1], rank - low
        if count == 1:
            self.medians[first] = common[rank]
            return
        half = count // 2
        left = range(first + half - 1, first + count - 1)
        right = range(first + self.size, first + self.size + half)
        self.halve(first, half, self.merge(common, self.sort(left)), rank)
        self.halve(first + half, half, self.merge(common, self.sort(right)), rank)

    def network(self) -> Network:
        """Values to registers: those that no median depends on are dropped, and registers are used again."""
        wanted = set(self.medians.values())
        steps = []
        for a, b, low, high in reversed(self.steps):
            if low in wanted or high in wanted:
                steps.append((a, b, low, high))
                wanted |= {a, b}
        steps.reverse()
        last = {value: at for at, step in enumerate(steps) for value in step[:2]}
        last.update(dict.fromkeys(self.medians.values(), len(steps)))
        places, free, total, lines = {i: i for i in range(self.inputs)}, list[int](), self.inputs, []
        for at, (a, b, low, high) in enumerate(steps):
            for value in (low, high):
                if value in wanted:
                    places[value] = free.pop() if free else total
                    total = max(total, places[value] + 1)
            lines.append([places[a], places[b], places.get(low, -1), places.get(high, -1)])
            free += [places[value] for value in (a, b) if last[value] == at]
        codes = np.array(lines, int).reshape(-1, 4)
        codes[codes < 0] = total
        results = np.array([places[self.medians[window]] for window in range(self.group)])
        return Network(self.group, codes.astype(np.uint32), results.astype(np.uint32), total + 1)
