"""Studies in optuna-dashboard and curves in TensorBoard, for a browser on this machine."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import shown

EXTRA = "not installed; pip install 'genrelab[dashboards]'"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing of each request."""


def find_studies(sweeps: Path) -> dict[str, Any]:
    """Optuna storages of the studies below a folder of sweeps, by name.

    Args:
        sweeps: as a rule outputs/sweeps; each study has a folder there.
    """
    from optuna.storages import JournalStorage, RDBStorage

    from genrelab.tuning.file_locks import RepairingJournal
    from genrelab.tuning.study_spec import StudySpec
    from genrelab.tuning.study_storage import open_storage

    found: dict[str, Any] = {}
    for folder in sorted(path for path in sweeps.glob("*") if path.is_dir()):
        launch = folder / ".launch.json"
        if (folder / "study.journal").exists():
            found[folder.name] = JournalStorage(RepairingJournal(folder / "study.journal"))
        elif (folder / "study.db").exists():
            found[folder.name] = RDBStorage(f"sqlite:///{folder / 'study.db'}")
        elif launch.exists():  # in a database elsewhere
            import json

            spec = json.loads(launch.read_text(encoding="utf-8"))["spec"]
            found[folder.name] = open_storage(StudySpec.from_json(spec))
    return found


@contextmanager
def serving(outputs: Path, study: str | None = None, port: int = 8080, curves: int = 6006) -> Iterator[dict[str, str]]:
    """Serve until the context ends.

    Args:
        outputs: that training and sweeps wrote.
        study: only this one.
        port: of the first study; the others follow.
        curves: port of TensorBoard, which is not started where no run has such files.

    Yields:
        addresses by name; "TensorBoard" is one.

    Raises:
        GenrelabError: nothing to show, not installed, a port is taken.
    """
    try:
        import optuna_dashboard
        from tensorboard import program
    except ImportError as error:
        raise GenrelabError(f"studies: {EXTRA}") from error
    studies = find_studies(outputs / "sweeps")
    if study is not None and study not in studies:
        raise GenrelabError(f"--study {study}: no such study; there is: {', '.join(studies) or 'none'}")
    chosen = {name: storage for name, storage in studies.items() if study in (None, name)}
    events = next(
        (path for part in ("runs", "sweeps") for path in (outputs / part).rglob("events.out.tfevents.*")), None
    )
    if not chosen and events is None:
        raise GenrelabError(
            f"{shown(outputs)}: no study and no TensorBoard files; sweep, or train with logger=tensorboard"
        )
    with ExitStack() as stack:
        addresses = {}
        for number, (name, storage) in enumerate(chosen.items()):
            addresses[name] = stack.enter_context(_served(optuna_dashboard.wsgi(storage), port + number))
        if events is not None:
            board = program.TensorBoard()
            board.configure(
                argv=["tensorboard", "--logdir", str(outputs), "--port", str(curves), "--host", "localhost"]
            )
            try:
                addresses["TensorBoard"] = str(board.launch())
            except program.TensorBoardServerException as error:
                raise GenrelabError(f"port {curves} is taken; choose another with --tensorboard-port") from error
        yield addresses


@contextmanager
def _served(app: Any, port: int) -> Iterator[str]:
    try:
        server = make_server("localhost", port, app, server_class=_Server, handler_class=_Quiet)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise GenrelabError(f"port {port} is taken; choose another with --port") from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def serve(outputs: Path, study: str | None, port: int, curves: int) -> None:
    """Serve until Ctrl-C, and say where."""
    with suppress(KeyboardInterrupt), serving(outputs, study, port, curves) as addresses:
        for name, address in addresses.items():
            print(f"{name:<20} {address}")
        if "TensorBoard" not in addresses:
            print("TensorBoard          no files; logger=tensorboard writes them")
        print("Ctrl-C ends it", flush=True)
        threading.Event().wait()
