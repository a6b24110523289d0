#!/bin/sh
# Guess: ONNX's operator MelWeightMatrix makes the mel filter bank of HTK, whose last filter ends at the upper edge.
# Seen: it divides the mel range by bands + 2 where bands + 2 points have bands + 1 gaps, so the last filter ends below
#   the upper edge (10.3 for 11.0 kHz with 40 bands) and all are moved down; and it rounds edges to bins.
#   onnx's reference implementation does the same.
# Why it matters: a model trained on another library's mel spectrogram and exported with this operator gets features
#   that are decibels off, with the right shape and no warning.
# How to live with it: export the filter bank that was trained with as a constant matrix.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$tmp"
ORT_DISABLE_TELEMETRY=1 HOME="$tmp" "$tmp/venv/bin/python" - <<'EOF'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

SIZE, RATE, UPPER = 2048, 22050, 11025.0


def model(bands):
    """Graph of one MelWeightMatrix, by constants."""
    given = {"bands": bands, "size": SIZE, "rate": RATE, "lower": 0.0, "upper": UPPER}
    kinds = [TensorProto.INT64] * 3 + [TensorProto.FLOAT] * 2
    tensors = [helper.make_tensor(name, kind, [], [value]) for (name, value), kind in zip(given.items(), kinds)]
    node = helper.make_node("MelWeightMatrix", list(given), ["weights"])
    output = helper.make_tensor_value_info("weights", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "mel", [], [output], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def htk(bands):
    """Triangles of HTK [SIZE // 2 + 1, bands]: mel = 2595 log10(1 + f / 700), peak 1."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + UPPER / 700), bands + 2) / 2595) - 1)
    bins = np.arange(SIZE // 2 + 1)[:, None] * RATE / SIZE
    up, down = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2]), (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(up, down))


def end(weights):
    """Highest frequency in Hz with a weight."""
    return np.flatnonzero(weights.any(axis=1))[-1] * RATE / SIZE


print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, numpy {np.__version__}")
print("expected: the filters of HTK, which end at 11025 Hz")
power = np.random.default_rng(0).random(SIZE // 2 + 1)
short = []
for bands in (40, 64, 128):
    graph = model(bands)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    weights, (reference,) = session.run(None, {})[0], ReferenceEvaluator(graph).run(None, {})
    decibels = np.abs(10 * np.log10((power @ weights) / (power @ htk(bands)))).max()
    ends = ", ".join(f"{name} {end(found):.0f} Hz" for name, found in
                     {"HTK": htk(bands), "onnxruntime": weights, "onnx's reference": reference}.items())
    print(f"{bands} bands end at: {ends}; up to {decibels:.1f} dB off for noise")
    short.append(end(htk(bands)) - end(weights) > 100 and decibels > 0.5)
sys.exit(not all(short))
EOF
