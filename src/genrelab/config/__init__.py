"""Configuration: Hydra composes, genrelab checks the whole tree before any data is touched. Imports no torch."""

from genrelab.config.composition import compose, conf_dir, count_jobs, expand_sweep, launch_id, normalize_overrides
from genrelab.config.schema import AcceleratorSpec, DataSpec, PathsSpec, TrainerSpec

__all__ = [
    "AcceleratorSpec",
    "DataSpec",
    "PathsSpec",
    "TrainerSpec",
    "compose",
    "conf_dir",
    "count_jobs",
    "expand_sweep",
    "launch_id",
    "normalize_overrides",
]
