"""Lists of files that came to nothing, for terminal and log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from genrelab.utils.io import printable

MANY, NAMED = 8, 3  # files with one reason that are still listed each; those that are named of more


def format_rejected(rejected: Sequence[tuple[str, str]], what: str = "not read") -> list[str]:
    """Files and why nothing came of them, one a line; a reason that very many share is told once, with some of them.

    Args:
        rejected: (path, reason).
        what: became of them.
    """
    if not rejected:
        return []
    times = Counter(reason for _, reason in rejected)
    lines = [f"{len(rejected)} {what}:"]
    lines += [f"  {printable(path)}: {printable(reason)}" for path, reason in rejected if times[reason] <= MANY]
    for reason, count in times.items():
        if count > MANY:
            some = ", ".join([printable(path) for path, why in rejected if why == reason][:NAMED])
            lines += [f"  {count} files: {printable(reason)}", f"    {some} and {count - NAMED} more"]
    return lines
