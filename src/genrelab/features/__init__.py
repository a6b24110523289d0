"""Features: kinds, specs, engines, storage. Importing it costs numpy alone; librosa comes with the first extract."""

from genrelab.features.backends.librosa_backend import Analysis
from genrelab.features.base import Feature, FeatureError, FeatureOverflow, Picture, Vector
from genrelab.features.extraction import ENGINES, compile_kernels, extract, extract_segments
from genrelab.features.quantization import feature_of, from_stored, make_spec, to_stored
from genrelab.features.spec import Dtype, FeatureSpec

__all__ = [
    "ENGINES",
    "Analysis",
    "Dtype",
    "Feature",
    "FeatureError",
    "FeatureOverflow",
    "FeatureSpec",
    "Picture",
    "Vector",
    "compile_kernels",
    "extract",
    "extract_segments",
    "feature_of",
    "from_stored",
    "make_spec",
    "to_stored",
]
