"""`FeatureSpec`: what a feature is, as plain data. Backends compute it, the store keys by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from genrelab.audio.spec import fingerprint

Dtype = Literal["float16", "float32", "uint8", "int16"]


@dataclass(frozen=True)
class FeatureSpec:
    """One feature of a segment.

    Args:
        name: the key it has in the configuration ("pcen").
        kind: its registered kind ("mel_pcen").
        params: all parameters of the kind, defaults filled in; plain values.
        sample_rate: Hz of the audio it is computed from.
        n_samples: length of the segment in samples.
        shape: `(H, W)` of a picture (frequency, time) or `(D,)` of a vector.
        dtype: how the store holds it. float16 for pictures, float32 for vectors, uint8 with a scale by option; int16
            for waveforms alone.
        scale: the values that uint8's 0 and 255 stand for; None with the other dtypes.
    """

    name: str
    kind: str
    params: Mapping[str, Any]
    sample_rate: int
    n_samples: int
    shape: tuple[int, ...]
    dtype: Dtype = "float16"
    scale: tuple[float, float] | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides the stored numbers; the name does not."""
        return fingerprint({key: value for key, value in self.to_dict().items() if key != "name"})

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for checkpoint and run record."""
        scale = None if self.scale is None else list(self.scale)
        return {**asdict(self), "params": dict(self.params), "shape": list(self.shape), "scale": scale}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FeatureSpec:
        """Inverse of `to_dict`."""
        scale = data.get("scale")
        fixed = {"shape": tuple(data["shape"]), "params": dict(data["params"])}
        return cls(**{**data, **fixed, "scale": None if scale is None else (scale[0], scale[1])})
