"""The checkpoint's plain-data layout, and what is refused."""

import os
import pickle

import numpy as np
import pytest
import torch

from genrelab.runs.checkpoint import check_content, load_checkpoint
from genrelab.utils.errors import GenrelabError
from naming import naming

CONTENT = {
    "format": 1,
    "genres": ["a", "b"],
    "taxonomy": {},
    "taxonomy_hash": "0",
    "model": {"kind": "mlp", "params": {}, "in_shapes": [[57]]},
    "preprocessing": {"audio": {}, "features": [], "normalize": []},
    "split_hash": "0",
    "run_id": "r",
}


def test_round_trip_with_weights_only(tmp_path):
    path = tmp_path / "best.ckpt"
    torch.save({"genrelab": CONTENT, "state_dict": {"weight": torch.ones(2)}}, path)
    loaded = load_checkpoint(path)
    assert loaded["genrelab"] == CONTENT
    assert torch.equal(loaded["state_dict"]["weight"], torch.ones(2))


def test_content_must_be_complete_and_plain():
    check_content(CONTENT)
    with pytest.raises(ValueError, match=naming("'genres'", "NoneType")):
        check_content({key: value for key, value in CONTENT.items() if key != "genres"})
    with pytest.raises(ValueError, match=r"genrelab\.model\.width.*float64"):
        check_content({**CONTENT, "model": {"width": np.float64(1)}})


class Hostile:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_hostile_checkpoint_runs_nothing(tmp_path):
    torch.save({"genrelab": CONTENT, "state_dict": {}, "x": Hostile(str(tmp_path / "owned"))}, tmp_path / "bad.ckpt")
    with pytest.raises(GenrelabError, match=r"bad\.ckpt: ") as caught:
        load_checkpoint(tmp_path / "bad.ckpt")
    assert isinstance(caught.value.__cause__, pickle.UnpicklingError)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("write", "cause"),
    [
        (lambda p: None, FileNotFoundError),
        (lambda p: p.write_bytes(b""), EOFError),
        (lambda p: p.write_bytes(b"not a checkpoint"), pickle.UnpicklingError),
        (lambda p: torch.save({"state_dict": {}}, p), (KeyError, ValueError)),
        (lambda p: torch.save([1], p), TypeError),
    ],
)
def test_load_checkpoint_bad_file_raises_one_line(tmp_path, write, cause):
    path = tmp_path / "x.ckpt"
    write(path)
    with pytest.raises(GenrelabError, match=r"x\.ckpt: ") as caught:
        load_checkpoint(path)
    assert isinstance(caught.value.__cause__, cause) and "[Errno" not in str(caught.value)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
