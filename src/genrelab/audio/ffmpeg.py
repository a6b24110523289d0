"""Decoding by an ffmpeg that is on PATH, for what libsndfile does not read."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from genrelab.audio.containers import HEAD, codec_needs_ffmpeg, missing_end, sniff_format
from genrelab.audio.errors import CORRUPT, NOT_AUDIO, TEXT_FILE, ZERO_BYTES, AudioError

_SECONDS = 600  # for decoding a file; ten hours take four minutes
DAMAGED = "ffmpeg found damage in it, and read the rest"
_READ_BYTES = 1 << 20
NOT_ALLOWED = "a playlist, video or other format that is not read (convert it, to FLAC for instance)"
# Demuxers of ffmpeg that read sound from the file they are given and open no other: no playlists (hls, concat, dash,
# imf), pictures, devices or streams. MOV's external tracks stay off, as they are by default (enable_drefs): the option
# itself is an error for every other demuxer.
FORMATS = (
    *("aac", "ac3", "aiff", "amr", "ape", "asf", "au", "caf", "dsf", "dts", "dtshd", "eac3", "flac", "iff", "loas"),
    *("matroska", "mlp", "mov", "mp3", "mpc", "mpc8", "ogg", "oma", "shn", "tak", "truehd", "tta", "voc", "w64", "wav"),
    *("wv", "xwma"),
)
# Of these ffmpeg's duration is no header's: it is reckoned from the bit rate, or from the last page.
_RECKONED = frozenset(("aac", "ac3", "amr", "dts", "dtshd", "eac3", "loas", "mlp", "mp3", "ogg", "truehd"))


class Probe(NamedTuple):
    """What ffprobe says of a file: length in s (NaN where unknown), Hz, channels; whether a header has the length."""

    duration: float
    sample_rate: int
    channels: int
    promised: bool


def read_head(path: Path) -> bytes:
    """A file's first bytes."""
    with path.open("rb") as handle:
        return handle.read(HEAD)


def is_text(head: bytes) -> bool:
    """Whether a file begins like text: without the control characters that every format of sound has early on."""
    return not any(byte < 9 or 13 < byte < 32 or byte == 127 for byte in head[:512])


def why_unknown(path: Path) -> str:
    """A reason for a file that was not decoded, from its first bytes and its name."""
    head = read_head(path)
    if not head.strip(b"\x00"):
        return ZERO_BYTES
    if is_text(head):
        return TEXT_FILE
    found = sniff_format(head)
    if found is None:
        return NOT_AUDIO
    found = found if found.needs_ffmpeg else codec_needs_ffmpeg(head)
    if found is not None and not shutil.which("ffmpeg") and not missing_end(path):
        return f"{found.name} needs ffmpeg (install it, so that `ffmpeg` is on PATH)"
    return CORRUPT


def _command(program: str, path: Path, arguments: list[str]) -> list[str]:
    """A command line that reads one file and no other.

    A file may name others (a playlist, a movie with external tracks), and whoever uploads it would be served these.
    So text is refused beforehand, the name is a file's name whatever it looks like, and ffmpeg may open formats of
    sound and local files only.

    Args:
        program: "ffmpeg" or "ffprobe".
        path: the input. Not a pipe: an M4A with its index at the end needs seeking.
        arguments: of the output.

    Raises:
        AudioError: text.
    """
    if is_text(read_head(path)):
        raise AudioError(path, why_unknown(path))
    limits = ["-v", "error", "-protocol_whitelist", "file", "-format_whitelist", ",".join(FORMATS)]
    return [program, *limits, "-i", f"file:{path}", *arguments]


def _failed(path: Path, stderr: bytes) -> AudioError:
    return AudioError(path, NOT_ALLOWED if b"not on whitelist" in stderr else why_unknown(path))


class FfmpegStream:
    """Blocks of a file's first track, as ffmpeg decodes it.

    Attributes:
        sample_rate: Hz.
        channels: of the blocks.
        blocks: `[n, channels]` float32.
    """

    def __init__(self, path: Path, process: subprocess.Popen[bytes], errors: Any) -> None:
        self._path, self._process, self._errors = path, process, errors
        assert process.stdout is not None
        self._out = process.stdout
        # Sun AU carries rate and channels in its header, and needs no seeking.
        head = self._out.read(24)
        if len(head) < 24 or head[:4] != b".snd":
            self._process.wait()
            raise _failed(path, self._stderr())
        offset, _, _, self.sample_rate, self.channels = struct.unpack(">5I", head[4:24])
        self._out.read(offset - 24)
        self.blocks = self._read()

    def _read(self) -> Iterator[np.ndarray]:
        frame = 4 * self.channels
        rest = b""
        while data := self._out.read(_READ_BYTES // frame * frame):
            rest += data
            whole = len(rest) // frame * frame
            yield np.frombuffer(rest[:whole], ">f4").reshape(-1, self.channels).astype(np.float32)
            rest = rest[whole:]
        if self._process.wait() != 0:
            if self._process.returncode < 0:
                raise AudioError(self._path, f"ffmpeg gave up after {_SECONDS} s")
            raise _failed(self._path, self._stderr())

    def _stderr(self) -> bytes:
        self._errors.seek(0)
        return bytes(self._errors.read())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know, once all blocks are read."""
        return (DAMAGED,) if self._stderr() else ()

    @property
    def cut(self) -> bool:
        """Whether ffmpeg met the end of the file too early."""
        return b"File ended prematurely" in self._stderr()


@contextmanager
def open_ffmpeg(path: Path) -> Iterator[FfmpegStream]:
    """Start ffmpeg on a file.

    Raises:
        AudioError: text, a format that is not allowed, or ffmpeg fails.
    """
    command = _command("ffmpeg", path, ["-map", "0:a:0", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"])
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        timer = threading.Timer(_SECONDS, process.kill)
        timer.start()
        try:
            yield FfmpegStream(path, process, errors)
        finally:
            timer.cancel()
            process.kill()
            if process.stdout is not None:
                process.stdout.close()
            process.wait()


def probe_ffmpeg(path: Path) -> Probe:
    """Header of a file, by ffprobe.

    Raises:
        AudioError: as for decoding.
    """
    entries = "stream=codec_type,sample_rate,channels,duration:stream_disposition=attached_pic"
    entries += ":stream_tags=DURATION:format=duration,format_name"
    command = _command("ffprobe", path, ["-of", "json", "-show_entries", entries])
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise AudioError(path, "ffprobe gave up after 60 s") from None
    if done.returncode != 0:
        raise _failed(path, done.stderr)
    try:
        plain = json.loads(done.stdout)
        stream = next(one for one in plain["streams"] if one["codec_type"] == "audio")
        whole = plain["format"]
        seconds, own = _duration(stream, whole, plain["streams"])
        promised = own and not _RECKONED & set(whole["format_name"].split(","))
        return Probe(seconds, int(stream["sample_rate"]), int(stream["channels"]), promised)
    except (ValueError, KeyError, IndexError, StopIteration):
        raise AudioError(path, why_unknown(path)) from None


def promised_seconds(path: Path) -> float:
    """The length that a header gives, in s; 0 where none does, or no ffprobe is there."""
    if not shutil.which("ffprobe"):
        return 0.0
    try:
        found = probe_ffmpeg(path)
    except AudioError:
        return 0.0
    return found.duration if found.promised else 0.0


def _duration(stream: dict[str, Any], whole: dict[str, Any], streams: list[dict[str, Any]]) -> tuple[float, bool]:
    """Seconds, and whether they are the sound's own and not those of a picture that runs longer."""
    if "duration" in stream:
        return float(stream["duration"]), True
    if "DURATION" in stream.get("tags", {}):
        hours, minutes, seconds = stream["tags"]["DURATION"].split(":")
        return 3600 * float(hours) + 60 * float(minutes) + float(seconds), True
    moving = [one for one in streams if one is not stream and not one.get("disposition", {}).get("attached_pic")]
    return float(whole.get("duration", "nan")), not moving
