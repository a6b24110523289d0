"""The orchestrator: `train`, `resume` and cross-validation. Configuration in, a record and a folder out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from genrelab import assemble
from genrelab.assemble import Config, Dataset
from genrelab.audio.spec import fingerprint
from genrelab.baselines import NAME, mean_feature_baseline
from genrelab.callbacks import Checkpoints, History, Progress
from genrelab.callbacks.averaging import WeightAverage
from genrelab.callbacks.pruning import trial_report
from genrelab.callbacks.stopping import better
from genrelab.checkpoint import CHECKPOINT_FORMAT, load_checkpoint
from genrelab.config.check import check, options
from genrelab.config.schema import TrainerSpec, read_fields
from genrelab.data import GenreDataModule
from genrelab.errors import GenrelabError
from genrelab.estimate import announce
from genrelab.files import atomic_path, shown, write_json
from genrelab.fitting import fit_at_once, tell_fitted, write_plane
from genrelab.folds import pool_folds
from genrelab.known import write_known
from genrelab.labels import FILE as LABELS
from genrelab.labels import Labels, label_rows, read_labels, write_labels
from genrelab.metrics import medoid_of, monitor_direction
from genrelab.predictions import Predictions, concatenate, write_predictions
from genrelab.record import Record
from genrelab.registry import CALLBACKS, LOGGERS
from genrelab.report import choose_examples, print_summary, write_report
from genrelab.split import split_folds
from genrelab.task import GenreTask
from genrelab.taxonomy.groups import ancestor_pairs, supergenre_index
from genrelab.tracking.publish import finish, publish
from genrelab.trainer import interruptible, make_trainer, quiet_lightning

# What a run is not resumed without, as one calls it.
WHAT = {
    "data": "the audio files or the split",
    "targets": "the tracks' genres",
    "taxonomy": "the taxonomy",
    "labels": "the tracks' further labels",
}


def train(config: Config, folder: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Train, test and report one run, or one per fold of a k-fold split.

    Args:
        config: a whole configuration as plain data, see conf/.
        folder: of the run; made anew.
        overrides: the command line it came from, for the record.

    Returns:
        the run's record, as in its `run.json`; `objective` is the best checkpoint's monitored val metric.
    """
    check(config, overrides)
    return _recorded(config, Record.start(folder, config, overrides), resuming=False)


def resume(folder: Path) -> dict[str, Any]:
    """Go on with an interrupted run in its folder, to the result that it would have had.

    Raises:
        GenrelabError: not a run, or finished already.
    """
    folder = folder.expanduser().resolve()
    if not (folder / "run.json").exists():  # a file of the run was named, a checkpoint say
        folder = next((parent for parent in folder.parents if (parent / "run.json").exists()), folder)
    record = Record.read(folder)
    if re.fullmatch(r"fold-\d+", folder.name) and (folder.parent / "run.json").exists():
        raise GenrelabError(f"{folder}: one fold of a run; resume={folder.parent} goes on with all")
    if record.data.get("status") == "finished":
        raise GenrelabError(f"{folder}: this run is finished; its report is {folder / 'report' / 'index.html'}")
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise GenrelabError(f"{folder / 'config.yaml'}: unreadable ({error}); the run cannot be resumed") from error
    check(config)
    return _recorded(config, record, resuming=True)


def _recorded(config: Config, record: Record, resuming: bool) -> dict[str, Any]:
    quiet_lightning()
    folds = split_folds(config["split"])
    with record.status(), _quiet_unless(record.leads):
        print(f"run {record.data['run_id']} in {shown(record.folder)}", flush=True)
        if len(folds) > 1:
            _cross_validate(config, record, folds)
        else:
            _Run(config, record, folds[0] if folds else None).go(resuming)
    if not record.leads:
        return record.data
    print_summary(record.folder)
    if (page := record.folder / "report" / "index.html").exists():
        print(f"report: {shown(page)}", flush=True)
    return record.data


@contextmanager
def _quiet_unless(leads: bool) -> Iterator[None]:
    """Of several training processes only the first talks."""
    with Path(os.devnull).open("w") as nowhere, nullcontext() if leads else redirect_stdout(nowhere):
        yield


def _cross_validate(config: Config, record: Record, folds: Sequence[int]) -> None:
    """One run per fold in a folder of its own; their predictions pooled, so that each track is tested once."""
    records = []
    for fold in folds:
        folder = record.folder / f"fold-{fold}"
        done = (folder / "run.json").exists() and Record.read(folder).data.get("status") == "finished"
        if done:
            print(f"fold {fold}: finished already", flush=True)
            records.append(Record.read(folder))
            continue
        print(f"\nfold {fold + 1} of {len(folds)}", flush=True)
        resuming = (folder / "run.json").exists()
        of_fold = Record.read(folder) if resuming else Record.start(folder, config, record.data["overrides"])
        with of_fold.status():
            _Run(config, of_fold, fold, record.folder).go(resuming)
        records.append(of_fold)
    pool_folds(record, records)
    with record.stage("report"):
        write_report(record.folder)
    if record.leads:
        try:
            publish(_Run(config, record, None).loggers(), record.folder, record.data, log_model=False)
        finally:
            finish()


@dataclass
class _Run:
    """One training with its stages in order; `fold` chooses one of a k-fold split."""

    config: Config
    record: Record
    fold: int | None
    outer: Path | None = None  # of a k-fold run, which is what one resumes
    labels: Labels | None = None  # that tracks have beside the genre

    @property
    def resume_folder(self) -> Path:
        """The folder to name in `resume=`."""
        return self.outer or self.record.folder

    def go(self, resuming: bool) -> None:
        config, record = self.config, self.record
        trainer_spec = read_fields(TrainerSpec, config["trainer"], "trainer")
        with record.stage("catalog"):
            dataset = assemble.read_dataset(config)
            split = assemble.make_split(config, dataset.catalog, self.fold)
            self.labels = read_labels(dataset.catalog, split)
        store = assemble.make_store(config, dataset.catalog)
        augments = assemble.make_augments(config)
        fitted = assemble.is_fitted(config)
        if trainer_spec.estimate and not (resuming or fitted) and record.leads:
            announce(config, dataset, split, store, augments)
        with record.stage("prepare"), interruptible(self.resume_folder):
            report = assemble.prepare(store, dataset, split, augments, engine=config["data"]["engine"])
            data = assemble.make_data(config, dataset, split, store, augments)
            normaliser = data.fit_normaliser()
        print(report.summary(), flush=True)
        self._describe(dataset, split, report, data)
        task = self._task(dataset, split, data, normaliser)
        loggers: list[Any] = []
        error: BaseException | None = None
        try:
            loggers = self.loggers() if record.leads else []
            if fitted:
                with record.stage("train"), interruptible(self.resume_folder):
                    trainer = fit_at_once(task, data, trainer_spec, config["accelerator"], record, loggers, resuming)
            else:
                trainer = self._fit(task, data, trainer_spec, loggers, resuming)
            self._test(task, data, trainer, dataset)
            if fitted:
                with record.stage("test"):
                    write_plane(task, data, record)
            if not record.leads:
                return
            if trainer_spec.baselines:
                with record.stage("baselines"):
                    self._baselines(data, dataset)
            record.write()
            with record.stage("report"):
                pictured = trainer_spec.report and data.several is None
                examples = choose_examples(record.folder, store, data.rows("test")) if pictured else ()
                write_report(record.folder, examples, page=trainer_spec.report)
            log_model = bool((config["logger"].get("wandb") or {}).get("log_model"))
            publish(loggers, record.folder, record.data, log_model)
        except BaseException as caught:
            error = caught
            raise
        finally:
            finish(error)

    def _describe(self, dataset: Dataset, split: Any, report: Any, data: GenreDataModule) -> None:
        """Fill the record with what the data are, and say what a reader must know."""
        record, catalog, taxonomy = self.record, dataset.catalog, dataset.taxonomy
        parts: tuple[Any, ...] = ("train", "val", "test")
        rows = {part: data.rows(part) for part in parts}
        all_of = data.several or {track: [target] for track, target in data.targets.items()}
        counts = np.bincount(
            [target for track in rows["train"]["track_id"].unique() for target in all_of[track]],
            minlength=len(taxonomy.genres),
        )
        if missing := [taxonomy.genres[i] for i in np.flatnonzero(counts == 0)]:
            raise GenrelabError(f"no usable train track in {', '.join(missing)}; add tracks, or leave the genre out")
        record.data["dataset"] = {
            "name": catalog.name,
            "stand_in": bool(catalog.stand_in),
            "notes": list(catalog.notes),
            "tracks": {part: int(rows[part]["track_id"].nunique()) for part in parts},
            "segments": {part: int((rows[part]["augment"] == "none").sum()) for part in parts},
            "train_targets": counts.tolist(),
            "rejected": [[str(path), reason] for path, reason in (*catalog.rejected, *report.rejected)],
            **report.counts(),
        }
        record.data["taxonomy"] = {"name": taxonomy.name, "hash": taxonomy.hash, "source": taxonomy.source}
        prints = {
            "data": fingerprint(
                [rows[part][["track_id", "source", "segment", "augment"]].values.tolist() for part in parts]
            ),
            "targets": fingerprint({track: taxonomy.genres[data.targets[track]] for track in data.track_ids})
            if data.several is None
            else fingerprint({track: [taxonomy.genres[i] for i in data.several[track]] for track in data.track_ids}),
            "taxonomy": fingerprint(taxonomy.to_dict()),
            **{spec.name: spec.fingerprint for spec in data.store.specs},
        }
        if self.labels is not None:
            prints["labels"] = fingerprint([self.labels.to_plain(), self.labels.truth.tolist()])
            record.data["labels"] = self.labels.to_plain()
        began = record.data.get("fingerprints", prints)
        if changed := [WHAT.get(name, f"the feature {name}") for name in prints if began.get(name) != prints[name]]:
            raise GenrelabError(
                f"{record.folder}: {' and '.join(changed)} changed since this run began; start a new run instead"
            )
        record.data["fingerprints"] = prints
        record.data["split"] = {key: value for key, value in split.to_dict().items() if key != "parts"}
        record.data["features"] = [spec.name for spec in data.store.specs]
        if record.leads:
            write_json(record.folder / "split.json", split.to_dict())
            write_known(record.folder / "tracks.parquet", catalog, split)
            write_json(record.folder / "taxonomy.json", taxonomy.to_dict())
        for text in (*catalog.notes, *(self.labels.notes if self.labels else ())):
            record.warn(text)
        if split.unsafe:
            record.warn("UNSAFE: segments of one track stand in train and in test; these scores are no evidence")
        elif split.artist_leak:
            record.warn("artists appear on both sides of the split: scores are too high for new artists (artist_leak)")
        elif split.artists == "unknown":
            record.warn("artists are unknown: one artist may stand on both sides of the split")
        if count := len(record.data["dataset"]["rejected"]):
            record.warn(f"{count} file{'s were' if count > 1 else ' was'} left out; run.json lists them with reasons")
        record.write()

    def _task(self, dataset: Dataset, split: Any, data: GenreDataModule, normaliser: Any) -> GenreTask:
        config, taxonomy = self.config, dataset.taxonomy
        distances = taxonomy.distances()
        net = assemble.make_network(config, data.shapes, len(taxonomy.genres))
        known = self.record.data["dataset"]
        prevalence = np.array(known["train_targets"]) / max(known["tracks"]["train"], 1)
        heads = assemble.make_heads(config, net, data.shapes, len(taxonomy.genres), self.labels)
        loss = assemble.make_loss(config, taxonomy, assemble.loss_distances(config, taxonomy), prevalence)
        mode = monitor_direction(config["trainer"]["monitor"])
        optimizer, schedule = assemble.make_optimization(config, mode)
        kind, params = options(config["model"])
        loss_kind, _ = options(config["loss"])
        betas = getattr(loss, "betas", {})
        self.record.data["model"] = {"kind": kind, "parameters": sum(p.numel() for p in net.parameters())}
        self.record.data["loss"] = {"kind": loss_kind, "beta": None, "effective_beta": None, **betas}
        if assemble.is_fitted(config):
            tell_fitted(self.record, config)
        own = {**params, "weights": None} if "weights" in params else params  # the file holds its weights itself
        content = {
            "format": CHECKPOINT_FORMAT,
            "genres": list(taxonomy.genres),
            "taxonomy": taxonomy.to_dict(),
            "taxonomy_hash": taxonomy.hash,
            "model": {"kind": kind, "params": own, "in_shapes": [list(shape) for shape in data.shapes]},
            "preprocessing": {
                "audio": _plain(data.store.audio.__dict__) if data.store.audio else None,
                "features": [_plain(spec.to_dict()) for spec in data.store.specs],
                "normalise": normaliser.to_plain(),
                "online": bool(config["data"]["online"]),
            },
            "split_hash": split.hash,
            "run_id": self.record.data["run_id"],
            **({} if data.several is None else {"target": "multi_label"}),
            **({} if self.labels is None else {"labels": _plain(self.labels.classes)}),
        }
        return GenreTask(
            net=net,
            loss=loss,
            normaliser=normaliser,
            distances=distances,
            supergenres=supergenre_index(taxonomy),
            medoid=medoid_of(distances, np.array(self.record.data["dataset"]["train_targets"])),
            make_optimizer=optimizer,
            make_schedule=schedule,
            monitor=config["trainer"]["monitor"],
            seed=config["seed"],
            changes=assemble.make_changes(config),
            online=assemble.make_online(config, data.store),
            content=content,
            pairs=None if data.several is None else ancestor_pairs(taxonomy),
            heads=heads,
        )

    def loggers(self) -> list[Any]:
        """Those of the configuration, of this run's name."""
        given = {"run_dir": self.record.folder, "run_id": self.record.data["run_id"], "config": self.config}
        named = [options(option) for option in (self.config["logger"] or {}).values()]
        return [LOGGERS.build(kind, params, **given) for kind, params in named]

    def _fit(
        self, task: GenreTask, data: GenreDataModule, spec: TrainerSpec, loggers: list[Any], resuming: bool
    ) -> Any:
        folder, record = self.record.folder, self.record
        mode: Any = monitor_direction(spec.monitor)
        chosen = [
            CALLBACKS.build(*options(option), monitor=spec.monitor, mode=mode)
            for option in (self.config["callbacks"] or {}).values()
        ]
        checkpoints = Checkpoints(folder / "checkpoints", spec.monitor, mode)
        own = [History(folder / "metrics.csv"), Progress(spec.monitor, mode, spec.progress), checkpoints]
        own += trial_report(spec.monitor)
        trainer = make_trainer(spec, self.config["accelerator"], folder, loggers, [*chosen, *own])
        record.data["hardware"] |= {
            "device": str(trainer.strategy.root_device),
            "devices": trainer.world_size,
            "precision": str(trainer.precision),
        }
        last = folder / "checkpoints" / "last.ckpt"
        state = load_checkpoint(last) if resuming and last.exists() else None
        with record.stage("train"), interruptible(self.resume_folder, trainer):
            if state is None:
                trainer.fit(task, data)
            elif checkpoints.was_over(state, spec.epochs):  # it stopped in a later stage
                for callback in (*chosen, checkpoints):
                    if callback.state_key in state["callbacks"]:
                        callback.load_state_dict(state["callbacks"][callback.state_key])
            else:
                print(f"resuming after epoch {state['epoch'] + 1}", flush=True)
                trainer.fit(task, data, ckpt_path=last, weights_only=True)
        if checkpoints.best is None:
            raise GenrelabError(f"{spec.monitor} was never a number: training diverged; lower optimizer.lr")
        with record.stage("train"):
            self._average(task, data, trainer, chosen, checkpoints)
        record.data["monitor"] = {
            "metric": spec.monitor,
            "mode": mode,
            "best": checkpoints.best,
            "best_epoch": checkpoints.best_epoch,
            "epochs": checkpoints.epochs,
        }
        record.data["objective"] = checkpoints.best
        record.write()
        return trainer

    def _average(
        self, task: GenreTask, data: GenreDataModule, trainer: Any, chosen: Sequence[Any], checkpoints: Checkpoints
    ) -> None:
        """Where weights were averaged, score the average on val and keep it as best where it is better."""
        averages = [callback for callback in chosen if isinstance(callback, WeightAverage) and callback.count > 1]
        for average in averages:
            average.apply(task, data.train_in_order())
            trainer.validate(task, data, verbose=False)
            value = float(trainer.callback_metrics[checkpoints.monitor])
            checkpoints.write(trainer, "swa.ckpt", weights_only=True)
            wins = better(value, checkpoints.best, checkpoints.mode)
            print(
                f"average of {average.count} epochs' weights: {checkpoints.monitor} {value:.3f}, "
                f"best epoch {checkpoints.best:.3f}: {'kept' if wins else 'not kept'}",
                flush=True,
            )
            self.record.data["swa"] = {"value": value, "kept": wins, "epochs": average.count}
            if wins:
                checkpoints.best = value
                if self.record.leads:
                    with atomic_path(checkpoints.folder / "best.ckpt") as part:
                        part.write_bytes((checkpoints.folder / "swa.ckpt").read_bytes())
                trainer.strategy.barrier()

    def _test(self, task: GenreTask, data: GenreDataModule, trainer: Any, dataset: Dataset) -> None:
        """Predict val and, this once, test, with the best checkpoint."""
        best = load_checkpoint(self.record.folder / "checkpoints" / "best.ckpt")
        task.take_weights(best)
        parts, further = [], []
        with self.record.stage("test"), interruptible(self.resume_folder, trainer):
            for split, predict in (("val", trainer.validate), ("test", trainer.test)):
                predict(task, data, verbose=False)
                parts.append(_predictions(split, task.predicted, data, dataset))
                if self.labels is not None:
                    further.append(label_rows(split, task.predicted, self.labels))
        if self.record.leads:
            write_predictions(self.record.folder / "predictions.parquet", concatenate(parts))
            if further:
                write_labels(self.record.folder / LABELS, pd.concat(further, ignore_index=True))

    def _baselines(self, data: GenreDataModule, dataset: Dataset) -> None:
        taxonomy = dataset.taxonomy
        name = "baselines/mean_features.parquet"
        found = mean_feature_baseline(data, taxonomy.genres, taxonomy.hash)
        write_predictions(self.record.folder / name, found)
        self.record.data["baselines"] = {NAME: {"predictions": name}}


def _predictions(split: str, found: Mapping[str, np.ndarray], data: GenreDataModule, dataset: Dataset) -> Predictions:
    tracks = np.array(data.track_ids, dtype=object)
    several = found["target"] > 0 if data.several is not None else None
    foremost = (
        [data.targets[track] for track in tracks[found["track"]]] if data.several is not None else found["target"]
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


def _plain(value: Any) -> Any:
    """Tuples as lists, mappings as dicts: what a checkpoint holds."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
