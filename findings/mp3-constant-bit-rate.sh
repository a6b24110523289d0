#!/bin/sh
# Guess: `soundfile.write("a.mp3", x, rate, bitrate_mode="CONSTANT")` writes frames of one bit rate.
# Seen: it writes the VBR file that it writes without the argument, byte for byte; only with `compression_level`
#   given too is the bit rate constant. No exception, no warning.
# Why it matters: a test of robustness to compression "at 160 kbit/s" measures something else, and the CBR case of a
#   decoding test is none.
# How to live with it: give both, and count the frames' bit rates.
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


def written(**options):
    buffer = io.BytesIO()
    sf.write(buffer, samples, 44100, format="MP3", **options)
    return buffer.getvalue()


def bit_rates(data):
    """Bit rates of all frames, by their headers."""
    found, position = [], 0
    while position + 4 <= len(data):
        assert data[position] == 0xFF and data[position + 1] >> 1 == 0b1111101
        found.append(RATES[data[position + 2] >> 4])
        position += 144000 * found[-1] // 44100 + (data[position + 2] >> 1 & 1)
    return sorted(set(found))


t = np.arange(3 * 44100) / 44100
samples = 0.3 * np.sin(2 * np.pi * 440 * t * (1 + t)) + 0.05 * np.random.default_rng(0).standard_normal(len(t))
plain, mode = written(), written(bitrate_mode="CONSTANT")
both = written(bitrate_mode="CONSTANT", compression_level=0.5)
print(f"soundfile {sf.__version__}, libsndfile {sf.__libsndfile_version__}, numpy {np.__version__}")
print('expected: one bit rate with bitrate_mode="CONSTANT"')
print(f"no argument:                              {bit_rates(plain)} kbit/s")
print(f'bitrate_mode="CONSTANT":                  {bit_rates(mode)} kbit/s, the same bytes: {plain == mode}')
print(f'bitrate_mode="CONSTANT" and a level of .5: {bit_rates(both)} kbit/s')
sys.exit(not (plain == mode and len(bit_rates(mode)) > 1 and len(bit_rates(both)) == 1))
EOF
