"""A trained run for other programs: ONNX, torch.export, safetensors, a folder for a model hub."""

from genrelab.inference.export.exporter import export_run
from genrelab.inference.export.formats import FORMATS, Format

__all__ = ["FORMATS", "Format", "export_run"]
