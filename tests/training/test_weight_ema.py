"""The moving average of weights: its arithmetic, and that val, checkpoints and resumed runs are of it."""

import lightning.pytorch as pl
import pytest
import torch
from torch import nn

from genrelab.datamodules import Batch, BatchLoader
from genrelab.training.weight_ema import WeightEMA
from genrelab.utils.errors import GenrelabError
from tiny_task import make_task


def test_decay_rises_to_its_value():
    weight = torch.zeros(2)
    average = WeightEMA([weight], 0.3)
    expected = 0.0
    for step, decay in enumerate((2 / 11, 3 / 12, 0.3, 0.3), start=1):
        weight.fill_(step)
        average.update()
        expected = decay * expected + (1 - decay) * step
        assert average.mean[0].tolist() == pytest.approx([expected] * 2)


def test_swap_twice_is_nothing_and_state_restores_both():
    weight = torch.tensor([1.0])
    average = WeightEMA([weight], 0.9)
    weight.fill_(5.0)
    average.update()
    mean, state = average.mean[0].item(), average.state_dict()
    average.swap()
    assert (weight.item(), average.mean[0].item()) == (mean, 5.0)
    resumed = WeightEMA([weight.clone()], 0.9, state)  # a checkpoint's weights are the average
    average.swap()
    assert (weight.item(), average.mean[0].item()) == (5.0, mean)
    assert (resumed.weights[0].item(), resumed.mean[0].item(), resumed.steps) == (5.0, mean, 1)


def fit(task, tmp_path, epochs=3):
    torch.manual_seed(0)
    rows = Batch((torch.randn(8, 4),), torch.arange(8) % 2, torch.arange(8), torch.zeros(8, dtype=torch.int64))
    loader = BatchLoader(rows, lambda: torch.arange(8), 4)
    options = {"enable_progress_bar": False, "enable_checkpointing": False, "enable_model_summary": False}
    trainer = pl.Trainer(
        accelerator="cpu", max_epochs=epochs, logger=False, num_sanity_val_steps=0, default_root_dir=tmp_path, **options
    )
    trainer.fit(task, loader, loader)
    return trainer, rows


def test_val_and_checkpoints_are_of_the_average_and_training_is_not(tmp_path):
    torch.manual_seed(1)
    net = nn.Linear(4, 2)
    expected = {name: value.clone() for name, value in net.state_dict().items()}
    plain = nn.Linear(4, 2)
    plain.load_state_dict(expected)
    task = make_task(net, ema_decay=0.9)
    trainer, rows = fit(task, tmp_path)
    optimizer = torch.optim.SGD(plain.parameters(), 0.1)
    for step in range(1, 7):
        at = slice(0, 4) if step % 2 else slice(4, 8)
        optimizer.zero_grad()
        nn.functional.cross_entropy(plain(rows.features[0][at]), rows.target[at]).backward()
        optimizer.step()
        decay = min(0.9, (1 + step) / (10 + step))
        expected = {name: decay * expected[name] + (1 - decay) * value for name, value in plain.state_dict().items()}
    torch.testing.assert_close(net.state_dict(), plain.state_dict())
    logits = nn.functional.linear(rows.features[0], expected["weight"], expected["bias"])
    torch.testing.assert_close(torch.from_numpy(task.predictions["logits"]), logits)
    for weights_only in (True, False):
        trainer.save_checkpoint(tmp_path / "a.ckpt", weights_only=weights_only)
        content = torch.load(tmp_path / "a.ckpt", weights_only=True)
        torch.testing.assert_close(content["state_dict"], expected)
        assert ("ema" in content) is not weights_only
    torch.testing.assert_close(net.state_dict(), plain.state_dict())


def test_batch_norm_of_an_average_needs_train_rows(tmp_path):
    with pytest.raises(GenrelabError, match="train rows"):
        fit(make_task(nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2)), ema_decay=0.9), tmp_path)
