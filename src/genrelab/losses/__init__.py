"""Losses: modules on logits `[B, C]` and targets `[B]`, scalar means. Those of the graph know its distances."""

from genrelab.losses.cross_entropy import CrossEntropy
from genrelab.losses.graph_soft import GraphSoft, soft_labels

__all__ = ["CrossEntropy", "GraphSoft", "soft_labels"]
