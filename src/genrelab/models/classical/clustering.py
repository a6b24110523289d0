"""Systems that never see a genre while they learn: clusters, each of which then stands for a genre (C04, C05)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from genrelab.models.autoencoder import LSTMAutoencoder
from genrelab.models.classical.base import MARK, Estimator, Pooling, empty_buffer
from genrelab.models.classical.linear import as_tensor, check_positive
from genrelab.models.input_checks import same_width
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError

Matching = Literal["Hungarian", "majority"]
ROWS = 256  # encoded at a time


class Clusterer(Estimator):
    """Principal components, then clusters; the genre that a cluster stands for is told by train's genres.

    A cluster's logits are the logarithms of train's shares of genres in it (one segment more, of train's genres, being
    added), the shares of its genre and of its commonest exchanged, so that its genre leads.

    Args:
        in_shapes: of the inputs, joined.
        n_classes: C.
        components: principal components that are clustered.
        clusters: how many; null: as many as genres.
        pooling: of pictures over time.

    Raises:
        ConfigError: a number out of range.
    """

    mean: Tensor
    axes: Tensor
    centers: Tensor
    table: Tensor

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        components: int,
        clusters: int | None,
        pooling: Pooling,
    ) -> None:
        super().__init__(in_shapes, n_classes, pooling)
        check_positive(components=components)
        if clusters is not None and clusters < 2:
            raise ConfigError([f"model.clusters: {clusters} is below 2"])
        self.components, self.clusters = components, clusters or n_classes
        self.register("mean", empty_buffer(0))
        self.register("axes", empty_buffer(0, 0))
        self.register("centers", empty_buffer(0, 0))  # [clusters, components]
        self.register("table", empty_buffer(0, n_classes))  # logits of each cluster

    def fit_vectors(self, x: Tensor, target: Tensor, seed: int, device: torch.device) -> None:
        """Reduce, cluster, then look at the genres."""
        from sklearn.decomposition import PCA

        if len(x) < self.clusters:
            raise ConfigError([f"model.clusters: {self.clusters} clusters of {len(x)} train segments; take fewer"])
        vectors = self.encode(x)
        pca = PCA(min(self.components, *vectors.shape), random_state=seed).fit(vectors.numpy())
        self.mean, self.axes = as_tensor(pca.mean_), as_tensor(pca.components_)
        self.fit_clusters(self.transform(x), seed)
        cluster_of = self.cluster_of(x).numpy()
        genres, how = match(cluster_of, target.numpy(), self.clusters, self.n_classes)
        self.table = as_tensor(_table(cluster_of, target.numpy(), genres, self.n_classes))
        self.found |= {
            "clusters": self.clusters,
            "components": len(self.axes),
            "explained": round(float(pca.explained_variance_ratio_.sum()), 4),
            "matching": how,
            "genre_of_cluster": genres.tolist(),
        }

    @abstractmethod
    def fit_clusters(self, z: Tensor, seed: int) -> None:
        """Find clusters of components `[N, P]`."""

    @abstractmethod
    def predict_cluster(self, z: Tensor) -> Tensor:
        """`[B]` cluster of components `[B, P]`."""

    def encode(self, x: Tensor) -> Tensor:
        """`[B, E]` of vectors `[B, D]`, which principal components are taken of: themselves."""
        return x

    def transform(self, x: Tensor) -> Tensor:
        """`[B, P]` principal components of vectors `[B, D]`."""
        return (self.encode(x) - self.mean) @ self.axes.T

    def cluster_of(self, x: Tensor) -> Tensor:
        """`[B]` cluster of vectors `[B, D]`."""
        return self.predict_cluster(self.transform(x))

    def logits(self, x: Tensor) -> Tensor:
        """The logits of the cluster."""
        return self.table[self.cluster_of(x)]


@MODELS.register("pca_gmm", MARK)
class PrincipalMixture(Clusterer):
    """Principal components and a mixture of Gaussians with full covariances (C04).

    Args:
        in_shapes: of the inputs, joined.
        n_classes: C.
        components: principal components that are clustered.
        clusters: Gaussians; null: as many as genres.
        starts: of the search for the likeliest mixture.
        pooling: of pictures over time; "none" flattens them (C04).

    Raises:
        ConfigError: a number out of range.
    """

    whiten: Tensor
    offset: Tensor

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        components: int = 10,
        clusters: int | None = None,
        starts: int = 5,
        pooling: Pooling = "none",
    ) -> None:
        super().__init__(in_shapes, n_classes, components, clusters, pooling)
        check_positive(starts=starts)
        self.starts = starts
        self.register("whiten", empty_buffer(0, 0, 0))  # [clusters, P, P] that makes a Gaussian's deviations white
        self.register("offset", empty_buffer(0))  # log-weight and log-density at a Gaussian's center

    def fit_clusters(self, z: Tensor, seed: int) -> None:
        """Fit by scikit-learn."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        model = GaussianMixture(self.clusters, n_init=self.starts, max_iter=500, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the record tells
            model.fit(z.double().numpy())
        whiten = model.precisions_cholesky_
        logs = np.log(np.diagonal(whiten, axis1=1, axis2=2)).sum(axis=1)
        self.centers, self.whiten = as_tensor(model.means_), as_tensor(whiten)
        self.offset = as_tensor(np.log(model.weights_) + logs)
        self.found = {"converged": bool(model.converged_)}

    def predict_cluster(self, z: Tensor) -> Tensor:
        """The Gaussian that a point most likely comes from."""
        white = torch.einsum("bkp,kpq->bkq", z[:, None] - self.centers, self.whiten)
        return (self.offset - white.square().sum(dim=2) / 2).argmax(dim=1)


@MODELS.register("autoencoder_kmeans", MARK)
class AutoencoderMeans(Clusterer):
    """An LSTM autoencoder's vectors, their principal components, k-means (C05).

    The autoencoder learns by Adam on the squared error of normalized pictures, of which 1 says that it knows nothing.
    Only the design is published; the sizes are ours.

    Args:
        in_shapes: pictures of one width, joined row on row.
        n_classes: C.
        hidden: units of both LSTMs.
        latent: size of the vector.
        epochs: of its training.
        batch_size: of its training.
        lr: of its training.
        components: principal components that are clustered.
        clusters: means; null: as many as genres.

    Raises:
        ConfigError: no pictures of one width, or a number out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        hidden: int = 128,
        latent: int = 64,
        epochs: int = 30,
        batch_size: int = 32,
        lr: float = 1e-3,
        components: int = 10,
        clusters: int | None = None,
    ) -> None:
        super().__init__(in_shapes, n_classes, components, clusters, "none")
        check_positive(epochs=epochs, batch_size=batch_size, lr=lr)
        self.epochs, self.batch_size, self.lr = epochs, batch_size, lr
        self.network = LSTMAutoencoder(in_shapes, hidden, latent)

    def fit_vectors(self, x: Tensor, target: Tensor, seed: int, device: torch.device) -> None:
        """Train the autoencoder, then cluster."""
        self.network.to(device)
        errors = self._train(x, seed, device)
        self.network.cpu()
        super().fit_vectors(x, target, seed, device)
        self.found |= {"squared_error": round(errors[-1], 4), "squared_error_at_first": round(errors[0], 4)}

    def _train(self, x: Tensor, seed: int, device: torch.device) -> list[float]:
        """Mean squared error of each epoch."""
        optimizer = torch.optim.Adam(self.network.parameters(), lr=self.lr)
        generator = np.random.default_rng([abs(seed), 1])
        errors = []
        for _ in range(self.epochs):
            total = 0.0
            for rows in torch.split(torch.from_numpy(generator.permutation(len(x))), self.batch_size):
                feature_maps = self._feature_maps(x[rows].to(device))
                error = (self.network(*feature_maps) - torch.cat(feature_maps, dim=1)).square().mean()
                optimizer.zero_grad()
                error.backward()
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
                optimizer.step()
                total += float(error.detach()) * len(rows)
            errors.append(total / len(x))
        return errors

    def _feature_maps(self, x: Tensor) -> list[Tensor]:
        """Flattened inputs `[B, D]` as pictures `[B, H, W]` again."""
        parts = torch.split(x, [shape[0] * shape[1] for shape in self.in_shapes], dim=1)
        return [part.reshape(len(x), *shape) for part, shape in zip(parts, self.in_shapes, strict=True)]

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """The autoencoder's vectors."""
        return torch.cat([self.network.encode(*self._feature_maps(part)) for part in torch.split(x, ROWS)])

    def fit_clusters(self, z: Tensor, seed: int) -> None:
        """Fit by scikit-learn."""
        from sklearn.cluster import KMeans

        self.centers = as_tensor(KMeans(self.clusters, n_init=10, random_state=seed).fit(z.numpy()).cluster_centers_)
        self.found = {}

    def predict_cluster(self, z: Tensor) -> Tensor:
        """The nearest mean."""
        return torch.cdist(z, self.centers).argmin(dim=1)

    @staticmethod
    def check_inputs(in_shapes: Sequence[tuple[int, ...]]) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return same_width("autoencoder_kmeans", in_shapes)


def match(cluster: np.ndarray, target: np.ndarray, clusters: int, classes: int) -> tuple[np.ndarray, Matching]:
    """The genre that each cluster stands for.

    With as many clusters as train has genres each genre gets one, so that most segments fall right (the Hungarian
    method); else each cluster gets the genre that most of its segments have.

    Args:
        cluster: `[N]`.
        target: `[N]`.
        clusters: K.
        classes: C.

    Returns:
        `[K]`, and by which rule. A cluster without segments stands for the commonest genre under the second.
    """
    counts = count(cluster, target, clusters, classes)
    there = np.flatnonzero(counts.sum(axis=0))
    if clusters == len(there):
        from scipy.optimize import linear_sum_assignment

        genres: np.ndarray = there[linear_sum_assignment(counts[:, there], maximize=True)[1]]
        return genres, "Hungarian"
    counts = np.where(counts.sum(axis=1, keepdims=True) > 0, counts, counts.sum(axis=0))
    return counts.argmax(axis=1), "majority"


def count(cluster: np.ndarray, target: np.ndarray, clusters: int, classes: int) -> np.ndarray:
    """`[K, C]` segments of each genre in each cluster."""
    counts = np.zeros((clusters, classes), dtype=np.int64)
    np.add.at(counts, (cluster, target), 1)
    return counts


def _table(cluster: np.ndarray, target: np.ndarray, genres: np.ndarray, classes: int) -> np.ndarray:
    """`[K, C]` log-probabilities of genres in each cluster, its own genre first."""
    counts = count(cluster, target, len(genres), classes)
    everywhere = (counts.sum(axis=0) + 1) / (len(target) + classes)
    shares = (counts + everywhere) / (counts.sum(axis=1, keepdims=True) + 1)
    rows, best = np.arange(len(genres)), shares.argmax(axis=1)
    own = shares[rows, genres]
    shares[rows, genres] = shares[rows, best]
    shares[rows[best != genres], best[best != genres]] = own[best != genres]
    found: np.ndarray = np.log(shares)
    return found
