#!/bin/sh
# Guess: reading an MP3 block by block gives the samples that reading it at once gives, as for WAV and FLAC.
# Seen: in a stereo MP3 of 56 kbit/s a third of the frames differ, by up to 0.37 of full scale; no exception.
#   soundfile seeks to the new position after every read of a seekable file, and without these seeks the samples
#   are right. At 64 kbit/s and above, the same tune is read right.
# Why it matters: podcasts and web radio have such rates, and long files are what one reads in blocks.
# How to live with it: read the file at once, or in order through a subclass whose `seekable()` returns False.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'EOF'
import sys
from pathlib import Path

import numpy as np
import soundfile as sf


class Unseekable(sf.SoundFile):
    def seekable(self):
        return False


def blocks(cls, name):
    """Every frame of a file, 1,000 at a time."""
    with cls(name) as file:
        found = []
        while len(block := file.read(1000)):
            found.append(block)
    return np.concatenate(found)


rate = 44100
t = np.arange(10 * rate) / rate
rng = np.random.default_rng(0)
tone = sum(0.2 / k * np.sin(2 * np.pi * 110 * k * t) * (np.sin(4 * np.pi * t + k) > 0) for k in range(1, 20))
left = 0.9 * (tone + 0.02 * rng.standard_normal(len(t)))
sf.write("low.mp3", np.stack([left, np.roll(left, 99)], 1), rate, bitrate_mode="CONSTANT", compression_level=0.9)

whole, _ = sf.read("low.mp3")
seeking, unseekable = blocks(sf.SoundFile, "low.mp3"), blocks(Unseekable, "low.mp3")
error = np.abs(seeking[: len(whole)] - whole).max(axis=1)
print(f"soundfile {sf.__version__}, libsndfile {sf.__libsndfile_version__}, numpy {np.__version__}")
print(f"{Path('low.mp3').stat().st_size * 8 / 10 / 1000:.0f} kbit/s; expected: the same samples by blocks and at once")
print(f"at once:                {len(whole)} frames")
print(f"in blocks:              {len(seeking)} frames, {np.mean(error > 1e-4):.0%} differ, by up to {error.max():.3f}")
print(f"in blocks, no seeking:  {len(unseekable)} frames, equal: {np.array_equal(unseekable, whole)}")
sys.exit(not (error.max() > 0.1 and np.array_equal(unseekable, whole)))
EOF
