"""A worker process: `python -m genrelab.tuning FOLDER NUMBER`, started by `sweep.py`."""

from __future__ import annotations

import _thread
import json
import math
import os
import sys
import threading
from pathlib import Path

from genrelab.tuning.study_spec import StudySpec
from genrelab.utils.exit_codes import exit_on_error


def main(folder: Path, number: int) -> None:
    """Work on the study that was launched in `folder`."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    launch = json.loads((folder / ".launch.json").read_text(encoding="utf-8"))
    from genrelab.tuning.main import run_worker
    from genrelab.tuning.study_storage import SharedStudy

    study = SharedStudy(StudySpec.from_json(launch["spec"]), number + 1, launch["launch"])
    run_worker(study, launch["overrides"], launch["deadline"] or math.inf, launch["threads"])


def _end_with_parent() -> None:
    """Interrupt this process when whoever started it is gone: nobody would watch it, and it holds a device."""
    os.read(sys.stdin.fileno(), 1)  # not through a buffer, whose lock would hinder the end of the process
    _thread.interrupt_main()


if __name__ == "__main__":
    with exit_on_error():
        main(Path(sys.argv[1]), int(sys.argv[2]))
