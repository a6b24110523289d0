"""The cosine loss against an embedding made by hand."""

import math

import pytest
import torch
from torch.nn.functional import cosine_similarity, cross_entropy

from genrelab.losses import gram_matrix
from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError

TREE = torch.tensor([[0.0, 1, 3, 3], [1, 0, 3, 3], [3, 3, 0, 1], [3, 3, 1, 0]])


def build(distances=TREE, **params):
    return LOSSES.build("graph_embedding", params, distances=distances)


def test_equals_the_cosine_to_explicit_class_vectors():
    """On a tree the Gram matrix is exact: Cholesky gives vectors E, outputs are o = E z."""
    gram = gram_matrix(TREE)
    vectors = torch.linalg.cholesky(gram + 0.0)
    z = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    target = torch.tensor([0, 1, 2, 3, 0, 2])
    cosine = cosine_similarity(z, vectors[target], dim=1)
    logits = (z @ vectors.T).float()
    found = build(ce=0.0)(logits, target)
    torch.testing.assert_close(found, (1 - cosine).mean().float(), atol=1e-5, rtol=1e-4)
    with_ce = build(ce=0.1)(logits, target)
    torch.testing.assert_close(with_ce, found + 0.1 * cross_entropy(logits, target))


def test_cosines_of_a_tree_follow_its_distances():
    expected = torch.tensor([[1, 2 / 3, 0, 0], [2 / 3, 1, 0, 0], [0, 0, 1, 2 / 3], [0, 0, 2 / 3, 1]])
    torch.testing.assert_close(gram_matrix(TREE).float(), expected)


def test_the_genres_own_vectors_have_no_loss():
    gram = gram_matrix(TREE).float()
    assert build(ce=0.0)(5 * gram, torch.arange(4)).item() == pytest.approx(0, abs=1e-5)


def test_a_flat_taxonomy_is_the_plain_cosine():
    logits, target = torch.randn(5, 4), torch.tensor([0, 1, 2, 3, 3])
    plain = 1 - torch.nn.functional.normalize(logits, dim=1)[torch.arange(5), target]
    torch.testing.assert_close(build(1 - torch.eye(4), ce=0.0)(logits, target), plain.mean())


def test_distances_that_no_embedding_has_are_made_to_fit():
    star = torch.tensor([[0.0, 1, 1, 1], [1, 0, 2, 2], [1, 2, 0, 2], [1, 2, 2, 0]])
    star[0, 3] = star[3, 0] = math.inf
    gram = gram_matrix(star)
    assert gram.diagonal().tolist() == pytest.approx([1] * 4)
    assert torch.linalg.eigvalsh(gram).min() > 0.01
    torch.testing.assert_close(gram, gram.T)
    assert gram[0, 1] > gram[1, 2]


def test_zero_outputs_have_finite_gradients():
    logits = torch.zeros(2, 4, requires_grad=True)
    build()(logits, torch.tensor([0, 1])).backward()
    assert torch.isfinite(logits.grad).all()
    assert build().state_dict() == {}


def test_out_of_range():
    with pytest.raises(ConfigError, match=r"loss.ce: -1.0 is not"):
        build(ce=-1.0)


def test_the_gradient_is_that_of_the_plain_formula():
    star = torch.tensor([[0.0, 1, 1, 1], [1, 0, 2, 2], [1, 2, 0, 2], [1, 2, 2, 0]])
    logits, target = torch.randn(6, 4, requires_grad=True), torch.tensor([0, 1, 2, 3, 0, 2])
    build(star, ce=0.0)(logits, target).backward()
    plain = logits.detach().double().requires_grad_()
    length = ((plain @ torch.linalg.inv(gram_matrix(star))) * plain).sum(dim=1).sqrt()
    (1 - plain[torch.arange(6), target] / length).mean().backward()
    torch.testing.assert_close(logits.grad, plain.grad.float(), atol=1e-6, rtol=1e-4)
