"""Systems without gradients: fitted once by scikit-learn, kept as tensors, used like networks."""

from genrelab.classical.clusters import AutoencoderMeans, Clusterer, PrincipalMixture
from genrelab.classical.estimator import MARK, SEVERAL, Estimator, check_memory
from genrelab.classical.forest import RandomForest
from genrelab.classical.linear import LogisticRegression, SupportVectorMachine
from genrelab.classical.neighbours import NearestNeighbours

__all__ = [
    "MARK",
    "SEVERAL",
    "AutoencoderMeans",
    "Clusterer",
    "Estimator",
    "LogisticRegression",
    "NearestNeighbours",
    "PrincipalMixture",
    "RandomForest",
    "SupportVectorMachine",
    "check_memory",
]
