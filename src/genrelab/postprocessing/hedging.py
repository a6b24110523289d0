"""Hedged answers: a genre where it is sure enough, else its supergenre, its cluster, or nothing."""

from __future__ import annotations

import numpy as np

from genrelab.postprocessing.decision import DecisionResult
from genrelab.postprocessing.decision_rules import TemperatureScaling
from genrelab.postprocessing.registry import DECISIONS
from genrelab.utils.errors import ConfigError


@DECISIONS.register("hedge")
class Hedge:
    """The lowest node of genre < supergenre < cluster whose probability reaches tau; nothing where none does.

    A group's probability is the sum of its genres', and at each level the likeliest group stands for it, which need
    not hold the likeliest genre (Deng et al. 2012 trade accuracy for how much is said in the same tree). tau is
    chosen on val so that `coverage` of the answers name a genre: 1 is argmax, 0 never names one.

    Args:
        supergenres: `[C]` number of each genre's supergenre.
        clusters: `[C]` number of each genre's cluster.
        coverage: share of val's rows that get a genre, in [0, 1].
        calibrate: fit a temperature on val first.

    Raises:
        ConfigError: coverage is not in [0, 1].
    """

    def __init__(
        self, supergenres: np.ndarray, clusters: np.ndarray, coverage: float = 0.8, calibrate: bool = True
    ) -> None:
        if not 0 <= coverage <= 1:
            raise ConfigError([f"decision.coverage: {coverage} is not in [0, 1]"])
        self.groups = [np.eye(group.max() + 1)[group] for group in (supergenres, clusters)]  # [C, G] each
        self.coverage, self.calibrate = coverage, calibrate
        self.probabilities = TemperatureScaling()
        self.tau = 0.0

    def fit(self, logits: np.ndarray, target: np.ndarray) -> None:
        """Find the temperature and tau on val."""
        if self.calibrate:
            self.probabilities.fit(logits, target)
        confidence = np.sort(np.exp(self.probabilities.decide(logits).log_prob.max(axis=1)))[::-1]
        kept = round(self.coverage * len(confidence))
        # Half-way between the last that keeps its genre and the first that does not.
        bounds = (confidence[kept - 1] if kept else 1.0, confidence[kept] if kept < len(confidence) else 0.0)
        self.tau = float(np.mean(bounds)) if kept else float(np.nextafter(1.0, 2.0))
        if kept == len(confidence):
            self.tau = 0.0

    def decide(self, logits: np.ndarray) -> DecisionResult:
        """Answers to logits `[N, C]`."""
        log_prob = self.probabilities.decide(logits).log_prob
        p = np.exp(log_prob)
        level_of_row = np.full(len(p), 3, dtype=np.int64)
        index = np.full(len(p), -1, dtype=np.int64)
        for level, sums in reversed(list(enumerate((p, *(p @ member for member in self.groups))))):
            enough = sums.max(axis=1) >= self.tau
            level_of_row[enough], index[enough] = level, sums.argmax(axis=1)[enough]
        return DecisionResult(log_prob, p.argmax(axis=1), level_of_row, index)

    @property
    def fitted(self) -> dict[str, float]:
        """tau, and T where it was fitted."""
        return {"tau": self.tau, **(self.probabilities.fitted if self.calibrate else {})}
