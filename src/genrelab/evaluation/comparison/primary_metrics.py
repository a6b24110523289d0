"""Which metrics stand where in a comparison: of runs of one genre a track, and of several."""

from __future__ import annotations

from dataclasses import dataclass

from genrelab.evaluation.report.multilabel_scores import PRIOR_BASELINE
from genrelab.metrics.constant_baselines import MAJORITY, MEDOID


@dataclass(frozen=True)
class MetricSelection:
    """Metrics by place, the likeliest to be wanted first.

    Args:
        primary: what a sentence says first, and what baselines are shown by.
        summary: whose verdicts stand in the sentences.
        console: in this order, as far as they fit: the first two come before the baselines.
        console_last: after epochs and time.
        console_tests: against a reference, on the terminal; `page_tests` on the page.
        table: of `table.md`.
        plotted: as pictures; `over_beta` where beta varies.
        reference_lines: whose baselines are the same for all rows and stand in pictures.
        csv_baselines: whose baselines stand in `table.csv`.
        constant_baseline: the name of the answer that knows nothing of the music; `of_distance` that of distances.
        constant_description: what it is, for a reader.
    """

    primary: str
    summary: tuple[str, ...]
    console: tuple[str, ...]
    console_last: tuple[str, ...]
    console_tests: tuple[str, ...]
    page_tests: tuple[str, ...]
    table: tuple[str, ...]
    plotted: tuple[str, ...]
    over_beta: tuple[str, ...]
    reference_lines: tuple[str, ...]
    csv_baselines: tuple[str, ...]
    constant_baseline: str
    constant_description: str

    def constant_baseline_of(self, metric: str) -> str:
        """The baseline that a metric is read against: one that is best by it."""
        return MEDOID if metric in ("distance", "distance_skill") else self.constant_baseline


MULTICLASS_SELECTION = MetricSelection(
    primary="accuracy",
    summary=("accuracy", "distance_skill"),
    console=("accuracy", "distance_skill", "balanced_accuracy", "distance", "effective_classes"),
    console_last=("top3", "supergenre_accuracy", "f1_macro", "top5", "severity", "hub_share", "nll"),
    console_tests=("accuracy", "distance_skill", "balanced_accuracy", "distance", "f1_macro"),
    page_tests=(
        *("accuracy", "distance_skill", "balanced_accuracy", "f1_macro", "distance", "supergenre_accuracy"),
        "nll",
    ),
    table=("accuracy", "distance_skill", "balanced_accuracy", "distance", "supergenre_accuracy", "effective_classes"),
    plotted=("accuracy", "distance_skill", "balanced_accuracy", "distance", "supergenre_accuracy", "effective_classes"),
    over_beta=("accuracy", "distance_skill", "distance", "effective_classes"),
    reference_lines=("accuracy", "distance", "distance_skill", "supergenre_accuracy"),
    csv_baselines=("accuracy", "distance"),
    constant_baseline=MAJORITY,
    constant_description="of always answering the commonest genre in train",
)
MULTILABEL_SELECTION = MetricSelection(
    primary="pr_auc",
    summary=("pr_auc", "roc_auc"),
    console=("pr_auc", "roc_auc", "f1_micro", "f1_macro", "top1"),
    console_last=("consistency", "subset_accuracy", "labels", "bce"),
    console_tests=("pr_auc", "roc_auc", "f1_micro", "f1_macro", "top1"),
    page_tests=("pr_auc", "roc_auc", "f1_micro", "f1_macro", "top1", "consistency", "bce"),
    table=("pr_auc", "roc_auc", "f1_micro", "f1_macro", "top1"),
    plotted=("pr_auc", "roc_auc", "f1_micro", "f1_macro", "top1", "bce"),
    over_beta=("pr_auc", "roc_auc", "f1_macro", "bce"),
    reference_lines=("pr_auc", "roc_auc"),
    csv_baselines=("pr_auc", "roc_auc"),
    constant_baseline=PRIOR_BASELINE,
    constant_description="of answering each genre's share of train, whatever is played",
)


def get_metric_selection(multilabel: bool) -> MetricSelection:
    """Of runs of several genres a track, or of one."""
    return MULTILABEL_SELECTION if multilabel else MULTICLASS_SELECTION
