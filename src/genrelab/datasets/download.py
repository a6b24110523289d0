"""Archives from the web: got once, in parts if need be, their sums checked, unpacked in one step."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

from genrelab.utils.errors import GenrelabError, report_progress_on_interrupt

CHUNK = 2**16  # bytes; of a cut connection the last one is lost
TIMEOUT = 60  # seconds without a byte


def fetch(url: str, known_hash: str, folder: Path, unpacked: str) -> Path:
    """Download a ZIP archive into `folder` and unpack it there; the archive is deleted afterwards.

    What was received before an interruption is kept in `<archive>.part` and gone on with.

    Args:
        url: of the archive.
        known_hash: as "sha1:...".
        folder: where it goes; made if need be.
        unpacked: the folder inside the archive that is wanted.

    Returns:
        path of the unpacked folder.

    Raises:
        GenrelabError: no connection, another sum, no space, or no such folder inside.
    """
    import pooch  # type: ignore[import-untyped]

    pooch.get_logger().setLevel("WARNING")
    folder.mkdir(parents=True, exist_ok=True)
    name = url.rsplit("/", 1)[-1]
    archive, part = folder / name, folder / f"{name}.part"
    print(f"downloading {url} to {folder}", flush=True)

    def received() -> str:
        return f"{part.stat().st_size / 1e6:.0f} MB of {name} are kept" if part.exists() else ""

    try:
        with report_progress_on_interrupt(received):
            pooch.retrieve(url, known_hash, fname=name, path=folder, downloader=_Resuming(part))
    except ValueError as error:  # pooch: the sum differs
        part.unlink(missing_ok=True)
        wrong = f"{url}: the file's checksum is not the published {known_hash}"
        raise GenrelabError(f"{wrong}; try again, or download it by hand") from error
    except OSError as error:  # requests' errors are such
        size = f"; {part.stat().st_size / 1e6:.0f} MB are kept and gone on with" if part.exists() else ""
        raise GenrelabError(f"{url}: download failed ({_reason(error)}){size}") from error
    _unpack(archive, folder, unpacked)
    archive.unlink()
    return folder / unpacked


class _Resuming:
    """A downloader for pooch that goes on where an earlier one was cut.

    Args:
        part: holds what was received.
    """

    def __init__(self, part: Path) -> None:
        self.part = part

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> bool | None:
        """Download `url` to `output_file`, through `part`."""
        import requests

        have = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == 416:  # all of it is here already
                shutil.move(self.part, output_file)
                return None
            answer.raise_for_status()
            goes_on = answer.status_code == 206
            with self.part.open("ab" if goes_on else "wb") as handle:
                for chunk in answer.iter_content(CHUNK):
                    handle.write(chunk)
            whole = int(answer.headers.get("Content-Length", 0)) + (have if goes_on else 0)
        if self.part.stat().st_size < whole:
            raise OSError(f"cut after {self.part.stat().st_size} of {whole} bytes")
        shutil.move(self.part, output_file)
        return None


def _unpack(archive: Path, folder: Path, wanted: str) -> None:
    """Unpack into a folder beside, which takes its name when it is whole."""
    beside = folder / f".{archive.stem}.unpacking"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as content:
            content.extractall(beside)  # names that lead outside are made harmless by zipfile
        if not (beside / wanted).is_dir():
            raise GenrelabError(f"{archive}: no folder {wanted} inside")
        (beside / wanted).replace(folder / wanted)
    # NotImplementedError is what zipfile raises at a compression that it does not know.
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise GenrelabError(f"{archive}: cannot be unpacked ({_reason(error)})") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
