"""Features: kinds, specs, backends, storage. Importing it costs numpy alone; librosa comes with the first extract."""

from genrelab.features.backends.librosa_backend import LibrosaTransforms
from genrelab.features.base import Feature, FeatureError, FeatureOverflow, TimeFrequencyFeature, VectorFeature
from genrelab.features.extraction import BACKENDS, compile_kernels, extract, extract_segments
from genrelab.features.quantization import build_feature, dequantize, make_spec, quantize
from genrelab.features.spec import Dtype, FeatureSpec

__all__ = [
    "BACKENDS",
    "Dtype",
    "Feature",
    "FeatureError",
    "FeatureOverflow",
    "FeatureSpec",
    "LibrosaTransforms",
    "TimeFrequencyFeature",
    "VectorFeature",
    "build_feature",
    "compile_kernels",
    "dequantize",
    "extract",
    "extract_segments",
    "make_spec",
    "quantize",
]
