"""One training with its stages in order: dataset index, prepare, train, test, baselines, report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from genrelab.config.schema import TrainerSpec, read_fields
from genrelab.datamodules import GenreDataModule
from genrelab.datamodules.auxiliary_targets import FILE as LABELS
from genrelab.datamodules.auxiliary_targets import auxiliary_rows, read_auxiliary_targets, write_auxiliary_rows
from genrelab.datamodules.genre_datamodule import SplitName
from genrelab.engine import build
from genrelab.engine.build import Config, Dataset
from genrelab.engine.dataset_record import record_dataset
from genrelab.engine.linear_baseline import NAME, mean_feature_baseline
from genrelab.engine.refit import Choices, refits
from genrelab.engine.refit_stage import refit
from genrelab.engine.runtime_estimate import print_runtime_estimate
from genrelab.engine.sklearn_fit import fit_sklearn, write_pca_projection
from genrelab.engine.track_predictions import make_predictions
from genrelab.engine.trainees import Trainees
from genrelab.engine.validate_config import split_name_and_params
from genrelab.evaluation.report import choose_examples, write_report
from genrelab.metrics import monitor_direction
from genrelab.runs.checkpoint import BEST, load_checkpoint
from genrelab.runs.predictions import Predictions, concatenate, write_predictions
from genrelab.runs.run_record import RunRecord
from genrelab.tracking.publish import finish, publish
from genrelab.tracking.registry import LOGGERS
from genrelab.training.callbacks import BestLastCheckpoint, EpochProgress, MetricsCSVWriter
from genrelab.training.callbacks.optuna_pruning import trial_pruning
from genrelab.training.callbacks.swa import EpochWeightAveraging, keep_better
from genrelab.training.registry import CALLBACKS
from genrelab.training.task import GenreTask
from genrelab.training.trainer import make_trainer, raise_interrupts
from genrelab.utils.errors import GenrelabError


@dataclass
class TrainingPipeline:
    """One training with its stages in order; `fold` chooses one of a k-fold split."""

    config: Config
    record: RunRecord
    fold: int | None
    parent_dir: Path | None = None  # of a k-fold run, which is what one resumes

    @cached_property
    def trainees(self) -> Trainees:
        """What makes its tasks."""
        return Trainees(self.config, self.record)

    def run(self, resuming: bool) -> None:
        """All stages; with resuming those that the folder's last checkpoint has not seen."""
        config, record = self.config, self.record
        trainer_spec = read_fields(TrainerSpec, config["trainer"], "trainer")
        with record.timed_stage("catalog"):
            dataset = build.read_dataset(config)
            split = build.make_split(config, dataset.index, self.fold)
            self.trainees.labels = read_auxiliary_targets(dataset.index, split)
        feature_cache = build.make_feature_cache(config, dataset.index)
        augments = build.make_augments(config)
        fitted = build.is_fitted(config)
        first = self.parent_dir is None or self.fold == 0  # the estimate is of all folds
        if trainer_spec.estimate and first and not resuming and record.is_rank_zero:
            print_runtime_estimate(config, dataset, split, feature_cache, augments)
        with record.timed_stage("prepare"):
            report = build.prepare(feature_cache, dataset, split, augments, backend=config["data"]["feature_backend"])
            data = build.make_data(config, dataset, split, feature_cache, augments)
            normalizer = data.fit_normalizer()
            self.trainees.sound = build.content_thresholds(dataset, split.tracks("val"), feature_cache)
        print(report.summary(), flush=True)
        record_dataset(record, config, dataset, split, report, data, self.trainees.labels)
        task = self.trainees.untrained(dataset, split, data, normalizer)
        self.trainees.record_model(task)
        loggers: list[Any] = []
        error: BaseException | None = None
        try:
            loggers = self.loggers() if record.is_rank_zero else []
            if fitted:
                with record.timed_stage("train"):
                    trainer = fit_sklearn(task, data, trainer_spec, config["accelerator"], record, loggers, resuming)
            else:
                trainer = self._fit(task, data, trainer_spec, loggers, resuming)
            answers = [self._predict("val", self._with_best(task, data), data, trainer, dataset)]
            refitted = None
            if refits(config):
                task, refitted = refit(
                    self.trainees,
                    dataset,
                    split,
                    ["val"],
                    feature_cache,
                    augments,
                    trainer,
                    Choices.read(record.folder, record.data),
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
        with record.timed_stage("train"), raise_interrupts(trainer):
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
            averages = [one for one in chosen if isinstance(one, EpochWeightAveraging) and one.count > 1]
            for average in averages:
                record.data["swa"] = keep_better(average, task, data, trainer, checkpoints)
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

    def _with_best(self, task: GenreTask, data: GenreDataModule) -> GenreTask:
        """The task with the weights of the best checkpoint on val."""
        task.load_weights(load_checkpoint(self.record.folder / "checkpoints" / BEST))
        self._check_batch_norm(task, data)
        return task

    def _predict(
        self, split: SplitName, task: GenreTask, data: GenreDataModule, trainer: Any, dataset: Dataset
    ) -> tuple[Predictions, pd.DataFrame | None]:
        """The answers for val or, once in a run, for test; and those of further heads."""
        with self.record.timed_stage("test"), raise_interrupts(trainer):
            (trainer.test if split == "test" else trainer.validate)(task, data, verbose=False)
        labels = self.trainees.labels
        further = None if labels is None else auxiliary_rows(split, task.predictions, labels)
        return make_predictions(split, task.predictions, data, dataset), further

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
