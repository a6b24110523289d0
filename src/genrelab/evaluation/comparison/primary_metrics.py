"""Which metrics stand where in a comparison: of runs of one genre a track, and of several."""

from __future__ import annotations

from dataclasses import dataclass

from genrelab.evaluation.report.multilabel_scores import PRIOR
from genrelab.metrics.constant_baselines import MAJORITY, MEDOID


@dataclass(frozen=True)
class Headline:
    """Metrics by place, the likeliest to be wanted first.

    Args:
        first: what a sentence says first, and what baselines are shown by.
        lead: whose verdicts stand in the sentences.
        terminal: in this order, as far as they fit: the first two come before the baselines.
        later: after epochs and time.
        tested: against a reference, on the terminal; `tested_page` on the page.
        table: of `table.md`.
        drawn: as pictures; `over_beta` where beta varies.
        referred: whose baselines are the same for all rows and stand in pictures.
        kept: whose baselines stand in `table.csv`.
        constant: the name of the answer that knows nothing of the music; `of_distance` that of distances.
        constant_is: what it is, for a reader.
    """

    first: str
    lead: tuple[str, ...]
    terminal: tuple[str, ...]
    later: tuple[str, ...]
    tested: tuple[str, ...]
    tested_page: tuple[str, ...]
    table: tuple[str, ...]
    drawn: tuple[str, ...]
    over_beta: tuple[str, ...]
    referred: tuple[str, ...]
    kept: tuple[str, ...]
    constant: str
    constant_is: str

    def constant_of(self, metric: str) -> str:
        """The baseline that a metric is read against: one that is best by it."""
        return MEDOID if metric in ("distance", "distance_skill") else self.constant


ONE = Headline(
    first="accuracy",
    lead=("accuracy", "distance_skill"),
    terminal=("accuracy", "distance_skill", "balanced_accuracy", "distance", "effective_classes"),
    later=("top3", "supergenre_accuracy", "f1_macro", "top5", "severity", "hub_share", "nll"),
    tested=("accuracy", "distance_skill", "balanced_accuracy", "distance", "f1_macro"),
    tested_page=(
        *("accuracy", "distance_skill", "balanced_accuracy", "f1_macro", "distance", "supergenre_accuracy"),
        "nll",
    ),
    table=("accuracy", "distance_skill", "balanced_accuracy", "distance", "supergenre_accuracy", "effective_classes"),
    drawn=("accuracy", "distance_skill", "balanced_accuracy", "distance", "supergenre_accuracy", "effective_classes"),
    over_beta=("accuracy", "distance_skill", "distance", "effective_classes"),
    referred=("accuracy", "distance", "distance_skill", "supergenre_accuracy"),
    kept=("accuracy", "distance"),
    constant=MAJORITY,
    constant_is="of always answering the commonest genre in train",
)
SEVERAL = Headline(
    first="pr_auc",
    lead=("pr_auc", "roc_auc"),
    terminal=("pr_auc", "roc_auc", "f1_micro", "f1_macro", "top1"),
    later=("consistency", "subset_accuracy", "labels", "bce"),
    tested=("pr_auc", "roc_auc", "f1_micro", "f1_macro", "top1"),
    tested_page=("pr_auc", "roc_auc", "f1_micro", "f1_macro", "top1", "consistency", "bce"),
    table=("pr_auc", "roc_auc", "f1_micro", "f1_macro", "top1"),
    drawn=("pr_auc", "roc_auc", "f1_micro", "f1_macro", "top1", "bce"),
    over_beta=("pr_auc", "roc_auc", "f1_macro", "bce"),
    referred=("pr_auc", "roc_auc"),
    kept=("pr_auc", "roc_auc"),
    constant=PRIOR,
    constant_is="of answering each genre's share of train, whatever is played",
)


def headline_of(several: bool) -> Headline:
    """Of runs of several genres a track, or of one."""
    return SEVERAL if several else ONE
