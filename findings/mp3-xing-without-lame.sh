#!/bin/sh
# Guess: an MP3 whose Xing frame has a frame count but no LAME data (no encoder delay) is decoded whole, as one
#   without such a frame: no field gives the amount to cut.
# Seen: the first 529 samples are cut, the delay of a decoder. So the same music starts at sample 0 (with LAME
#   data), 576 (Xing alone) or 1,105 (neither), and tools that write a Xing frame to correct lengths move the music.
# Why it matters: labels, beats and embeddings are joined by time, and comparisons of decoders or of copies of a
#   track by samples fail by 13 to 25 ms.
# How to live with it: align by correlation before samples are compared, and keep LAME data when headers change.
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


def decoded(data):
    """Length, and the sample at which the music starts."""
    found, _ = sf.read(io.BytesIO(bytes(data)))
    size = 2**17
    spectrum = np.fft.rfft(found[:size], 2 * size) * np.conj(np.fft.rfft(samples[:size], 2 * size))
    return len(found), int(np.fft.irfft(spectrum).argmax())


samples = 0.1 * np.random.default_rng(0).standard_normal(10 * 44100)
buffer = io.BytesIO()
sf.write(buffer, samples, 44100, format="MP3", bitrate_mode="CONSTANT", compression_level=0.5)
data = buffer.getvalue()
first = 144000 * RATES[data[2] >> 4] // 44100 + (data[2] >> 1 & 1)
info = data.index(b"Info", 0, first)
assert data[info + 120 : info + 124] == b"LAME"
no_lame = bytearray(data)
no_lame[info + 120 : info + 156] = bytes(36)

seen = {"Xing and LAME": decoded(data), "Xing alone": decoded(no_lame), "neither": decoded(data[first:])}
print(f"soundfile {sf.__version__}, libsndfile {sf.__libsndfile_version__}, numpy {np.__version__}")
print(f"written: {len(samples)} samples; expected: Xing alone is decoded like neither")
for name, (length, start) in seen.items():
    print(f"{name:14} {length} samples, the music starts at {start}")
whole = seen["neither"][0]
sys.exit(seen != {"Xing and LAME": (len(samples), 0), "Xing alone": (whole - 529, 576), "neither": (whole, 1105)})
EOF
