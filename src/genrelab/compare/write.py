"""`write_comparison`: tables, pictures and one page."""

from __future__ import annotations

from pathlib import Path

from genrelab.compare import tables
from genrelab.compare.comparison import Comparison
from genrelab.errors import GenrelabError
from genrelab.files import atomic_path, write_text


def write_comparison(found: Comparison, folder: Path) -> Path:
    """Write `table.csv`, `runs.csv` and `table.md` into a folder.

    Returns:
        the folder.

    Raises:
        GenrelabError: the folder is a file.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise GenrelabError(f"--out {folder}: a file, not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (("table", tables.table(found)), ("runs", tables.runs_table(found))):
        with atomic_path(folder / f"{name}.csv") as part:
            table.to_csv(part, index=False)
    write_text(folder / "table.md", tables.markdown(found))
    return folder
