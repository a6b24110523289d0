"""Why a file gives no usable samples."""

from __future__ import annotations

import os

from genrelab.utils.errors import GenrelabError

# Reasons of an AudioError; what compares them imports them, so that their wording can change here alone.
NO_SUCH_FILE = "no such file"
EMPTY_FILE = "empty file"
NO_SAMPLES = "no samples"
NON_FINITE = "non-finite samples (NaN or infinity)"
NOT_AUDIO = "not audio, or corrupt"
TEXT_FILE = "not audio (a text file)"
ZERO_BYTES = "not audio (zero bytes)"
CORRUPT = "truncated or corrupt"
FOLDER = "a folder, not a file"
DEVICE = "a pipe or device, not a file"


class AudioError(GenrelabError):
    """A file that gives no usable samples.

    Args:
        path: the file.
        reason: short and plain, for a table: one of the constants above, or a sentence with numbers.
    """

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        self.path = str(path)
        self.reason = reason
        super().__init__(f"{self.path}: {reason}")
