"""Writes TensorFlow's checkpoints, for the tests of what reads them."""

import struct
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

import numpy as np

from genrelab.models.musicnn import MusicnnBackbone, _named

KINDS = {"float32": 1, "int64": 9}  # tensorflow.DataType


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _message(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def _described(array: np.ndarray, offset: int) -> bytes:
    shape = b"".join(_message(2, varint(1 << 3) + varint(size)) for size in array.shape)
    kind = varint(1 << 3) + varint(KINDS[str(array.dtype)])
    place = (varint(4 << 3) + varint(offset) if offset else b"") + varint(5 << 3) + varint(array.nbytes)
    return kind + _message(2, shape) + place + varint(6 << 3 | 5) + b"\0\0\0\0"


def _block(entries: list[tuple[bytes, bytes]], share: bool) -> bytes:
    found, before = b"", b""
    for key, value in entries:
        alike = (a == b for a, b in zip(before, key, strict=False))
        shared = sum(takewhile(bool, alike)) if share else 0
        found += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return found + struct.pack("<II", 0, 1)


def write_bundle(folder: Path, arrays: Mapping[str, np.ndarray], block: int = 16, share: bool = True) -> None:
    """`.index` with `block` names a block, and `.data-00000-of-00001`, in `folder`; checksums are zero."""
    folder.mkdir(parents=True, exist_ok=True)
    data, entries = b"", [(b"", varint(1 << 3) + varint(1))]
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        entries.append((name.encode(), _described(array, len(data))))
        data += array.tobytes()
    table, handles = b"", []
    for at in range(0, len(entries), block):
        some = entries[at : at + block]
        written = _block(some, share)
        handles.append((some[-1][0] + b"~", varint(len(table)) + varint(len(written))))
        table += written + b"\0" * 5
    ends = []
    for written in (_block([], share), _block(handles, share)):
        ends.append(varint(len(table)) + varint(len(written)))
        table += written + b"\0" * 5
    footer = b"".join(ends).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    (folder / ".index").write_bytes(table + footer)
    (folder / ".data-00000-of-00001").write_bytes(data)


def drawn(seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of every layer of musicnn, in TensorFlow's layout: frames, bands, in, out."""
    generator = np.random.default_rng(seed)
    found = {}
    for name, value in _named(MusicnnBackbone()).items():
        shape = tuple(value.shape)
        if name.startswith("conv2d") and name.endswith("kernel"):
            shape = (shape[2], shape[1], 1, shape[0]) if value.ndim == 3 else shape[::-1]
        elif name.endswith("kernel"):
            shape = shape[::-1]
        array = generator.normal(size=shape) / np.sqrt(max(np.prod(shape[:-1]), 1))
        found[name] = (np.abs(array) + 0.5 if name.endswith("variance") else array).astype(np.float32)
    return found
