"""What goes wrong as one line and an exit code; without Hydra, which verbs that do not compose need not wait for.

Exit codes: 0 done, 1 a defect of genrelab (with its traceback), 2 something the user can mend; interrupted: 130 by
Ctrl-C, 143 by SIGTERM, 129 by SIGHUP.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from genrelab.utils.errors import GenrelabError, Interrupted
from genrelab.utils.stop_signals import exit_code, stopping_as_interrupted

USER_FIXABLE_ERRNO = {
    errno.ENOSPC: "no space left; free some, or write elsewhere with paths.output_dir=FOLDER or --out",
    errno.EDQUOT: "the quota is used up; free some space, or write elsewhere with paths.output_dir=FOLDER or --out",
    errno.EACCES: "permission denied; choose another folder with paths.output_dir=FOLDER or --out",
    errno.EPERM: "not permitted; choose another folder with paths.output_dir=FOLDER or --out",
    errno.EROFS: "read-only; choose another folder with paths.output_dir=FOLDER or --out",
    errno.ENOTDIR: "a part of the path is a file; choose another folder with paths.output_dir=FOLDER or --out",
    errno.EEXIST: "there is a file of that name; choose another folder with paths.output_dir=FOLDER or --out",
}


class HydraBypass(BaseException):
    """Carries an error past Hydra, which prints all overrides before any exception of a job."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turn errors that the user can mend into one line on standard error and exit code 2."""
    try:
        try:
            with stopping_as_interrupted():
                yield
        except HydraBypass as wrapped:
            raise wrapped.error from None
    except GenrelabError as error:
        _leave(2, f"error: {error}")
    except OSError as error:
        if error.errno not in USER_FIXABLE_ERRNO:
            raise
        _leave(2, f"error: {error.filename or 'writing'}: {USER_FIXABLE_ERRNO[error.errno]}")
    except KeyboardInterrupt as stop:
        exit_interrupted(stop)
    except Exception as error:
        if not _hydras(error):
            raise
        _leave(2, f"error: {str(error).splitlines()[0]}")


def exit_interrupted(stop: KeyboardInterrupt) -> None:
    """Leave after Ctrl-C or another stop, with what is kept and how to go on in one line."""
    _leave(exit_code(), f"interrupted: {stop}" if isinstance(stop, Interrupted) else "interrupted")


def _hydras(error: Exception) -> bool:
    """Whether Hydra raised it, which then has been imported."""
    module = sys.modules.get("hydra.errors")
    return module is not None and isinstance(error, module.HydraException)


def _leave(code: int, message: str) -> None:
    with suppress(OSError):  # the terminal may be gone
        sys.stdout.flush()
        print(message, file=sys.stderr, flush=True)
    raise SystemExit(code)
