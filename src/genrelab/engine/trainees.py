"""Untrained tasks of a configuration: what a run trains, and trains once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from genrelab.audio import Augment
from genrelab.audio.content_detection import ContentThresholds
from genrelab.config.schema import model_options
from genrelab.datamodules import GenreDataModule
from genrelab.datamodules.auxiliary_targets import AuxiliaryTargets
from genrelab.datasets.splits import Split
from genrelab.engine import build
from genrelab.engine.build import Config, Dataset
from genrelab.engine.checkpoint_metadata import checkpoint_metadata
from genrelab.engine.dataset_record import count_train_targets
from genrelab.engine.sklearn_fit import record_sklearn_model
from genrelab.engine.validate_config import split_name_and_params
from genrelab.features.cache import AnyFeatureCache
from genrelab.metrics import medoid_class, monitor_direction
from genrelab.runs.run_record import RunRecord
from genrelab.taxonomy.hierarchy import ancestor_pairs, supergenre_index
from genrelab.training.optim import replay
from genrelab.training.task import GenreTask

MIN_TRUE_SHARE = 0.4  # of a soft target on the true genre, below which targets carry too little of the truth


@dataclass
class Trainees:
    """Makes untrained tasks.

    Args:
        config: of the run.
        record: of the run.
        labels: that tracks have beside the genre.
        sound: limits of silence, noise and speech, of val.
    """

    config: Config
    record: RunRecord
    labels: AuxiliaryTargets | None = None
    sound: ContentThresholds | None = None

    def make(
        self,
        dataset: Dataset,
        feature_cache: AnyFeatureCache,
        augments: Sequence[Augment],
        rates: Sequence[float],
        split: Split,
    ) -> tuple[GenreTask, GenreDataModule]:
        """Return an untrained task and the data of a split, its statistics those of the split's train part.

        `rates` are the learning rates of an earlier training, which are repeated; none for the configured schedule.
        """
        data = build.make_data(self.config, dataset, split, feature_cache, augments)
        return self.untrained(dataset, split, data, data.fit_normalizer(), rates), data

    def untrained(
        self, dataset: Dataset, split: Split, data: GenreDataModule, normalizer: Any, rates: Sequence[float] = ()
    ) -> GenreTask:
        """Return an untrained task; with `rates` its schedule repeats the learning rates of an earlier training."""
        config, taxonomy = self.config, dataset.taxonomy
        distances = taxonomy.distances()
        net = build.make_network(config, data.shapes, len(taxonomy.genres))
        prevalence = count_train_targets(data, len(taxonomy.genres)) / data.rows("train")["track_id"].nunique()
        heads = build.make_heads(config, net, data.shapes, len(taxonomy.genres), self.labels)
        loss = build.make_loss(config, taxonomy, build.loss_distances(config, taxonomy), prevalence)
        mode = monitor_direction(config["trainer"]["monitor"])
        optimizer, schedule = build.make_optimization(config, mode)
        if rates:
            schedule = partial(replay, rates=rates)
        return GenreTask(
            net=net,
            loss=loss,
            normalizer=normalizer,
            distances=distances,
            supergenres=supergenre_index(taxonomy),
            medoid=medoid_class(distances, np.array(self.record.data["dataset"]["train_targets"])),
            make_optimizer=optimizer,
            make_schedule=schedule,
            monitor=config["trainer"]["monitor"],
            seed=config["seed"],
            batch_augmentation=build.make_changes(config),
            on_the_fly=build.make_online(config, data.feature_cache),
            checkpoint_metadata=checkpoint_metadata(
                config, self.record, dataset, split, data, normalizer, self.labels, self.sound
            ),
            ancestor_pairs=None if data.multilabel_targets is None else ancestor_pairs(taxonomy),
            aux_heads=heads,
            bn_statistics=model_options(config)[2].bn_statistics,
            ema_decay=config["trainer"].get("ema_decay"),
        )

    def record_model(self, task: GenreTask) -> None:
        """Write what the model and its loss are into the record."""
        kind = str(self.config["model"]["kind"])
        loss_kind, _ = split_name_and_params(self.config["loss"])
        betas = getattr(task.loss, "betas", {})
        if share_warning := true_share_warning(task.loss):
            self.record.warn(share_warning)
        self.record.data["model"] = {"kind": kind, "parameters": sum(p.numel() for p in task.net.parameters())}
        self.record.data["loss"] = {"kind": loss_kind, "beta": None, "effective_beta": None, **betas}
        if build.is_fitted(self.config):
            record_sklearn_model(self.record, self.config)


def true_share_warning(loss: Any) -> str:
    """Return what to do about a beta that leaves too little of the target to the true genre; "" where it does not."""
    if not getattr(loss, "betas", {}) or (share := getattr(loss, "true_share", 1.0)) >= MIN_TRUE_SHARE:
        return ""
    return (
        f"loss: {share:.2f} of the soft target is on the true genre at beta {loss.beta:g}, below {MIN_TRUE_SHARE} "
        "(use loss=cross_entropy, loss=graph_soft_true_mass, or a larger beta)"
    )
