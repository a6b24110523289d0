from .cross_entropy import CrossEntropy
from .expected_distance import ExpectedDistance
from .focal import Focal
from .graph_embedding import GraphEmbedding, gram_matrix
from .graph_soft import GraphSoft
from .hierarchical import HierarchicalCrossEntropy, MultiHead
from .multilabel import BinaryCrossEntropy, GraphSigmoid
from .soft_targets import constant_mass_targets, doubly_stochastic_targets, softmax_targets

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
    "constant_mass_targets",
    "doubly_stochastic_targets",
    "gram_matrix",
    "softmax_targets",
]
