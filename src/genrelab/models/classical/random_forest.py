"""Random forests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from genrelab.models.classical.base import MARK, MULTILABEL, Estimator, Pooling, empty_buffer, log_odds, log_shares
from genrelab.models.classical.linear import as_tensor, check_positive
from genrelab.models.registry import MODELS


@MODELS.register("random_forest", MARK, MULTILABEL)
class RandomForest(Estimator):
    """Random forest (scikit-learn's): the mean over the trees of the shares of genres in the leaf that is reached.

    Logits are the logarithms of these shares, one tree's vote more being spread over all genres. Of several genres a
    track one forest learns all; logits are the log-odds of each genre's share, the vote more having it by its share of
    train.

    Args:
        in_shapes: of the inputs, joined.
        n_classes: C.
        n_estimators: trees.
        max_depth: at most; null: until leaves are pure.
        min_samples_leaf: least rows in a leaf.
        max_features: columns that a node chooses from: "sqrt", "log2", or a share of all.
        class_weight: "balanced" to weigh genres alike, however many tracks they have.
        pooling: of pictures over time.

    Raises:
        ConfigError: a number out of range.
    """

    roots: Tensor
    column: Tensor
    threshold: Tensor
    branches: Tensor
    shares: Tensor
    levels: Tensor

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        n_estimators: int = 500,
        max_depth: int | None = None,
        min_samples_leaf: int = 1,
        max_features: Literal["sqrt", "log2"] | float = "sqrt",
        class_weight: Literal["balanced"] | None = None,
        pooling: Pooling = "mean_std",
    ) -> None:
        super().__init__(in_shapes, n_classes, pooling)
        given: dict[str, float] = {"n_estimators": n_estimators, "min_samples_leaf": min_samples_leaf}
        given |= {} if max_depth is None else {"max_depth": max_depth}
        given |= {} if isinstance(max_features, str) else {"max_features": max_features}
        check_positive(**given)
        self.options: dict[str, Any] = {
            "n_estimators": n_estimators,
            "max_depth": max_depth,
            "min_samples_leaf": min_samples_leaf,
            "max_features": max_features if isinstance(max_features, str) else min(float(max_features), 1.0),
            "class_weight": class_weight,
        }
        # All trees' nodes, one tree behind the other; a leaf's children are itself.
        self.register("roots", empty_buffer(0, dtype=torch.int64))
        self.register("column", empty_buffer(0, dtype=torch.int64))
        self.register("threshold", empty_buffer(0))
        self.register("branches", empty_buffer(0, 2, dtype=torch.int64))
        self.register("shares", empty_buffer(0, n_classes))
        self.register("levels", empty_buffer(dtype=torch.int64))

    def fit_vectors(self, x: Tensor, target: Tensor, seed: int, device: torch.device) -> None:
        """Fit by scikit-learn."""
        from sklearn.ensemble import RandomForestClassifier

        model = RandomForestClassifier(**self.options, random_state=seed, n_jobs=torch.get_num_threads())
        model.fit(x.numpy(), (target > 0).numpy() if self.multilabel else target.numpy())
        trees = [one.tree_ for one in model.estimators_]
        sizes = np.array([tree.node_count for tree in trees])
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.roots = torch.from_numpy(starts)
        self.column = torch.from_numpy(np.concatenate([np.maximum(tree.feature, 0) for tree in trees])).long()
        self.threshold = _rounded_down(np.concatenate([tree.threshold for tree in trees]))
        self.branches = torch.from_numpy(
            np.concatenate([_children(tree) + at for tree, at in zip(trees, starts, strict=True)])
        )
        values = np.concatenate([tree.value for tree in trees])  # [nodes, 1, genres], or [nodes, C, no and yes]
        values = values / values.sum(axis=2, keepdims=True)
        shares = np.zeros((len(values), self.n_classes))
        if self.multilabel:
            for genre, known in enumerate(model.classes_):  # [False, True], or one of them where all rows are alike
                shares[:, genre] = values[:, genre, : len(known)] @ np.asarray(known, dtype=float)
        else:
            shares[:, model.classes_] = values[:, 0]
        self.shares = as_tensor(shares)
        self.levels = torch.tensor(max(tree.max_depth for tree in trees))
        self.found = {"trees": len(trees), "nodes": int(sizes.sum()), "depth": int(self.levels)}

    def logits(self, x: Tensor) -> Tensor:
        """Logarithms of the shares of genres; of several a track their log-odds."""
        return torch.cat([self._block(block) for block in torch.split(x, 256)])

    def _block(self, x: Tensor) -> Tensor:
        node = self.roots.expand(len(x), -1)  # [B, trees]
        for _ in range(min(int(self.levels), len(self.branches))):
            right = torch.gather(x, 1, self.column[node]) > self.threshold[node]
            node = self.branches[node, right.long()]
        counts = self.shares[node].sum(dim=1)
        if self.multilabel:
            return log_odds(counts, len(self.roots), self.prior)
        return log_shares(counts, len(self.roots))


def _children(tree: Any) -> np.ndarray:
    """`[nodes, 2]` left and right child; of a leaf the leaf itself."""
    found = np.stack([tree.children_left, tree.children_right], axis=1).astype(np.int64)
    return np.where(found < 0, np.arange(len(found))[:, None], found)


def _rounded_down(thresholds: np.ndarray) -> Tensor:
    """float32 thresholds that part float32 values as the float64 ones do."""
    rounded = thresholds.astype(np.float32)
    too_high = rounded.astype(np.float64) > thresholds
    rounded[too_high] = np.nextafter(rounded[too_high], np.float32(-np.inf))
    return torch.from_numpy(rounded)
