"""Audio files to mono float32: soundfile, then an ffmpeg pipe for what soundfile does not know."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from genrelab.utils.errors import GenrelabError

# A file is truncated where this many seconds less can be read than its header promises.
TRUNCATED_SECONDS = 0.5
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
_BLOCK_FRAMES = 1 << 16
_FFMPEG_SECONDS = 600


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


class AudioInfo(NamedTuple):
    """What a file's header says: duration in s, sample rate in Hz, channels."""

    duration: float
    sample_rate: int
    channels: int


def load_audio(path: str | os.PathLike[str], sample_rate: int) -> np.ndarray:
    """Decode a file, average its channels and resample (soxr, HQ).

    Args:
        path: any format soundfile reads (WAV, FLAC, MP3, OGG, AIFF, AU ...); others if `ffmpeg` is on PATH.
        sample_rate: Hz wanted.

    Returns:
        [T] float32, mono. The mean of the channels, like librosa; ffmpeg's own downmix differs by 3 dB.

    Raises:
        AudioError: missing, unreadable, empty, not audio, truncated or corrupt, without samples, or holding
            NaN or infinity. Silence is no error here: `genrelab check` reports it.
    """
    return load_with_rate(path, sample_rate)[0]


def load_with_rate(path: str | os.PathLike[str], sample_rate: int) -> tuple[np.ndarray, int]:
    """`load_audio`, and the file's own sample rate in Hz, without opening it twice."""
    samples, rate = _decode(Path(path))
    if samples.size == 0:
        raise AudioError(path, NO_SAMPLES)
    if not np.isfinite(samples).all():
        raise AudioError(path, NON_FINITE)
    if rate != sample_rate:
        import soxr

        samples = soxr.resample(samples, rate, sample_rate, quality="HQ").astype(np.float32, copy=False)
        if samples.size == 0:
            raise AudioError(path, NO_SAMPLES)
    return samples, rate


def probe(path: str | os.PathLike[str]) -> AudioInfo:
    """Read only a file's header.

    Raises:
        AudioError: as `load_audio`, as far as a header can tell.
    """
    import soundfile

    path = Path(path)
    _check_file(path)
    try:
        with _quiet():
            info = soundfile.info(str(path.absolute()))  # "-" alone is stdin to libsndfile
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:  # TypeError: a name that ends with .raw
        if shutil.which("ffprobe"):
            return _probe_ffmpeg(path)
        if shutil.which("ffmpeg"):
            samples, rate = _decode_ffmpeg(path)
            return AudioInfo(len(samples) / rate, rate, 1)
        raise AudioError(path, _why_unknown(path)) from error
    if info.frames == 0:
        raise AudioError(path, NO_SAMPLES)
    return AudioInfo(info.frames / info.samplerate, info.samplerate, info.channels)


def _decode(path: Path) -> tuple[np.ndarray, int]:
    """Mono samples [T] float32 at the file's own rate."""
    import soundfile

    _check_file(path)
    promised = 0.0  # seconds that the header speaks of
    try:
        with _quiet(), soundfile.SoundFile(str(path.absolute())) as file:
            rate = int(file.samplerate)
            promised = max(file.frames, _promised_frames(file)) / rate
            samples = _read_mono(file)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:  # TypeError: a name that ends with .raw
        if not shutil.which("ffmpeg"):
            reason = CORRUPT if promised else _why_unknown(path)
            raise AudioError(path, reason) from error
        samples, rate = _decode_ffmpeg(path)
    if samples.size and promised - len(samples) / rate > TRUNCATED_SECONDS:
        raise AudioError(path, f"truncated: {len(samples) / rate:.1f} of {promised:.1f} s can be read")
    return samples, rate


def _read_mono(file: Any) -> np.ndarray:
    """All frames averaged over channels, block by block, so that a long stereo file never lies in memory whole."""
    blocks = []
    buffer = np.empty((_BLOCK_FRAMES, file.channels), np.float32)
    while len(block := file.read(out=buffer)):
        blocks.append(_mean(block))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _mean(frames: np.ndarray) -> np.ndarray:
    """[n, channels] to [n]: channel by channel, since `mean(axis=1)` takes 30 times as long for two."""
    mono = frames[:, 0].copy()
    for channel in range(1, frames.shape[1]):
        mono += frames[:, channel]
    if frames.shape[1] > 1:
        mono /= np.float32(frames.shape[1])
    return mono


_QUIET_LOCK = threading.Lock()
_quiet_users = 0
_quiet_kept = -1


@contextmanager
def _quiet() -> Iterator[None]:
    """Send the process's stderr to nowhere: libmpg123 writes its notes on odd MP3 files there, over progress bars.

    Counted, so that threads which decode side by side restore it only with the last of them.
    """
    global _quiet_users, _quiet_kept
    with _QUIET_LOCK:
        if _quiet_users == 0:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            _quiet_kept = os.dup(2)
            os.dup2(nowhere, 2)
            os.close(nowhere)
        _quiet_users += 1
    try:
        yield
    finally:
        with _QUIET_LOCK:
            _quiet_users -= 1
            if _quiet_users == 0:
                os.dup2(_quiet_kept, 2)
                os.close(_quiet_kept)


def _promised_frames(file: Any) -> int:
    """Frames that the header of a WAV, AIFF or AU announces; libsndfile quietly corrects the count of a cut one."""
    line = r"^\s*(?:data|SSND|Data Size)\s*: (\d+) \(should be \d+\)"
    found = re.search(line, file.extra_info, re.MULTILINE)
    width = {"PCM_U8": 1, "PCM_S8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
    if not found or file.subtype not in width:
        return 0
    announced = int(found.group(1))
    if announced >= 0x7FFFF000:  # a stream of unknown length, as pipes write it
        return 0
    return announced // (width[file.subtype] * int(file.channels))


def _check_file(path: Path) -> None:
    """Raise AudioError for what can be told without decoding: missing, empty, unreadable, a folder, a pipe."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise AudioError(path, FOLDER)
        if not stat.S_ISREG(found.st_mode):  # opening a pipe that nobody writes to would wait for ever
            raise AudioError(path, DEVICE)
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise AudioError(path, NO_SUCH_FILE) from None
    except OSError as error:
        raise AudioError(path, f"unreadable ({(error.strerror or 'input/output error').lower()})") from None
    if found.st_size == 0:
        raise AudioError(path, EMPTY_FILE)


_MAGIC = (b"ID3", b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM", b".snd", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
_NEEDS_FFMPEG = {".m4a", ".mp4", ".aac", ".wma", ".webm", ".mka", ".ac3", ".ape", ".wv", ".mpc"}
_NOT_ALLOWED = "a playlist, video or other format that is not read (convert it, to FLAC for instance)"


def _head(path: Path) -> bytes:
    """A file's first bytes."""
    with path.open("rb") as handle:
        return handle.read(512)


def _is_text(head: bytes) -> bool:
    """Whether a file begins like text: without the control characters that every format of sound has early on."""
    return not any(byte < 9 or 13 < byte < 32 or byte == 127 for byte in head)


def _why_unknown(path: Path) -> str:
    """A reason for a file that soundfile does not recognize, from its first bytes and its name."""
    head = _head(path)
    if not head.strip(b"\x00"):
        return ZERO_BYTES
    if _is_text(head):
        return TEXT_FILE
    if head.startswith(_MAGIC):
        return CORRUPT
    if path.suffix.lower() in _NEEDS_FFMPEG and not shutil.which("ffmpeg"):
        return f"{path.suffix.lower()} needs ffmpeg: install it, so that `ffmpeg` is on PATH"
    return NOT_AUDIO


# Demuxers of ffmpeg that read sound from the file they are given and open no other: no playlists (hls, concat, dash,
# imf), pictures, devices or streams. MOV's external tracks stay off, as they are by default (enable_drefs): the option
# itself is an error for every other demuxer.
_FORMATS = (
    *("aac", "ac3", "aiff", "amr", "ape", "asf", "au", "caf", "dsf", "dts", "dtshd", "eac3", "flac", "iff", "loas"),
    *("matroska", "mlp", "mov", "mp3", "mpc", "mpc8", "ogg", "oma", "shn", "tak", "truehd", "tta", "voc", "w64", "wav"),
    *("wv", "xwma"),
)


def _run_ffmpeg(program: str, path: Path, arguments: list[str]) -> bytes:
    """What ffmpeg or ffprobe writes about a file, of which alone it reads.

    A file may name others (a playlist, a movie with external tracks), and whoever uploads it would be served these.
    So text is refused beforehand, the name is a file's name whatever it looks like, and ffmpeg may open formats of
    sound and local files only.

    Args:
        program: "ffmpeg" or "ffprobe".
        path: the input. Not a pipe: an M4A with its index at the end needs seeking.
        arguments: of the output.

    Raises:
        AudioError: text, a format that is not allowed, or the program fails.
    """
    if _is_text(_head(path)):
        raise AudioError(path, _why_unknown(path))
    command = [program, "-v", "error", "-protocol_whitelist", "file", "-format_whitelist", ",".join(_FORMATS)]
    command += ["-i", f"file:{path}", *arguments]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_FFMPEG_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise AudioError(path, f"{program} gave up after {_FFMPEG_SECONDS} s") from None
    if done.returncode != 0:
        raise AudioError(path, _NOT_ALLOWED if b"not on whitelist" in done.stderr else _why_unknown(path))
    return done.stdout


def _decode_ffmpeg(path: Path) -> tuple[np.ndarray, int]:
    """Decode by an ffmpeg pipe; Sun AU carries rate and channels in its header, and needs no seeking."""
    found = _run_ffmpeg("ffmpeg", path, ["-map", "0:a:0", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"])
    if len(found) < 24 or found[:4] != b".snd":
        raise AudioError(path, _why_unknown(path))
    offset, _, _, rate, channels = struct.unpack(">5I", found[4:24])
    whole = (len(found) - offset) // (4 * channels) * channels
    frames = np.frombuffer(found, dtype=">f4", count=whole, offset=offset).reshape(-1, channels)
    # The mean is ours, in float32: ffmpeg's downmix is 3 dB louder.
    return _mean(frames.astype(np.float32)), rate


def _probe_ffmpeg(path: Path) -> AudioInfo:
    """Header of a file that soundfile does not know."""
    entries = "stream=sample_rate,channels,duration:format=duration"
    found = _run_ffmpeg("ffprobe", path, ["-select_streams", "a:0", "-of", "json", "-show_entries", entries])
    try:
        plain = json.loads(found)
        stream = plain["streams"][0]
        duration = float(stream.get("duration") or plain["format"]["duration"])
        return AudioInfo(duration, int(stream["sample_rate"]), int(stream["channels"]))
    except (ValueError, KeyError, IndexError):
        raise AudioError(path, _why_unknown(path)) from None
