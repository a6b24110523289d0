"""`genrelab auto`: from a folder of music to one run, within a budget of seconds."""

from __future__ import annotations

import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from genrelab.config import compose, launch_id
from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.splits import Split, SplitError
from genrelab.datasets.splits.stratified_group import GroupBy, judge_artists
from genrelab.engine import build
from genrelab.engine.auto.candidates import Candidate, list_candidates, needed_features
from genrelab.engine.auto.final_run import write_final_run
from genrelab.engine.auto.networks import estimate_network, network_fit
from genrelab.engine.auto.outcome import decide, summarize
from genrelab.engine.auto.page import race_table, write_race_page
from genrelab.engine.auto.race import Fit, Race, RaceData, estimator_fit, measure_fit, nested_folds, read_rows
from genrelab.engine.dataset_record import record_dataset
from genrelab.engine.pipeline import TrainingPipeline
from genrelab.engine.trainees import Trainees
from genrelab.engine.validate_config import check
from genrelab.features.cache import PrecomputedFeatureCache, PrepareReport
from genrelab.models.musicnn import hash_weights
from genrelab.runs.run_record import RunRecord
from genrelab.tracking.publish import finish, publish
from genrelab.training.trainer import quiet_lightning
from genrelab.utils.errors import ConfigError, GenrelabError, report_progress_on_interrupt
from genrelab.utils.io import shown, write_json
from genrelab.utils.trust import TRUST_FLAG

DEFAULTS = ("audio=segments_30s", "augment=none", "trainer.estimate=false", "trainer.enable_progress_bar=false")
# What candidates decide, so that it cannot be asked for.
DECIDED = ("features", "model", "recipe", "loss", "optimizer", "scheduler", "callbacks", "join", "refit", "experiment")
DEFAULT_BUDGET = "10min"
UNITS = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600}


def parse_budget(text: str) -> float:
    """Return the seconds of a duration such as "30s", "10min", "1h" or "600".

    Raises:
        GenrelabError: It is none, or not above 0.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.lower())
    if not match or (match[2] or "s") not in UNITS or not float(match[1]):
        raise GenrelabError(f"--budget {text}: not a duration (use 30s, 10min or 1h)")
    return float(match[1]) * UNITS[match[2] or "s"]


def start_race(music: str | None, overrides: Sequence[str], budget: str, out: Path | None = None) -> Path:
    """Run a race on a collection of music, and write the run that it chooses.

    Args:
        music: A folder of genres; None where `overrides` name the dataset whole.
        overrides: Of the configuration.
        budget: See `parse_budget`.
        out: Folder of the run; by default one of the launch's name below `paths.runs_dir`.

    Returns:
        The folder.

    Raises:
        GenrelabError: The dataset cannot be read or parted, or an override that candidates decide.
    """
    seconds = parse_budget(budget)
    if decided := [text for text in overrides if re.split(r"[.=@]", text.lstrip("+~"))[0] in DECIDED]:
        raise ConfigError([f"{text}: auto chooses it (leave it out)" for text in decided])
    named = any(text.startswith("dataset=") for text in overrides)
    if music is None and not named:
        raise GenrelabError("auto: no music named (name the folder that holds one folder per genre)")
    given = [*DEFAULTS, *([] if named else ["dataset=folder"]), *overrides]
    given += [] if music is None else [f"dataset.root='{Path(music).expanduser().absolute()}'"]
    config = compose(given)
    folder = out or Path(config["paths"]["runs_dir"]).expanduser() / launch_id()
    record = RunRecord.start(folder, config, given)
    asked = [*([] if music is None else [music]), *overrides, "--budget", budget]
    record.data |= {"kind": "auto", "command": shlex.join(["genrelab", "auto", *asked])}
    record.data["auto"] = {"overrides": given, "budget": seconds}
    return _race(record)


def resume_race(folder: Path, trusted: bool = True) -> Path:
    """Go on with an interrupted race, to the result that it would have had.

    Args:
        folder: of the race.
        trusted: whether the race is one's own, whose overrides may do all that Hydra can.

    Raises:
        GenrelabError: No race, or finished already; overrides that could do more than set values.
    """
    record = RunRecord.read(folder.expanduser().resolve())
    if "auto" not in record.data:
        raise GenrelabError(f"{folder}: not a race (go on with: python train.py resume={folder})")
    if record.data.get("status") == "finished":
        raise GenrelabError(f"{folder}: this race is finished; its report is {folder / 'report' / 'race.html'}")
    given = record.data["auto"]["overrides"]
    if not trusted and (odd := [text for text in given if "${" in text or re.match(r"[+~]*(plugins|hydra)\b", text)]):
        raise ConfigError(
            [
                f"{folder / 'run.json'}: {text}: runs code or reads the environment ({TRUST_FLAG} allows it)"
                for text in odd
            ]
        )
    return _race(record)


def _race(record: RunRecord) -> Path:
    quiet_lightning()
    folder = record.folder
    error: BaseException | None = None
    hint = f"go on with: genrelab auto --resume {shown(folder)}"
    try:
        with record.status(), report_progress_on_interrupt(lambda: "", hint):
            print(f"run {record.data['run_id']} in {shown(folder)}", flush=True)
            _run(record)
    except BaseException as caught:
        error = caught
        raise
    finally:
        finish(error)
    return folder


def _run(record: RunRecord) -> None:
    started = time.perf_counter()
    given: list[str] = record.data["auto"]["overrides"]
    base = compose(given)
    with record.timed_stage("catalog"):
        dataset = build.read_dataset(base)
    if dataset.index.multi_label:
        raise GenrelabError(
            "auto: tracks have several genres each, which a race cannot score (train one model instead)"
        )
    precomputed = dataset.index.precomputed
    names = [] if precomputed is None else [spec.name for spec in PrecomputedFeatureCache(precomputed).specs]
    candidates = list_candidates(names, _has_musicnn(), networks=True)
    configure = partial(_configure, given)
    everything = Candidate("all", "majority", tuple(needed_features(candidates)))
    config = configure(everything, {})
    check(config)
    dataset, split, facts, data = _prepare(
        record, config, dataset, explicit=any("split.group_by" in one for one in given)
    )
    fits: list[tuple[Candidate, Fit]] = []
    estimates: dict[str, Callable[[], float]] = {}
    for candidate in candidates:
        if candidate.network:
            own = configure(candidate, {})
            trainees, single = Trainees(own, record), build.make_feature_cache(own, dataset.index)
            fits.append((candidate, network_fit(trainees, dataset, single, data)))
            estimates[candidate.title] = estimate_network(own, single, data)
        else:
            fits.append((candidate, estimator_fit(candidate, data)))
    measure = measure_fit(data)

    def estimate(candidate: Candidate, fit: Fit) -> float:
        return estimates[candidate.title]() if candidate.network else measure(candidate, fit)

    with record.timed_stage("train"), _progress(len(fits) * len(data.parts)) as progress:
        race = Race(record.folder / "auto", data, fits, record.data["auto"]["budget"], estimate, progress)
        results, left_out = race.run(time.perf_counter() - started)
    outcome = decide(results, data)
    summary = summarize(outcome, results, data, left_out, facts)
    write_json(record.folder / "race.json", summary)
    for title, reason in left_out.items():
        print(f"left out: {title}: {reason}", flush=True)
    record.data["race"] = {name: summary[name] for name in ("sentence", "chosen", "nested", "left_out")}
    by_title = {candidate.title: candidate for candidate in candidates}
    write_final_run(record, configure, dataset, split, by_title, results, data, outcome)
    write_race_page(record.folder, summary)
    _show(record, summary)
    publish(TrainingPipeline(config, record, None).loggers(), record.folder, record.data, log_model=False)


def _prepare(
    record: RunRecord, config: dict[str, Any], dataset: build.Dataset, explicit: bool
) -> tuple[build.Dataset, Split, dict[str, Any], RaceData]:
    """Compute features once, part the tracks, and record the dataset."""
    cache = build.make_feature_cache(config, dataset.index)
    with record.timed_stage("prepare"):
        ids = dataset.index.tracks["track_id"].tolist()
        whole = Split(dict.fromkeys(ids, "train"), "auto", refit=True)
        report: PrepareReport = build.prepare(cache, dataset, whole, (), backend=config["data"]["feature_backend"])
    print(report.summary(), flush=True)
    usable = set(cache.rows(ids)["track_id"])
    dataset = build.Dataset(dataset.index.only([track for track in ids if track in usable]), dataset.taxonomy)
    group_by: GroupBy = config["split"].get("group_by", "artist")
    folds, refused = _folds(dataset.index, config["seed"], group_by, explicit)
    if refused:
        group_by = None
    ids = dataset.index.tracks["track_id"].tolist()
    places: dict[str, Any] = dict(zip(ids, map(str, folds[0].tolist()), strict=True))
    artists, leak, crossing, notes = judge_artists(places, dataset.index, group_by)
    notes = (*([refused] if refused else []), *notes)
    whole = Split(
        dict.fromkeys(ids, "train"), "auto", config["seed"], artists, leak, crossing, notes=notes, refit=True,
        folds=int(folds[0].max()) + 1,
    )  # fmt: skip
    for note in notes:
        record.warn(note)
    data_module = build.make_data(config, dataset, whole, cache, ())
    record_dataset(record, config, dataset, whole, report, data_module, None)
    data = read_rows(dataset.index, cache, dataset.taxonomy.genres, config["seed"], group_by, folds)
    return dataset, whole, {"artists": artists, "artist_leak": leak, "notes": list(notes)}, data


def _folds(
    index: DatasetIndex, seed: int, group_by: GroupBy, explicit: bool
) -> tuple[tuple[np.ndarray, dict[str, np.ndarray]], str]:
    """Nested folds, and why artists are ignored in them: "" where they are not, or where that was asked for."""
    try:
        return nested_folds(index, seed, group_by), ""
    except SplitError as error:
        if explicit or group_by is None:
            raise
        few = str(error).partition(": add")[0].rpartition(" in ")[2]
        reason = (
            f"artists cannot be kept apart in {few}: they are ignored, and every result is marked artist_leak "
            "(add tracks of other artists or leave these genres out; split.group_by=artist stops here instead)"
        )
        return nested_folds(index, seed, None), reason


def _configure(given: Sequence[str], candidate: Candidate, chosen: Mapping[str, float]) -> dict[str, Any]:
    return compose([*given, *candidate.compose_overrides(chosen)])


def _has_musicnn() -> bool:
    """Whether musicnn's weights are installed."""
    try:
        hash_weights("MSD_musicnn", "features.musicnn.weights")
    except GenrelabError:
        return False
    return True


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Candidate, str], None]]:
    """A bar over candidates and parts; a line for each candidate where there is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("race"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"),
        console=console, transient=True,
    )  # fmt: skip
    last = ""

    def advance(candidate: Candidate, part: str) -> None:
        nonlocal last
        bar.update(task, advance=1, description=f"{candidate.title}, fold {part}")
        if candidate.title != last and not console.is_terminal:
            print(f"racing: {candidate.title}", file=sys.stderr, flush=True)
        last = candidate.title

    with bar:
        task = bar.add_task("", total=total)
        yield advance


def _show(record: RunRecord, summary: Mapping[str, Any]) -> None:
    from rich.console import Console

    Console().print(race_table(summary))
    print(summary["sentence"])
    print(f"report: {shown(record.folder / 'report' / 'race.html')}")
    print(f"next: genrelab predict {shown(record.folder)} SONG, or genrelab app {shown(record.folder)}", flush=True)
