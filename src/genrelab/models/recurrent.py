"""Recurrent networks that read pictures column by column, in time."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from genrelab.models.input_checks import Shapes, check_numbers, check_shapes, same_width, to_sequence
from genrelab.models.registry import MODELS


@MODELS.register("gru")
class GRU(nn.Module):
    """Layer norm, bidirectional GRU, the last states of both directions, two linear layers (A25).

    Args:
        in_shapes: `(H, W)` of each picture; several are joined row on row, so W must be the same.
        n_classes: C.
        hidden: units of a direction; 178 is published.
        layers: of the GRU; 2 is published.
        dense: units of the layer before the last; 256 is published.
        dropout: between the layers of the GRU, and before the last linear layer; 0.3 is published.

    Raises:
        ConfigError: no pictures of one width, or a parameter out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        hidden: int = 178,
        layers: int = 2,
        dense: int = 256,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        check_numbers({"hidden": hidden, "layers": layers, "dense": dense}, dropout)
        rows = sum(shape[0] for shape in in_shapes)
        self.norm = nn.LayerNorm(rows)
        between = dropout if layers > 1 else 0.0  # torch warns of a dropout that has no place
        self.gru = nn.GRU(rows, hidden, layers, batch_first=True, dropout=between, bidirectional=True)
        self.dense = nn.Sequential(nn.Linear(2 * hidden, dense), nn.ReLU(inplace=True), nn.Dropout(dropout))
        self.fc = nn.Linear(dense, n_classes)

    def forward(self, *feature_maps: Tensor) -> Tensor:
        """Logits `[B, C]` of pictures `[B, H, W]`."""
        _, states = self.gru(self.norm(to_sequence(feature_maps)))  # [2 * layers, B, hidden]
        both = states[-2:].transpose(0, 1).flatten(1)  # [B, 2 * hidden]: each direction has read all columns
        logits: Tensor = self.fc(self.dense(both))
        return logits

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return same_width("gru", in_shapes)


@MODELS.register("lstm")
class LSTM(nn.Module):
    """Batch norm of each row, LSTM, its last state, two linear layers (A26; C06 with 1, 2 or 3 layers).

    A26 has 256 inputs: two pictures of 128 rows here.

    Args:
        in_shapes: `(H, W)` of each picture; several are joined row on row, so W must be the same.
        n_classes: C.
        hidden: units; 128 is published.
        layers: of the LSTM; 2 is published.
        dense: units of the layer before the last; 128 is published.
        dropout: between the layers of the LSTM, and before both linear layers; 0.3 is published.

    Raises:
        ConfigError: no pictures of one width, or a parameter out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        hidden: int = 128,
        layers: int = 2,
        dense: int = 128,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        check_numbers({"hidden": hidden, "layers": layers, "dense": dense}, dropout)
        rows = sum(shape[0] for shape in in_shapes)
        self.norm = nn.BatchNorm1d(rows)
        self.lstm = nn.LSTM(rows, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, dense), nn.ELU(), nn.Dropout(dropout))
        self.fc = nn.Linear(dense, n_classes)

    def forward(self, *feature_maps: Tensor) -> Tensor:
        """Logits `[B, C]` of pictures `[B, H, W]`."""
        steps = self.norm(to_sequence(feature_maps).transpose(1, 2)).transpose(1, 2)  # [B, W, H]
        _, (states, _) = self.lstm(steps)
        logits: Tensor = self.fc(self.dense(states[-1]))
        return logits

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return same_width("lstm", in_shapes)


@MODELS.register("lstm_cnn")
class LSTMCNN(nn.Module):
    """LSTM, a convolution along time over its states, the greatest value of each channel, two linear layers (C07).

    Only this order is published; the sizes are ours.

    Args:
        in_shapes: `(H, W)` of each picture; several are joined row on row (C02), so W must be the same.
        n_classes: C.
        hidden: units of the LSTM.
        layers: of the LSTM.
        channels: of the convolution.
        kernel: columns of the convolution.
        dense: units of the layer before the last.
        dropout: before both linear layers, and between the layers of the LSTM.

    Raises:
        ConfigError: no pictures of one width, or a parameter out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        hidden: int = 128,
        layers: int = 1,
        channels: int = 128,
        kernel: int = 5,
        dense: int = 64,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        sizes = {"hidden": hidden, "layers": layers, "channels": channels, "kernel": kernel, "dense": dense}
        check_numbers(sizes, dropout)
        rows = sum(shape[0] for shape in in_shapes)
        self.lstm = nn.LSTM(rows, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.conv = nn.Conv1d(hidden, channels, kernel, padding="same")
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels, dense), nn.ReLU(), nn.Dropout(dropout))
        self.fc = nn.Linear(dense, n_classes)

    def forward(self, *feature_maps: Tensor) -> Tensor:
        """Logits `[B, C]` of pictures `[B, H, W]`."""
        states, _ = self.lstm(to_sequence(feature_maps))  # [B, W, hidden]
        greatest = self.conv(states.transpose(1, 2)).relu().amax(dim=2)  # [B, channels]
        logits: Tensor = self.fc(self.dense(greatest))
        return logits

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return same_width("lstm_cnn", in_shapes)
