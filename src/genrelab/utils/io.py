"""Writing files so that a reader sees the old content or the new, never half of it."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = tuple("=+-@\t\r")
_DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # show text in another order than it is in


@contextmanager
def atomic_path(path: str | os.PathLike[str], durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path` in one step, on failure it goes.

    Args:
        path: to write.
        durable: wait until the disk has it; False for what can be made again.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last, because numpy and pandas choose the format by it.
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        if durable:
            with part.open("rb") as handle:
                os.fsync(handle.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str, durable: bool = True) -> None:
    """Write UTF-8 `text` to `path` atomically."""
    with atomic_path(path, durable) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any, durable: bool = True) -> None:
    """Write `value` as indented JSON to `path` atomically. NaN is refused: JSON has none."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", durable)


def shown(path: Path) -> str:
    """A path as one would type it: relative to the working directory where it lies below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def spreadsheet_text(value: Any) -> Any:
    """A cell of a CSV file that people open in a spreadsheet: text that would be a formula there begins with `'`.

    Source: OWASP, "CSV Injection".
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r", " ")  # pandas writes it without quotes, and readers take it for the end of the row
    return f"'{text}" if value[:1] in _FORMULA else text


def write_table(table: pd.DataFrame, path: str | os.PathLike[str], durable: bool = True) -> None:
    """Write a table that people read to a CSV file, atomically; see `spreadsheet_text`."""
    texts = [name for name in table if table[name].dtype == object or table[name].dtype.name in ("str", "string")]
    safe = table.assign(**{str(name): table[name].map(spreadsheet_text) for name in texts})
    with atomic_path(path, durable) as part:
        safe.to_csv(part, index=False)


def is_one_line(text: object) -> bool:
    """Whether a name may be shown as it is: text without line breaks, control characters and changes of direction."""
    return isinstance(text, str) and not any(
        unicodedata.category(one) in ("Cc", "Zl", "Zp") or one in _DIRECTIONS for one in text
    )


def printable(text: str) -> str:
    """Text on one line: control characters of a file's name are written out, and steer no terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
