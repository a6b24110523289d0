"""Decisions that name a genre: argmax, temperature, least expected distance, hub correction."""

from __future__ import annotations

import math

import numpy as np

from genrelab.metrics.classification import fill_unreachable
from genrelab.postprocessing.decision import DecisionResult
from genrelab.postprocessing.registry import DECISIONS
from genrelab.postprocessing.temperature_scaling import fit_temperature, log_softmax
from genrelab.utils.errors import ConfigError


@DECISIONS.register("argmax")
class Argmax:
    """The likeliest genre, by the network's own probabilities."""

    def fit(self, logits: np.ndarray, target: np.ndarray) -> None:
        """Nothing is learnt."""

    def decide(self, logits: np.ndarray) -> DecisionResult:
        """Answers to logits `[N, C]`."""
        return DecisionResult.from_classes(log_softmax(logits))

    @property
    def fitted(self) -> dict[str, float]:
        """Nothing."""
        return {}


@DECISIONS.register("temperature")
class TemperatureScaling:
    """The likeliest genre, by probabilities of logits / T, T fitted on val (Guo et al. 2017): the answers of argmax."""

    def __init__(self) -> None:
        self.temperature = 1.0

    def fit(self, logits: np.ndarray, target: np.ndarray) -> None:
        """Find T on val."""
        self.temperature = fit_temperature(logits, target)

    def decide(self, logits: np.ndarray) -> DecisionResult:
        """Answers to logits `[N, C]`."""
        return DecisionResult.from_classes(log_softmax(np.asarray(logits, dtype=np.float64) / self.temperature))

    @property
    def fitted(self) -> dict[str, float]:
        """T."""
        return {"temperature": self.temperature}


@DECISIONS.register("crm")
class ConditionalRiskMinimization:
    """argmin_k sum_j cost(d_kj) p_j: the genre of least expected cost (CRM, Karthik et al. 2021), for rank 1 alone.

    Its probabilities and the order of the genres behind the answer stay those of p. It needs calibrated
    probabilities; unsure ones make it answer the middle of the graph whatever is played, which lowers the distance
    and everything else: read it with hubness. On a flat taxonomy, and where `truncate` is at most the least distance
    of two genres, it is argmax.

    Args:
        distances: `[C, C]`; an unreachable genre counts as one more than the farthest.
        power: cost(d) = d^power; above 1 it shuns far answers more.
        truncate: largest cost, before the power: all genres farther than that are equally wrong; null for none.
        calibrate: fit a temperature on val first.

    Raises:
        ConfigError: out of range.
    """

    def __init__(
        self, distances: np.ndarray, power: float = 1.0, truncate: float | None = None, calibrate: bool = True
    ) -> None:
        if not 0 < power < math.inf:
            raise ConfigError([f"decision.power: {power} is not above 0"])
        if truncate is not None and not truncate > 0:
            raise ConfigError([f"decision.truncate: {truncate} is not above 0; null leaves distances whole"])
        finite = fill_unreachable(distances)
        self.cost = (finite if truncate is None else np.minimum(finite, truncate)) ** power
        self.calibrate = calibrate
        self.probabilities = TemperatureScaling()

    def fit(self, logits: np.ndarray, target: np.ndarray) -> None:
        """Find the temperature on val, where asked for."""
        if self.calibrate:
            self.probabilities.fit(logits, target)

    def decide(self, logits: np.ndarray) -> DecisionResult:
        """Answers to logits `[N, C]`; of equal risks the likelier genre wins."""
        log_prob = self.probabilities.decide(logits).log_prob
        p = np.exp(log_prob)
        risk = p @ self.cost.T
        least = risk <= risk.min(axis=1, keepdims=True) + 1e-9 * (1 + self.cost.max(initial=0.0))
        return DecisionResult.from_classes(log_prob, np.where(least, p, -1.0).argmax(axis=1))

    @property
    def fitted(self) -> dict[str, float]:
        """T, where it was fitted."""
        return self.probabilities.fitted if self.calibrate else {}


@DECISIONS.register("prior_correction")
class PriorCorrection:
    """The likeliest genre by log p_k - strength * log(q_k / r_k): what is answered too often counts less.

    q is the mean probability of each genre on val, r its share of val's truth, both with one more track of every
    genre so that rare ones stay finite (after the logit adjustment of Menon et al. 2021). strength = 0 is argmax.

    Args:
        strength: 0 or more; 1 is the whole correction.

    Raises:
        ConfigError: strength is negative or not finite.
    """

    def __init__(self, strength: float = 1.0) -> None:
        if not 0 <= strength < math.inf:
            raise ConfigError([f"decision.strength: {strength} is not a finite number of 0 or more"])
        self.strength = strength
        self.excess: np.ndarray | None = None

    def fit(self, logits: np.ndarray, target: np.ndarray) -> None:
        """Learn how much too often each genre is expected on val."""
        expected = np.exp(log_softmax(logits)).sum(axis=0) + 1
        there = np.bincount(np.asarray(target, dtype=np.int64), minlength=len(expected)) + 1
        self.excess = np.log(expected / there)

    def decide(self, logits: np.ndarray) -> DecisionResult:
        """Answers to logits `[N, C]`."""
        log_prob = log_softmax(logits)
        return DecisionResult.from_classes(
            log_softmax(log_prob - self.strength * (0.0 if self.excess is None else self.excess))
        )

    @property
    def fitted(self) -> dict[str, float]:
        """The largest factor by which a genre was expected too often."""
        return {} if self.excess is None else {"largest_excess": float(np.exp(self.excess.max()))}
