"""Damaged files: none crashes the process or hangs, and how many are taken for whole, by format.

    python benchmarks/fuzz_audio.py

2,000 files of eight seconds (20 a round), in one process, from one seed. A file is damaged by flips (1 to 20 bits
anywhere), a cut (5 to 90 % of its bytes are left) or a splice (a stretch moves, is doubled, lost, or comes from another
file of the format). It is wrongly accepted where it is decoded without error or note, and half a second or more is
missing or added, or the difference from the whole one has a tenth of its power. Wanted: of cut ones at most 1 in 45.
M4A needs ffmpeg.
"""

from __future__ import annotations

import faulthandler
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from harness import make_parser

from genrelab.audio import AudioError, decode_audio

RATE, SECONDS, FILES = 24_000, 8, 20
HANG_SECONDS = 60
FORMATS = {"wav": "PCM_16", "flac": "PCM_16", "mp3": None, "ogg": "VORBIS", "opus": "OPUS", "m4a": None}
DAMAGES = ("flip", "cut", "splice")


def sound(seed: int) -> np.ndarray:
    """`[T, 2]` float32: noise that comes and goes."""
    rng = np.random.default_rng(seed)
    count = RATE * SECONDS
    gate = np.interp(np.arange(count), np.linspace(0, count, 40), rng.uniform(0.02, 0.3, 40))
    noise = np.convolve(rng.normal(size=count), np.hanning(9) / 4, "same")
    return np.clip(np.stack([gate * noise, 0.8 * gate * noise], axis=1), -1, 1).astype(np.float32)


def written(folder: Path, suffix: str, seed: int) -> bytes:
    """A whole file."""
    import soundfile

    path = folder / f"whole{seed}.{suffix}"
    if suffix == "m4a":
        soundfile.write(folder / "source.wav", sound(seed), RATE)
        command = ["ffmpeg", "-v", "error", "-y", "-i", folder / "source.wav", "-movflags", "faststart", path]
        subprocess.run(command, check=True)
    else:
        form = "OGG" if suffix == "opus" else suffix.upper()
        with soundfile.SoundFile(path, "w", RATE, 2, FORMATS[suffix], format=form) as file:
            for at in range(0, RATE * SECONDS, 65_536):
                file.write(sound(seed)[at : at + 65_536])
    return path.read_bytes()


def damaged(content: bytes, other: bytes, kind: str, rng: np.random.Generator) -> bytes:
    """A mutation of a file."""
    if kind == "cut":
        return content[: int(rng.uniform(0.05, 0.9) * len(content))]
    found = bytearray(content)
    if kind == "flip":
        for place in rng.integers(0, len(found), rng.integers(1, 21)):
            found[place] ^= 1 << int(rng.integers(8))
        return bytes(found)
    size = int(rng.uniform(0.01, 0.3) * len(found))
    start, to = (int(place) for place in rng.integers(0, len(found) - size, 2))
    part = bytes(found[start : start + size])
    how = rng.integers(4)
    if how == 0:  # of another file, in place
        found[start : start + size] = other[start : start + size]
    elif how == 1:  # lost
        del found[start : start + size]
    elif how == 2:  # doubled
        found[to:to] = part
    else:  # moved
        del found[start : start + size]
        found[to:to] = part
    return bytes(found)


def verdict(path: Path, whole: np.ndarray) -> str:
    """What became of a file: "refused", "noted", "right" or "wrong"."""
    try:
        found = decode_audio(path, RATE)
    except AudioError:
        return "refused"
    if found.notes:
        return "noted"
    if abs(len(found.samples) - len(whole)) > RATE // 2:
        return "wrong"
    n = min(len(found.samples), len(whole))
    power = float(np.square(found.samples[:n] - whole[:n], dtype=np.float64).sum())
    return "wrong" if power > 0.1 * float(np.square(whole[:n], dtype=np.float64).sum()) else "right"


def main() -> None:
    """Read the command line."""
    rounds = make_parser(__doc__, rounds=100).parse_args().rounds
    formats = [suffix for suffix in FORMATS if suffix != "m4a" or shutil.which("ffmpeg")]
    rng = np.random.default_rng(0)
    counts: Counter[tuple[str, str, str]] = Counter()
    slowest = 0.0
    faulthandler.enable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = {suffix: [written(folder, suffix, seed) for seed in (0, 1)] for suffix in formats}
        whole = {suffix: decode_audio(folder / f"whole0.{suffix}", RATE).samples for suffix in formats}
        for number in range(FILES * rounds):
            suffix = formats[number % len(formats)]
            kind = DAMAGES[number // len(formats) % len(DAMAGES)]
            path = folder / f"damaged.{suffix}"
            path.write_bytes(damaged(*content[suffix], kind, rng))
            faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
            started = time.monotonic()
            counts[suffix, kind, verdict(path, whole[suffix])] += 1
            slowest = max(slowest, time.monotonic() - started)
            faulthandler.cancel_dump_traceback_later()
    print(f"{FILES * rounds} files, none crashed; the slowest took {slowest:.1f} s")
    print("wrongly accepted, of all (refused, read with a note, right):")
    print(f"{'':6}" + "".join(f"{kind:>26}" for kind in DAMAGES))
    cut_wrong = cut_all = 0
    for suffix in formats:
        cells = []
        for kind in DAMAGES:
            wrong, refused, noted, right = (counts[suffix, kind, key] for key in ("wrong", "refused", "noted", "right"))
            cells.append(f"{wrong} of {wrong + refused + noted + right} ({refused}, {noted}, {right})")
            if kind == "cut":
                cut_wrong, cut_all = cut_wrong + wrong, cut_all + wrong + refused + noted + right
        print(f"{suffix:6}" + "".join(f"{cell:>26}" for cell in cells))
    print(f"cut ones: {cut_wrong} of {cut_all} wrongly accepted (wanted: at most 1 in 45)")
    if 45 * cut_wrong > cut_all:
        sys.exit(1)


if __name__ == "__main__":
    main()
