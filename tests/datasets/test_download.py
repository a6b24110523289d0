"""Downloads against a server of our own."""

import hashlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from genrelab.datasets.download import CHUNK, fetch
from genrelab.utils.errors import GenrelabError
from naming import naming


@pytest.fixture
def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        content.writestr("fma_tiny/000/000002.mp3", bytes(range(256)) * 1000)
        content.writestr("fma_tiny/README.txt", "hello")
    return buffer.getvalue()


@pytest.fixture
def server(archive):
    """Serves the archive, in ranges; cuts the first answer short where `cut` is set; keeps the ranges asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            state["asked"].append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state["ranges"] else 0
            body = archive[start:]
            if start >= len(archive):
                self.send_response(416)
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.pop("cut")] if "cut" in state else body)

        def log_message(self, *args):
            pass

    state = {"asked": [], "ranges": True}
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}/fma_tiny.zip", state
    http.shutdown()
    http.server_close()


def sha1(archive):
    return f"sha1:{hashlib.sha1(archive).hexdigest()}"


def test_an_archive_is_got_checked_and_unpacked(server, archive, tmp_path):
    folder = fetch(server[0], sha1(archive), tmp_path / "data", "fma_tiny")
    assert (folder / "000" / "000002.mp3").read_bytes() == bytes(range(256)) * 1000
    assert [path.name for path in folder.parent.iterdir()] == ["fma_tiny"], "nothing else is left"


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_download_goes_on(server, archive, tmp_path, ranges):
    url, state = server
    state |= {"cut": 150_000, "ranges": ranges}
    with pytest.raises(GenrelabError, match=naming(url, "0 MB")):
        fetch(url, sha1(archive), tmp_path, "fma_tiny")
    assert (tmp_path / "fma_tiny.zip.part").stat().st_size == 2 * CHUNK
    assert fetch(url, sha1(archive), tmp_path, "fma_tiny").is_dir()
    assert state["asked"] == [None, f"bytes={2 * CHUNK}-"]


def test_what_was_received_whole_is_not_got_again(server, archive, tmp_path):
    (tmp_path / "fma_tiny.zip.part").write_bytes(archive)
    assert fetch(server[0], sha1(archive), tmp_path, "fma_tiny").is_dir()


def test_another_sum_is_refused_and_not_kept(server, tmp_path):
    published = "sha1:" + "0" * 40
    with pytest.raises(GenrelabError, match=naming(server[0], published)):
        fetch(server[0], published, tmp_path, "fma_tiny")
    assert not any(tmp_path.glob("fma_tiny*"))


def test_no_connection_and_another_content_are_told(server, archive, tmp_path):
    nowhere = "http://127.0.0.1:9/fma_tiny.zip"
    with pytest.raises(GenrelabError, match=naming(nowhere, "port=9")):
        fetch(nowhere, sha1(archive), tmp_path, "fma_tiny")
    with pytest.raises(GenrelabError, match=naming("fma_tiny.zip", "fma_small")):
        fetch(server[0], sha1(archive), tmp_path, "fma_small")
