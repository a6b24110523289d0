"""`report/index.html`: one page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from genrelab.evaluation.report import calibration, formatting, svg, tables
from genrelab.evaluation.report.auxiliary_scores import auxiliary_rows
from genrelab.evaluation.report.error_flow import confused_pair_sentences, error_flow_plot
from genrelab.evaluation.report.examples import Example, data_uri
from genrelab.evaluation.report.figures import curve_panels
from genrelab.evaluation.report.heatmap import heatmap
from genrelab.evaluation.report.pca_plot import PcaProjection, clustering_sentences, pca_plots
from genrelab.metrics import EXTENDED_METRICS, METRICS
from genrelab.metrics.constant_baselines import MAJORITY, MEDOID, RANDOM
from genrelab.runs.run_dir import RunDir

if TYPE_CHECKING:
    from jinja2 import Template

GRAPH_METRICS = ("distance", "distance_skill", "severity", "distance_sd")
METRIC_GROUPS = (
    ("Right answers", ("accuracy", "top3", "top5", "balanced_accuracy", "f1_macro", "precision_macro", "recall_macro")),
    ("On the genre graph", GRAPH_METRICS),
    ("Supergenres", ("supergenre_accuracy", "supergenre_top3")),
    ("Hubs", ("hub_share", "effective_classes", "never_predicted")),
    ("Probabilities", ("nll",)),
)
STYLES = ("accent", "second", "third")


@dataclass(frozen=True)
class ReportData:
    """A run's results, prepared for drawing.

    Args:
        run: the folder.
        metrics: `metrics.json`.
        confusion: `[C, C]` counts of tracks.
        genres: table of genres.
        examples: pictures.
        projection: of a model that was fitted at once; None where there is none.
    """

    run: RunDir
    metrics: Mapping[str, Any]
    confusion: np.ndarray
    genres: pd.DataFrame
    examples: Sequence[Example]
    projection: PcaProjection | None = None

    @property
    def with_supergenres(self) -> bool:
        """Whether supergenres say more than genres do."""
        return 1 < len(self.run.supergenre_codes) < len(self.run.taxonomy.genres)


def render_report(data: ReportData) -> str:
    """The page's HTML. Whatever comes from names and files is escaped."""
    run, metrics = data.run, data.metrics
    common, far = tables.top_confusions(run, data.confusion)
    distances = tables.mistake_distance_table(run, data.confusion)
    return load_template("template.html.jinja").render(
        record=run.record,
        run_id=metrics["run_id"],
        unsafe=run.unsafe,
        overlap=run.n_overlapping,
        conditions=_conditions(metrics.get("conditions") or ()),
        labels=auxiliary_rows(metrics.get("labels") or {}),
        split=run.primary_split,
        tracks=metrics["tracks"][run.primary_split],
        segments=metrics["segments"][run.primary_split],
        taxonomy=run.taxonomy,
        supergenres=data.with_supergenres,
        verdict=formatting.summary_sentences(run, metrics),
        banners=formatting.report_warnings(run, metrics),
        comparisons=_comparisons(data),
        headline=_headline(data),
        levels=_levels(data),
        without_epochs=run.without_epochs,
        calibration=calibration.calibration_plots(run, metrics),
        curves=_curves(run),
        confusions=_confusion_plots(data),
        mistakes=int(distances["mistakes"].sum()),
        histogram=None if run.taxonomy.flat else _histogram(distances),
        flows=error_flow_plot(run, data.confusion),
        confused=confused_pair_sentences(run, data.confusion),
        common=common,
        far=far,
        genres=data.genres.astype(object).where(data.genres.notna(), None).to_dict("records"),
        hubs=tables.hub_genres(run, data.confusion),
        examples=_examples(data),
        pca_plots=[] if data.projection is None else pca_plots(run, data.projection),
        explained=[] if data.projection is None else [round(100 * share) for share in data.projection.explained],
        clustering=_clusters(data),
        config=run.config,
        provenance=provenance(run, metrics),
        clock=formatting.format_duration,
        stages=stages(run.record.get("stage_seconds") or {}),
        rejected=(run.record.get("dataset") or {}).get("rejected") or [],
        baselines=_baseline_titles(data),
        resampling=metrics["resampling"],
    )


def load_template(name: str, package: str = "genrelab.evaluation.report") -> Template:
    """A page's template, which may include the report's `style.css` and `sort.js`; what it shows is escaped."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(package, ""), PackageLoader("genrelab.evaluation.report", "")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)


def displayed_metric_groups(data: ReportData) -> list[tuple[str, list[str]]]:
    """The metrics that say something here: no top 3 of 3 genres, no distances or supergenres where there are none."""
    classes = len(data.run.taxonomy.genres)
    mute = {f"top{k}" for k in (3, 5) if k >= classes}
    if data.run.taxonomy.flat:
        mute |= set(GRAPH_METRICS)
    if not data.with_supergenres:
        mute |= {"supergenre_accuracy", "supergenre_top3"}
    groups = [(title, [name for name in names if name not in mute]) for title, names in METRIC_GROUPS]
    return [(title, names) for title, names in groups if names]


def _baseline_titles(data: ReportData) -> list[dict[str, str]]:
    """Trained baselines first, then the trivial ones, with what each answers."""
    metrics, run = data.metrics, data.run
    title = dict(zip(run.taxonomy.genres, run.taxonomy.titles, strict=True))
    notes = {
        MAJORITY: f"always {title[metrics['majority']]}, the commonest genre in train",
        MEDOID: f"always {title[metrics['medoid']]}, the genre nearest to the train tracks",
        RANDOM: "every genre alike, in expectation",
    }
    names = [
        name for name in metrics["baselines"][run.primary_split]["track"] if not (run.taxonomy.flat and name == MEDOID)
    ]
    ordered = [*(name for name in names if name not in notes), *(name for name in names if name in notes)]
    return [{"name": name, "note": notes.get(name, "trained on the same tracks")} for name in ordered]


def _headline(data: ReportData) -> list[dict[str, Any]]:
    split = data.run.primary_split
    found, baselines = data.metrics[split]["track"], data.metrics["baselines"][split]["track"]
    names = [one["name"] for one in _baseline_titles(data)]

    def row(metric: str) -> dict[str, Any]:
        return {
            "name": formatting.METRIC_TITLES[metric],
            "note": METRICS[metric],
            "own": _cell(metric, found[metric]),
            "baselines": [_cell(metric, baselines[name].get(metric, {})) for name in names],
        }

    return [
        {"title": title, "rows": [row(metric) for metric in group]} for title, group in displayed_metric_groups(data)
    ]


def _cell(metric: str, found: Mapping[str, float | None]) -> tuple[str, str]:
    """A value and its interval, as shown."""
    return formatting.format_metric(metric, found.get("value")), formatting.format_interval(metric, found)


def _conditions(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """New songs by condition, as shown."""
    made = []
    for row in rows:
        cells: list[tuple[str, str]] = []
        for level, count in (("track", "songs"), ("segment", "excerpts")):
            cells.append((str(row[count]), ""))
            cells += [_cell("accuracy", row[level][f"top{k}"]) for k in (1, 2, 3)]
        made.append({"condition": row["condition"], "cells": cells})
    return made


def _levels(data: ReportData) -> dict[str, Any]:
    """Both parts at both levels, side by side."""
    metrics = data.metrics
    columns = [(split, level) for split in data.run.parts for level in ("track", "segment")]
    rows = []
    for metric in (
        *(name for _, group in displayed_metric_groups(data) for name in group),
        *calibration.displayed_extended_metrics(data.run),
    ):
        cells = [_cell(metric, metrics[split][level].get(metric, {})) for split, level in columns]
        rows.append(
            {"name": formatting.METRIC_TITLES[metric], "note": {**METRICS, **EXTENDED_METRICS}[metric], "cells": cells}
        )
    refitted = (data.run.record.get("refit") or {}).get("parts", ())
    names = {"val": "val, before the refit"} if "val" in refitted and "test" not in refitted else {}
    if data.run.record.get("race"):
        names = {"val": "val, out of fold", "test": "test, nested"}
    heads = [(names.get(split, split), f"{level}s", metrics[f"{level}s"][split]) for split, level in columns]
    return {"heads": heads, "rows": rows}


def _comparisons(data: ReportData) -> list[Markup]:
    """Accuracy and distance against the baselines, drawn."""
    split = data.run.primary_split
    baselines = data.metrics["baselines"][split]["track"]
    rows = [("this run", data.metrics[split]["track"])]
    rows += [(one["name"], baselines[one["name"]]) for one in _baseline_titles(data)]
    notes = {"accuracy": "more is better", "distance": "edges to the truth: less is better"}
    plots = []
    for metric in ("accuracy",) if data.run.taxonomy.flat else ("accuracy", "distance"):
        marks = []
        for number, (name, found) in enumerate(rows):
            one = found.get(metric, {})
            if one.get("value") is not None:
                bounds = None if one["low"] is None else (one["low"], one["high"])
                marks.append(svg.IntervalMark(name, one["value"], bounds, strong=number == 0))
        plots.append(
            svg.interval_chart(
                formatting.METRIC_TITLES[metric], marks, metric in formatting.PERCENT_METRICS, notes[metric]
            )
        )
    return plots


def _curves(run: RunDir) -> list[Markup]:
    table = run.curves.head(0) if run.without_epochs else run.curves
    best = (run.record.get("monitor") or {}).get("best_epoch")
    plots = []
    for title, share, columns in curve_panels(run.taxonomy.flat):
        lines = [
            svg.Series(label, table["epoch"].to_numpy(float) + 1, table[column].to_numpy(float), style)
            for (column, label), style in zip(columns, STYLES, strict=False)
            if column in table and np.isfinite(table[column].to_numpy(float)).any()
        ]
        if lines:
            plots.append(svg.line_chart(title, lines, share, None if best is None else best + 1))
    return plots


def _confusion_plots(data: ReportData) -> list[dict[str, Any]]:
    """Genres (ordered by supergenre) and supergenres, each as counts and as per cent."""
    run = data.run
    order = np.argsort(run.supergenres, kind="stable")
    group_titles = [run.taxonomy.supergenres[code] for code in run.supergenre_codes]
    names = [run.taxonomy.titles[i] for i in order]
    groups = [group_titles[run.supergenres[i]] for i in order]
    matrices = [("genre", "Genres", data.confusion[np.ix_(order, order)], names, groups)]
    if data.with_supergenres:
        counts = tables.supergenre_confusion(data.confusion, run.supergenres)
        matrices.append(("supergenre", "Supergenres", counts, group_titles, group_titles))
    return [
        {
            "key": key,
            "title": title,
            "counts": heatmap(counts, labels, blocks, False, f"{title}: counts"),
            "percent": heatmap(tables.row_percent(counts), labels, blocks, True, f"{title}: per cent of the row"),
        }
        for key, title, counts, labels, blocks in matrices
    ]


def _histogram(distances: pd.DataFrame) -> Markup | None:
    if not distances["mistakes"].sum():
        return None
    values, counts, chance = (distances[name].tolist() for name in ("distance", "mistakes", "random"))
    return svg.histogram(values, counts, chance, unit="mistakes")


def _examples(data: ReportData) -> list[dict[str, Any]]:
    taxonomy = data.run.taxonomy
    title = dict(zip(taxonomy.genres, taxonomy.titles, strict=True))
    found = []
    for name, group in groupby(data.examples, key=lambda one: one.title):
        pictures = list(group)
        found.append(
            {
                "title": name,
                "genre": title.get(pictures[0].genre, pictures[0].genre),
                "answer": title.get(pictures[0].answer, pictures[0].answer),
                "right": pictures[0].genre == pictures[0].answer,
                "pictures": [(_caption(one), Markup(data_uri(one.picture, one.colors))) for one in pictures],
            }
        )
    return found


def _clusters(data: ReportData) -> dict[str, Any] | None:
    """What is said of clusters; None where there are none."""
    found = data.metrics.get("clustering")
    if not found:
        return None
    title = dict(zip(data.run.taxonomy.genres, data.run.taxonomy.titles, strict=True))
    rows = [
        {
            **row,
            "title": title[row["genre"]],
            "share": row["right"] / row["segments"] if row["segments"] else None,
            "commonest": ", ".join(f"{title[code]} {count}" for code, count in row["commonest"]),
        }
        for row in found["table"]
    ]
    splits = [(split, found[split]) for split in ("train", "val", "test") if split in found]
    return {"said": clustering_sentences(found, data.run.parts)[0], "rows": rows, "parts": splits}


def _caption(example: Example) -> str:
    """A feature's name, and what its colors mean where that is not plain."""
    return example.feature_name + (": red above 0, blue below" if example.colors == "RdBu_r" else "")


def stages(seconds: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """(stage, seconds, share of all)."""
    total = sum(seconds.values()) or 1.0
    return [(name, value, value / total) for name, value in seconds.items()]


def provenance(run: RunDir, metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where the numbers come from, as name and text; what the record lacks is left out."""
    record, split = run.record, run.record.get("split") or {}
    model, loss, monitor = (record.get(name) or {} for name in ("model", "loss", "monitor"))
    parameters = f", {model['parameters']:,} parameters" if model.get("parameters") is not None else ""
    beta = f", beta {loss['beta']:g}" if loss.get("beta") is not None else ""
    if beta and loss.get("effective_beta") not in (None, loss["beta"]):
        beta += f" ({loss['effective_beta']:g} per edge)"
    best = ""
    if monitor.get("best") is not None and monitor.get("best_epoch") is not None:
        best = f"best {monitor['best']:.3f} in epoch {monitor['best_epoch'] + 1} of {monitor.get('epochs', '?')}"
    elif monitor.get("best") is not None and run.without_epochs:
        best = f"{monitor['best']:.3f}"
    commit = str(record.get("commit") or "")
    pairs = [
        ("Command", record.get("command")),
        ("Model", f"{model['kind']}{parameters}" if model.get("kind") else None),
        ("Fitted", _fitted(model.get("fitted") or {})),
        ("Refit", _refit(record.get("refit") or {})),
        ("Members", ", ".join(_member(one) for one in record.get("members") or ())),
        ("Features", ", ".join(record.get("features") or ())),
        ("Loss", f"{loss['kind']}{beta}" if loss.get("kind") else None),
        ("Monitor", ", ".join(filter(None, (monitor.get("metric"), best)))),
        ("Dataset", _dataset(run)),
        (
            "Split",
            ", ".join(
                f"{k} {split[k]}" for k in ("kind", "seed", "artists", "fold", "hash") if split.get(k) is not None
            ),
        ),
        ("Taxonomy", f"{run.taxonomy.name}, {len(run.taxonomy.genres)} genres, hash {run.taxonomy.hash}"),
        ("Facts from", run.taxonomy.source),
        ("Tracks from segments", metrics["aggregation"].replace("_", " ")),
        (
            "Commit",
            f"{commit[:12]}{' and uncommitted changes (changes.diff)' if record.get('changed') else ''}"
            if commit
            else None,
        ),
        ("Versions", ", ".join(f"{k} {v}" for k, v in (record.get("versions") or {}).items())),
        ("Hardware", ", ".join(f"{k} {v}" for k, v in (record.get("hardware") or {}).items())),
        ("Fingerprints", ", ".join(f"{k} {v}" for k, v in (record.get("fingerprints") or {}).items())),
    ]
    return [(name, str(value)) for name, value in pairs if value]


def _member(one: Mapping[str, Any]) -> str:
    weight = f", weight {one['weight']:.2f}" if "weight" in one else ""
    return f"{one.get('model')} ({one.get('run_id')}{weight})"


def _fitted(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in found.items() if not isinstance(v, list | dict))


def _refit(found: Mapping[str, Any]) -> str:
    if not found:
        return ""
    epochs = f", {found['epochs']} epochs" if found.get("epochs") else ""
    return f"on {' and '.join(found['parts'])}, {found['tracks']} tracks{epochs}; calibrated on {found['held_out']}"


def _dataset(run: RunDir) -> str:
    dataset = run.record.get("dataset") or {}
    tracks = ", ".join(f"{count} {split}" for split, count in (dataset.get("tracks") or {}).items())
    return ": ".join(filter(None, (dataset.get("name"), f"{tracks} tracks" if tracks else "")))
