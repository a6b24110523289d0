"""Errors that are the user's to mend: one clear line each, shown without a traceback, exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class _Pickled(BaseException):
    """An exception that is pickled as it is: from its `args` and attributes, without its constructor.

    Python would call the constructor with `args`, which hold the whole message where a constructor composes it from
    parts. Launchers and worker processes send exceptions home by pickle.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args), vars(self)


def _restore(kind: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    return kind.__new__(kind, *args)


class GenrelabError(_Pickled, Exception):
    """A problem that the user can mend; its text names the file, row or key and the remedy."""


class ConfigError(GenrelabError):
    """Everything wrong with a configuration, found before any data is touched.

    Args:
        problems: one line each, e.g. "model.widht: no such key; did you mean 'width'?".
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = self.problems if len(self.problems) == 1 else [f"\n  {line}" for line in self.problems]
        super().__init__(f"configuration, {count}: " + "".join(lines))


def suggest(wrong: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?", or the list of what there is, to follow a message about `wrong`."""
    names = sorted(known)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there is: {', '.join(names)}" if names else ""


RESUME_HINT = "the same command goes on"


class Interrupted(_Pickled, KeyboardInterrupt):
    """Ctrl-C, with what is completed and what to do next; commands show it in one line and exit with code 130.

    Args:
        completed: what was done until then, "" where there is nothing to say.
        how: to go on.
    """

    def __init__(self, completed: str = "", how: str = RESUME_HINT) -> None:
        self.completed = completed
        super().__init__("; ".join(filter(None, (completed, how))))


@contextmanager
def report_progress_on_interrupt(completed: Callable[[], str], how: str = RESUME_HINT) -> Iterator[None]:
    """At Ctrl-C say what is completed, unless something within has said so: see `Interrupted`."""
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt as stop:
        raise Interrupted(completed(), how) from stop


class Pruned(Exception):
    """A sweep's trial that was stopped because it promises too little; no failure."""
