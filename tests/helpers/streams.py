"""Files as streams, pipes and joined recordings leave them, made from what libsndfile writes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

RATE = 22_050
# soundfile takes a mode together with a level.
VBR, ABR, CBR = ({"bitrate_mode": mode, "compression_level": 0.6} for mode in ("VARIABLE", "AVERAGE", "CONSTANT"))


def rising(seconds: float = 3.0, rate: int = RATE, loud_first: bool = False) -> np.ndarray:
    """`[T, 2]`: a hum, then noise (or the reverse): a first frame whose bit rate is that of few others."""
    count = round(seconds * rate)
    noise = np.random.default_rng(0).normal(0, 0.2, (count, 2))
    noise[: count // 3] = 0.01 * np.sin(2 * np.pi * 110 * np.arange(count // 3) / rate)[:, None]
    return (noise[::-1] if loud_first else noise).astype(np.float32)


def encoded(samples: np.ndarray, form: str = "MP3", rate: int = RATE, **options: object) -> bytes:
    """A file of `[T]` or `[T, channels]`, as libsndfile writes it."""
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=form, **options)
    return out.getvalue()


def without_xing(content: bytes) -> bytes:
    """An MP3 without its first frame, which has the count of the others: what a stream is."""
    at = max(content.find(b"Xing"), content.find(b"Info"))
    start = content.rfind(b"\xff", 0, at)
    return content[content.index(content[start : start + 2], at) :]


def with_vbri(stream: bytes) -> bytes:
    """A stream behind a VBRI frame, which Fraunhofer's encoder writes in place of Xing's."""
    frame = stream[:4].ljust(36, b"\0") + b"VBRI"
    return frame.ljust(stream.index(stream[:2], 4), b"\0") + stream


def id3(size: int = 2000) -> bytes:
    """An ID3v2 tag with a picture, in whose bytes frames seem to begin."""
    head = b"APIC" + (size - 20).to_bytes(4, "big") + bytes(2)
    content = (head + b"\xff\xfb\x90\x64" * (size // 4))[: size - 10]
    sizes = bytes((len(content) >> 7 * k) & 0x7F for k in (3, 2, 1, 0))
    return b"ID3\x03\x00\x00" + sizes + content


def piped_flac(samples: np.ndarray, rate: int = RATE) -> bytes:
    """A FLAC whose header gives no number of samples."""
    content = bytearray(encoded(samples, "FLAC", rate))
    word = int.from_bytes(content[18:26], "big")
    content[18:26] = (word >> 36 << 36).to_bytes(8, "big")
    return bytes(content)


def write(path: Path, parts: Sequence[bytes]) -> Path:
    """A file of parts, one behind the other."""
    path.write_bytes(b"".join(parts))
    return path
