"""What all systems that scikit-learn fits have in common: a module whose tensors are all that predicting needs."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from genrelab.utils.errors import GenrelabError

Pooling = Literal["none", "mean", "mean_std"]
MULTILABEL = "several"  # of those kinds that can also tell each of several genres a track from the rest
MARK = "fitted"  # of kinds in the registry of models that are fitted at once, not trained by gradient


class Estimator(nn.Module, ABC):
    """A system that is fitted once, by scikit-learn, and predicts by tensors: `forward(*features) -> logits [B, C]`.

    Where a network has weights it has buffers, so that a checkpoint holds plain tensors, loads without running
    anybody's code, and is served like a network's. scikit-learn is needed for fitting alone.

    Args:
        in_shapes: `(D,)` or `(H, W)` of each input.
        n_classes: C.
        pooling: pictures flattened ("none"), or each row's mean over time, or its mean and standard deviation;
            columns of pooled features are standardized by train's statistics.
        power_transform: make each column as normal as the power transform of Yeo and Johnson (2000) can, then
            standardize it; the powers are fitted on train by likelihood (scikit-learn's `PowerTransformer`).
    """

    scaled_on_val: ClassVar[bool] = False  # its logits are no log-probabilities until `temperature` is fitted on val
    powers: Tensor  # [3, D] powers of the power transform; mean and standard deviation of what it gives
    columns: Tensor  # [2, D] mean and standard deviation that vectors are put on the same scale by
    temperature: Tensor
    prior: Tensor  # [C] share of train that has each genre, only where a track has several

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        pooling: Pooling = "none",
        power_transform: bool = False,
    ) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.in_shapes = [tuple(shape) for shape in in_shapes]
        self.pooling = pooling
        each = {"none": 0, "mean": 1, "mean_std": 2}[pooling]
        self.width = sum(shape[0] * each if each and len(shape) == 2 else prod(shape) for shape in self.in_shapes)
        self.pools = bool(each) and any(len(shape) == 2 for shape in self.in_shapes)
        self.found: dict[str, Any] = {}  # what fitting came to, plain, for the record
        self.candidates: dict[
            str, tuple[float, ...]
        ] = {}  # parameters that are "auto", and the values val chooses from
        self.register("temperature", torch.ones(()))
        self.power_transform = power_transform
        if power_transform:
            self.register("powers", torch.ones(3, self.width))
        if self.scales:
            self.register("columns", torch.stack([torch.zeros(self.width), torch.ones(self.width)]))

    def register(self, name: str, value: Tensor) -> None:
        """Hold a tensor that predicting needs."""
        self.register_buffer(name, value)

    @property
    def multilabel(self) -> bool:
        """Whether it was fitted on several genres a track: then its logits are of sigmoids."""
        return "prior" in self._buffers

    @property
    def scales(self) -> bool:
        """Whether columns are put on one scale here; the normalizer does it for plain vectors."""
        return self.pools or self.power_transform

    # ---- fitting

    def fit(self, x: Tensor, target: Tensor, seed: int, device: torch.device | str = "cpu") -> None:
        """Learn from vectors of train. Afterwards the module is on the CPU.

        Args:
            x: `[N, D]` float32, as `vectors` makes them; may be changed.
            target: `[N]` int64; genres without any row are never the answer. Or `[N, C]`, 1 where a row has a genre.
            seed: of what is drawn.
            device: where to do what torch does; scikit-learn stays on the CPU.
        """
        if self.scales:
            self.columns = _mean_and_std(x)
            if self.power_transform:  # of columns of unit scale, where powers are well conditioned
                scaled = _scale(x, self.columns)
                powers = _fit_powers(scaled)
                self.powers = torch.cat([powers[None], _mean_and_std(yeo_johnson(scaled, powers))])
            x = self._standardize(x)
        if target.ndim == 2:
            self.register("prior", (target.sum(dim=0) + 0.5) / (len(target) + 1.0))
        self.fit_vectors(x, target, seed, torch.device(device))

    def set_params(self, **values: float) -> None:
        """Set parameters that were "auto".

        Args:
            **values: by name, one for each of `candidates`.
        """
        for name in self.candidates:
            setattr(self, name, values[name])

    @abstractmethod
    def fit_vectors(self, x: Tensor, target: Tensor, seed: int, device: torch.device) -> None:
        """What a kind does in `fit`."""

    # ---- predicting

    def vectors(self, *features: Tensor) -> Tensor:
        """`[B, D]` float32 of normalized features `[B, H, W]` or `[B, D]`, pooled and joined, not yet standardized."""
        return torch.cat([self._pool(feature.float()) for feature in features], dim=1)

    def inputs(self, *features: Tensor) -> Tensor:
        """`[B, D]` vectors of normalized features, as `logits` takes them."""
        return self._standardize(self.vectors(*features))

    def forward(self, *features: Tensor) -> Tensor:
        """Logits `[B, C]` of normalized features, in float32 whatever the trainer's precision."""
        with torch.autocast(features[0].device.type, enabled=False):
            return self.logits(self.inputs(*features)) / self.temperature

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Logits `[B, C]` of vectors `[B, D]`, before the temperature."""

    def _pool(self, feature: Tensor) -> Tensor:
        if feature.ndim < 3 or self.pooling == "none":
            return feature.flatten(1)
        mean = feature.mean(dim=2)
        return mean if self.pooling == "mean" else torch.cat([mean, feature.std(dim=2, correction=0)], dim=1)

    def _standardize(self, x: Tensor) -> Tensor:
        if self.scales:
            x = _scale(x, self.columns)
        return _scale(yeo_johnson(x, self.powers[0]), self.powers[1:]) if self.power_transform else x

    # ---- checkpoints

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take buffers of whatever size they were fitted to."""
        for name, value in state_dict.items():
            own = name.removeprefix(prefix)
            if own in (*self._buffers, "prior") and isinstance(value, Tensor):
                self.register(own, torch.empty_like(value, device=self.temperature.device))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    @staticmethod
    def check_inputs(in_shapes: Sequence[tuple[int, ...]]) -> list[str]:
        """What is wrong with `in_shapes`, a line each: any will do."""
        return [] if in_shapes else ["a feature is needed, here is none; e.g. features=tabular57"]


def empty_buffer(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """What a buffer holds before it is fitted."""
    return torch.zeros(shape, dtype=dtype)


def yeo_johnson(x: Tensor, powers: Tensor) -> Tensor:
    """Return the power transform of Yeo and Johnson (2000), `[N, D]` like `x`, by the powers `[D]` of its columns."""
    power = torch.where(x >= 0, powers, 2 - powers)
    log = x.abs().log1p()
    small = power.abs() < 1e-6
    curve = torch.where(small, log, torch.expm1(power * log) / torch.where(small, 1.0, power))
    return torch.where(x >= 0, curve, -curve)


def _fit_powers(x: Tensor) -> Tensor:
    """Return the powers `[D]` that make the columns of `x` likeliest under a normal distribution."""
    from sklearn.preprocessing import PowerTransformer

    return torch.from_numpy(PowerTransformer(standardize=False).fit(x.double().numpy()).lambdas_).float()


def _mean_and_std(x: Tensor) -> Tensor:
    """Return mean and standard deviation `[2, D]` of the columns; 1 for the deviation of a constant one."""
    mean, std = x.mean(dim=0), x.std(dim=0, correction=0)
    return torch.stack([mean, torch.where(std <= 1e-5 * mean.abs().clamp(min=1e-3), 1.0, std)])


def _scale(x: Tensor, columns: Tensor) -> Tensor:
    return (x - columns[0]) / columns[1]


def check_memory(rows: int, columns: int) -> None:
    """Refuse a matrix of vectors that would take more than half of the machine's memory.

    Raises:
        GenrelabError: it would; says what makes it smaller.
    """
    needed = 4 * rows * columns
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there / 2:
        raise GenrelabError(
            f"{rows} train segments of {columns} values take {needed / 2**30:.0f} GiB, this machine has "
            f"{there / 2**30:.0f}; use model.pooling=mean_std, or smaller pictures"
        )


def log_odds(counts: Tensor, total: float, prior: Tensor, doubt: float = 1.0) -> Tensor:
    """Log-odds of `counts [B, C]` of `total` votes and `doubt` votes more, which have a genre by its share of train."""
    p = ((counts + doubt * prior) / (total + doubt)).clamp(1e-6, 1 - 1e-6)
    return p.log() - (-p).log1p()


def log_shares(counts: Tensor, total: float, doubt: float = 1.0) -> Tensor:
    """Log-probabilities of `counts [B, C]` of `total` votes and `doubt` votes more, spread over all genres."""
    return ((counts + doubt / counts.shape[1]) / (total + doubt)).log()
