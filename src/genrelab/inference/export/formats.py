"""The files of an exported run: one function for each format."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path

Format = Literal["onnx", "torch-export", "safetensors", "hub"]
FORMATS: tuple[str, ...] = get_args(Format)
GRAPHS = {"onnx": "model.onnx", "torch-export": "model.pt2"}  # formats that hold the computation, and their files
WEIGHTS = "model.safetensors"
OUTPUTS = ["logits", "probabilities"]


def write_onnx(path: Path, model: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    """Write an ONNX file: named inputs, outputs `logits` and `probabilities`, any number of windows.

    Args:
        path: of the file.
        model: gives both outputs.
        inputs: an example of each, with two windows.

    Raises:
        GenrelabError: `onnx` is not installed, or the network has an operation that ONNX lacks.
    """
    require("onnx", "onnxscript")
    with _quiet():
        program = torch.onnx.export(
            model,
            tuple(inputs.values()),
            dynamo=True,
            verbose=False,
            external_data=False,
            input_names=list(inputs),
            output_names=OUTPUTS,
            dynamic_shapes=_any_batch(inputs),
        )
    with atomic_path(path) as part:
        program.save(str(part))  # type: ignore[union-attr]


def run_onnx(path: Path, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Logits `[S, C]` of an ONNX file by onnxruntime on the CPU."""
    require("onnxruntime")
    import onnxruntime

    with _quiet():
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return np.asarray(session.run(OUTPUTS[:1], dict(inputs))[0])


def write_torch(path: Path, model: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    """Write a `torch.export` archive: what `torch.export.load(path).module()` runs without genrelab."""
    with _quiet():
        program = torch.export.export(model, tuple(inputs.values()), dynamic_shapes=_any_batch(inputs))
        with atomic_path(path) as part:
            torch.export.save(program, part)


def run_torch(path: Path, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Logits `[S, C]` of a `torch.export` archive."""
    with _quiet(), torch.no_grad():
        found = torch.export.load(path).module()(*(torch.from_numpy(one) for one in inputs.values()))
    return np.asarray(found[0])


def write_safetensors(path: Path, state: Mapping[str, Tensor], content: Mapping[str, Any]) -> None:
    """Write weights, and in the file's own header everything else that `load_predictor` needs.

    Args:
        path: of the file.
        state: the network's weights by name.
        content: plain data by key, written as JSON.
    """
    require("safetensors")
    from safetensors.torch import save

    header = {key: json.dumps(value, ensure_ascii=False) for key, value in content.items()}
    with atomic_path(path) as part:
        # Not by `save_file`, whose files nobody but their owner may read.
        part.write_bytes(save({name: value.detach().cpu().contiguous() for name, value in state.items()}, header))


def require(*packages: str) -> None:
    """Raise GenrelabError where one of `packages` is not installed."""
    from importlib.util import find_spec

    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise GenrelabError(f"{missing[0]} is not installed; pip install 'genrelab[export]'")


def _any_batch(inputs: Sequence[str] | Mapping[str, Any]) -> tuple[tuple[dict[int, Any], ...]]:
    batch = torch.export.Dim("windows")
    return (tuple({0: batch} for _ in inputs),)  # one tuple, because forward takes *inputs


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' talk of what they try."""
    logger = logging.getLogger("torch")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # the exporters raise whatever their stages raise
        told = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
        raise GenrelabError(f"the network does not export ({told[0]}); try --format safetensors") from error
    finally:
        logger.setLevel(before)
