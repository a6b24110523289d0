"""The weights of a TensorFlow checkpoint as numpy arrays, without TensorFlow.

A checkpoint ("tensor bundle") is a table of names as LevelDB writes it (`.index`); its values, protocol buffers,
say where in the data file (`.data-00000-of-00001`) an array lies. Read here: float32, one data file, uncompressed
blocks, which is what `tf.train.Saver` writes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

MAGIC = 0xDB4775248B80FB57  # ends every table
FOOTER = 48  # bytes
FLOAT32 = 1  # tensorflow.DataType
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers


def read_bundle(folder: Path, prefix: str = "") -> dict[str, np.ndarray]:
    """Float32 arrays by name.

    Args:
        folder: that holds `<prefix>.index` and `<prefix>.data-00000-of-00001`.
        prefix: of the two names; musicnn's have none.

    Raises:
        OSError: a file is missing.
        ValueError: it is no such checkpoint, or damaged.
    """
    index = (folder / f"{prefix}.index").read_bytes()
    data = np.memmap(folder / f"{prefix}.data-00000-of-00001", mode="r")
    found = {}
    try:
        if len(index) < FOOTER or struct.unpack("<Q", index[-8:])[0] != MAGIC:
            raise ValueError("not a TensorFlow checkpoint")
        _, after = _handle(index[-FOOTER:], 0)  # of the index of indices, which is empty
        top, _ = _handle(index[-FOOTER:], after)
        for _, where in _entries(index, *top):
            for name, value in _entries(index, *_handle(where, 0)[0]):
                if name:  # the first is the header
                    kind, shape, offset, size = _described(value)
                    if kind == FLOAT32:
                        array = np.frombuffer(data[offset : offset + size].tobytes(), "<f4")
                        found[name.decode()] = array.reshape(shape)
    except (IndexError, struct.error) as error:
        raise ValueError("damaged") from error
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and what follows it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Where a block lies: offset and size; and what follows."""
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _entries(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; a key says how much of the one before it shares."""
    if data[offset + size]:
        raise ValueError("compressed")
    block = data[offset : offset + size]
    end = len(block) - 4 - 4 * int(struct.unpack("<I", block[-4:])[0])  # the restarts, which readers may leave alone
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + length]
        at += own + length


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a protocol buffer's fields."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif wire == BYTES:
            size, at = _varint(message, at)
            yield number, message[at : at + size]
            at += size
        elif wire in (FIXED32, FIXED64):
            at += 4 if wire == FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire}")


def _described(message: bytes) -> tuple[int, tuple[int, ...], int, int]:
    """Kind, shape, offset and size in bytes of a `BundleEntryProto`."""
    kind = offset = size = 0
    shape: list[int] = []
    for number, value in _fields(message):
        if isinstance(value, bytes):
            if number == 2:  # TensorShapeProto: dimensions, each a message of its size
                shape += [dict(_fields(one)).get(1, 0) for field, one in _fields(value) if field == 2]  # type: ignore[arg-type,misc]
        elif number == 1:
            kind = value
        elif number == 4:
            offset = value
        elif number == 5:
            size = value
    return kind, tuple(shape), offset, size
