"""Files that name another file, a harmless sound beside them: what is decoded must never be that sound."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 22_050
OWN_HZ, SIBLING_HZ = 440, 3000
SIBLING = "sibling.wav"

TEXTS = {
    "playlist.m3u": "{name}\n",
    "extended.m3u8": "#EXTM3U\n#EXTINF:2,sibling\n{name}\n",
    "hls.m3u8": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
    "#EXTINF:2.0,\n{name}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile {name}\n",
    "list.concat": "file '{name}'\n",
    "list.xspf": '<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>'
    "<track><location>{name}</location></track></trackList></playlist>\n",
    "list.pls": "[playlist]\nFile1={name}\nLength1=2\nNumberOfEntries=1\nVersion=2\n",
    "list.asx": '<asx version="3.0"><entry><ref href="{name}"/></entry></asx>\n',
    "list.wvx": "[Reference]\nRef1={name}\n",
    "list.ram": "file://{name}\n",
    "sheet.cue": 'FILE "{name}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=sibling\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n"
    "a=control:{name}\n",
    "manifest.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT2S"><Period><AdaptationSet '
    'contentType="audio"><Representation id="0" mimeType="audio/wav" bandwidth="1"><BaseURL>{name}</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>\n",
    "composition.xml": '<?xml version="1.0"?><CompositionPlaylist '
    'xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><Id>{name}</Id></CompositionPlaylist>\n',
    "picture.svg": '<svg xmlns="http://www.w3.org/2000/svg"><audio href="{name}"/></svg>\n',
    "binaural.sbg": "-SE\n-m {name}\nsound: mix/100\nNOW sound\n",
    "redirect.url": "[InternetShortcut]\nURL=file:{name}\n",
}

# File names that ffmpeg takes for options, protocols, devices or sequences, where nothing keeps it from doing so.
NAMES = (
    "-",
    "-i",
    "-f",
    "pipe:0",
    f"concat:{SIBLING}|{SIBLING}",
    f"subfile,,start,0,end,0,,:{SIBLING}",
    f"async:{SIBLING}",
    f"cache:{SIBLING}",
    f"crypto:{SIBLING}",
    "data:audio",
    f"file:{SIBLING}",
    "lavfi:sine",
    "sibling%d.m4a",
    "sibl*.m4a",
    "http:example",
)

SPY = """#!{python}
import json, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv) + "\\n")
sys.exit(1)
"""


def watch_ffmpeg(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """Put programs that only write down how they are started in ffmpeg's place.

    Returns:
        a function that returns the command lines so far.
    """
    folder.mkdir()
    log = folder / "starts.jsonl"
    for name in ("ffmpeg", "ffprobe"):
        (folder / name).write_text(SPY.format(python=sys.executable, log=str(log)))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return lambda: [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def tone(hertz: float, seconds: float = 2.0) -> np.ndarray:
    """[T] float32 at `RATE`."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def write_sibling(folder: Path) -> Path:
    """The sound that is named, in the same folder."""
    soundfile.write(folder / SIBLING, tone(SIBLING_HZ), RATE)
    return folder / SIBLING


def write_texts(folder: Path, suffix: str = ".m4a", absolute: bool = False) -> list[Path]:
    """Every text that names the sibling, under its own name and under a sound's."""
    target = write_sibling(folder)
    paths = []
    for name, text in TEXTS.items():
        for path in (folder / name, folder / f"{name}{suffix}"):
            path.write_text(text.format(name=target if absolute else target.name))
            paths.append(path)
    return paths


def strongest(samples: np.ndarray, rate: int = RATE) -> float:
    """Frequency of the highest peak, Hz."""
    spectrum = np.abs(np.fft.rfft(samples))
    return float(spectrum.argmax() * rate / len(samples))


def encode(path: Path, *arguments: str, hertz: float = OWN_HZ, kind: str | None = None, seconds: float = 2.0) -> Path:
    """Let ffmpeg write a tone; `kind` is a muxer where the name does not say it."""
    source = path.with_name(f"source-{path.name.lstrip('-').replace(':', '').replace('|', '')}.wav"[-60:])
    soundfile.write(source, np.stack([tone(hertz, seconds)] * 2, axis=1), RATE)
    command = ["ffmpeg", "-v", "error", "-y", "-nostdin", "-i", f"file:{source}", "-strict", "-2", *arguments]
    command += [*(["-f", kind] if kind else []), f"file:{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    source.unlink()
    assert done.returncode == 0, done.stderr
    return path


# What ffmpeg says where it was built without an encoder or a muxer.
NOT_BUILT_IN = ("Unknown encoder", "Unable to find a suitable output format", "Unable to choose an output format")


def encode_or_skip(path: Path, *arguments: str) -> Path:
    """`encode`, skipping the test where this ffmpeg lacks the encoder or the muxer; any other failure is one."""
    try:
        return encode(path, *arguments)
    except AssertionError as error:
        if any(text in str(error) for text in NOT_BUILT_IN):
            pytest.skip(f"this ffmpeg writes no {path.suffix}")
        raise


def box(kind: bytes, content: bytes) -> bytes:
    """An atom of a MOV file."""
    return struct.pack(">I", 8 + len(content)) + kind + content


def write_reference_movie(path: Path, entry: str) -> Path:
    """A MOV whose sound lies, as its data reference says, in the sibling ("alis" or "url " entry)."""
    encode(path, "-c:a", "pcm_s16le", kind="mov")
    content = path.read_bytes()
    at = content.index(b"dref") - 4
    old = int.from_bytes(content[at : at + 4], "big")
    name = SIBLING.encode()
    if entry == "alis":
        record = bytes(10) + bytes(28) + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
        record += struct.pack(">HH", 1, 1) + bytes(16)
        padded = name + b"\0" * (len(name) % 2)
        record += struct.pack(">HH", 2, len(name)) + padded + struct.pack(">HH", 0xFFFF, 0)
    else:
        record = name + b"\0"
    new = box(b"dref", struct.pack(">II", 0, 1) + box(entry.encode(), bytes(4) + record))
    whole = bytearray(content[:at] + new + content[at + old :])
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        start = whole.rindex(parent, 0, at) - 4
        size = int.from_bytes(whole[start : start + 4], "big")
        whole[start : start + 4] = (size + len(new) - old).to_bytes(4, "big")
    path.write_bytes(whole)
    return path


def write_linked_matroska(path: Path) -> Path:
    """A Matroska file whose header names the sibling as the segments before and after it."""
    encode(path, "-c:a", "flac", kind="matroska")
    content = bytearray(path.read_bytes())
    name = SIBLING.encode()
    link = b"".join(number + bytes([0x80 | len(name)]) + name for number in (b"\x3c\x83\xab", b"\x3e\x83\xbb"))
    void = content.index(b"\xec\x01" + bytes(6))
    start = content.index(b"\x15\x49\xa9\x66", void) + 4
    width = 9 - content[start].bit_length()
    size = int.from_bytes(content[start : start + width], "big") & ((1 << 7 * width) - 1)
    end = start + width + size
    content[end:end] = link
    content[start : start + width] = ((1 << 7 * width) | (size + len(link))).to_bytes(width, "big")
    # The space that ffmpeg leaves before it shrinks, so that all that follows lies where it lay.
    left = content[void + 8] - len(link)
    content[void + 8] = left
    del content[void + 9 + left : void + 9 + left + len(link)]
    path.write_bytes(content)
    return path
