"""Orders drawn by (seed, epoch), and batches gathered whole."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genrelab.datamodules import Batch, BatchLoader
from genrelab.datamodules.loader import draw_epoch

COPIES = [np.array([0, 1, 2]), np.array([3]), np.array([4, 5, 6]), np.array([7, 8])]


def make_rows(n: int) -> Batch:
    number = torch.arange(n)
    return Batch((torch.arange(n * 6, dtype=torch.float16).reshape(n, 2, 3),), number % 3, number // 2, number % 2)


@given(st.integers(1, 40), st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_every_row_comes_once_and_the_length_is_true(n, batch_size):
    rows = make_rows(n)
    loader = BatchLoader(rows, lambda: torch.arange(n).flip(0), batch_size)
    batches = list(loader)
    assert len(batches) == len(loader)
    assert torch.cat([batch.track for batch in batches]).tolist() == rows.track.flip(0).tolist()
    assert torch.equal(torch.cat([batch.features[0] for batch in batches]), rows.features[0].flip(0))


def test_a_last_batch_of_one_is_left_out_where_batch_norm_could_not_train_on_it():
    loader = BatchLoader(make_rows(9), lambda: torch.arange(9), 4, drop_single=True)
    assert [len(batch.target) for batch in loader] == [4, 4] and len(loader) == 2
    alone = BatchLoader(make_rows(1), lambda: torch.arange(1), 4, drop_single=True)
    assert [len(batch.target) for batch in alone] == [1]


def test_an_epoch_is_decided_by_seed_and_epoch_alone():
    first = draw_epoch(COPIES, seed=0, epoch=3, every_copy=False)
    assert torch.equal(first, draw_epoch(COPIES, seed=0, epoch=3, every_copy=False))
    many = {tuple(draw_epoch(COPIES, s, e, False).tolist()) for s in range(5) for e in range(5)}
    assert len(many) > 15


@pytest.mark.parametrize("epoch", range(5))
def test_drawn_copies_are_one_of_each_segment(epoch):
    rows = set(draw_epoch(COPIES, 0, epoch, every_copy=False).tolist())
    assert [len(rows & set(copies.tolist())) for copies in COPIES] == [1, 1, 1, 1]


def test_all_copies_come_when_asked_for():
    assert sorted(draw_epoch(COPIES, 0, 0, every_copy=True).tolist()) == list(range(9))


def test_ranks_share_an_epoch_without_overlap():
    parts = [draw_epoch(COPIES, 0, 0, True, rank, 2) for rank in range(2)]
    assert len(parts[0]) == len(parts[1]) == 4
    assert not set(parts[0].tolist()) & set(parts[1].tolist())
