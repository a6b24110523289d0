#!/bin/sh
# Guess: `soundfile.blocks` ends where the file ends, with the samples of `soundfile.read`.
# Seen: it counts down the announced length. Where that is too long, as in a VBR MP3 without Xing frame that begins
#   quietly, it yields the samples of the last full block again and again after the end, here for 32 s after 30 s
#   of music. No exception, no zeros.
# Why it matters: spectrograms and segment votes computed by blocks count half a second of music many times.
# How to live with it: loop over `SoundFile.read(n)` until it returns nothing, or pass `fill_value=0` to have zeros.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'EOF'
import io
import sys

import numpy as np
import soundfile as sf

RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # MPEG-1 layer III, kbit/s

samples = 0.1 * np.random.default_rng(0).standard_normal(30 * 44100)
samples[: 5 * 44100] = 0
buffer = io.BytesIO()
sf.write(buffer, samples, 44100, format="MP3")
data = buffer.getvalue()
first = 144000 * RATES[data[2] >> 4] // 44100 + (data[2] >> 1 & 1)
assert b"Xing" in data[:first]
data = data[first:]

whole, _ = sf.read(io.BytesIO(data))
blocks = np.concatenate(list(sf.blocks(io.BytesIO(data), blocksize=22050)))
zeros = np.concatenate(list(sf.blocks(io.BytesIO(data), blocksize=22050, fill_value=0.0)))
found = []
with sf.SoundFile(io.BytesIO(data)) as file:
    announced = len(file)
    while len(block := file.read(22050)):
        found.append(block)
loop = np.concatenate(found)
after = blocks[len(whole) :]
repeated = len(after) > 4 * 22050 and np.array_equal(after[-44100:-22050], after[-66150:-44100]) and after.any()
print(f"soundfile {sf.__version__}, libsndfile {sf.__libsndfile_version__}, numpy {np.__version__}")
print(f"expected: {len(whole)} frames, as by read()")
print(f"announced:             {announced} frames")
print(f"loop over read(22050): {len(loop)} frames")
print(f"blocks():              {len(blocks)} frames, after the end the same block again: {repeated}")
print(f"blocks(fill_value=0):  {len(zeros)} frames, zeros after the end: {not zeros[len(whole):].any()}")
sys.exit(not (repeated and len(blocks) == announced > len(whole) == len(loop) and not zeros[len(whole) :].any()))
EOF
