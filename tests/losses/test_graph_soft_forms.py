"""Kernels, scalings, mixing and annealing of the soft labels."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from genrelab.losses import GraphSoft, constant_mass_targets, doubly_stochastic_targets, softmax_targets
from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError

LINE = torch.tensor([[0.0, 1, 2, 5], [1, 0, 1, 4], [2, 1, 0, 3], [5, 4, 3, 0]])
KERNELS = {
    "exp": lambda d, b: math.exp(-b * d),
    "gauss": lambda d, b: math.exp(-b * d * d),
    "power": lambda d, b: (1 + d) ** -b,
}


def metric(seed, classes, unreachable=True):
    """Shortest paths on a made-up graph, some of it in two pieces."""
    generator = np.random.default_rng(seed)
    distances = generator.integers(1, 9, (classes, classes)).astype(float)
    distances = np.minimum(distances, distances.T)
    np.fill_diagonal(distances, 0)
    if unreachable and classes > 3:
        distances[:2, 2:] = distances[2:, :2] = math.inf
    for k in range(classes):
        distances = np.minimum(distances, distances[:, [k]] + distances[[k], :])
    return torch.from_numpy(distances)


def case(n_classes, seed=0, batch=7):
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(batch, n_classes, generator=generator), torch.arange(batch) % n_classes


@given(st.integers(0, 999), st.integers(2, 7), st.floats(0, 8), st.sampled_from(sorted(KERNELS)))
@settings(max_examples=60, deadline=None)
def test_rows_equal_a_loop_over_the_kernel(seed, classes, beta, kernel):
    distances = metric(seed, classes)
    found = softmax_targets(distances, beta, kernel)
    for row, labels in zip(distances.tolist(), found.tolist(), strict=True):
        weights = [KERNELS[kernel](d, beta) if math.isfinite(d) else 0.0 for d in row]
        assert labels == pytest.approx([weight / sum(weights) for weight in weights], abs=1e-12)


@given(st.integers(0, 999), st.integers(2, 7), st.floats(0, 8), st.sampled_from(sorted(KERNELS)))
@settings(max_examples=60, deadline=None)
def test_doubly_stochastic_labels_are_the_kernel_between_two_scales(seed, classes, beta, kernel):
    distances = metric(seed, classes)
    found = doubly_stochastic_targets(distances, beta, kernel)
    one = torch.ones(classes, dtype=torch.float64)
    torch.testing.assert_close(found.sum(dim=1), one, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.sum(dim=0), one, atol=1e-6, rtol=0)
    torch.testing.assert_close(found, found.T)
    plain = np.vectorize(lambda d: KERNELS[kernel](d, beta) if math.isfinite(d) else 0.0)(distances.numpy())
    scale = np.sqrt(np.diag(found.numpy()))  # u_i, since the kernel is 1 on the diagonal: what sums to 1 is unique
    np.testing.assert_allclose(found.numpy(), scale[:, None] * plain * scale, rtol=1e-9, atol=1e-300)


@given(st.integers(0, 999), st.integers(2, 7), st.floats(0.05, 0.99), st.sampled_from(sorted(KERNELS)))
@settings(max_examples=60, deadline=None)
def test_constant_true_mass_leaves_every_genre_the_same(seed, classes, mass, kernel):
    distances = metric(seed, classes)
    found = constant_mass_targets(distances, mass, kernel)
    for genre, row in enumerate(distances.tolist()):
        reached = sum(math.isfinite(d) for d in row)
        assert found[genre, genre].item() == pytest.approx(max(mass, 1 / reached), abs=1e-9)
        if reached > 2 and mass > 1 / reached:  # it is the kernel at some beta: found from one pair, held by the others
            others = [d for d in row if math.isfinite(d) and d]
            unit = math.log(KERNELS[kernel](others[0], 1))
            beta = math.log(found[genre, row.index(others[0])].item() / found[genre, genre].item()) / unit
            ratio = found[genre, row.index(others[-1])].item() / found[genre, genre].item()
            assert math.log(ratio) == pytest.approx(beta * math.log(KERNELS[kernel](others[-1], 1)), rel=1e-6, abs=1e-9)


def test_row_labels_are_unequal_and_the_other_scalings_mend_it():
    own = softmax_targets(LINE, 0.7).diagonal()
    assert own.max() - own.min() > 0.1
    assert softmax_targets(LINE, 0.7).sum(dim=0).max() > 1.08  # a hub
    assert constant_mass_targets(LINE, 0.5).diagonal().tolist() == pytest.approx([0.5] * 4)
    assert doubly_stochastic_targets(LINE, 0.7).sum(dim=0).tolist() == pytest.approx([1] * 4)


@pytest.mark.parametrize(
    "params",
    [
        {"onehot": 1.0},
        {"scale": "true_mass", "mass": 1.0},
        {"scale": "doubly_stochastic", "beta": 1e4},
        {"kernel": "gauss", "beta": 1e4},
        {"kernel": "power", "beta": 1e4},
    ],
    ids=str,
)
def test_limits_that_are_cross_entropy(params):
    logits, target = case(4)
    loss = LOSSES.build("graph_soft", params, distances=LINE)
    torch.testing.assert_close(loss(logits, target), cross_entropy(logits, target))


@pytest.mark.parametrize("params", [{"beta": 0.0, "scale": "doubly_stochastic"}, {"scale": "true_mass", "mass": 0.1}])
def test_limits_that_are_uniform(params):
    logits, target = case(4)
    loss = LOSSES.build("graph_soft", params, distances=LINE)
    torch.testing.assert_close(loss(logits, target), -torch.log_softmax(logits, dim=1).mean())


def test_the_mixture_is_a_mixture_of_losses():
    logits, target = case(4)
    soft = GraphSoft(LINE, 0.8)(logits, target)
    mixed = GraphSoft(LINE, 0.8, onehot=0.3)(logits, target)
    torch.testing.assert_close(mixed, 0.3 * cross_entropy(logits, target) + 0.7 * soft)


def test_annealing_ends_at_beta_and_val_is_of_beta_always():
    logits, target = case(4)
    loss = GraphSoft(LINE, 4.0, beta_start=0.25)
    for epoch, beta in ((0, 0.25), (1, 0.5), (2, 1.0), (4, 4.0), (9, 4.0)):
        loss.set_epoch(epoch, 5)
        torch.testing.assert_close(loss.train()(logits, target), GraphSoft(LINE, beta)(logits, target))
        torch.testing.assert_close(loss.eval()(logits, target), GraphSoft(LINE, 4.0)(logits, target))
    loss.set_epoch(0, 1)
    torch.testing.assert_close(loss.annealed_targets, loss.soft_targets)
    from_none = GraphSoft(LINE, 4.0, beta_start=0.0)
    from_none.set_epoch(2, 5)
    torch.testing.assert_close(from_none.annealed_targets, GraphSoft(LINE, 2.0).soft_targets)


def test_beta_as_others_mean_it():
    assert GraphSoft(LINE, 2.0, kernel="gauss").betas == {"beta": 2.0, "effective_beta": 50.0}
    assert GraphSoft(LINE, 2.0, kernel="power").betas == {"beta": 2.0, "effective_beta": None}
    assert GraphSoft(LINE, 2.0, scale="true_mass").betas == {}


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"mass": 0.0}, r"^loss\.mass: 0\.0 .*\(0, 1\]"),
        ({"onehot": 1.5}, r"^loss\.onehot: 1\.5 .*\[0, 1\]"),
        ({"beta_start": -1.0}, r"^loss\.beta_start: -1\.0 "),
        ({"beta_start": 1.0, "scale": "true_mass"}, r"^loss\.beta_start: .*scale=true_mass"),
        ({"kernel": "cosine"}, r"^loss\.kernel: 'cosine' .*'exp', 'gauss', 'power'"),
    ],
)
def test_out_of_range(params, text):
    with pytest.raises(ConfigError) as caught:
        LOSSES.build("graph_soft", params, distances=LINE)
    [problem] = caught.value.problems
    assert re.search(text, problem)
