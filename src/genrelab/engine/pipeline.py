"""One training with its stages in order: dataset index, prepare, train, test, baselines, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genrelab.audio import Augment
from genrelab.audio.content_detection import ContentThresholds
from genrelab.config.schema import TrainerSpec, model_options, read_fields
from genrelab.datamodules import GenreDataModule
from genrelab.datamodules.auxiliary_targets import FILE as LABELS
from genrelab.datamodules.auxiliary_targets import (
    AuxiliaryTargets,
    auxiliary_rows,
    read_auxiliary_targets,
    write_auxiliary_rows,
)
from genrelab.datamodules.genre_datamodule import SplitName
from genrelab.datasets.splits import Split
from genrelab.engine import build
from genrelab.engine.build import Config, Dataset
from genrelab.engine.checkpoint_metadata import checkpoint_metadata
from genrelab.engine.dataset_record import count_train_targets, record_dataset
from genrelab.engine.linear_baseline import NAME, mean_feature_baseline
from genrelab.engine.refit import Choices, inner_splits, middle, out_of_fold, refit_estimator, refit_network, refits
from genrelab.engine.runtime_estimate import print_runtime_estimate
from genrelab.engine.sklearn_fit import fit_sklearn, record_sklearn_model, write_pca_projection
from genrelab.engine.validate_config import split_name_and_params
from genrelab.evaluation.report import choose_examples, write_report
from genrelab.features.cache import AnyFeatureCache
from genrelab.metrics import medoid_class, monitor_direction
from genrelab.models.classical import Estimator
from genrelab.runs.checkpoint import (
    BEST,
    REFIT,
    load_checkpoint,
    run_checkpoint,
)
from genrelab.runs.predictions import OUT_OF_FOLD, Predictions, concatenate, read_predictions, write_predictions
from genrelab.runs.run_record import RunRecord
from genrelab.runs.training_tracks import write_training_tracks
from genrelab.taxonomy.hierarchy import ancestor_pairs, supergenre_index
from genrelab.tracking.publish import finish, publish
from genrelab.tracking.registry import LOGGERS
from genrelab.training.callbacks import BestLastCheckpoint, EpochProgress, MetricsCSVWriter
from genrelab.training.callbacks.early_stopping import is_better
from genrelab.training.callbacks.optuna_pruning import trial_pruning
from genrelab.training.callbacks.swa import EpochWeightAveraging
from genrelab.training.optim import replay
from genrelab.training.registry import CALLBACKS
from genrelab.training.task import GenreTask
from genrelab.training.trainer import make_trainer, resume_hint_on_interrupt
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path

MIN_TRUE_SHARE = 0.4  # of a soft target on the true genre, below which targets carry too little of the truth


@dataclass
class TrainingPipeline:
    """One training with its stages in order; `fold` chooses one of a k-fold split."""

    config: Config
    record: RunRecord
    fold: int | None
    parent_dir: Path | None = None  # of a k-fold run, which is what one resumes
    labels: AuxiliaryTargets | None = None  # that tracks have beside the genre
    sound: ContentThresholds | None = None  # of val

    @property
    def resume_dir(self) -> Path:
        """The folder to name in `resume=`."""
        return self.parent_dir or self.record.folder

    def run(self, resuming: bool) -> None:
        """All stages; with resuming those that the folder's last checkpoint has not seen."""
        config, record = self.config, self.record
        trainer_spec = read_fields(TrainerSpec, config["trainer"], "trainer")
        with record.timed_stage("catalog"):
            dataset = build.read_dataset(config)
            split = build.make_split(config, dataset.index, self.fold)
            self.labels = read_auxiliary_targets(dataset.index, split)
        feature_cache = build.make_feature_cache(config, dataset.index)
        augments = build.make_augments(config)
        fitted = build.is_fitted(config)
        first = self.parent_dir is None or self.fold == 0  # the estimate is of all folds
        if trainer_spec.estimate and first and not resuming and record.is_rank_zero:
            print_runtime_estimate(config, dataset, split, feature_cache, augments)
        with record.timed_stage("prepare"), resume_hint_on_interrupt(self.resume_dir):
            report = build.prepare(feature_cache, dataset, split, augments, backend=config["data"]["feature_backend"])
            data = build.make_data(config, dataset, split, feature_cache, augments)
            normalizer = data.fit_normalizer()
            self.sound = build.content_thresholds(dataset, split.tracks("val"), feature_cache)
        print(report.summary(), flush=True)
        record_dataset(record, config, dataset, split, report, data, self.labels)
        task = self._task(dataset, split, data, normalizer)
        self.record_model(task)
        loggers: list[Any] = []
        error: BaseException | None = None
        try:
            loggers = self.loggers() if record.is_rank_zero else []
            if fitted:
                with record.timed_stage("train"), resume_hint_on_interrupt(self.resume_dir):
                    trainer = fit_sklearn(task, data, trainer_spec, config["accelerator"], record, loggers, resuming)
            else:
                trainer = self._fit(task, data, trainer_spec, loggers, resuming)
            answers = [self._predict("val", self._with_best(task, data), data, trainer, dataset)]
            refitted = None
            if refits(config):
                task, refitted = self._refit(
                    dataset, split, ["val"], feature_cache, augments, trainer, Choices.read(record.folder, record.data)
                )
            self._write_predictions([*answers, self._predict("test", task, refitted or data, trainer, dataset)])
            if fitted:
                with record.timed_stage("test"):
                    write_pca_projection(task, data, record)
            if not record.is_rank_zero:
                return
            if trainer_spec.baselines:
                with record.timed_stage("baselines"):
                    self._baselines(data, dataset, refitted)
            self._report(data, trainer_spec.report, loggers)
        except BaseException as caught:
            error = caught
            raise
        finally:
            finish(error)

    def _report(self, data: GenreDataModule, page: bool, loggers: list[Any]) -> None:
        record = self.record
        record.write()
        with record.timed_stage("report"):
            pictured = page and data.multilabel_targets is None
            examples = choose_examples(record.folder, data.feature_cache, data.rows("test")) if pictured else ()
            write_report(record.folder, examples, page=page)
        self.publish(loggers)

    def publish(self, loggers: Sequence[Any]) -> None:
        """Send the reported run to the services among its loggers."""
        log_model = bool((self.config["logger"].get("wandb") or {}).get("log_model"))
        publish(loggers, self.record.folder, self.record.data, log_model)

    def _task(
        self, dataset: Dataset, split: Split, data: GenreDataModule, normalizer: Any, rates: Sequence[float] = ()
    ) -> GenreTask:
        """An untrained task; with `rates` its schedule repeats the learning rates of an earlier training."""
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

    def make_trainee(
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
        return self._task(dataset, split, data, data.fit_normalizer(), rates), data

    def loggers(self) -> list[Any]:
        """Those of the configuration, of this run's name."""
        given = {"run_dir": self.record.folder, "run_id": self.record.data["run_id"], "config": self.config}
        named = [split_name_and_params(option) for option in (self.config["logger"] or {}).values()]
        return [LOGGERS.build(kind, params, **given) for kind, params in named]

    def _fit(
        self, task: GenreTask, data: GenreDataModule, spec: TrainerSpec, loggers: list[Any], resuming: bool
    ) -> Any:
        folder, record = self.record.folder, self.record
        mode: Any = monitor_direction(spec.monitor)
        chosen = [
            CALLBACKS.build(*split_name_and_params(option), monitor=spec.monitor, mode=mode)
            for option in (self.config["callbacks"] or {}).values()
        ]
        checkpoints = BestLastCheckpoint(folder / "checkpoints", spec.monitor, mode)
        own = [
            MetricsCSVWriter(folder / "metrics.csv"),
            EpochProgress(spec.monitor, mode, spec.enable_progress_bar),
            checkpoints,
        ]
        own += trial_pruning(spec.monitor)
        trainer = make_trainer(spec, self.config["accelerator"], folder, loggers, [*chosen, *own])
        task.trainer = trainer  # `fit` attaches it too, but a run that stopped in a later stage does not fit again
        record.data["hardware"] |= {
            "device": str(trainer.strategy.root_device),
            "devices": trainer.world_size,
            "precision": str(trainer.precision),
        }
        last = folder / "checkpoints" / "last.ckpt"
        state = load_checkpoint(last) if resuming and last.exists() else None
        with record.timed_stage("train"), resume_hint_on_interrupt(self.resume_dir, trainer):
            if state is None:
                trainer.fit(task, data)
            elif checkpoints.training_finished(state, spec.max_epochs):  # it stopped in a later stage
                for callback in (*chosen, checkpoints):
                    if callback.state_key in state["callbacks"]:
                        callback.load_state_dict(state["callbacks"][callback.state_key])
            else:
                print(f"resuming after epoch {state['epoch'] + 1}", flush=True)
                trainer.fit(task, data, ckpt_path=last, weights_only=True)
        if checkpoints.best_score is None:
            raise GenrelabError(f"{spec.monitor} was never a number: training diverged; lower optimizer.lr")
        with record.timed_stage("train"):
            self._average(task, data, trainer, chosen, checkpoints)
        record.data["monitor"] = {
            "metric": spec.monitor,
            "mode": mode,
            "best": checkpoints.best_score,
            "best_epoch": checkpoints.best_epoch,
            "epochs": checkpoints.epochs,
        }
        record.data["objective"] = checkpoints.best_score
        record.write()
        return trainer

    def _average(
        self,
        task: GenreTask,
        data: GenreDataModule,
        trainer: Any,
        chosen: Sequence[Any],
        checkpoints: BestLastCheckpoint,
    ) -> None:
        """Where weights were averaged, score the average on val and keep it as best where it is better."""
        averages = [
            callback for callback in chosen if isinstance(callback, EpochWeightAveraging) and callback.count > 1
        ]
        for average in averages:
            average.apply(task, data)
            trainer.validate(task, data, verbose=False)
            value = float(trainer.callback_metrics[checkpoints.monitor])
            checkpoints.save_checkpoint(trainer, "swa.ckpt", weights_only=True)
            wins = is_better(value, checkpoints.best_score, checkpoints.mode)
            print(
                f"average of {average.count} epochs' weights: {checkpoints.monitor} {value:.3f}, "
                f"best epoch {checkpoints.best_score:.3f}: {'kept' if wins else 'not kept'}",
                flush=True,
            )
            self.record.data["swa"] = {"value": value, "kept": wins, "epochs": average.count}
            if wins:
                checkpoints.best_score = value
                if self.record.is_rank_zero:
                    with atomic_path(checkpoints.dirpath / "best.ckpt") as part:
                        part.write_bytes((checkpoints.dirpath / "swa.ckpt").read_bytes())
                trainer.strategy.barrier()

    def _with_best(self, task: GenreTask, data: GenreDataModule) -> GenreTask:
        """The task with the weights of the best checkpoint on val."""
        task.load_weights(load_checkpoint(self.record.folder / "checkpoints" / BEST))
        self._check_batch_norm(task, data)
        return task

    def refit_on_all(self, folds: Sequence[RunRecord]) -> None:
        """Train once more on all tracks of a k-fold run, by the choices of the fold in the middle.

        Leaves what a refitted run leaves: `checkpoints/refit.ckpt`, `out_of_fold.parquet` (the folds' answers for their
        test tracks, which calibrate it), `tracks.parquet`, and in the record `refit` and the tracks of the split.

        Args:
            folds: the finished records of all folds, already pooled into this run's folder and record.
        """
        config, record = self.config, self.record
        choices = [Choices.read(one.folder, one.data) for one in folds]
        fold = middle(choices)
        fitted = load_checkpoint(run_checkpoint(folds[fold].folder))["genrelab"]["model"].get("fitted") or {}
        chosen = replace(choices[fold], temperature=fitted.get("temperature", 1.0))
        record.data["model"] = folds[fold].data["model"]
        tested = read_predictions(record.folder / "predictions.parquet").only("test")
        held_out = replace(tested, split=np.full(len(tested), "val", dtype=object))
        write_predictions(record.folder / OUT_OF_FOLD, held_out)
        dataset = build.read_dataset(config)
        split = build.make_split(config, dataset.index, fold)
        joined = split.joined("val", "test")
        self.labels = read_auxiliary_targets(dataset.index, joined)
        feature_cache, augments = build.make_feature_cache(config, dataset.index), build.make_augments(config)
        build.prepare(feature_cache, dataset, split, augments, backend=config["data"]["feature_backend"])
        self.sound = build.content_thresholds(dataset, split.tracks("val"), feature_cache)
        spec = read_fields(TrainerSpec, config["trainer"], "trainer")
        trainer = make_trainer(spec, config["accelerator"], record.folder, [], [])
        self._refit(dataset, split, ["val", "test"], feature_cache, augments, trainer, chosen, len(folds))
        record.data["split"] |= {"train": list(joined.tracks("train")), "val": [], "test": []}
        write_training_tracks(record.folder / "tracks.parquet", dataset.index, joined)
        record.write()

    def _refit(
        self,
        dataset: Dataset,
        split: Split,
        joined: list[SplitName],
        feature_cache: AnyFeatureCache,
        augments: Sequence[Augment],
        trainer: Any,
        choices: Choices,
        tested_folds: int = 0,
    ) -> tuple[GenreTask, GenreDataModule]:
        """Train once more on train and further parts, by what val chose; see `genrelab.engine.refit`.

        Args:
            dataset: dataset index and taxonomy.
            split: of the first training.
            joined: the parts that join train.
            feature_cache: of all tracks.
            augments: of train's copies.
            trainer: of the first training.
            choices: made on val.
            tested_folds: whose answers for their test tracks calibrate it (`out_of_fold.parquet`); 0: what is fitted at
                once is cross-fitted for such answers, and networks are calibrated on val's.

        Returns:
            The task that answers, and its data.
        """
        config, record = self.config, self.record
        spec = read_fields(TrainerSpec, config["trainer"], "trainer")
        split = split.joined(*joined)
        path = record.folder / "checkpoints" / REFIT
        limit = None if spec.limit_train_batches is None else spec.limit_train_batches * config["data"]["batch_size"]
        with record.timed_stage("refit"), resume_hint_on_interrupt(self.resume_dir, trainer):
            if augments:
                build.prepare(feature_cache, dataset, split, augments, backend=config["data"]["feature_backend"])
            make = partial(self.make_trainee, dataset, feature_cache, augments, choices.rates)
            task, data = make(split)
            tracks = data.rows("train")["track_id"].nunique()
            found = {
                "parts": ["train", *joined],
                "tracks": tracks,
                "train_targets": count_train_targets(data, len(dataset.taxonomy.genres)).tolist(),
                "epochs": choices.epochs or None,
                "held_out": "val",
            }
            if not path.exists():
                epochs = f", {choices.epochs} epoch{'s' * (choices.epochs > 1)}" if choices.epochs else ""
                where = "all tracks" if "test" in joined else "train and val"
                print(f"refit on {where}: {tracks} tracks{epochs}", flush=True)
            fitted = isinstance(task.net, Estimator)
            folds = inner_splits(dataset, split) if fitted and not tested_folds else []
            if count := tested_folds or len(folds):
                found["held_out"] = f"{count} folds"
            if fitted:
                if not path.exists():
                    device = trainer.strategy.root_device
                    if folds:
                        rows, temperature = out_of_fold(make, folds, choices, limit, device)
                        choices = replace(choices, temperature=temperature)
                        write_predictions(record.folder / OUT_OF_FOLD, _predictions("val", rows, data, dataset))
                    refit_estimator(task, data, choices, limit, device, path)
            elif not path.exists():
                refit_network(task, data, config, spec, choices, record.folder)
            task.load_weights(load_checkpoint(path))
        record.data["refit"] = found
        record.write()
        return task, data

    def _predict(
        self, split: SplitName, task: GenreTask, data: GenreDataModule, trainer: Any, dataset: Dataset
    ) -> tuple[Predictions, pd.DataFrame | None]:
        """The answers for val or, once in a run, for test; and those of further heads."""
        with self.record.timed_stage("test"), resume_hint_on_interrupt(self.resume_dir, trainer):
            (trainer.test if split == "test" else trainer.validate)(task, data, verbose=False)
        further = None if self.labels is None else auxiliary_rows(split, task.predictions, self.labels)
        return _predictions(split, task.predictions, data, dataset), further

    def _write_predictions(self, answers: Sequence[tuple[Predictions, pd.DataFrame | None]]) -> None:
        if not self.record.is_rank_zero:
            return
        write_predictions(self.record.folder / "predictions.parquet", concatenate([one for one, _ in answers]))
        if further := [rows for _, rows in answers if rows is not None]:
            write_auxiliary_rows(self.record.folder / LABELS, pd.concat(further, ignore_index=True))

    def _check_batch_norm(self, task: GenreTask, data: GenreDataModule) -> None:
        """Warn where the kept checkpoint's batch norm does not fit evaluation: val and test scores are then too low."""
        if build.is_fitted(self.config) or not self.record.is_rank_zero or (gap := task.bn_gap(data)) is None:
            return
        if task.bn_statistics == "auto":  # resumed after its last epoch
            task.choose_bn_statistics(data, len(data.train_dataloader()))
        self.record.data["batch_norm"] = {"statistics": task.bn_statistics, **gap.to_dict()}
        if gap.too_wide:
            self.record.warn(gap.message(task.bn_statistics, task.bn_after_dropout))

    def _baselines(self, data: GenreDataModule, dataset: Dataset, refitted: GenreDataModule | None) -> None:
        taxonomy = dataset.taxonomy
        name = "baselines/mean_features.parquet"
        found = mean_feature_baseline(data, taxonomy.genres, taxonomy.hash, refitted)
        write_predictions(self.record.folder / name, found)
        self.record.data["baselines"] = {NAME: {"predictions": name}}


def true_share_warning(loss: Any) -> str:
    """Return what to do about a beta that leaves too little of the target to the true genre; "" where it does not."""
    if not getattr(loss, "betas", {}) or (share := getattr(loss, "true_share", 1.0)) >= MIN_TRUE_SHARE:
        return ""
    return (
        f"loss: {share:.2f} of the soft target is on the true genre at beta {loss.beta:g}, below {MIN_TRUE_SHARE} "
        "(use loss=cross_entropy, loss=graph_soft_true_mass, or a larger beta)"
    )


def _predictions(split: str, found: Mapping[str, np.ndarray], data: GenreDataModule, dataset: Dataset) -> Predictions:
    tracks = np.array(data.track_ids, dtype=object)
    several = found["target"] > 0 if data.multilabel_targets is not None else None
    foremost = (
        [data.targets[track] for track in tracks[found["track"]]]
        if data.multilabel_targets is not None
        else found["target"]
    )
    return Predictions(
        split=np.full(len(found["target"]), split, dtype=object),
        track_id=tracks[found["track"]],
        segment_id=found["segment"].astype(np.int32),
        target=np.asarray(foremost).astype(np.int16),
        logits=found["logits"].astype(np.float32),
        genres=dataset.taxonomy.genres,
        taxonomy_hash=dataset.taxonomy.hash,
        targets=several,
    )
