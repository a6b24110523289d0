"""Why a run answers as it does: salient parts of a recording as picture and as sound, and layers' feature maps."""

from genrelab.inference.explain.explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
