#!/bin/sh
# Guess: digital silence stays silence when 16-bit samples are resampled.
# Seen: soxr adds dither to integers: zeros come back as -1, 0 and 1, even where both rates are equal. Floats stay 0.
# Why it matters: rules such as "drop segments that are all zero", trimming of leading zeros and hashes of
#   samples give other results after resampling int16 than before, and than with float32.
# How to live with it: resample floats and round at the end.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check soxr==1.1.0 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'EOF'
import sys

import numpy as np
import soxr

integers = np.zeros(44100, dtype="int16")
print(f"soxr {soxr.__version__}, libsoxr {soxr.__libsoxr_version__}, numpy {np.__version__}")
print("expected: zeros alone")
changed = False
for rate in (22050, 44100, 48000):
    found = soxr.resample(integers, 44100, rate)
    floats = soxr.resample(integers.astype("float32"), 44100, rate)
    print(f"44100 to {rate}: int16 {np.unique(found).tolist()} ({np.mean(found != 0):.0%} not 0), "
          f"float32 {np.unique(floats).tolist()}")
    changed = changed or not found.any() or floats.any()
sys.exit(bool(changed))
EOF
