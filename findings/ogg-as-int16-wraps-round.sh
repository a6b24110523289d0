#!/bin/sh
# Guess: samples past full scale are clipped when Ogg Vorbis or Opus is read as 16-bit integers, as they are for MP3.
# Seen: they wrap round: 1.2 of full scale comes back as -0.8, so every peak of a loud track is a click of full
#   range (some 40 % of the samples of the loud tone here). Read as floats the same file is right. No exception.
# Why it matters: lossy codecs overshoot on loud masters, and decoding to int16 halves the memory of a corpus.
# How to live with it: read floats, then clip and round.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'EOF'
import sys

import numpy as np
import soundfile as sf

t = np.arange(5 * 48000) / 48000
noise = 0.5 * np.random.default_rng(0).standard_normal(len(t))
samples = np.clip(3 * np.sin(2 * np.pi * 440 * t) + noise, -1, 1)
print(f"soundfile {sf.__version__}, libsndfile {sf.__libsndfile_version__}, numpy {np.__version__}")
print("expected: int16 is the clipped float, within one step, for all")
wrapped = {}
for name, subtype in {"loud.mp3": None, "loud.ogg": "VORBIS", "loud.opus": "OPUS"}.items():
    sf.write(name, samples, 48000, subtype=subtype, format="MP3" if subtype is None else "OGG")
    floats, _ = sf.read(name)
    integers, _ = sf.read(name, dtype="int16")
    wrong = np.abs(integers - np.clip(np.rint(floats * 32768), -32768, 32767)) > 2
    wrapped[name] = wrong.mean()
    line = f"{name:10} peak {np.abs(floats).max():.2f}, {wrong.mean():.0%} of the samples differ"
    if wrong.any():
        at = wrong.argmax()
        line += f", the first: {floats[at]:.3f} became {integers[at] / 32768:.3f}"
    print(line)
sys.exit(not (wrapped["loud.mp3"] == 0 and min(wrapped["loud.ogg"], wrapped["loud.opus"]) > 0.1))
EOF
