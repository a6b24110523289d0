"""A trained run for other programs: ONNX, torch.export, safetensors, a folder for a model hub."""

from genrelab.deploy.formats import FORMATS, Format
from genrelab.deploy.write import export_run

__all__ = ["FORMATS", "Format", "export_run"]
