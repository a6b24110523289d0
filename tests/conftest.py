"""Fixtures: a folder of small made-up music, and overrides that train on it in seconds."""

from __future__ import annotations

import os
import signal
from pathlib import Path

# Two test processes on two cores: more threads would only make them wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What a shell starts in the background ignores Ctrl-C, and so would the programs that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import ipaddress
import socket
import sys

import hypothesis
import pytest

from paths import SHARED_DATA
from several_genres import train_several, write_jamendo
from small_run import small_overrides, train_small
from tones import write_tone

# The first example of a property may import scipy, on a busy machine.
hypothesis.settings.register_profile("genrelab", deadline=None)
hypothesis.settings.load_profile("genrelab")


def refuse_calls_abroad(event, arguments):
    """Fail what asks another machine for anything: no command does, but those whose servers tests start here."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host or "localhost"
    if host not in ("localhost", socket.gethostname()):
        try:
            own = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            own = None
        if own is None or not (own.is_loopback or own.is_unspecified):
            raise ConnectionRefusedError(f"a test asks {host} for something")


sys.addaudithook(refuse_calls_abroad)


def pytest_configure(config):
    """Each test process keeps to one core: what it starts would otherwise start a worker for every core."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "")
    if name and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(name.removeprefix("gw")) % len(cores)]})


def pytest_addoption(parser):
    """The option that writes the golden files again."""
    parser.addoption("--update-golden", action="store_true", help="write tests/integration/golden, see test_golden.py")


def pytest_collection_modifyitems(items):
    """Tests marked `shared` need development data that lies beside some checkouts."""
    if not SHARED_DATA.exists():
        skip = pytest.mark.skip(reason="the development data is not here")
        for item in items:
            if "shared" in item.keywords:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def music(tmp_path_factory) -> Path:
    """Three genres of ten tracks by five artists each, 4.2 s at 8 kHz."""
    root = tmp_path_factory.mktemp("music")
    for g, genre in enumerate(("Slow", "Even", "Fast")):
        for track in range(10):
            artist = track % 5
            path = root / genre / f"{genre} artist {artist}" / f"song {track}.wav"
            write_tone(path, 300 + 150 * artist, 1.5 * 2**g, 4.2, 100 * g + track)
    return root


@pytest.fixture
def small(music, tmp_path) -> list[str]:
    """Overrides of a run on `music` that takes seconds and writes below `tmp_path`."""
    own = (f"dataset.root={music}", f"paths.output_dir={tmp_path / 'outputs'}")
    return [*small_overrides(["mel_db"], ["model=cnn"]), *own]


@pytest.fixture(scope="session")
def run(music, tmp_path_factory) -> Path:
    """Folder of a run on `music` with two pictures, trained once for all packages; leave it as it was."""
    return train_small(music, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def jamendo(tmp_path_factory) -> Path:
    """Sixty recordings with one to three genres each, and tags.tsv."""
    return write_jamendo(tmp_path_factory.mktemp("jamendo"))


@pytest.fixture(scope="session")
def several(jamendo, tmp_path_factory) -> Path:
    """Folder of a run on `jamendo` (target=multi_label), trained once for all packages; leave it as it was."""
    return train_several(jamendo, tmp_path_factory.mktemp("several"))


@pytest.fixture(scope="session")
def predictor(run):
    """Of the package's run."""
    from genrelab import load_predictor

    return load_predictor(run)


@pytest.fixture(scope="session")
def song(music) -> Path:
    """A file of `music`."""
    return sorted((music / "Fast").rglob("*.wav"))[0]
