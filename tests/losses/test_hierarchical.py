"""Losses on the tree against sums of probabilities in loops."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError

SUPER = torch.tensor([0, 0, 1, 2, 1, 2, 2])
CLUSTER = torch.tensor([0, 0, 0, 1, 0, 1, 1])


def build(kind, supergenres=SUPER, clusters=CLUSTER, **params):
    return LOSSES.build(kind, params, distances=torch.zeros(7, 7), supergenres=supergenres, clusters=clusters)


def case(batch=9, seed=0, classes=7):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(batch, classes, generator=generator)
    return logits.requires_grad_(), torch.randint(classes, (batch,), generator=generator)


def chains(logits, target, supergenres, clusters):
    """p of the true genre, its supergenre and its cluster, by loops."""
    for row, genre in zip(torch.softmax(logits.double(), dim=1).tolist(), target.tolist(), strict=True):
        sums = [sum(p for p, g in zip(row, group.tolist(), strict=True) if g == group[genre])
                for group in (supergenres, clusters)]  # fmt: skip
        yield row[genre], *sums


def steps(logits, target, *levels):
    """p of each node on the way from the root to the true genre, given the node above it, by loops.

    A level whose genres are all in one group is the root itself.
    """
    levels = [level for level in levels if len(set(level)) > 1]
    for row, genre in zip(torch.softmax(logits.double(), dim=1).tolist(), target.tolist(), strict=True):
        sums = [1.0, *(sum(p for p, g in zip(row, level, strict=True) if g == level[genre]) for level in levels)]
        yield [below / above for above, below in pairwise(sums)]


@given(
    st.integers(0, 999),
    st.floats(0, 3),
    st.lists(st.integers(0, 3), min_size=7, max_size=7),
    st.sampled_from([2, 4, 1]),  # clusters; one cluster of all; each supergenre a cluster of its own
)
@settings(max_examples=80, deadline=None)
def test_hxe_weights_each_step_by_its_depth(seed, alpha, supergenres, width):
    clusters = [group // width for group in supergenres]
    logits, target = case(seed=seed)
    total = 0.0
    for step in steps(logits, target, clusters, supergenres, range(7)):
        total -= sum(math.exp(-alpha * depth) * math.log(p) for depth, p in enumerate(step, start=1))
    found = build("hxe", torch.tensor(supergenres), torch.tensor(clusters), alpha=alpha)(logits, target)
    assert found.item() == pytest.approx(total / len(target), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("clustered", "values"),
    [
        (True, {0.0: 3.675525, 0.1: 2.971606, 0.3: 1.973369, 0.5: 1.338590, 1.2: 0.403460}),
        (False, {0.0: 3.675525, 0.1: 3.215908, 0.3: 2.477956, 0.5: 1.924875, 1.2: 0.838546}),
    ],
)
def test_hxe_is_that_of_its_authors(clustered, values):
    """What fiveai/making-better-mistakes, commit f0bb7d0, gives in float64, its weights not divided by their sum.

    A tree of 14 genres, 5 supergenres and 2 clusters; the second is without the clusters.
    """
    supergenres = torch.tensor([0, 0, 1, 2, 1, 3, 3, 4, 2, 4, 0, 4, 1, 3])
    clusters = torch.tensor([0, 0, 1, 1, 1])[supergenres] * clustered
    rows = [[3 * math.sin(1 + 1.7 * r + 2.3 * g + 0.31 * r * g) for g in range(14)] for r in range(8)]
    logits, target = torch.tensor(rows), torch.tensor([(5 * r + 2) % 14 for r in range(8)])
    for alpha, value in values.items():
        found = build("hxe", supergenres, clusters, alpha=alpha)(logits, target)
        assert found.item() == pytest.approx(value, rel=2e-6), alpha


@given(st.integers(0, 999), st.floats(0, 3), st.lists(st.integers(0, 2), min_size=7, max_size=7))
@settings(max_examples=50, deadline=None)
def test_hxe_from_leaf_weights_each_step_by_its_height(seed, alpha, groups):
    supergenres = torch.tensor(groups)
    clusters = supergenres // 2
    logits, target = case(seed=seed)
    total = 0.0
    for genre, supergenre, cluster in chains(logits, target, supergenres, clusters):
        total -= math.log(genre / supergenre)
        total -= math.exp(-alpha) * math.log(supergenre / cluster) + math.exp(-2 * alpha) * math.log(cluster)
    found = build("hxe", supergenres, clusters, alpha=alpha, weighting="from_leaf")(logits, target)
    assert found.item() == pytest.approx(total / len(target), rel=1e-4, abs=1e-5)


@given(st.integers(0, 999), st.floats(0, 3), st.floats(0, 3))
@settings(max_examples=50, deadline=None)
def test_multi_head_equals_its_three_cross_entropies(seed, weight, weight_of_cluster):
    logits, target = case(seed=seed)
    total = sum(
        -math.log(genre) - weight * math.log(supergenre) - weight_of_cluster * math.log(cluster)
        for genre, supergenre, cluster in chains(logits, target, SUPER, CLUSTER)
    )
    found = build("multi_head", supergenre=weight, cluster=weight_of_cluster)(logits, target)
    assert found.item() == pytest.approx(total / len(target), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("hxe", {"alpha": 0.0}),
        ("hxe", {"alpha": 0.0, "weighting": "from_leaf"}),
        ("multi_head", {"supergenre": 0.0, "cluster": 0.0}),
    ],
)
def test_limits_that_are_cross_entropy(kind, params):
    logits, target = case()
    torch.testing.assert_close(build(kind, **params)(logits, target), cross_entropy(logits, target))


def test_a_large_alpha_learns_the_cluster_alone():
    logits, target = case()
    (build("hxe", alpha=20.0)(logits, target) * math.exp(20.0)).backward()
    p = torch.softmax(logits.detach(), dim=1)
    for row, gradient, genre in zip(p, logits.grad, target, strict=True):
        inside = CLUSTER[genre] == CLUSTER
        of_cluster = row - row * inside / row[inside].sum()  # the gradient of -log p(cluster)
        torch.testing.assert_close(gradient, of_cluster / len(target), rtol=1e-4, atol=1e-6)


def test_from_leaf_a_large_alpha_learns_the_genre_within_its_supergenre_alone():
    logits, target = case()
    build("hxe", alpha=50.0, weighting="from_leaf")(logits, target).backward()
    for gradient, genre in zip(logits.grad, target, strict=True):
        inside = SUPER[genre] == SUPER
        assert gradient[~inside].abs().max() < 1e-7
        assert abs(gradient[inside].sum()) < 1e-6


def test_without_clusters_or_with_every_genre_its_own_supergenre():
    logits, target = case()
    one, own = torch.zeros(7, dtype=torch.int64), torch.arange(7)
    alpha = 0.5
    for weighting in ("from_root", "from_leaf"):  # all is decided at depth 1, and at height 1
        flat = build("hxe", own, one, alpha=alpha, weighting=weighting)(logits, target)
        torch.testing.assert_close(flat, math.exp(-alpha) * cross_entropy(logits, target))
    heads = build("multi_head", own, one, supergenre=0.5, cluster=7.0)(logits, target)
    torch.testing.assert_close(heads, 1.5 * cross_entropy(logits, target))


@pytest.mark.parametrize("kind", ["hxe", "multi_head"])
def test_extreme_logits_stay_finite(kind):
    """The whole supergenre's probability is below the smallest float."""
    logits = torch.full((2, 7), -500.0)
    logits[:, 0] = 500.0
    logits.requires_grad_()
    loss = build(kind)
    value = loss(logits, torch.tensor([3, 2]))
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(logits.grad).all() and logits.grad[0, 3] < 0
    assert loss(logits.bfloat16(), torch.tensor([3, 2])).dtype == torch.float32
    assert loss.state_dict() == {}


@pytest.mark.parametrize(
    ("kind", "params", "text"),
    [
        ("hxe", {"alpha": -1.0}, "loss.alpha: -1.0 "),
        ("hxe", {"alpha": 400.0}, "loss.alpha: 400.0 "),
        ("hxe", {"weighting": "from_top"}, "loss.weighting: 'from_top' "),
        ("multi_head", {"supergenre": -1.0}, "loss.supergenre: -1.0 "),
        ("multi_head", {"cluster": math.inf}, "loss.cluster: inf "),
    ],
)
def test_out_of_range(kind, params, text):
    with pytest.raises(ConfigError) as caught:
        build(kind, **params)
    assert text in str(caught.value)
