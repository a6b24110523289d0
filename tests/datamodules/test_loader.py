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


CLASSES = np.array([0] * 17 + [1] * 5 + [2] * 2)
SINGLE = [np.array([row]) for row in range(24)]


def test_balanced_epochs_hold_equally_many_of_each_class():
    drawn = draw_epoch(SINGLE, 0, 0, False, classes=CLASSES).numpy()
    assert np.bincount(CLASSES[drawn]).tolist() == [8, 8, 8]
    assert len(set(drawn[CLASSES[drawn] == 0])) == 8
    assert set(np.bincount(drawn)[17:22]) == {1, 2}, "none comes twice before all others have come"
    assert np.bincount(drawn)[22:].tolist() == [4, 4]
    other = draw_epoch(SINGLE, 0, 1, False, classes=CLASSES).numpy()
    assert set(drawn[CLASSES[drawn] == 0]) != set(other[CLASSES[other] == 0])
    assert torch.equal(torch.from_numpy(other), draw_epoch(SINGLE, 0, 1, False, classes=CLASSES))


def test_balanced_epochs_are_shared_by_ranks_and_count_copies():
    whole = draw_epoch(SINGLE, 0, 0, False, classes=CLASSES)
    parts = [draw_epoch(SINGLE, 0, 0, False, rank, 2, CLASSES) for rank in range(2)]
    assert len(parts[0]) == len(parts[1]) == 12
    assert sorted(torch.cat(parts).tolist()) == sorted(whole.tolist())
    assert len(draw_epoch(COPIES, 0, 0, True, classes=np.array([0, 0, 0, 1]))) == 9


@pytest.mark.parametrize("epoch", range(4))
def test_what_does_not_divide_goes_to_drawn_classes(epoch):
    of_class = [{0, 1, 2}, {3, 4, 5, 6}, {7, 8}]
    drawn = draw_epoch(COPIES, 0, epoch, False, classes=np.array([0, 1, 1, 2])).tolist()
    assert sorted(sum(row in members for row in drawn) for members in of_class) == [1, 1, 2]
