"""`GenreTask`: any network, any loss, the metrics of both levels. The only LightningModule for classification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, nn

from genrelab.config.schema import BatchNormStatistics
from genrelab.datamodules import Batch, BatchAugmentation, GenreDataModule, Normalizer, OnTheFlyFeatures
from genrelab.metrics import scores
from genrelab.metrics.multilabel import MultilabelPredictions, aggregate_multilabel_segments, multilabel_scores
from genrelab.models.auxiliary_heads import AuxiliaryHeads
from genrelab.postprocessing import aggregate_segments
from genrelab.training import batch_norm
from genrelab.training.optim import Schedule
from genrelab.training.weight_ema import WeightEMA
from genrelab.utils.errors import GenrelabError

GAP_ROWS = 256  # train rows on which eval mode is compared with batch statistics

OptimizerFactory = Callable[[Any], torch.optim.Optimizer]
ScheduleFactory = Callable[[torch.optim.Optimizer], Schedule]


class GenreTask(pl.LightningModule):
    """Trains a network on segments; scores segments and tracks once an epoch.

    Args:
        net: `forward(*features) -> logits [B, C]`.
        loss: `forward(logits, target) -> scalar`; `set_epoch(epoch, epochs)`, if it has that, is called before each.
        normalizer: puts stored features on the network's scale, on the device; not part of the weights.
        distances: `[C, C]` graph distances that scores are measured by (the evaluation graph).
        supergenres: `[C]` index of each genre's supergenre.
        medoid: index of the genre of least mean distance to the train targets, the constant answer that
            distance skill is measured against.
        make_optimizer: called with the network's parameters.
        make_schedule: called with the optimizer.
        monitor: logged metric that a plateau schedule watches.
        seed: dropout and the like are drawn by (seed, epoch), so that a resumed run repeats an uninterrupted one.
        batch_augmentation: of train batches: rotation in time, masks, mixup.
        on_the_fly: makes the features of the waveforms that a batch then holds.
        checkpoint_metadata: the plain data that every checkpoint carries under `genrelab`.
        ancestor_pairs: `[P, 2]` genres and those below them; with targets `[B, C]`, of several genres a track, their
            consistency is scored.
        aux_heads: of further labels, on the network's last vector; trained and predicted with it.
        ema_decay: of the exponential moving average of the weights, per optimizer step; val is scored with the average,
            which checkpoints hold, and batch norm's statistics are recomputed for it. None: no average.
        bn_statistics: what batch norm is evaluated with: "running" (PyTorch's average over the last steps),
            "recomputed" from train rows before each look at val, or "auto": recomputed where dropout runs before a
            batch norm or epochs are short.
    """

    def __init__(
        self,
        net: nn.Module,
        loss: nn.Module,
        normalizer: Normalizer,
        distances: np.ndarray,
        supergenres: np.ndarray,
        medoid: int,
        make_optimizer: OptimizerFactory,
        make_schedule: ScheduleFactory,
        monitor: str,
        seed: int = 0,
        batch_augmentation: BatchAugmentation | None = None,
        on_the_fly: OnTheFlyFeatures | None = None,
        checkpoint_metadata: Mapping[str, Any] | None = None,
        ancestor_pairs: np.ndarray | None = None,
        aux_heads: AuxiliaryHeads | None = None,
        bn_statistics: BatchNormStatistics = "auto",
        ema_decay: float | None = None,
    ) -> None:
        super().__init__()
        self.net = net
        self.loss = loss
        self.normalizer = normalizer
        self.distances = distances
        self.supergenres = supergenres
        self.medoid = medoid
        self.monitor = monitor
        self.seed = seed
        self.batch_augmentation = batch_augmentation or BatchAugmentation()
        self.on_the_fly = on_the_fly
        self.checkpoint_metadata = dict(checkpoint_metadata or {})
        self.ancestor_pairs = ancestor_pairs
        self.aux_heads = aux_heads
        self.bn_statistics = bn_statistics
        self.bn_after_dropout = False
        self.ema_decay = ema_decay
        self._ema: WeightEMA | None = None
        self._ema_state: dict[str, Any] | None = None
        self.parameter_groups: list[dict[str, Any]] = []  # a callback's, with rates of their own; empty: all alike
        self.schedule: Schedule | None = None
        self._make_optimizer = make_optimizer
        self._make_schedule = make_schedule
        self._schedule_state: dict[str, Any] | None = None
        self._train_sums: list[Tensor] = []
        self._outputs: list[tuple[Tensor, Batch]] = []
        self._aux_logits: list[Tensor] = []
        self.predictions: dict[str, np.ndarray] = {}

    def forward(self, features: tuple[Tensor, ...]) -> Tensor:
        """Logits `[B, C]` of what a batch holds: stored (not yet normalized) features, or waveforms."""
        if self.on_the_fly is not None:
            features = self.on_the_fly(features)
        logits: Tensor = self.net(*self.normalizer(features))
        return logits

    # ---- training

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer. The schedule is stepped here, not by Lightning, which steps it after checkpoints
        are written: a resumed run would then miss a step."""
        optimizer = self._make_optimizer(self._trainable_parameters())
        self.schedule = self._make_schedule(optimizer)
        if self._schedule_state is not None and self.schedule.scheduler is not None:
            self.schedule.scheduler.load_state_dict(self._schedule_state)
        return optimizer

    def _trainable_parameters(self) -> Any:
        """The network's, and those of further heads."""
        of_heads = [] if self.aux_heads is None else list(self.aux_heads.parameters())
        if self.parameter_groups:
            return [*self.parameter_groups, *([{"params": of_heads}] if of_heads else [])]
        return [*self.net.parameters(), *of_heads]

    def on_train_start(self) -> None:
        """Start the average of the weights; decide how batch norm is evaluated, by layers and the length of an epoch.

        Raises:
            GenrelabError: statistics to be recomputed without a `GenreDataModule`, which the train rows come from.
        """
        if self.ema_decay is not None:
            weights = [*self.net.parameters(), *(self.aux_heads.parameters() if self.aux_heads else ())]
            self._ema = WeightEMA(weights, self.ema_decay, self._ema_state)
            self._ema_state = None
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if isinstance(data, GenreDataModule):
            self.choose_bn_statistics(data, int(self.trainer.num_training_batches))
            self.train()
        elif self.bn_statistics == "recomputed" or (self._ema and batch_norm.batch_norms(self.net)):
            raise GenrelabError(
                "bn_statistics: needs train rows (fit with a GenreDataModule, or use 'running' without ema_decay)"
            )
        else:
            self.bn_statistics = "running"  # loaders of one's own may be endless, or shuffled

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's randomness from (seed, epoch); tell a loss that changes with the epochs."""
        seed = np.random.SeedSequence([abs(self.seed), self.current_epoch]).generate_state(1, np.uint64)[0]
        torch.manual_seed(int(seed >> np.uint64(1)))
        if set_epoch := getattr(self.loss, "set_epoch", None):
            set_epoch(self.current_epoch, self.trainer.max_epochs)
        self._train_sums = []

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Take a step, and the new weights into their average."""
        super().optimizer_step(*args, **kwargs)
        if self._ema is not None:
            self._ema.update()

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Loss of a batch. Nothing is logged here: an epoch's sums stay on the device until it ends."""
        features = self.on_the_fly(batch.features, training=True) if self.on_the_fly else batch.features
        features = self.batch_augmentation.after_norm(self.normalizer(self.batch_augmentation.before_norm(features)))
        loss, logits = (
            self._mixup_step(features, batch)
            if self.batch_augmentation.mixup_alpha
            else self._plain_step(features, batch)
        )
        hits = _count_correct(logits.detach(), batch.target)
        self._train_sums.append(
            torch.stack((loss.detach() * len(batch.target), hits, torch.full_like(hits, len(batch.target))))
        )
        return loss

    def _plain_step(self, features: tuple[Tensor, ...], batch: Batch) -> tuple[Tensor, Tensor]:
        logits: Tensor = self.net(*features)
        loss: Tensor = self.loss(logits, batch.target)
        if self.aux_heads is not None:
            loss = loss + self.aux_heads.loss(self.aux_heads(len(logits)), batch.track)
        return loss, logits

    def _mixup_step(self, features: tuple[Tensor, ...], batch: Batch) -> tuple[Tensor, Tensor]:
        """Loss and logits of a batch mixed with itself, shuffled; the targets' losses are mixed alike."""
        target = batch.target
        share, other = self.batch_augmentation.mixup_partner(len(target))
        other = other.to(target.device)
        logits: Tensor = self.net(*(share * f + (1 - share) * f[other] for f in features))
        loss = share * self.loss(logits, target) + (1 - share) * self.loss(logits, target[other])
        if self.aux_heads is not None:
            of_labels, track = self.aux_heads(len(target)), batch.track
            loss += share * self.aux_heads.loss(of_labels, track) + (1 - share) * self.aux_heads.loss(
                of_labels, track[other]
            )
        return loss, logits

    def on_train_epoch_end(self) -> None:
        """Log the epoch's means and step the schedule, before checkpoints are written."""
        total = torch.stack(self._train_sums).sum(dim=0)
        total = _tensor(self.all_gather(total)).reshape(-1, 3).sum(dim=0).cpu()
        self.log_dict({"train/loss": total[0] / total[2], "train/accuracy": total[1] / total[2]})
        if self.schedule is not None and self.schedule.scheduler is not None:
            if self.schedule.needs_metric:
                self.schedule.scheduler.step(float(self.trainer.callback_metrics[self.monitor]))
            else:
                self.schedule.scheduler.step()

    # ---- batch norm

    def choose_bn_statistics(self, data: GenreDataModule, steps: int) -> None:
        """Replace "auto" by what suits the network's layers and epochs of `steps` batches; leaves eval mode on."""
        self.eval()
        if not batch_norm.batch_norms(self.net):
            self.bn_statistics = "running"
            return
        batch = next(iter(data.train_sample_dataloader()))
        self.bn_after_dropout = batch_norm.dropout_precedes_batch_norm(self.net, lambda: self._sample_logits(batch))
        if self.bn_statistics == "auto":
            short = steps < batch_norm.LONG_EPOCH
            lags = short or self.bn_after_dropout or self.ema_decay is not None
            self.bn_statistics = "recomputed" if lags else "running"

    def recompute_bn_statistics(self, data: GenreDataModule) -> None:
        """Replace batch norm's running statistics by those of a fixed sample of train rows, dropout off."""
        batches = [partial(self._sample_logits, batch) for batch in data.train_sample_dataloader()]
        batch_norm.recompute_batch_norm_statistics(self.net, batches)

    def bn_gap(self, data: GenreDataModule) -> batch_norm.StatisticsGap | None:
        """Loss of train rows in eval mode and by batch statistics; None for a network without batch norm."""
        if not batch_norm.batch_norms(self.net):
            return None

        def loss(batch: Batch) -> tuple[Tensor, int]:
            logits = self._sample_logits(batch).float()
            return self.loss(logits, batch.target.to(self.device)), len(batch.target)

        self.eval()
        return batch_norm.measure_gap(
            self.net, [partial(loss, batch) for batch in data.train_sample_dataloader(GAP_ROWS)]
        )

    @torch.no_grad()
    def _sample_logits(self, batch: Batch) -> Tensor:
        features = tuple(feature.to(self.device) for feature in batch.features)
        with self.trainer.precision_plugin.forward_context():
            logits: Tensor = self(features)
        return logits

    # ---- scoring

    def on_validation_epoch_start(self) -> None:
        """Put the average of the weights in place, and bring batch norm's statistics up to the epoch's weights.

        A look at val after training finds both in the checkpoint.
        """
        if self._ema is not None and self.trainer.state.fn == TrainerFn.FITTING:
            self._ema.swap()
        if self.bn_statistics == "recomputed" and self.trainer.state.fn == TrainerFn.FITTING:
            self.recompute_bn_statistics(self.trainer.datamodule)  # type: ignore[attr-defined]

    def validation_step(self, batch: Batch, index: int) -> None:
        """Keep the logits on the device."""
        self._outputs.append((self(batch.features).float(), batch))
        if self.aux_heads is not None:
            self._aux_logits.append(self.aux_heads(len(batch.target)).float())

    def test_step(self, batch: Batch, index: int) -> None:
        """Keep the logits on the device."""
        self.validation_step(batch, index)

    def on_validation_epoch_end(self) -> None:
        """Score val at both levels and log; go on with the weights as trained."""
        self._score("val")
        if self._ema is not None and self.trainer.state.fn == TrainerFn.FITTING:
            self._ema.swap()

    def on_test_epoch_end(self) -> None:
        """Score test at both levels and log."""
        self._score("test")

    def _score(self, split: str) -> None:
        columns = [torch.cat([logits for logits, _ in self._outputs])]
        columns += [torch.cat([getattr(b, name) for _, b in self._outputs]) for name in ("target", "track", "segment")]
        columns += [torch.cat(self._aux_logits)] if self._aux_logits else []
        self._outputs, self._aux_logits = [], []
        if self.trainer.world_size > 1:
            columns = gather_variable_length(self, columns)
        # A look at val after training (with the best weights) is no point of the curves.
        logged = split == "test" or self.trainer.state.fn == TrainerFn.FITTING
        self.log(f"{split}/loss", self.loss(columns[0], columns[1]), logger=logged)
        logits, target, track, segment, *of_labels = (column.cpu().numpy() for column in columns)
        self.predictions = {"logits": logits, "target": target, "track": track, "segment": segment}
        if of_labels:
            self.predictions["labels"] = of_labels[0]
        several = target.ndim == 2
        of_track, tracks = (
            aggregate_multilabel_segments(logits, track) if several else aggregate_segments(logits, track)
        )
        first = {int(t): i for i, t in reversed(list(enumerate(track)))}
        levels = {"segment": (logits, target), "track": (of_track, target[[first[int(t)] for t in tracks]])}
        for level, (level_logits, level_target) in levels.items():
            if several:
                of_level = MultilabelPredictions(level_logits, level_target > 0, np.arange(len(level_target)))
                found = multilabel_scores(of_level, self.ancestor_pairs)
            else:
                found = scores(level_logits, level_target, self.distances, self.supergenres, self.medoid)
            self.log_dict({f"{split}/{level}/{name}": float(value) for name, value in found.items()}, logger=logged)

    # ---- checkpoints: plain data, and weights under the network's own names

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the plain content and the schedule; drop the `net.` prefix of the weights."""
        checkpoint["genrelab"] = self.checkpoint_metadata
        if self.schedule is not None and self.schedule.scheduler is not None:
            checkpoint["schedule"] = self.schedule.scheduler.state_dict()
        if self._ema is not None:  # batch norm's buffers are of the average since the last look at val
            if "optimizer_states" in checkpoint:  # to resume from
                checkpoint["ema"] = self._ema.state_dict()
            self._ema.swap()
            checkpoint["state_dict"] = {key: value.clone() for key, value in self.state_dict().items()}
            self._ema.swap()
        weights = checkpoint["state_dict"]
        checkpoint["state_dict"] = {k.removeprefix("net."): v for k, v in weights.items() if k.startswith("net.")}
        if self.aux_heads is not None:  # apart, so that whoever only wants genres finds the network alone
            checkpoint["label_heads"] = {
                k.removeprefix("aux_heads."): v for k, v in weights.items() if k.startswith("aux_heads.")
            }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Inverse of `on_save_checkpoint`."""
        self._schedule_state, self._ema_state = checkpoint.get("schedule"), checkpoint.get("ema")
        checkpoint["state_dict"] = {f"net.{key}": value for key, value in checkpoint["state_dict"].items()} | {
            f"aux_heads.{key}": value for key, value in checkpoint.get("label_heads", {}).items()
        }

    def weights_checkpoint(self) -> dict[str, Any]:
        """Return the content of a checkpoint that is loaded and never trained on."""
        found = {"genrelab": self.checkpoint_metadata, "state_dict": self.net.state_dict()}
        return found if self.aux_heads is None else {**found, "label_heads": self.aux_heads.state_dict()}

    def keep_average(self) -> None:
        """Put the average of the weights in place for good, after a training without val."""
        if self._ema is not None:
            self._ema.swap()
            self._ema = None

    def load_weights(self, checkpoint: Mapping[str, Any]) -> None:
        """Take the weights of a checkpoint that this task, or one like it, wrote."""
        self.net.load_state_dict(checkpoint["state_dict"])
        if self.aux_heads is not None:
            self.aux_heads.load_state_dict(checkpoint["label_heads"])


def _count_correct(logits: Tensor, target: Tensor) -> Tensor:
    """How many rows' likeliest genre is the right one, or one of the right ones."""
    answer = logits.argmax(dim=1)
    if target.ndim == 2:
        return target.gather(1, answer[:, None]).sum().long()
    return (answer == target).sum()


def gather_variable_length(task: pl.LightningModule, columns: list[Tensor]) -> list[Tensor]:
    """Join rows of all ranks, whose numbers differ, in rank order."""
    counts = _tensor(task.all_gather(torch.tensor(len(columns[0]), device=task.device))).reshape(-1).tolist()
    joined = []
    for column in columns:
        padded = column.new_zeros((max(counts), *column.shape[1:]))
        padded[: len(column)] = column
        gathered = _tensor(task.all_gather(padded))
        joined.append(torch.cat([gathered[rank][:count] for rank, count in enumerate(counts)]))
    return joined


def _tensor(gathered: object) -> Tensor:
    """`all_gather` of a tensor is a tensor; its type says more."""
    assert isinstance(gathered, Tensor)
    return gathered
