"""The line that each epoch prints."""

import re
from types import SimpleNamespace

import pytest

from genrelab.training.callbacks import EpochProgress


@pytest.mark.parametrize(("given", "total"), [({}, 60), ({"epochs": 7}, 7)])
def test_the_line_counts_the_epochs_that_will_be_trained(given, total, capsys):
    rate = SimpleNamespace(param_groups=[{"lr": 0.1}])
    trainer = SimpleNamespace(
        is_global_zero=True, current_epoch=2, max_epochs=60, callback_metrics={}, optimizers=[rate]
    )
    progress = EpochProgress("train/loss", "min", bar=False, **given)
    progress.on_train_epoch_start(trainer, None)
    progress.on_train_epoch_end(trainer, None)
    assert re.match(rf"epoch +3/{total}\b", capsys.readouterr().out)
