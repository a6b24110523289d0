"""Losses: modules on logits `[B, C]` and targets `[B]`, scalar means. Those of the graph know its distances."""

from genrelab.losses.cross_entropy import CrossEntropy
from genrelab.losses.expected_distance import ExpectedDistance
from genrelab.losses.focal import Focal
from genrelab.losses.graph_embedding import GraphEmbedding, gram_matrix
from genrelab.losses.graph_soft import GraphSoft
from genrelab.losses.hierarchical import HierarchicalCrossEntropy, MultiHead
from genrelab.losses.multilabel import BinaryCrossEntropy, GraphSigmoid
from genrelab.losses.soft_targets import constant_true_mass, doubly_stochastic, soft_labels

__all__ = [
    "BinaryCrossEntropy",
    "CrossEntropy",
    "ExpectedDistance",
    "Focal",
    "GraphEmbedding",
    "GraphSigmoid",
    "GraphSoft",
    "HierarchicalCrossEntropy",
    "MultiHead",
    "constant_true_mass",
    "doubly_stochastic",
    "gram_matrix",
    "soft_labels",
]
