"""Probes: attention pooling against a loop, order of time, inputs of both kinds."""

import pytest
import torch

from genrelab.models.pooling_heads import AttentionPooling, Probe
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError


def test_attention_is_a_weighted_mean_of_each_head():
    torch.manual_seed(0)
    pool = AttentionPooling(5, heads=3, hidden=4)
    torch.nn.init.normal_(pool.score.weight)
    steps = torch.randn(2, 7, 5)
    found = pool(steps).reshape(2, 3, 5)
    for row in range(2):
        for head in range(3):
            scores = torch.stack(
                [
                    pool.score.weight[head] @ torch.tanh(pool.project(step)) + pool.score.bias[head]
                    for step in steps[row]
                ]
            )
            share = scores.exp() / scores.exp().sum()
            torch.testing.assert_close(found[row, head], (share[:, None] * steps[row]).sum(0))


def test_attention_starts_as_the_mean():
    steps = torch.randn(3, 10, 6)
    torch.testing.assert_close(AttentionPooling(6, heads=2)(steps), steps.mean(1).repeat(1, 2))


def test_time_has_no_order_and_no_fixed_length():
    torch.manual_seed(0)
    probe = Probe([(6, 10)], 4).eval()
    torch.nn.init.normal_(probe.pools[0].score.weight)
    sequence = torch.randn(2, 6, 10)
    torch.testing.assert_close(probe(sequence), probe(sequence[:, :, torch.randperm(10)]))
    assert probe(torch.randn(2, 6, 3)).shape == (2, 4)


def test_a_linear_probe_of_vectors_is_one_layer():
    probe = Probe([(6,)], 4, dropout=0.0)
    vectors = torch.randn(5, 6)
    torch.testing.assert_close(probe(vectors), vectors @ probe.fc.weight.T + probe.fc.bias)
    assert sum(p.numel() for p in probe.parameters()) == 6 * 4 + 4


def test_vectors_and_sequences_are_joined():
    probe = Probe([(6,), (3, 8)], 4, heads=2, hidden=[9])
    assert probe.hidden[1].in_features == 6 + 2 * 3
    assert probe(torch.randn(5, 6), torch.randn(5, 3, 8)).shape == (5, 4)
    mean = Probe([(6,), (3, 8)], 4, pooling="mean", dropout=0.0)
    vector, sequence = torch.randn(5, 6), torch.randn(5, 3, 8)
    joined = torch.cat([vector, sequence.mean(2)], 1)
    torch.testing.assert_close(mean(vector, sequence), mean.fc(joined))


def test_attention_finds_the_step_that_matters():
    """One step of ten tells the class, at a place drawn anew: the mean of many noisy steps drowns it."""
    torch.manual_seed(0)
    target = torch.randint(3, (600,))
    sequence = torch.randn(600, 8, 10)
    place = torch.randint(10, (600,))
    told = torch.zeros(600, 8)
    told[torch.arange(600), target] = 3.0
    told[:, 7] = 4.0  # marks the step
    sequence[torch.arange(600), :, place] = told

    def accuracy(pooling):
        torch.manual_seed(1)
        probe = Probe([(8, 10)], 3, pooling=pooling, heads=1, attention=16, dropout=0.0)
        optimizer = torch.optim.Adam(probe.parameters(), lr=0.02)
        for _ in range(150):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(probe(sequence[:400]), target[:400]).backward()
            optimizer.step()
        return (probe(sequence[400:]).argmax(1) == target[400:]).float().mean().item()

    attention, mean = accuracy("attention"), accuracy("mean")
    assert attention > 0.9
    assert attention > mean + 0.1


@pytest.mark.parametrize(
    "params, told",
    [({"heads": 0}, "model.heads: 0"), ({"hidden": [0]}, "model.hidden.0"), ({"dropout": 1.0}, "dropout")],
)
def test_numbers_out_of_range_are_told(params, told):
    with pytest.raises(ConfigError, match=told):
        MODELS.build("probe", params, in_shapes=[(6,)], n_classes=3)


def test_no_input_is_told():
    with pytest.raises(ConfigError, match="dataset=embeddings"):
        Probe([], 3)
