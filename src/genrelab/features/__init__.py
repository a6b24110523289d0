"""Features: kinds, specs, engines, storage. Importing it costs numpy alone; librosa comes with the first extract."""

from genrelab.features import chroma, given, hpss, mel, samples, vectors, waveform  # noqa: F401 - the import registers the kinds
from genrelab.features.analysis import Analysis
from genrelab.features.engine import ENGINES, compile_kernels, extract, extract_segments
from genrelab.features.kind import Feature, FeatureError, FeatureOverflow, Picture, Vector
from genrelab.features.spec import Dtype, FeatureSpec
from genrelab.features.storage import feature_of, from_stored, make_spec, to_stored

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
