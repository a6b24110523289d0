"""`genrelab evaluate RUN dataset=...`: other songs predicted by a finished run, written as a run of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from genrelab.audio import AudioError, AudioSpec
from genrelab.config.schema import check_fields
from genrelab.datasets import DatasetIndex
from genrelab.engine.external_evaluation.excerpts import draw_excerpts
from genrelab.evaluation.report import write_report
from genrelab.inference import load_predictor
from genrelab.inference.command import progress_bar
from genrelab.inference.predictor import Predictor
from genrelab.inference.windowing import cut_windows
from genrelab.runs.predictions import Predictions, write_predictions
from genrelab.runs.run_dir import RunDir
from genrelab.runs.run_record import RunRecord
from genrelab.runs.training_tracks import find_overlap, read_training_tracks
from genrelab.taxonomy import Taxonomy, UnknownGenre
from genrelab.taxonomy.hierarchy import resolve_class
from genrelab.utils.errors import ConfigError, GenrelabError
from genrelab.utils.io import shown, write_table

SONG_COLUMNS = ("track_id", "genre", "genres", "artist_id", "condition", "path")


@dataclass(frozen=True)
class NewData:
    """How new songs are scored.

    Args:
        excerpts: how many are drawn of each song; None scores whole songs, segment by segment.
        excerpt_seconds: of each excerpt; None: a segment of the run. Longer ones are cut into the run's segments,
            whose answers are joined.
        seed: of the drawing.
        on_overlap: for songs that the run trained on, or whose artists it did: "error"; "warn" and mark the results;
            or "drop" the songs.
        on_unknown_genre: for songs of genres that the run does not know: "error", or "drop" the songs.
        eval_split: only the songs of this part of the dataset's split; None: all.
    """

    excerpts: int | None = None
    excerpt_seconds: float | None = None
    seed: int = 0
    on_overlap: Literal["error", "warn", "drop"] = "error"
    on_unknown_genre: Literal["error", "drop"] = "error"
    eval_split: Literal["train", "val", "test"] | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NewData:
        """From values of the command line. Raises ConfigError."""
        problems = [text.removeprefix("evaluate.") for text in check_fields(cls, values, "evaluate")]
        if not problems:
            made = cls(**values)
            if made.excerpts is not None and made.excerpts < 1:
                problems.append(f"excerpts: {made.excerpts} is below 1; null scores whole songs")
            if made.excerpt_seconds is not None and made.excerpts is None:
                problems.append("excerpt_seconds: of how many excerpts? Give excerpts=10, say")
        if problems:
            raise ConfigError(problems)
        return made

    def name(self, seconds: float) -> str:
        """Short: "10x3s", or "whole"."""
        return "whole" if self.excerpts is None else f"{self.excerpts}x{self.excerpt_seconds or seconds:g}s"


def score_new_data(
    run: Path, dataset_index: DatasetIndex, how: NewData, out: Path | None = None, overrides: Sequence[str] = ()
) -> Path:
    """Predict the songs of another dataset with a run's best checkpoint, and write predictions and report.

    Args:
        run: folder of a finished run that listens to audio.
        dataset_index: the songs, their genres named as the dataset names them; a column `condition` divides the scores.
        how: excerpts, and what happens to songs that are not new or not known.
        out: folder to write; by default a new one below `RUN/evaluations`.
        overrides: the command line, for the record.

    Returns:
        the folder: `predictions.parquet`, `songs.csv`, `run.json`, `metrics.json` and `report/`.

    Raises:
        GenrelabError: songs that were trained on or unknown genres (unless allowed), excerpts shorter than the run's
            segments, or no song that can be read.
    """
    predictor = load_predictor(run)
    folder = predictor.path.parent.parent
    source = RunDir.read(folder, allow_multilabel=True)
    check_songs(dataset_index, source)
    check_seconds(how, predictor.audio)
    dataset_index, notes = known_genres(dataset_index, predictor.taxonomy, how.on_unknown_genre)
    dataset_index, overlap, more = judge_overlap(dataset_index, source, how.on_overlap)
    target = out or _free(folder / "evaluations" / f"{dataset_index.name}-{how.name(predictor.audio.segment_duration)}")
    record = RunRecord.start(target, {"evaluate": {"run": str(folder), **how.__dict__}}, overrides)
    with record.status():
        with record.timed_stage("test"):
            found, rejected = predict_songs(predictor, dataset_index, how)
        write_predictions(target / "predictions.parquet", found)
        (target / "taxonomy.json").write_bytes((folder / "taxonomy.json").read_bytes())
        songs = dataset_index.tracks[dataset_index.tracks["track_id"].isin(set(found.track_id))]
        if dataset_index.multi_label:
            songs = songs.assign(genres=songs["genres"].map("; ".join))
        write_table(songs[[name for name in SONG_COLUMNS if name in songs]], target / "songs.csv")
        _fill(record, source, dataset_index, found, rejected)
        record.data["overlap"] = {"songs": overlap, "marked": bool(overlap)}
        for text in (*dataset_index.notes, *notes, *more):
            record.warn(text)
        record.write()
        with record.timed_stage("report"):
            write_report(target)
    return target


def check_songs(dataset_index: DatasetIndex, source: RunDir) -> None:
    """Refuse songs that the run cannot hear, or whose genres are not those of its target."""
    if dataset_index.precomputed is not None:
        raise GenrelabError(
            f"{dataset_index.name}: this dataset brings features and no audio; "
            "it cannot be scored by a run that listens"
        )
    if dataset_index.multi_label != source.multi_label:
        has, other = ("several genres", "genre") if dataset_index.multi_label else ("one genre", "multi_label")
        raise GenrelabError(f"{dataset_index.name}: names {has} a song, unlike the run; add target={other}")


def check_seconds(how: NewData, audio: AudioSpec) -> None:
    """Refuse excerpts that a network cannot hear."""
    if how.excerpt_seconds is not None and how.excerpt_seconds < audio.segment_duration - 1e-9:
        raise GenrelabError(
            f"excerpt_seconds: {how.excerpt_seconds:g} s is shorter than the {audio.segment_duration:g} s that the run "
            f"listens to; use {audio.segment_duration:g} or more, or train with audio=segments_3s"
        )


def known_genres(
    dataset_index: DatasetIndex, taxonomy: Taxonomy, on_unknown_genre: Literal["error", "drop"]
) -> tuple[DatasetIndex, list[str]]:
    """The songs whose genres the run knows, named by its codes, and what to say of the others.

    Of several genres a song those that the run knows are kept; the first of them stands for all.
    """
    codes: dict[str, str] = {}
    strange = []
    for name in dataset_index.genres:
        try:
            codes[name] = resolve_class(taxonomy, name)
        except UnknownGenre:
            strange.append(name)
    kept = {
        track: tuple(codes[one] for one in names if one in codes) for track, names in dataset_index.genres_of.items()
    }
    known = dataset_index.tracks["track_id"].map(kept)
    keep = known.map(bool)
    some = ", ".join(strange[:5]) + (", ..." if len(strange) > 5 else "")
    if strange and (on_unknown_genre == "error" or not keep.any()):
        remedy = "none is left" if not keep.any() else "rename them, or leave their songs out by on_unknown_genre=drop"
        raise GenrelabError(
            f"{dataset_index.name}: the run does not know {len(strange)} of its genres: {some}; {remedy}"
        )
    tracks = dataset_index.tracks[keep].assign(genre=known[keep].map(lambda genres: genres[0]))
    if dataset_index.multi_label:
        tracks = tracks.assign(genres=known[keep])
    notes = [f"{int((~keep).sum())} songs of genres that the run does not know are left out: {some}"] if strange else []
    return replace(dataset_index, tracks=tracks), notes


def judge_overlap(
    dataset_index: DatasetIndex, source: RunDir, on_overlap: Literal["error", "warn", "drop"]
) -> tuple[DatasetIndex, dict[str, str], list[str]]:
    """The songs to score, those among them that are not new with the reason, and what to say."""
    known = read_training_tracks(source.path, source.record)
    found = find_overlap(known, str((source.record.get("dataset") or {}).get("name")), dataset_index)
    notes = []
    if known["audio"].isna().all():
        notes.append("the run kept no artists and recordings: only the names of tracks tell whether songs are new")
    elif unknown := int(dataset_index.tracks["artist_id"].isna().sum()):
        notes.append(f"the artists of {unknown} songs are unknown: the run may have trained on others of theirs")
    if not found:
        return dataset_index, {}, notes
    track, reason = next(iter(found.items()))
    some = f"{len(found)} of {len(dataset_index)} songs are not new to the run, such as {track}: {reason} was in train"
    if on_overlap == "error":
        raise GenrelabError(f"{dataset_index.name}: {some}; leave them out by on_overlap=drop, or use on_overlap=warn")
    if on_overlap == "warn":
        return dataset_index, found, [*notes, f"OVERLAP: {some}"]
    rest = [one for one in dataset_index.tracks["track_id"] if one not in found]
    if not rest:
        raise GenrelabError(f"{dataset_index.name}: {some}; none is left")
    return dataset_index.only(rest), {}, [*notes, f"left out: {some}"]


def predict_songs(
    predictor: Predictor, dataset_index: DatasetIndex, how: NewData
) -> tuple[Predictions, list[tuple[str, str]]]:
    """Logits of every excerpt (or segment), and the files that could not be read.

    Raises:
        GenrelabError: none could.
    """
    index = {code: number for number, code in enumerate(predictor.genres)}
    rows: list[tuple[str, list[int], np.ndarray]] = []
    rejected = []
    columns = dataset_index.tracks[["track_id", "path"]].itertuples(index=False, name=None)
    genres = dataset_index.genres_of
    with progress_bar(len(dataset_index)) as advance:
        for track, path in columns:
            seconds = 0.0
            try:
                samples = predictor.decode(path)
                seconds = len(samples) / predictor.audio.sample_rate
                logits = song_logits(predictor, samples, how, track)
                rows.append((track, [index[genre] for genre in genres[track]], logits))
            except AudioError as error:
                rejected.append((str(path), error.reason))
            advance(seconds)
    if not rows:
        raise GenrelabError(
            f"{dataset_index.name}: none of its {len(dataset_index)} files can be read; "
            f"{rejected[0][0]}: {rejected[0][1]}"
        )
    counts = [len(logits) for _, _, logits in rows]
    targets = np.zeros((len(rows), len(index)), dtype=bool)
    for place, (_, found, _) in enumerate(rows):
        targets[place, found] = True
    return Predictions(
        split=np.full(sum(counts), "test", dtype=object),
        track_id=np.repeat(np.array([track for track, _, _ in rows], dtype=object), counts),
        segment_id=np.concatenate([np.arange(count, dtype=np.int32) for count in counts]),
        target=np.repeat(np.array([found[0] for _, found, _ in rows], dtype=np.int16), counts),
        targets=np.repeat(targets, counts, axis=0) if predictor.output_type.multilabel else None,
        logits=np.concatenate([logits for _, _, logits in rows]).astype(np.float32),
        genres=predictor.genres,
        taxonomy_hash=predictor.taxonomy.hash,
    ), rejected


def song_logits(predictor: Predictor, samples: np.ndarray, how: NewData, track_id: str) -> np.ndarray:
    """`[E, C]` logits of a song's excerpts, or of its segments; an excerpt of several segments joins theirs."""
    if how.excerpts is None:
        return predictor.window_logits(predictor.windows(samples))
    audio = predictor.audio
    seconds = how.excerpt_seconds or audio.segment_duration
    drawn = draw_excerpts(samples, audio, how.excerpts, seconds, how.seed, track_id)
    untrimmed = replace(audio, trim_top_db=None)
    cut = [cut_windows(excerpt, untrimmed) for excerpt in drawn]
    logits = predictor.window_logits([window for windows in cut for window in windows])
    if all(len(windows) == 1 for windows in cut):
        return logits
    joined, _ = predictor.output_type.aggregate(
        logits, np.repeat(np.arange(len(cut)), [len(windows) for windows in cut])
    )
    return joined


def _fill(
    record: RunRecord, source: RunDir, dataset_index: DatasetIndex, found: Predictions, rejected: list[tuple[str, str]]
) -> None:
    """What a reader must know, and what the report is made of."""
    first = source.record
    of_run = first.get("dataset") or {}
    songs = pd.Series(found.track_id).nunique()
    record.data |= {
        "kind": "evaluation",
        "of": {"run_id": first.get("run_id", source.path.name), "folder": shown(source.path.resolve())},
        "dataset": {
            "name": dataset_index.name,
            "stand_in": bool(dataset_index.stand_in or of_run.get("stand_in")),
            "notes": list(dataset_index.notes),
            "tracks": {"test": int(songs)},
            "segments": {"test": len(found)},
            "train_targets": of_run.get("train_targets"),
            "train_targets_of": of_run.get("train_targets_of") or (of_run.get("tracks") or {}).get("train"),
            "trained_on": of_run.get("name"),
            "genres": dict(Counter(genre for genres in dataset_index.genres_of.values() for genre in genres)),
            "rejected": [[str(path), reason] for path, reason in (*dataset_index.rejected, *rejected)],
        },
        **{name: first[name] for name in ("taxonomy", "model", "loss", "features", "optimizer") if name in first},
        "split": {
            "kind": "new_data",
            "artists": "apart" if dataset_index.artists == "all" else "unknown",
            "unsafe": False,
        },
        "monitor": {"metric": None, "best": None, "best_epoch": None, "epochs": 0},
    }
    if rejected:
        record.warn(
            f"{len(rejected)} file{'s were' * (len(rejected) > 1) or ' was'} left out; run.json lists them with reasons"
        )


def _free(folder: Path) -> Path:
    """The folder, or the first with a number behind it that holds nothing yet."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free
