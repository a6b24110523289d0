"""Systems without gradients: fitted once by scikit-learn, kept as tensors, used like networks."""

from genrelab.models.classical.base import MARK, MULTILABEL, Estimator, check_memory
from genrelab.models.classical.clustering import AutoencoderMeans, Clusterer, PrincipalMixture
from genrelab.models.classical.knn import NearestNeighbors
from genrelab.models.classical.linear import LogisticRegression, SupportVectorMachine
from genrelab.models.classical.majority import Majority
from genrelab.models.classical.random_forest import RandomForest

__all__ = [
    "MARK",
    "MULTILABEL",
    "AutoencoderMeans",
    "Clusterer",
    "Estimator",
    "LogisticRegression",
    "Majority",
    "NearestNeighbors",
    "PrincipalMixture",
    "RandomForest",
    "SupportVectorMachine",
    "check_memory",
]
