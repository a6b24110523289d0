"""The frames of an MP3, counted by their headers: of many files no header says how many there are.

Streams, pipes and `lame -t` leave no Xing frame. libmpg123, and with it libsndfile, then takes the bit rate of the
first frame for that of all and stops reading where that ends; and of files that are joined it reads what the Xing frame
of the first announces. So frames are counted here (under 1 ms for 30 s), and runs of them that libsndfile would not
read whole are read behind a Xing frame that has the count.

Layout of headers: ISO/IEC 11172-3 and 13818-3; of Xing frames, with LAME's extension: http://gabriel.mp3-tech.org.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from genrelab.audio.byte_ranges import ByteRange

_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # by version bits
_KBPS = {  # by (MPEG 1, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAME = 0xFE0C  # of a header's second and third byte: sync, version, layer, sample rate
_CHUNK = 1 << 20
_RESYNC = 1024  # bytes of damage that libmpg123 reads over
_START = re.compile(rb"ID3|\xff[\xe2-\xff][\x10-\xef]")  # of a tag, or what may be a frame
_MISSES = 50_000  # places that looked like frames and were none, after which the rest is left alone
_CONFIRMED = 3  # headers in a row that damage or a tag does not imitate
_TAGS = (b"Xing", b"Info", b"VBRI")
_TAG_BYTES = 40  # of a frame, that show whether it is a tag
_LONGEST = 8192  # bytes, of a frame and more


@dataclass(frozen=True)
class FrameRun:
    """Frames that follow each other, of one sample rate and channel count.

    Args:
        start: offset of its first frame in bytes, a Xing, Info or VBRI frame left out.
        end: of the first byte behind it.
        frames: how many.
        head: first four bytes of a frame.
        tag: its Xing or Info frame; empty where it has none that gives a count.
        vbri: a VBRI frame lies in front, which libmpg123 takes for silence.
        partial: the file ends inside a frame behind these.
    """

    start: int
    end: int
    frames: int
    head: bytes
    tag: bytes = b""
    vbri: bool = False
    partial: bool = False

    @property
    def layer(self) -> int:
        """1, 2 or 3."""
        return 4 - (self.head[1] >> 1 & 3)

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return _RATES[self.head[1] >> 3 & 3][self.head[2] >> 2 & 3]

    @property
    def samples(self) -> int:
        """Samples of a channel, encoder delay and padding included."""
        return self.frames * (384 if self.layer == 1 else 576 if self.layer == 3 and not self._mpeg1 else 1152)

    @property
    def trimmed(self) -> int:
        """Samples that a decoder cuts off both ends, by LAME's extension."""
        at = _tag_offset(self.head)
        if not self.tag:
            return 0
        flags = int.from_bytes(self.tag[at + 4 : at + 8], "big")
        at += 8 + 4 * (flags & 1) + 2 * (flags & 2) + 25 * (flags & 4) + (flags & 8) // 2 + 21
        gaps = int.from_bytes(self.tag[at : at + 3], "big")
        return (gaps >> 12) + (gaps & 0xFFF)

    @property
    def _mpeg1(self) -> bool:
        return self.head[1] >> 3 & 3 == 3

    def counted(self) -> ByteRange:
        """The run behind a Xing frame with its count: the file's own with another number, or a new one.

        Layers I and II have no Xing frames.
        """
        if self.layer != 3:
            return ByteRange(b"", self.start, self.end)
        at = _tag_offset(self.head)
        if self.tag:
            frame = bytearray(self.tag)
        else:  # 128 kbit/s (MPEG 2: 80), no checksum, no padding: more room than is needed
            head = bytes([0xFF, self.head[1] | 1, 9 << 4 | self.head[2] & 0x0C, self.head[3]])
            frame = bytearray(head.ljust(_size(head[1], head[2]), b"\0"))
            frame[at : at + 8] = b"Xing" + (1).to_bytes(4, "big")
        frame[at + 8 : at + 12] = self.frames.to_bytes(4, "big")
        return ByteRange(bytes(frame), self.start, self.end)


def find_frames(path: Path) -> list[FrameRun]:
    """Runs of frames in the order of the file; none where it does not begin like MPEG audio.

    A run ends at a Xing frame (files that were joined), a tag, damage, or where sample rate or channels change.
    """
    with path.open("rb") as handle:
        walker = _Walker(handle)
        walker.walk()
    return walker.runs


class _Walker:
    """Goes from header to header."""

    def __init__(self, handle: BinaryIO) -> None:
        self.handle = handle
        self.runs: list[FrameRun] = []
        self.size = handle.seek(0, 2)
        self.misses = 0
        self.at = 0  # in the file, of `data`
        self.data = b""
        self.tags: list[int] = []  # in `data`

    def walk(self) -> None:
        place = self._next_run(0, None)
        while place is not None:
            place = self._run(place)

    def _load(self, place: int, least: int = _LONGEST) -> int:
        """Have bytes from a place on in `data`; returns the place within."""
        if not self.at <= place <= self.at + len(self.data) - least:
            self.handle.seek(place)
            self.at, self.data = place, self.handle.read(_CHUNK)
            self.tags = _find_tags(self.data)
        return place - self.at

    def _run(self, place: int) -> int | None:
        """Take the run that begins at a place; returns where the next begins."""
        i = self._load(place)
        head, tag = self.data[i : i + 4], b""
        first = self.data[i : i + _frame_size(head)]
        if is_tag := _is_tag(first):
            place += len(first)
            tag = first if _count(first) else b""
        start, frames = place, 0
        while True:
            place, frames = self._count(place, frames, head)
            end = place
            if place + 4 > self.size:
                break
            i = self._load(place)
            if not _is_tag(self.data[i : i + _frame_size(self.data[i : i + 4])]):
                following = self._next_run(place, head)
                if following is not None and self._goes_on(place, following, head):
                    place = following
                    continue
                place = self.size if following is None else following
            break
        if frames or is_tag:
            self.runs.append(
                FrameRun(start, min(end, self.size), frames, head, tag, first[36:40] == b"VBRI", end > self.size)
            )
        return place if place + 4 <= self.size else None

    def _goes_on(self, place: int, following: int, head: bytes) -> bool:
        """Whether a decoder reads over the bytes between."""
        i = self._load(following)
        new = self.data[i : i + 4]
        same = _kind(new) == _kind(head) and not _is_tag(self.data[i : i + _frame_size(new)])
        i = self._load(place)
        return same and following - place <= _RESYNC and self.data[i : i + 3] != b"ID3"

    def _count(self, place: int, frames: int, head: bytes) -> tuple[int, int]:
        """Go over whole frames like `head` until something else comes; returns its place, and the frames so far.

        The place lies behind the end of the file where the last frame does.
        """
        steps = _Steps(head)
        while True:
            i = self._load(place)
            data, base = self.data, self.at
            stops = [tag for tag in self.tags if tag >= i + (not frames)]
            last = len(data) - (3 if base + len(data) == self.size else _TAG_BYTES)
            for stop in (*stops, last):
                step = 1
                while i < stop and (step := steps[data[i : i + 4]]):
                    i += step
                    frames += 1
                if not step or (i == stop and i < last):  # (a tag inside a frame is passed)
                    return base + i, frames
            place = base + i
            if place + 4 > self.size:  # the end of the last frame may be missing
                return place, frames - (place > self.size)

    def _next_run(self, place: int, head: bytes | None) -> int | None:
        """Where frames begin again behind tags or damage; `head` is a frame's before it."""
        while place + 4 <= self.size and self.misses < _MISSES:
            self.misses += 1
            i = self._load(place)
            if self.data[i : i + 3] == b"ID3":
                size = self.data[i + 6 : i + 10]
                place += 10 + sum((byte & 0x7F) << 7 * (3 - k) for k, byte in enumerate(size))
                place += 10 * (self.data[i + 5] >> 4 & 1)  # a footer
                continue
            if self.data[i : i + 8] == b"APETAGEX" and self.data[i + 23] & 0x20:  # at its header
                place += 32 + int.from_bytes(self.data[i + 12 : i + 16], "little")
                continue
            if self.data[i : i + 3] == b"TAG" and self.size - place == 128:
                return None
            found = self._confirmed(place)
            if found == place:
                return place
            ahead = _START.search(self.data, i + 1)
            place = self.at + (ahead.start() if ahead else max(len(self.data) - 2, i + 1))
        return None

    def _confirmed(self, place: int) -> int | None:
        """The place, if frames begin there: several in a row, or as many as the file has left."""
        first, kind = place, None
        for _ in range(_CONFIRMED):
            i = self._load(place)
            head = self.data[i : i + 4]
            if kind is not None and len(head) < 4:
                break
            size = _frame_size(head)
            if not size or kind not in (None, _kind(head)):
                return None
            kind, place = _kind(head), place + size
        return first


def _find_tags(data: bytes) -> list[int]:
    """Where frames with a Xing, Info or VBRI tag begin."""
    values = np.frombuffer(data, np.uint8)
    found = []
    for tag in _TAGS:
        places = np.flatnonzero(values[: -len(tag)] == tag[0])  # three times as fast as `bytes.find`
        for place in places[values[places + 1] == tag[1]].tolist():
            if data.startswith(tag, place):
                starts = (place - lead for lead in ((36,) if tag == b"VBRI" else (36, 21, 13)))
                found += [at for at in starts if at >= 0 and _is_tag(data[at : at + _TAG_BYTES])]
    return sorted(found)


def _kind(head: bytes) -> tuple[int, bool]:
    """What is the same for all frames of a stream."""
    return (head[1] << 8 | head[2]) & _SAME, head[3] >= 0xC0


def _is_tag(frame: bytes) -> bool:
    """Whether a frame is no sound but a Xing, Info or VBRI frame."""
    if len(frame) < _TAG_BYTES or frame[0] != 0xFF or not _frame_size(frame[:4]) or frame[1] >> 1 & 3 != 1:
        return False
    at = _tag_offset(frame)
    return frame[at : at + 4] in (b"Xing", b"Info") or frame[36:40] == b"VBRI"


def _count(frame: bytes) -> int:
    """Frames that a Xing or Info frame announces; 0 where it gives no count."""
    at = _tag_offset(frame)
    if frame[at : at + 4] not in (b"Xing", b"Info") or not frame[at + 7] & 1:
        return 0
    return int.from_bytes(frame[at + 8 : at + 12], "big")


def _tag_offset(head: bytes) -> int:
    """Where in a frame of layer III the tag lies: behind the side information."""
    mono = head[3] >= 0xC0
    return 4 + ((17 if mono else 32) if head[1] >> 3 & 3 == 3 else (9 if mono else 17))


def _frame_size(head: bytes) -> int:
    """Bytes of the frame with this header; 0 where it is none."""
    return _size(head[1], head[2]) if len(head) >= 4 and head[0] == 0xFF else 0


class _Steps(dict[bytes, int]):
    """Bytes of a frame by its header; 0 for what is no header, and for those of another stream than `head`'s."""

    def __init__(self, head: bytes) -> None:
        super().__init__()
        self._kind = _kind(head)

    def __missing__(self, head: bytes) -> int:
        self[head] = size = _frame_size(head) if _kind(head) == self._kind else 0
        return size


def _size(second: int, third: int) -> int:
    version, layer, place = second >> 3 & 3, 4 - (second >> 1 & 3), third >> 4
    if second < 0xE0 or version == 1 or layer == 4 or place in (0, 15) or third >> 2 & 3 == 3:
        return 0
    rate, padded = _RATES[version][third >> 2 & 3], third >> 1 & 1
    bits = _KBPS[version == 3, layer][place - 1] * 1000
    if layer == 1:
        return 4 * (12 * bits // rate + padded)
    return (72 if layer == 3 and version != 3 else 144) * bits // rate + padded


def starts_like_mpeg(head: bytes) -> bool:
    """Whether a file's first bytes are a frame, and behind it another where that lies in them."""
    size = _frame_size(head[:4])
    return bool(size) and (size + 4 > len(head) or _kind(head[size : size + 4]) == _kind(head))
