"""An autoencoder of sequences: unsupervised, so no registered model, but a module for clustering."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from genrelab.models.input_checks import check_numbers, check_shapes, same_width, to_sequence


class LSTMAutoencoder(nn.Module):
    """LSTM to one vector, LSTM from it back to every column (C05). Trained on the squared error of `forward`.

    Only the design is published; the sizes are ours.

    Args:
        in_shapes: `(H, W)` of each picture; several are joined row on row, so W must be the same.
        hidden: units of both LSTMs.
        latent: size of the vector.

    Raises:
        ConfigError: no pictures of one width, or a size below 1.
    """

    def __init__(self, in_shapes: Sequence[tuple[int, ...]], hidden: int = 128, latent: int = 64) -> None:
        super().__init__()
        check_shapes(same_width("lstm_autoencoder", in_shapes))
        check_numbers({"hidden": hidden, "latent": latent})
        rows = sum(shape[0] for shape in in_shapes)
        self.encoder = nn.LSTM(rows, hidden, batch_first=True)
        self.to_latent = nn.Linear(hidden, latent)
        self.decoder = nn.LSTM(latent, hidden, batch_first=True)
        self.to_rows = nn.Linear(hidden, rows)

    def encode(self, *feature_maps: Tensor) -> Tensor:
        """Vectors `[B, latent]` of pictures `[B, H, W]`."""
        _, (states, _) = self.encoder(to_sequence(feature_maps))
        vectors: Tensor = self.to_latent(states[-1])
        return vectors

    def forward(self, *feature_maps: Tensor) -> Tensor:
        """Pictures `[B, sum of H, W]` as they can be told from their vectors alone."""
        columns = feature_maps[0].shape[2]
        given = self.encode(*feature_maps).unsqueeze(1).expand(-1, columns, -1)  # the vector at every step
        states, _ = self.decoder(given)
        rows: Tensor = self.to_rows(states)
        return rows.transpose(1, 2)
