"""Clips of the Free Music Archive that are left out: facts from its issues 8, 44 and 49, and lists of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genrelab.utils.errors import GenrelabError

# Clips cut at the wrong place, by a wrong length in the metadata: short ones or without any sound (its issue 8).
MISCUT = frozenset((
    1486, 5574, 65753, 80391, 98558, 98559, 98560, 98565, 98566, 98567, 98568, 98569, 98571, 99134, 105247,
    108924, 108925, 126981, 127336, 133297, 143992,
))  # fmt: skip
# Clips of `large` reported as unreadable by ffmpeg and librosa (its issue 49), though their sums are right: what a
# decoder makes of them depends on its version, and a test set should not.
UNREADABLE = frozenset((
    2624, 3284, 8669, 10116, 11583, 12838, 13529, 14116, 14180, 20814, 22554, 23429, 23430, 23431, 25173, 25174, 25175,
    25176, 25180, 29345, 29346, 29352, 29356, 33411, 33413, 33414, 33417, 33418, 33419, 33425, 35725, 39363, 41745,
    42986, 43753, 50594, 50782, 53668, 54569, 54582, 61480, 61822, 63422, 63997, 72656, 72980, 73510, 80553, 82699,
    84503, 84504, 84522, 84524, 86656, 86659, 86661, 86664, 87057, 90244, 90245, 90247, 90248, 90250, 90252, 90253,
    90442, 90445, 91206, 92479, 94052, 94234, 95253, 96203, 96207, 96210, 98105, 98562, 101265, 101272, 101275, 102241,
    102243, 102247, 102249, 102289, 106409, 106412, 106415, 106628, 108920, 109266, 110236, 115610, 117441, 127928,
    129207, 129800, 130328, 130748, 130751, 131545, 133641, 133647, 134887, *range(140449, 140473), 142614, 144518,
    144619, 145056, 146056, 147419, 147424, *range(148786, 148796), 151920, 155051,
))  # fmt: skip


def excluded_tracks(subset: str, exclude: Sequence[int] | str) -> dict[int, str]:
    """Why a clip is left out, by its id.

    Args:
        subset: small, medium or large.
        exclude: further ids, or a file of them, see `read_ids`.

    Raises:
        GenrelabError: the file is missing, or holds something else.
    """
    ids = read_ids(Path(exclude).expanduser()) if isinstance(exclude, str) else exclude
    unreadable = UNREADABLE if subset == "large" else frozenset()
    return {
        **dict.fromkeys(ids, "dataset.exclude"),
        **dict.fromkeys(unreadable, "reported unreadable"),
        **dict.fromkeys(MISCUT, "cut at the wrong place"),
    }


def read_ids(path: Path) -> tuple[int, ...]:
    """Ids of tracks from a file: a number or the path of a clip (`fma_large/002/002624.mp3`) a line, `#` comments.

    Raises:
        GenrelabError: missing, unreadable, or a line that is neither.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise GenrelabError(
            f"dataset.exclude: {path}: unreadable ({getattr(error, 'strerror', None) or error}); "
            "give a text file with an id a line, or ids as [2, 5]"
        ) from error
    ids = []
    for number, line in enumerate(lines, start=1):
        text = line.split("#")[0].strip().rstrip(",")
        name = text.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".mp3")
        if name.isascii() and name.isdigit():
            ids.append(int(name))
        elif text:
            raise GenrelabError(
                f"dataset.exclude: {path} line {number}: {text!r} is no id of a track; write 2624 or 002/002624.mp3"
            )
    return tuple(ids)
