"""The search space: Hydra's grammar (choice, range, interval, tag) as dimensions that a sampler and a reader know."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, Override, RangeSweep, Transformer
from hydra.errors import HydraException

from genrelab.utils.errors import ConfigError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

MOST_POINTS = 10_000  # of a grid
PRIMITIVE = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class Dimension:
    """One key and the values it may take: listed, or between two ends.

    Args:
        key: of the configuration.
        values: what is listed, as a sampler sees it; None for an interval.
        texts: the same as overrides are written.
        low: of an interval.
        high: of an interval, itself a value.
        step: between values of an interval; None for any.
        log: sample by order of magnitude.
        integer: values are whole numbers.
    """

    key: str
    values: tuple[Any, ...] | None = None
    texts: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    integer: bool = False

    def distribution(self) -> BaseDistribution:
        """For Optuna."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.values is not None:
            return CategoricalDistribution(self.values)
        if self.integer:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def describe(self) -> str:
        """As text: two dimensions with the same one are the same."""
        if self.values is not None:
            return f"choice({', '.join(self.texts)})"
        kind = f"{'int' if self.integer else 'float'} {self.low:g} to {self.high:g}"
        step = f" by {self.step:g}" if self.step else ""
        return f"{kind}{step}{', log' if self.log else ''}"

    def points(self) -> list[Any]:
        """Every value, for a grid.

        Raises:
            ConfigError: it has no end of values.
        """
        if self.values is not None:
            return list(self.values)
        step = self.step or (1 if self.integer else None)
        if step is None or self.log:
            raise ConfigError([f"{self.key}: a grid needs listed values; write choice(...) or range(...)"])
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        found = [self.low + step * i for i in range(count)]
        return [int(value) for value in found] if self.integer else found

    def bounds(self) -> list[Any]:
        """Values that between them show whether all can be: each listed one, or both ends."""
        if self.values is not None:
            return list(self.values)
        return [int(self.low), int(self.high)] if self.integer else [self.low, self.high]

    def override(self, value: Any) -> str:
        """The override that sets `value`."""
        if self.values is None:
            return f"{self.key}={value!r}"
        for known, text in zip(self.values, self.texts, strict=True):
            if known == value and type(known) is type(value):
                return f"{self.key}={text}"
        raise ValueError(f"{self.key}: {value!r} is not in {self.describe()}")


Space = Mapping[str, Dimension]


def read_space(params: Mapping[str, str]) -> dict[str, Dimension]:
    """Read a search space.

    Args:
        params: key -> `choice(a,b)`, `range(start,stop,step)` (without its end), `interval(low,high)`, and
            `tag(log, interval(low,high))`, `int(interval(low,high))`, as in Hydra's Optuna sweeper.

    Raises:
        ConfigError: all that cannot be read.
    """
    space, problems = {}, []
    for key, text in params.items():
        try:
            space[key] = dimension(OverridesParser.create().parse_override(f"{key}={text}"))
        except HydraException:
            problems.append(f"params.{key}: cannot read {text!r}; write choice(a,b), range(...) or interval(low,high)")
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return space


def dimension(override: Override) -> Dimension:
    """One dimension of a parsed override.

    Raises:
        ConfigError: it is none.
    """
    key, value = override.get_key_element(), override.value()
    if isinstance(value, Glob) or not override.is_sweep_override():
        raise ConfigError([f"params.{key}: {override.value()} is no search; write choice(a,b) or interval(low,high)"])
    if isinstance(value, IntervalSweep):
        return _interval(key, value)
    if isinstance(value, RangeSweep) and not value.shuffle:
        return _range(key, value)
    assert isinstance(value, ChoiceSweep | RangeSweep)
    texts = tuple(str(text) for text in override.sweep_iterator(transformer=Transformer.encode))
    items: Iterator[Any] = override.sweep_iterator(transformer=Transformer.identity)
    values = tuple(item if isinstance(item, PRIMITIVE) else text for item, text in zip(items, texts, strict=True))
    kinds = [(type(value), value) for value in values]  # True and 1 are not the same
    if twice := [text for text, kind in zip(texts, kinds, strict=True) if kinds.count(kind) > 1]:
        raise ConfigError([f"params.{key}: {twice[0]} is listed twice"])
    return Dimension(key, values, texts)


def _interval(key: str, value: IntervalSweep) -> Dimension:
    low, high = value.start, value.end
    assert low is not None and high is not None
    if low >= high:
        raise ConfigError([f"params.{key}: {low:g} to {high:g} holds nothing; the first end must be below the second"])
    log = "log" in value.tags
    if log and low <= 0:
        raise ConfigError([f"params.{key}: with tag(log, ...) the lower end must be above 0, not {low:g}"])
    return Dimension(key, low=low, high=high, log=log, integer=isinstance(low, int) and isinstance(high, int))


def _range(key: str, value: RangeSweep) -> Dimension:
    start, stop, step = value.start, value.stop, value.step
    assert start is not None and stop is not None
    if step <= 0 or start >= stop:
        raise ConfigError([f"params.{key}: range({start},{stop},{step}) must ascend"])
    integer = all(isinstance(number, int) for number in (start, stop, step))
    last = start + step * (math.ceil((stop - start) / step - 1e-9) - 1)  # without its end, as in Python
    return Dimension(key, low=start, high=last, step=step, log="log" in value.tags, integer=integer)


def describe(space: Space) -> dict[str, str]:
    """The space as plain text, to be kept with the study."""
    return {key: one.describe() for key, one in sorted(space.items())}


def grid(space: Space) -> list[dict[str, Any]]:
    """All points, the last dimension fastest.

    Raises:
        ConfigError: a dimension without end, or too many points.
    """
    points = [one.points() for one in space.values()]
    count = math.prod(len(values) for values in points)
    if count > MOST_POINTS:
        raise ConfigError([f"params: a grid of {count} points; list fewer values, or choose sampler=random"])
    return [dict(zip(space, values, strict=True)) for values in itertools.product(*points)]


def overrides_of(space: Space, params: Mapping[str, Any]) -> list[str]:
    """The overrides that set a trial's parameters."""
    return [space[key].override(value) for key, value in params.items()]


def format_params(params: Mapping[str, Any]) -> str:
    """Parameters as people read them: last part of the key, numbers to four digits."""
    texts = {k: f"{value:.4g}" if isinstance(value, float) else str(value) for k, value in params.items()}
    return " ".join(f"{key.rpartition('.')[2]}={text}" for key, text in texts.items())


def differences(old: Mapping[str, Any], new: Mapping[str, Any], at: str = "") -> list[str]:
    """One line for each leaf that two nested mappings do not share: "params.x: was choice(1, 2), now choice(1)"."""
    lines: list[str] = []
    for key in sorted({*old, *new}):
        before, after = old.get(key, "nothing"), new.get(key, "nothing")
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            lines += differences(before, after, f"{at}{key}.")
        elif before != after:
            lines.append(f"{at}{key}: was {before}, now {after}")
    return lines


def split_sweeps(overrides: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Tell overrides that fix a key from those that sweep it: (the fixed, key -> what to try)."""
    fixed, swept = [], {}
    for text in overrides:
        try:
            parsed = OverridesParser.create().parse_override(text)
        except HydraException:
            fixed.append(text)  # whoever composes will say what is wrong
            continue
        if parsed.is_sweep_override():
            swept[parsed.get_key_element()] = text.partition("=")[2]
        else:
            fixed.append(text)
    return fixed, swept
