"""Logistic regression and support vector machines."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from genrelab.models.classical.base import MARK, MULTILABEL, Estimator, Pooling, empty_buffer
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError

FLOOR = -30.0  # log-probability of genres that train does not have
ClassWeight = Literal["balanced"] | None
BLOCK = 2**24  # values of a matrix of kernels at a time
LOGISTIC_GRID = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # of c, where val chooses it
SVM_GRID = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


@MODELS.register("logistic_regression", MARK, MULTILABEL)
class LogisticRegression(Estimator):
    """Multinomial logistic regression with an L2 penalty (scikit-learn's, by L-BFGS).

    Of several genres a track each is one against the rest by a regression of its own; one that no row has, or all have,
    gets its share of train.

    Args:
        in_shapes: of the inputs, joined.
        n_classes: C.
        c: inverse strength of the penalty; "auto": the value of `LOGISTIC_GRID` with the least loss on val.
        class_weight: "balanced" to weigh genres alike, however many tracks they have.
        max_iter: iterations, at most.
        pooling: of pictures over time.
        power_transform: see `Estimator`.

    Raises:
        ConfigError: a number out of range.
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        c: float | Literal["auto"] = "auto",
        class_weight: ClassWeight = None,
        max_iter: int = 1000,
        pooling: Pooling = "mean_std",
        power_transform: bool = False,
    ) -> None:
        super().__init__(in_shapes, n_classes, pooling, power_transform)
        self.c, self.candidates = (1.0, {"c": LOGISTIC_GRID}) if isinstance(c, str) else (c, {})
        check_positive(c=self.c, max_iter=max_iter)
        self.class_weight, self.max_iter = class_weight, max_iter
        self.register("weight", empty_buffer(n_classes, self.width))
        self.register("bias", empty_buffer(n_classes))

    def fit_vectors(self, x: Tensor, target: Tensor, seed: int, device: torch.device) -> None:
        """Fit by scikit-learn."""
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the record tells
            steps = self._each(x, target) if self.multilabel else self._one_of_them(x, target)
        self.found = {"iterations": steps, "converged": steps < self.max_iter}

    def _fitted(self, x: Tensor, target: Tensor) -> Any:
        from sklearn.linear_model import LogisticRegression as Fitted

        return Fitted(C=self.c, max_iter=self.max_iter, class_weight=self.class_weight).fit(x.numpy(), target.numpy())

    def _each(self, x: Tensor, target: Tensor) -> int:
        """Fit one against the rest; the most iterations of any."""
        self.weight, self.bias, steps = empty_buffer(self.n_classes, self.width), self.prior.logit(), 0
        for genre in range(self.n_classes):
            has = target[:, genre] > 0
            if has.any() and not has.all():
                model = self._fitted(x, has)
                self.weight[genre], self.bias[genre] = as_tensor(model.coef_[0]), float(model.intercept_[0])
                steps = max(steps, *model.n_iter_.tolist())
        return steps

    def _one_of_them(self, x: Tensor, target: Tensor) -> int:
        """Fit all against each other; the iterations."""
        model = self._fitted(x, target)
        weight, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:  # one row for two genres: its half for either makes the same probabilities
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        there = torch.from_numpy(model.classes_)
        self.weight = empty_buffer(self.n_classes, self.width).index_copy(0, there, as_tensor(weight))
        self.bias = torch.full((self.n_classes,), -torch.inf).index_copy(0, there, as_tensor(bias))
        return int(max(model.n_iter_))

    def logits(self, x: Tensor) -> Tensor:
        """Log-probabilities; of several genres a track log-odds."""
        if self.multilabel:
            return (x @ self.weight.T + self.bias).clamp(FLOOR, -FLOOR)
        return (x @ self.weight.T + self.bias).log_softmax(dim=1).clamp(min=FLOOR)


@MODELS.register("svm", MARK)
class SupportVectorMachine(Estimator):
    """Support vector machine, one genre against one (scikit-learn's SVC).

    A genre's logit is its number of won comparisons, sums of margins deciding between equals, as in SVC with
    `decision_function_shape="ovr"`; divided by a temperature fitted on val, they become probabilities.

    Args:
        in_shapes: of the inputs, joined.
        n_classes: C.
        kernel: "rbf" or "linear".
        c: inverse strength of the penalty; "auto": the value of `SVM_GRID` with the least loss on val.
        gamma: of the rbf kernel; null: 1 / (columns * variance), scikit-learn's "scale".
        class_weight: "balanced" to weigh genres alike, however many tracks they have.
        pooling: of pictures over time.
        power_transform: see `Estimator`.

    Raises:
        ConfigError: a number out of range.
    """

    scaled_on_val = True
    support: Tensor
    dual: Tensor
    intercept: Tensor
    classes: Tensor
    counts: Tensor
    scale: Tensor

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        kernel: Literal["rbf", "linear"] = "rbf",
        c: float | Literal["auto"] = "auto",
        gamma: float | None = None,
        class_weight: ClassWeight = None,
        pooling: Pooling = "mean_std",
        power_transform: bool = False,
    ) -> None:
        super().__init__(in_shapes, n_classes, pooling, power_transform)
        self.c, self.candidates = (1.0, {"c": SVM_GRID}) if isinstance(c, str) else (c, {})
        check_positive(c=self.c, **({} if gamma is None else {"gamma": gamma}))
        self.kernel, self.gamma, self.class_weight = kernel, gamma, class_weight
        self.register("support", empty_buffer(0, self.width))  # [S, D], those of the first class first
        self.register("dual", empty_buffer(max(n_classes - 1, 0), 0))  # [classes - 1, S]
        self.register("intercept", empty_buffer(0))  # of each pair
        self.register("classes", empty_buffer(0, dtype=torch.int64))  # that train has
        self.register("counts", empty_buffer(0, dtype=torch.int64))  # support vectors of each
        self.register("scale", empty_buffer())  # gamma

    def fit_vectors(self, x: Tensor, target: Tensor, seed: int, device: torch.device) -> None:
        """Fit by scikit-learn."""
        from sklearn.svm import SVC

        gamma = self.gamma if self.gamma is not None else 1.0 / (x.shape[1] * float(x.var(correction=0)) or 1.0)
        model = SVC(C=self.c, kernel=self.kernel, gamma=gamma, class_weight=self.class_weight, cache_size=500)
        model.fit(x.numpy(), target.numpy())
        # Of two classes scikit-learn turns the signs round; here a pair's margin is always the first's.
        sign = -1.0 if len(model.classes_) == 2 else 1.0
        self.support = as_tensor(model.support_vectors_)
        self.dual, self.intercept = as_tensor(sign * model.dual_coef_), as_tensor(sign * model.intercept_)
        self.classes, self.counts = torch.from_numpy(model.classes_), torch.from_numpy(model.n_support_).long()
        self.scale = torch.tensor(gamma)
        self.found = {"support_vectors": len(self.support)}

    def logits(self, x: Tensor) -> Tensor:
        """Votes and margins."""
        size = max(1, BLOCK // max(len(self.support), 1))
        return torch.cat([self._block(block) for block in torch.split(x, size)])

    def _block(self, x: Tensor) -> Tensor:
        kernel = self._kernel(x)
        ends = [0, *self.counts.cumsum(dim=0).tolist()]
        # Of each class [B, classes - 1]: what its support vectors say against each other class.
        of_class = [kernel[:, a:b] @ self.dual[:, a:b].T for a, b in pairwise(ends)]
        votes = torch.zeros(len(x), len(of_class), device=x.device)
        margins = torch.zeros_like(votes)
        pair = 0
        for i, first in enumerate(of_class):
            for j in range(i + 1, len(of_class)):
                margin = first[:, j - 1] + of_class[j][:, i] + self.intercept[pair]
                votes[:, i] += margin >= 0
                votes[:, j] += margin < 0
                margins[:, i] += margin
                margins[:, j] -= margin
                pair += 1
        found = torch.full((len(x), self.n_classes), -1.0, device=x.device)
        found[:, self.classes] = votes + margins / (3 * (margins.abs() + 1))
        return found

    def _kernel(self, x: Tensor) -> Tensor:
        if self.kernel == "linear":
            return x @ self.support.T
        origin = self.support.mean(dim=0)  # differences of squares: small numbers keep their digits
        return (-self.scale * torch.cdist(x - origin, self.support - origin).square()).exp()


def as_tensor(values: np.ndarray) -> Tensor:
    """A float32 tensor with memory of its own."""
    return torch.tensor(np.asarray(values), dtype=torch.float32)


def check_positive(**numbers: float) -> None:
    """Refuse parameters that are not above 0.

    Raises:
        ConfigError: all of them.
    """
    if problems := [f"model.{name}: {value} is not above 0" for name, value in numbers.items() if not value > 0]:
        raise ConfigError(problems)
