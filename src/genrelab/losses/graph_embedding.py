"""Genres as directions whose angles follow the graph; the network learns to point at them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError

SMALLEST = 0.05  # of eigenvalues whose mean is 1: less, and the inverse would drown the rest


@LOSSES.register("graph_embedding")
class GraphEmbedding(nn.Module):
    """Mean of 1 - cos(z, e_y) - ce * log p_y, where cos(e_i, e_j) = 1 - d_ij / max d (Barz and Denzler 2019).

    The e_k are unit vectors in C dimensions with Gram matrix S = E E^T. The network's outputs are taken as o = E z,
    the products of its embedding z with the genres': since E is invertible, any last layer of an embedding network is
    a last layer here, cos(z, e_k) = o_k / sqrt(o^T S^-1 o), the genre of the largest cosine is that of the largest
    output, and outputs remain logits for every other part. The cosine does not fix their size: the cross-entropy
    does (on softmax(o)), and with ce = 0 probabilities mean nothing. Distances on a graph need not give a valid S:
    eigenvalues below 0.05 are raised to it and the diagonal is scaled to 1, so cosines then follow the graph nearly.
    On a flat taxonomy S is the identity and the cosine is o_y / |o|.

    Args:
        distances: `[C, C]`, zero diagonal; unreachable genres stand at a right angle.
        ce: weight of the cross-entropy, 0 or more; 0.1 in the paper.

    Raises:
        ConfigError: ce is negative or not finite.
    """

    inverse: Tensor

    def __init__(self, distances: Tensor, ce: float = 0.1) -> None:
        super().__init__()
        if not 0 <= ce < math.inf:
            raise ConfigError([f"loss.ce: {ce} is not a finite number of 0 or more"])
        self.ce = float(ce)
        self.register_buffer("inverse", torch.linalg.inv(gram_matrix(distances)).float(), persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B]`, in float32 whatever the logits' precision."""
        logits = logits.float()
        given = logits.detach()
        half = given @ self.inverse  # half the gradient of o^T S^-1 o, which needs no second product this way
        square = (half * (2 * logits - given)).sum(dim=1)  # [B] value o^T S^-1 o, gradient 2 S^-1 o
        length = square.clamp(min=1e-12).sqrt()
        right = logits.gather(1, target[:, None])[:, 0]
        loss: Tensor = (1 - right / length).mean()
        return loss + self.ce * nn.functional.cross_entropy(logits, target) if self.ce else loss


def gram_matrix(distances: Tensor) -> Tensor:
    """`[C, C]` float64 cosines between genres: 1 - d / max d, made positive definite with unit diagonal."""
    reached = torch.isfinite(distances)
    largest = distances[reached].max().double().clamp(min=1e-12)
    similarity = (1 - distances.double() / largest).where(reached, 0.0)
    values, vectors = torch.linalg.eigh(similarity)
    gram = (vectors * values.clamp(min=SMALLEST)) @ vectors.T
    size = gram.diagonal().sqrt()
    scaled: Tensor = gram / size / size[:, None]
    return scaled
