"""What the first bytes of a file say of its format, and whether a file's end is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from genrelab.audio.mpeg_frames import starts_like_mpeg
from genrelab.audio.ogg_pages import find_pages

HEAD = 4096  # bytes that are looked at


class Format(NamedTuple):
    """A format of sound.

    Args:
        name: for messages.
        needs_ffmpeg: libsndfile does not read it.
    """

    name: str
    needs_ffmpeg: bool = True


_W64 = b"riff\x2e\x91\xcf\x11"
_ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"
_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # the object with the file's properties
_ANY = 1 << 62  # bytes: all that is more stands for an unknown size
_BOXES = (b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"sidx", b"styp", b"free", b"skip", b"wide", b"udta", b"uuid")
_BY_MAGIC = (  # (offset, bytes, format)
    (0, b"fLaC", Format("FLAC", False)),
    (0, b"RIFF", Format("WAV", False)),
    (0, b"RF64", Format("RF64", False)),
    (0, _W64, Format("W64", False)),
    (0, b"FORM", Format("AIFF", False)),
    (0, b".snd", Format("AU", False)),
    (0, b"caff", Format("CAF", False)),
    (0, b"Creative Voice File", Format("VOC", False)),
    (0, b"NIST_1A", Format("NIST", False)),
    (28, b"\x7fFLAC", Format("Ogg FLAC")),
    (28, b"Speex   ", Format("Ogg Speex")),
    (0, b"OggS", Format("Ogg", False)),
    (4, b"ftyp", Format("MP4 or M4A")),
    (0, b"\x1a\x45\xdf\xa3", Format("Matroska or WebM")),
    (0, _ASF, Format("WMA")),
    (0, b"TTA1", Format("TTA")),
    (0, b"wvpk", Format("WavPack")),
    (0, b"MAC ", Format("Monkey's Audio")),
    (0, b"MPCK", Format("Musepack")),
    (0, b"MP+", Format("Musepack")),
    (0, b"tBaK", Format("TAK")),
    (0, b"DSD ", Format("DSF")),
    (0, b"#!AMR", Format("AMR")),
    (0, b"ajkg", Format("Shorten")),
    (0, b"\x0b\x77", Format("AC-3")),
    (0, b"\x7f\xfe\x80\x01", Format("DTS")),
    (0, b"\xff\xf1", Format("AAC")),
    (0, b"\xff\xf9", Format("AAC")),
)
_CHUNKS = (b"data", b"desc", b"pakt", b"kuki", b"chan", b"free", b"info", b"strg", b"mark", b"regn", b"peak", b"edct")
_FORMS = {b"RIFF": (b"WAVE",), b"RF64": (b"WAVE",), b"FORM": (b"AIFF", b"AIFC", b"8SVX", b"16SV", b"MAUD")}
_VIDEO_NAMES = "mov m4v mkv avi ogv 3gp 3g2 wmv asf flv ts mpg mpeg vob"
_VIDEO = frozenset(f".{name}" for name in _VIDEO_NAMES.split())
_WEAK = ("AAC", "AC-3")  # two bytes, which a file of anything may begin with
_PICTURES = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"crx ")  # in the boxes of MP4
# Compressed sound in containers that libsndfile opens for other sound.
_CODECS = {
    b"caff": Format("CAF with this codec"),
    b"RIFF": Format("WAV with this codec"),
    b"FORM": Format("AIFF with this codec"),
}


def sniff_format(head: bytes) -> Format | None:
    """The format that a file's first `HEAD` bytes are of; None for none that is known."""
    start = 0
    if head[:3] == b"ID3" and len(head) > 10:
        start = 10 + sum((byte & 0x7F) << 7 * (3 - k) for k, byte in enumerate(head[6:10]))
        if start + 4 > len(head):
            return Format("MP3", False)  # the only format that usually begins so
    kind = head[start : start + 4]
    if kind in _FORMS and head[start + 8 : start + 12] not in _FORMS[kind]:
        return None  # AVI, WebP, pictures of the Amiga
    for offset, magic, found in _BY_MAGIC:
        if head.startswith(magic, start + offset):
            return found
    return Format("MP3", False) if head[:3] == b"ID3" or starts_like_mpeg(head) else None


def has_audio_content(path: Path) -> bool:
    """Whether a file of an unknown name holds sound, by its first bytes; videos and pictures do not count."""
    if path.suffix.lower() in _VIDEO:
        return False
    try:
        with path.open("rb") as handle:
            head = handle.read(HEAD)
    except OSError:
        return False
    found = sniff_format(head)
    return found is not None and found.name not in _WEAK and head[8:12] not in _PICTURES


def codec_needs_ffmpeg(head: bytes) -> Format | None:
    """The format of a container that libsndfile opens, to be named where it does not decode what is inside."""
    return _CODECS.get(head[:4])


def missing_end(path: Path) -> bool:
    """Whether a file ends inside a chunk, box or page of its container, or before the size that its header gives.

    libsndfile and ffmpeg read what there is of Ogg, MP4, CAF, W64, RF64, VOC and WMA without a word. A file of unknown
    length, as recorders write it, has no end that could be missing.
    """
    with path.open("rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(0)
        head = handle.read(HEAD)
        if head[:4] == b"OggS":
            return find_pages(path).cut
        if head[4:8] in _BOXES:
            return _ends_inside(handle, 0, size, _mp4_box)
        if head[:4] == b"caff":
            return _ends_inside(handle, 8, size, _caf_chunk)
        if head.startswith(b"Creative Voice File"):
            return _ends_inside(handle, int.from_bytes(head[20:22], "little"), size, _voc_block)
    announced = 0
    if head[:4] == b"RF64" and head[12:16] == b"ds64":
        announced = int.from_bytes(head[20:28], "little") + 8
    elif head.startswith(_W64):
        announced = int.from_bytes(head[16:24], "little")
    elif head.startswith(_ASF) and (at := head.find(_ASF_FILE)) > 0:
        announced = int.from_bytes(head[at + 40 : at + 48], "little")
    return size + 1 < announced < _ANY


def _ends_inside(handle: BinaryIO, place: int, size: int, read: Callable[[bytes], tuple[int, bool]]) -> bool:
    """Go from chunk to chunk; `read` gives a chunk's length, header included, and whether it is of a known kind."""
    while place < size:
        handle.seek(place)
        length, known = read(handle.read(16))
        if length < 1 or not known:  # up to the end of the file, or bytes that are no chunk
            return False
        place += length
    return place > size


def _mp4_box(head: bytes) -> tuple[int, bool]:
    length = int.from_bytes(head[:4], "big")
    length = int.from_bytes(head[8:16], "big") if length == 1 else length
    return length if length >= 8 else 0, head[4:8] in _BOXES


def _caf_chunk(head: bytes) -> tuple[int, bool]:
    length = int.from_bytes(head[4:12], "big", signed=True)
    return 12 + length if length >= 0 else 0, head[:4] in _CHUNKS


def _voc_block(head: bytes) -> tuple[int, bool]:
    return 4 + int.from_bytes(head[1:4], "little"), 0 < head[0] < 10
