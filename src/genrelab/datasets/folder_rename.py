"""Genre folders renamed between a taxonomy's codes and its names (A38)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genrelab.taxonomy import Taxonomy, UnknownGenre
from genrelab.utils.errors import GenrelabError

To = Literal["names", "codes"]
_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f]')  # in names of files, on one system or another


@dataclass(frozen=True)
class Renaming:
    """What would be renamed.

    Args:
        moves: (old, new) paths, files before the folders that hold them.
        right: folders that are named so already.
        unknown: (folder, reason) of those that are no genre.
    """

    moves: tuple[tuple[Path, Path], ...]
    correct: tuple[Path, ...]
    unknown: tuple[tuple[Path, str], ...]


def plan_renaming(root: Path, taxonomy: Taxonomy, to: To, files: bool = False) -> Renaming:
    """Decide the new names of a folder's genre folders; nothing is touched.

    A folder is recognized by code or name in any Unicode form, case and accents aside. Of a name, what file systems
    forbid becomes a hyphen: "Swing / Big Band" is "Swing - Big Band", which is recognized on the way back.

    Args:
        root: holds the genre folders.
        taxonomy: whose codes and names.
        to: which of them the folders get.
        files: rename the files in them too, whose names begin with the code or name and a hyphen.

    Raises:
        GenrelabError: no such folder, two folders of one genre, or a new name that is taken.
    """
    root = root.expanduser()
    if not root.is_dir():
        raise GenrelabError(f"{root}: no such folder")
    names = {code: code if to == "codes" else file_name(title) for code, title in _pairs(taxonomy)}
    if twice := [name for name, count in Counter(map(_folded, names.values())).items() if count > 1]:
        raise GenrelabError(f"taxonomy {taxonomy.name}: several genres would be named {twice[0]!r}; use --to codes")
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    moves: list[tuple[Path, Path]] = []
    right, unknown, taken = [], [], dict[str, Path]()
    for folder in folders:
        try:
            code = taxonomy.resolve(unicodedata.normalize("NFKC", folder.name).strip())
        except UnknownGenre as error:
            unknown.append((folder, str(error)))
            continue
        if code in taken:
            raise GenrelabError(f"{folder} and {taken[code]} are both {code}; join them first")
        taken[code] = folder
        if files:
            moves += _of_files(folder, code, taxonomy, names[code])
        if folder.name == names[code]:
            right.append(folder)
        else:
            moves.append((folder, root / names[code]))
    _check_free(moves)
    return Renaming(tuple(moves), tuple(right), tuple(unknown))


def apply_renaming(renaming: Renaming) -> None:
    """Rename; nothing is ever overwritten.

    Raises:
        GenrelabError: a new name was taken since, or the system refuses; what was renamed before stays so.
    """
    for done, (old, new) in enumerate(renaming.moves):
        try:
            if new.exists() and not _same_file(old, new):
                raise FileExistsError(f"{new.name!r} is there by now")
            old.rename(new)
        except OSError as error:
            reason = error.strerror or str(error)
            raise GenrelabError(
                f"{old}: not renamed ({reason}); {done} of {len(renaming.moves)} were before"
            ) from error


def file_name(title: str) -> str:
    """A title as the name of a folder, composed, without what file systems forbid."""
    plain = _FORBIDDEN.sub("-", unicodedata.normalize("NFC", title))
    return " ".join(plain.split()).rstrip(". ")


def _pairs(taxonomy: Taxonomy) -> list[tuple[str, str]]:
    return list(zip(taxonomy.genres, taxonomy.titles, strict=True))


def _of_files(folder: Path, code: str, taxonomy: Taxonomy, new: str) -> list[tuple[Path, Path]]:
    """New names of the files that begin with the genre's code or name and a hyphen."""
    title = dict(_pairs(taxonomy))[code]
    heads = sorted({code, file_name(title), folder.name}, key=len, reverse=True)
    moves = []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        plain = unicodedata.normalize("NFC", path.name)
        head = next((one for one in heads if _folded(plain).startswith(_folded(f"{one}-"))), None)
        if head is not None and not plain.startswith(f"{new}-"):
            moves.append((path, folder / f"{new}{plain[len(head) :]}"))
    return moves


def _check_free(moves: list[tuple[Path, Path]]) -> None:
    """Refuse new names that something else has, in whatever Unicode form or case."""
    there: dict[Path, dict[str, Path]] = {}
    wanted: dict[tuple[Path, str], Path] = {}
    for old, new in moves:
        known = there.setdefault(new.parent, {})
        if not known:
            known.update({_folded(path.name): path for path in new.parent.iterdir()})
        other = known.get(_folded(new.name))
        if other is not None and other != old:
            raise GenrelabError(f"{old}: {new.name!r} is taken by {other}; nothing was renamed")
        if (first := wanted.setdefault((new.parent, _folded(new.name)), old)) != old:
            raise GenrelabError(f"{old} and {first} would both be {new.name!r}; nothing was renamed")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _same_file(a: Path, b: Path) -> bool:
    """Whether two names are of one file, as on systems that know no case."""
    return a.samefile(b)
