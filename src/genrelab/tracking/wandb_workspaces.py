"""Three W&B workspaces over what runs log: the beta sweep, the comparison of features, the single run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from genrelab.utils.errors import GenrelabError

Kind = Literal["curve", "scatter", "bars", "histogram", "media", "table", "number"]
EXTRA = "not installed; pip install 'genrelab[dashboards]'"
ACCURACY, DISTANCE, SKILL = "test/track/accuracy", "test/track/distance", "test/track/distance_skill"


@dataclass(frozen=True)
class Panel:
    """One picture of a workspace.

    Args:
        kind: curve (over epochs), scatter (of runs), bars (means over groups of runs), histogram (of a table's rows),
            media, table, number.
        title: above it.
        keys: logged by runs; of a scatter the first is across and the second up, of a histogram the table.
        by: of bars and curves, the key of the configuration that runs are grouped by.
        columns: of a histogram's table, across and up.
    """

    kind: Kind
    title: str
    keys: tuple[str, ...]
    by: str | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkspaceSpec:
    """One workspace.

    Args:
        name: as W&B lists it.
        sections: title of each, and its panels.
        columns: of the list of runs, pinned.
    """

    name: str
    sections: tuple[tuple[str, tuple[Panel, ...]], ...]
    columns: tuple[str, ...] = ()

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them."""
        return tuple(panel for _, panels in self.sections for panel in panels)


def workspace_specs(features: Sequence[str] = ("pcen", "mfcc")) -> tuple[WorkspaceSpec, ...]:
    """The three workspaces.

    Args:
        features: whose example pictures the single run's workspace shows.
    """
    return (_beta_sweep(), _features(), _single_run(features))


def _beta_sweep() -> WorkspaceSpec:
    against = tuple(
        Panel("scatter", f"{title} against beta", ("beta", key))
        for title, key in (
            ("Mean distance", DISTANCE), ("Distance skill", SKILL), ("Accuracy", ACCURACY),
            ("Supergenre accuracy", "test/track/supergenre_accuracy"), ("Mean distance on val", "val/track/distance"),
            ("Effective genres", "test/track/effective_classes"),
        )
    )  # fmt: skip
    trade = (
        Panel("scatter", "Accuracy against mean distance", (DISTANCE, ACCURACY)),
        Panel("scatter", "Accuracy against distance skill", (SKILL, ACCURACY)),
        Panel("scatter", "Mean distance against effective beta", ("effective_beta", DISTANCE)),
    )
    curves = (
        Panel("curve", "Val distance, mean of each beta", ("val/track/distance",), "beta"),
        Panel("curve", "Val accuracy, mean of each beta", ("val/track/accuracy",), "beta"),
    )
    return WorkspaceSpec(
        "genrelab: beta sweep",
        (("Metric against beta", against), ("Accuracy and distance", trade), ("Learning", curves)),
        ("summary:beta", "summary:effective_beta", f"summary:{DISTANCE}", f"summary:{ACCURACY}"),
    )


def _features() -> WorkspaceSpec:
    scores = (
        ("Accuracy", ACCURACY), ("Mean distance", DISTANCE), ("Distance skill", SKILL),
        ("Macro F1", "test/track/f1_macro"), ("Supergenre accuracy", "test/track/supergenre_accuracy"),
        ("Calibration error", "test/track/ece"),
    )  # fmt: skip
    bars = tuple(Panel("bars", f"{title} by features", (key,), "features_name") for title, key in scores)
    cost = (
        Panel("bars", "Seconds by features", ("seconds",), "features_name"),
        Panel("scatter", "Accuracy against seconds", ("seconds", ACCURACY)),
        Panel("bars", "Accuracy by model", (ACCURACY,), "model_name"),
    )
    curves = (Panel("curve", "Val accuracy, mean of each feature", ("val/track/accuracy",), "features_name"),)
    return WorkspaceSpec(
        "genrelab: features",
        (("Scores", bars), ("What they cost", cost), ("Learning", curves)),
        ("config:features_name", "config:model_name", f"summary:{ACCURACY}", f"summary:{DISTANCE}"),
    )


def _single_run(features: Sequence[str]) -> WorkspaceSpec:
    numbers = tuple(
        Panel("number", title, (key,))
        for title, key in (("Accuracy", ACCURACY), ("Mean distance", DISTANCE), ("Distance skill", SKILL))
    )
    curves = (
        Panel("curve", "Loss", ("train/loss", "val/loss")),
        Panel("curve", "Accuracy", ("train/accuracy", "val/track/accuracy", "val/segment/accuracy")),
        Panel("curve", "Distance", ("val/track/distance", "val/segment/distance")),
    )
    confusions = (
        Panel("media", "Confusion of genres and supergenres, per cent of each true one",
              ("test/confusion_genre_image", "test/confusion_supergenre_image")),
        Panel("table", "Who is taken for whom", ("test/confused_genres",)),
    )  # fmt: skip
    mistakes = (
        Panel("table", "Per genre", ("test/per_genre",)),
        Panel("histogram", "Mistakes by distance", ("test/distances_table",), columns=("distance", "mistakes")),
    )
    examples = tuple(Panel("media", f"Examples, {name}", (f"test/examples_{name}",)) for name in features)
    return WorkspaceSpec(
        "genrelab: single run",
        (
            ("Scores", numbers), ("Learning", curves), ("Confusion", confusions), ("Genres", mistakes),
            ("What the network saw", examples),
        ),
        ("config:model_name", "config:features_name", "config:loss_name", f"summary:{ACCURACY}"),
    )  # fmt: skip


def save_workspaces(project: str, entity: str | None, boards: Sequence[WorkspaceSpec]) -> list[str]:
    """Make the workspaces in a W&B project; each call makes new ones.

    Args:
        project: made by its first run.
        entity: team or user; None is the account's default.
        boards: which.

    Returns:
        their addresses.

    Raises:
        GenrelabError: not installed, nobody is logged in, or W&B refuses.
    """
    try:
        import wandb

        owner = entity or wandb.Api().default_entity
        made = [build_workspace(board, project, str(owner)) for board in boards]
        return [str(workspace.save().url) for workspace in made]
    except ImportError as error:
        raise GenrelabError(f"dashboard: {EXTRA}") from error
    except GenrelabError:
        raise
    except Exception as error:  # the client has exceptions of every kind
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise GenrelabError(
            f"dashboard: W&B did not take it ({reason}); log in with `wandb login`, or name another --entity"
        ) from error


def build_workspace(board: WorkspaceSpec, project: str, entity: str) -> Any:
    """A `wandb_workspaces` workspace, not yet saved; asks no server.

    Raises:
        GenrelabError: the package is not installed.
    """
    try:
        import wandb_workspaces.reports.v2 as reports
        from wandb_workspaces import workspaces
    except ImportError as error:
        raise GenrelabError(f"dashboard: {EXTRA}") from error
    sections = [
        workspaces.Section(name=title, panels=[_panel(reports, panel) for panel in panels], is_open=True)
        for title, panels in board.sections
    ]
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name=board.name,
        sections=sections,
        settings=workspaces.WorkspaceSettings(x_axis="epoch", max_runs=100),
        runset_settings=workspaces.RunsetSettings(pinned_columns=list(board.columns)),
    )


def _panel(wr: Any, panel: Panel) -> Any:
    first = panel.keys[0]
    group = {} if panel.by is None else {"groupby": wr.Config(panel.by), "groupby_aggfunc": "mean"}
    spread = {"groupby_rangefunc": "stddev"} if group else {}
    if panel.kind == "curve":
        return wr.LinePlot(title=panel.title, x="epoch", y=list(panel.keys), **group, **spread)
    if panel.kind == "bars":
        return wr.BarPlot(title=panel.title, metrics=list(panel.keys), orientation="h", **group, **spread)
    if panel.kind == "scatter":
        across, up = (wr.SummaryMetric(key) for key in panel.keys)
        return wr.ScatterPlot(title=panel.title, x=across, y=up)
    if panel.kind == "number":
        return wr.ScalarChart(title=panel.title, metric=first, groupby_aggfunc="mean")
    if panel.kind == "media":
        return wr.MediaBrowser(title=panel.title, media_keys=list(panel.keys), num_columns=2)
    if panel.kind == "table":
        return wr.WeavePanelSummaryTable(table_name=first)
    return wr.CustomChart(
        query={"summaryTable": {"tableKey": first}},
        chart_name="wandb/bar/v0",
        chart_fields=dict(zip(("label", "value"), panel.columns, strict=True)),
        chart_strings={"title": panel.title},
    )


def describe_workspace(board: WorkspaceSpec) -> str:
    """What a workspace shows, as lines for a terminal."""
    lines = [board.name]
    for title, panels in board.sections:
        lines.append(f"  {title}")
        for panel in panels:
            by = f", by {panel.by}" if panel.by else ""
            lines.append(f"    {panel.kind:<9} {panel.title}: {' x '.join(panel.keys)}{by}")
    return "\n".join(lines)
