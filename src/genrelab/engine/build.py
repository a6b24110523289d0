"""From a checked configuration to the objects of a run: dataset index, taxonomy, split, store, network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from genrelab.audio import Augment
from genrelab.audio.content_detection import ContentThresholds, analyze_files
from genrelab.audio.registry import AUGMENTS
from genrelab.audio.spec import AudioSpec
from genrelab.config.missing_keys import fill_absent
from genrelab.config.schema import DataSpec, PathsSpec, model_options, read_fields, resolve_path
from genrelab.datamodules import BatchAugmentation, GenreDataModule, OnTheFlyFeatures
from genrelab.datamodules.auxiliary_targets import AuxiliaryTargets
from genrelab.datasets import DatasetIndex
from genrelab.datasets.genre_names import merge_spellings, note_genre_names
from genrelab.datasets.join import join_features
from genrelab.datasets.registry import DATASETS
from genrelab.datasets.splits import Split
from genrelab.datasets.splits.registry import SPLITS
from genrelab.engine.duplicates import inspect_recordings
from genrelab.engine.validate_config import crop_ratio, split_name_and_params
from genrelab.features import make_spec
from genrelab.features.cache import AnyFeatureCache, FeatureCache, PrecomputedFeatureCache, PrepareReport, WaveformCache
from genrelab.losses.registry import LOSSES
from genrelab.models.classical.base import MARK
from genrelab.models.registry import MODELS
from genrelab.taxonomy import Taxonomy, UnknownGenre
from genrelab.taxonomy.hierarchy import SUPERGENRE, cluster_index, supergenre_index, to_supergenres
from genrelab.taxonomy.readers import make_weights
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.training.registry import OPTIMIZERS, SCHEDULERS
from genrelab.utils.errors import ConfigError, GenrelabError

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Dataset:
    """Tracks and the graph of their genres; `index` names genres by the taxonomy's codes."""

    index: DatasetIndex
    taxonomy: Taxonomy


def read_dataset_index(config: Config) -> DatasetIndex:
    """Read the table of tracks, its genres named as the dataset names them, and the features that `join` adds.

    Raises:
        GenrelabError: A file is missing or does not fit, or the join fails (see `join_features`).
    """
    dataset_index = _read_index(config, config["dataset"])
    if not dataset_index.labeled:
        raise ConfigError(["dataset.label: null; name the column of the genre (only files that are joined need none)"])
    for name, option in (config.get("join") or {}).items():
        try:
            other = _read_index(config, option)
        except ConfigError as error:
            raise ConfigError([_renamed(problem, name) for problem in error.problems]) from error
        except GenrelabError as error:
            raise GenrelabError(_renamed(str(error), name)) from error
        dataset_index = join_features(dataset_index, name, other)
    return merge_spellings(dataset_index) if config["data"].get("merge_spellings") else dataset_index


def _read_index(config: Config, option: Config) -> DatasetIndex:
    kind, params = split_name_and_params(option)
    cache = resolve_path(read_fields(PathsSpec, config["paths"], "paths").cache_dir)
    several = config["data"].get("target") == "multi_label"
    dataset_index: DatasetIndex = DATASETS.build(kind, params, cache=cache, multi_label=several)
    return dataset_index


def _renamed(problem: str, name: str) -> str:
    """A reader's message about `dataset.<parameter>`, of a dataset that is configured at `join.<name>`."""
    return f"join.{name}.{problem.removeprefix('dataset.')}" if problem.startswith("dataset.") else problem


def read_taxonomy(config: Config, genres: Sequence[str]) -> Taxonomy:
    """Read the whole taxonomy; `flat` is made of `genres`."""
    kind, params = split_name_and_params(config["taxonomy"])
    taxonomy: Taxonomy = TAXONOMIES.build(kind, params, genres=genres)
    return taxonomy


def read_dataset(config: Config) -> Dataset:
    """Read dataset index and taxonomy, keep the taxonomy's genres that the dataset index has, and look for copies.

    Looking for copies takes one pass over the audio, whose findings are cached.

    Raises:
        GenrelabError: nothing found, or genres that the taxonomy lacks (all of them named).
    """
    dataset_index = read_dataset_index(config)
    names = dataset_index.genres
    taxonomy = read_taxonomy(config, names)
    codes, unknown = {}, []
    for name in names:
        try:
            codes[name] = taxonomy.resolve(name)
        except UnknownGenre as error:
            unknown.append(str(error))
    if unknown:
        raise GenrelabError(
            f"taxonomy={taxonomy.name} lacks {len(unknown)} of the {len(names)} genres of {dataset_index.name}: "
            f"{'; '.join(unknown[:5])}{'; ...' if len(unknown) > 5 else ''}; rename them, or use taxonomy=flat"
        )
    if len(set(codes.values())) < 2:
        raise GenrelabError(
            f"{dataset_index.name}: only {len(set(codes.values()))} genre found; a classifier needs two or more"
        )
    tracks = dataset_index.tracks.assign(genre=dataset_index.tracks["genre"].map(codes))
    if dataset_index.multi_label:
        tracks["genres"] = [tuple(codes[name] for name in several) for several in tracks["genres"]]
    taxonomy = taxonomy.subset(list(codes.values()))
    dataset_index = note_genre_names(dataset_index, codes.__getitem__)
    dataset = Dataset(replace(dataset_index, tracks=tracks), taxonomy)
    if config["data"].get("target") == "supergenre":
        dataset = _of_supergenres(dataset)
    return replace(dataset, index=inspect_recordings(config, dataset.index))


def _of_supergenres(dataset: Dataset) -> Dataset:
    """The same tracks, each of its genre's supergenre."""
    grouped = to_supergenres(dataset.taxonomy)
    tracks = dataset.index.tracks
    named = SUPERGENRE + tracks["genre"].map(dataset.taxonomy.members).astype(object)
    return Dataset(replace(dataset.index, tracks=tracks.assign(genre=named)), grouped)


def make_split(config: Config, dataset_index: DatasetIndex, fold: int | None = None) -> Split:
    """Assign tracks to train, val and test; `fold` chooses one of a k-fold split."""
    kind, params = split_name_and_params(config["split"])
    if fold is not None:
        params = {**params, "fold": fold}
    split: Split = SPLITS.build(kind, params, dataset_index=dataset_index)
    return split


def make_augments(config: Config) -> tuple[Augment, ...]:
    """The further copies that train segments get in the store; those of the step see `make_online`."""
    unused = is_fitted(config) and config["data"]["copies_per_epoch"] != "all"
    return () if unused or config["data"]["on_the_fly"] else _augments(config)


def _augments(config: Config) -> tuple[Augment, ...]:
    kind, params = split_name_and_params(config["augment"])
    augments: tuple[Augment, ...] = AUGMENTS.build(kind, params)
    return augments


def make_feature_cache(config: Config, dataset_index: DatasetIndex | None = None) -> AnyFeatureCache:
    """The store of the configured features, or of those that the dataset brings along."""
    if dataset_index is not None and dataset_index.precomputed is not None:
        return PrecomputedFeatureCache(dataset_index.precomputed)
    audio = read_fields(AudioSpec, config["audio"], "audio")
    specs = [make_spec(name, option, audio) for name, option in config["features"].items()]
    root = resolve_path(config["paths"]["feature_cache_dir"])
    if config["data"]["on_the_fly"]:
        return WaveformCache(root, audio, specs, config["data"]["feature_backend"])
    return FeatureCache(root, audio, specs)


def prepare(
    feature_cache: AnyFeatureCache,
    dataset: Dataset,
    split: Split,
    augments: Sequence[Augment],
    workers: int | None = None,
    backend: str = "numba",
) -> PrepareReport:
    """Build what is missing for a split: all tracks' originals, the train tracks' copies.

    The report lists what the dataset's reader left out too.
    """
    wanted = dataset.index.tracks
    wanted = wanted[wanted["track_id"].isin(list(split.assignment))]
    augmented = frozenset(split.tracks("train"))
    if isinstance(feature_cache, PrecomputedFeatureCache):
        report = feature_cache.prepare(wanted, augments, augmented)
    else:
        report = feature_cache.prepare(wanted, augments, augmented, backend=backend, workers=workers)
    return replace(report, rejected=(*dataset.index.rejected, *report.rejected))


def content_thresholds(
    dataset: Dataset, track_ids: Sequence[str], feature_cache: AnyFeatureCache
) -> ContentThresholds | None:
    """Fit beyond which a recording is silence, noise or speech on some tracks; None where there is no sound."""
    if feature_cache.audio is None:
        return None
    tracks = dataset.index.tracks
    paths = tracks.loc[tracks["track_id"].isin(list(track_ids)), "path"]
    return ContentThresholds.fit(analyze_files(list(paths), feature_cache.audio.sample_rate))


def make_data(
    config: Config, dataset: Dataset, split: Split, feature_cache: AnyFeatureCache, augments: Sequence[Augment]
) -> GenreDataModule:
    """The data module over a prepared store."""
    spec = read_fields(DataSpec, config["data"], "data")
    index = {code: number for number, code in enumerate(dataset.taxonomy.genres)}
    genres = dataset.index.tracks.set_index("track_id")["genre"]
    several = None
    if dataset.index.multi_label:
        all_of = dataset.index.genres_of
        several = {track: [index[genre] for genre in all_of[track]] for track in split.assignment}
    return GenreDataModule(
        feature_cache,
        split,
        {track: index[genres[track]] for track in split.assignment},
        [augment.name for augment in augments],
        batch_size=spec.batch_size,
        copies_per_epoch=spec.copies_per_epoch,
        normalize=spec.normalize,
        seed=config["seed"],
        cache_on_device=spec.cache_on_device,
        multilabel_targets=several,
        n_classes=len(index),
        class_balanced=spec.class_balanced,
    )


def make_changes(config: Config) -> BatchAugmentation:
    """What is changed in train batches at every step."""
    spec = read_fields(DataSpec, config["data"], "data")
    return BatchAugmentation(**{field.name: getattr(spec, field.name) for field in fields(BatchAugmentation)})


def make_online(config: Config, feature_cache: AnyFeatureCache) -> OnTheFlyFeatures | None:
    """What makes features in the step, where the store holds waveforms."""
    return (
        OnTheFlyFeatures(feature_cache.specs, _augments(config)) if isinstance(feature_cache, WaveformCache) else None
    )


def is_fitted(config: Config) -> bool:
    """Whether the configured model is fitted at once, without loss and epochs."""
    return MODELS.marked(str(config["model"]["kind"]), MARK)


def make_network(config: Config, shapes: Sequence[tuple[int, ...]], n_classes: int) -> Any:
    """The network for whole segments of `shapes`, its weights drawn from the run's seed alone."""
    import torch

    from genrelab.models.windowed import build_network

    torch.manual_seed(config["seed"])
    kind, params, _ = model_options(config)
    return build_network(kind, params, shapes, n_classes, crop_ratio(config))


def make_heads(
    config: Config, net: Any, shapes: Sequence[tuple[int, ...]], n_classes: int, labels: AuxiliaryTargets | None
) -> Any:
    """Heads of further labels on the network; None where the dataset has none."""
    if labels is None:
        return None
    import torch

    from genrelab.models.auxiliary_heads import AuxiliaryHeads, last_linear

    sizes = [len(values) for values in labels.classes.values()]
    layer = last_linear(net, shapes, n_classes)
    return AuxiliaryHeads(layer, sizes, torch.from_numpy(labels.truth), config["data"]["aux_loss_weight"])


def make_loss(config: Config, taxonomy: Taxonomy, distances: np.ndarray, prevalence: np.ndarray | None = None) -> Any:
    """The loss, which may know the distances, the supergenres, the clusters and how common genres are in train.

    What is fitted at once minimizes none; its val/loss is the negative log-likelihood.
    """
    import torch

    if is_fitted(config):
        return torch.nn.CrossEntropyLoss()
    kind, params = split_name_and_params(fill_absent(config)["loss"])
    return LOSSES.build(
        kind,
        params,
        distances=torch.from_numpy(np.ascontiguousarray(distances, dtype=np.float32)),
        supergenres=torch.from_numpy(supergenre_index(taxonomy)),
        clusters=torch.from_numpy(cluster_index(taxonomy)),
        prevalence=torch.from_numpy(
            np.ones(len(taxonomy), np.float32) if prevalence is None else np.asarray(prevalence, dtype=np.float32)
        ),
    )


def loss_distances(config: Config, taxonomy: Taxonomy) -> np.ndarray:
    """`[C, C]` distances that losses see: the taxonomy's, or of `graph.weights` at the same mean.

    With `graph.keep_scale` the mean over pairs of genres stays what it is, so that lengths of edges say nothing of
    beta (row A31, whose own objective did not hold it).
    """
    own, given = taxonomy.distances(), config.get("graph") or {}
    if not given.get("weights"):
        return own
    other = taxonomy.distances(make_weights(given["weights"], "graph"))
    pairs = np.isfinite(own) & np.isfinite(other) & (own > 0)
    if given["keep_scale"] and pairs.any():
        other = (other * (own[pairs].mean(dtype=np.float64) / other[pairs].mean(dtype=np.float64))).astype(np.float32)
    return other


def make_optimization(config: Config, mode: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Functions that make the optimizer (of parameters) and the schedule (of the optimizer)."""
    kind, params = split_name_and_params(config["optimizer"])
    schedule_kind, schedule_params = split_name_and_params(config["scheduler"])
    epochs = config["trainer"]["max_epochs"]
    return (
        lambda parameters: OPTIMIZERS.build(kind, params, parameters=parameters),
        lambda optimizer: SCHEDULERS.build(
            schedule_kind, schedule_params, optimizer=optimizer, epochs=epochs, mode=mode
        ),
    )
