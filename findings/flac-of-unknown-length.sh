#!/bin/sh
# Guess: a FLAC whose header leaves its length open (total samples 0, which the format allows and `flac` writes
#   to a pipe) is read in blocks to its end, where `read` returns the rest and then nothing.
# Seen: the block that reaches the end raises "Internal psf_fseek() failed" and its samples are lost, so up to a
#   block of music is missing; the length is announced as 2^63-1 frames, so reading at once asks for an array of
#   that size and raises too.
# Why it matters: streams saved by recorders are such files, and the error looks like damage, though all is there.
# How to live with it: a subclass whose `seekable()` returns False reads all of it in blocks; or let
#   `flac` or `metaflac` write the length.
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


class Unseekable(sf.SoundFile):
    def seekable(self):
        return False


def read_in_blocks(cls, name):
    """Frames delivered until the end or an exception, and the exception."""
    found = []
    with cls(name) as file:
        try:
            while len(block := file.read(4096)):
                found.append(block)
        except sf.LibsndfileError as error:
            return np.concatenate(found), error
    return np.concatenate(found), None


samples = (0.1 * np.random.default_rng(0).standard_normal(3 * 44100)).astype("float32")
sf.write("known.flac", samples, 44100)
data = bytearray(open("known.flac", "rb").read())
data[21] &= 0xF0  # STREAMINFO's 36 bits of total samples
data[22:26] = bytes(4)
open("unknown.flac", "wb").write(data)

known, _ = sf.read("known.flac")
seeking, error = read_in_blocks(sf.SoundFile, "unknown.flac")
unseekable, no_error = read_in_blocks(Unseekable, "unknown.flac")
frames = sf.info("unknown.flac").frames
try:
    sf.read("unknown.flac")
    at_once = None
except ValueError as problem:
    at_once = problem
print(f"soundfile {sf.__version__}, libsndfile {sf.__libsndfile_version__}, numpy {np.__version__}")
print(f"expected: {len(known)} frames in blocks of 4096, no exception")
print(f"announced:              {frames} frames")
print(f"at once:                {at_once!r}")
print(f"in blocks:              {len(seeking)} frames, then {error!r}: {error}")
print(f"in blocks, no seeking:  {len(unseekable)} frames, equal: {np.array_equal(unseekable, known)}")
same = frames == 2**63 - 1 and at_once and error and 0 < len(known) - len(seeking) < 4096
sys.exit(not (same and not no_error and np.array_equal(unseekable, known)))
EOF
