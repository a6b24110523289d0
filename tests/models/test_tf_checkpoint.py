"""TensorFlow's checkpoints are read without it: a writer of the format as its documents describe it, and damage."""

import struct

import numpy as np
import pytest

from genrelab.models.tf_checkpoint import MAGIC, read_bundle
from tf_bundles import varint, write_bundle

ARRAYS = {
    "conv2d/bias": np.arange(5, dtype=np.float32),
    "conv2d/kernel": np.random.default_rng(0).normal(size=(7, 300, 1, 5)).astype(np.float32),
    "conv2d_1/bias": np.zeros(1, np.float32),
    "scalar": np.float32(3.5),
}


@pytest.mark.parametrize(("block", "share"), [(1, True), (2, True), (100, True), (100, False)])
def test_what_was_written_is_read(tmp_path, block, share):
    write_bundle(tmp_path, ARRAYS, block=block, share=share)
    found = read_bundle(tmp_path)
    assert list(found) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == np.shape(array)


def test_numbers_other_than_float32_are_left_out(tmp_path):
    write_bundle(tmp_path, {"a": np.ones(2, np.float32), "step": np.int64(7)})
    assert list(read_bundle(tmp_path)) == ["a"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: b"", "TensorFlow"),
        (lambda data: data[:30], "TensorFlow"),
        (lambda data: data[:-8] + struct.pack("<Q", MAGIC + 1), "TensorFlow"),
        (lambda data: data[:-48] + varint(10**6) * 4 + b"\0" * 32 + data[-8:], "damaged"),
    ],
)
def test_damage_is_told(tmp_path, damage, reason):
    write_bundle(tmp_path, ARRAYS)
    index = tmp_path / ".index"
    index.write_bytes(damage(index.read_bytes()))
    with pytest.raises(ValueError, match=reason):
        read_bundle(tmp_path)


def test_cut_data_and_missing_files_are_told(tmp_path):
    with pytest.raises(OSError, match=r"\.index"):
        read_bundle(tmp_path)
    write_bundle(tmp_path, ARRAYS)
    data = tmp_path / ".data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(ValueError, match="reshape"):
        read_bundle(tmp_path)
