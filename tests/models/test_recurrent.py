"""GRU, LSTM, LSTM with convolution, and the LSTM autoencoder."""

import re

import pytest
import torch
from torch import nn

from genrelab.models import GRU, LSTM, LSTMCNN, LSTMAutoencoder
from genrelab.utils.errors import ConfigError

KINDS = [GRU, LSTM, LSTMCNN]


def gates(gates, before, hidden):
    """Parameters of one layer of a GRU (3 gates) or an LSTM (4), one direction."""
    return gates * hidden * (before + hidden + 2)


def size(net):
    return sum(parameter.numel() for parameter in net.parameters())


def test_gru_as_published():
    net = GRU([(128, 256)], 248)  # A25
    assert net.norm.normalized_shape == (128,)
    assert (net.gru.input_size, net.gru.hidden_size, net.gru.num_layers, net.gru.bidirectional) == (128, 178, 2, True)
    assert net.gru.dropout == 0.3
    assert (net.dense[0].in_features, net.dense[0].out_features) == (356, 256)
    recurrent = 2 * gates(3, 128, 178) + 2 * gates(3, 356, 178)
    assert size(net) == 2 * 128 + recurrent + 356 * 256 + 256 + 256 * 248 + 248


def test_lstm_as_published():
    net = LSTM([(128, 256), (128, 256)], 248)  # A26: 256 inputs
    assert net.norm.num_features == 256
    assert (net.lstm.input_size, net.lstm.hidden_size, net.lstm.num_layers, net.lstm.dropout) == (256, 128, 2, 0.3)
    assert size(net) == 2 * 256 + gates(4, 256, 128) + gates(4, 128, 128) + 128 * 128 + 128 + 128 * 248 + 248
    assert any(isinstance(module, nn.ELU) for module in net.dense)


def test_lstm_cnn_pools_over_time():
    net = LSTMCNN([(12, 40), (6, 40), (20, 40)], 10).eval()  # C02: features stacked row on row
    assert net.lstm.input_size == 38
    features = [torch.randn(2, rows, 40) for rows in (12, 6, 20)]
    states, _ = net.lstm(torch.cat(features, dim=1).transpose(1, 2))
    greatest = net.conv(states.transpose(1, 2)).relu().max(dim=2).values
    assert torch.equal(net(*features), net.fc(net.dense(greatest)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shapes", [[(128, 256)], [(1, 1)], [(7, 13), (12, 13)]])
def test_logits_and_gradients_of_any_pictures(kind, shapes):
    net = kind(shapes, 5, hidden=6, dropout=0.0)
    features = [torch.randn(3, *shape, requires_grad=True) for shape in shapes]
    logits = net(*features)
    assert logits.shape == (3, 5)
    logits.square().sum().backward()
    assert all(tensor.grad is not None for tensor in [*features, *net.parameters()])
    assert kind(shapes, 5, hidden=6, layers=1).eval()(*(f[:1] for f in features)).shape == (1, 5)


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_every_column_counts(kind):
    net = kind([(4, 9)], 3, hidden=6).eval()
    picture = torch.randn(1, 4, 9, requires_grad=True)
    net(picture).sum().backward()
    assert (picture.grad.abs().sum(dim=(0, 1)) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_fit(kind):
    assert kind.check_inputs([(12, 40), (6, 40)]) == []
    assert re.search("12x40 .*6x41 ", kind.check_inputs([(12, 40), (6, 41)])[0])
    assert "model=mlp" in kind.check_inputs([(57,)])[0]
    assert len(kind.check_inputs([])) == 1
    with pytest.raises(ConfigError) as caught:
        kind([(12, 40)], 3, hidden=0, dropout=1.0)
    named = [problem.split()[:2] for problem in caught.value.problems]
    assert named == [["model.hidden:", "0"], ["model.dropout:", "1.0"]]


def test_autoencoder_tells_pictures_by_their_vectors():
    torch.manual_seed(0)
    net = LSTMAutoencoder([(4, 8)], hidden=24, latent=6)
    pictures = torch.randn(4, 4, 1).expand(4, 4, 8).contiguous()
    assert net.encode(pictures).shape == (4, 6) and net(pictures).shape == (4, 4, 8)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(150):
        optimizer.zero_grad()
        loss = (net(pictures) - pictures).square().mean()
        loss.backward()
        optimizer.step()
    assert loss < 0.1 * pictures.var()
    assert torch.equal(net.encode(pictures[:, :2], pictures[:, 2:]), net.encode(pictures))
    with pytest.raises(ConfigError, match=r"model.latent: 0 is below 1"):
        LSTMAutoencoder([(4, 8)], latent=0)
