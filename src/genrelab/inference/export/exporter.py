"""`export_run`: a folder that other programs can use, checked against the run before it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genrelab.inference import Predictor, find_checkpoint, load_predictor
from genrelab.inference.export import formats
from genrelab.inference.export.metadata import InputType, export_metadata, read_optional
from genrelab.inference.export.model_card import render_card
from genrelab.inference.export.parity import TOLERANCE, Parity, measure_parity, parity_inputs
from genrelab.inference.export.traceable_model import ExportedClassifier, FeatureFrontEnd, UnsupportedInExport
from genrelab.runs.checkpoint import CAVEATS, load_checkpoint
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import shown, write_json, write_text

Arrays = dict[str, np.ndarray]
WRITERS: dict[str, tuple[Callable[..., None], Callable[..., np.ndarray]]] = {
    "onnx": (formats.write_onnx, formats.run_onnx),
    "torch-export": (formats.write_torch, formats.run_torch),
}


def export_run(
    run: Path, format: str = "onnx", out: Path | None = None, input_type: str = "auto", license: str = "unknown"
) -> tuple[Path, dict[str, Any]]:
    """Write a run for other programs: the model's file, `config.json` and a model card `README.md`.

    Args:
        run: folder of a run, or a checkpoint.
        format: "onnx", "torch-export" (both hold the computation), "safetensors" (weights for `load_predictor`), or
            "hub" (the same, with a card that a model hub reads).
        out: the folder; by default `export/<format>` in the run's.
        input_type: what goes in: "waveform", "features", or "auto" (waveform where every feature can be drawn inside).
        license: of the weights, its short name as on a model hub.

    Returns:
        the folder, and the content of its `config.json`.

    Raises:
        GenrelabError: an unknown format, a network that cannot be exported, or a file that says other than the run.
    """
    if format not in formats.FORMATS:
        raise GenrelabError(f"--format {format}: there is: {', '.join(formats.FORMATS)}")
    if input_type not in ("auto", "waveform", "features"):
        raise GenrelabError(f"--input-type {input_type}: there is: auto, waveform, features")
    predictor = load_predictor(run)
    file, folder = find_checkpoint(Path(run).expanduser())
    out = out or (folder or file.parent) / "export" / format
    out.mkdir(parents=True, exist_ok=True)
    config = _graph(predictor, format, out, input_type) if format in WRITERS else _weights(predictor, format, out, file)
    metrics, record = (read_optional(folder / name) if folder else {} for name in ("metrics.json", "run.json"))
    write_text(out / "README.md", render_card(config, metrics, record, license, front_matter=format == "hub"))
    write_json(out / "config.json", config)
    return out, config


def _graph(predictor: Predictor, format: str, out: Path, input_type: str) -> dict[str, Any]:
    """Write network and front end, and hold the file against the run."""
    front, why = _front(predictor, input_type)
    model = ExportedClassifier(
        predictor.model, front, predictor.calibration.segment_temperature, predictor.output_type
    ).eval()
    sounds = parity_inputs(predictor.audio.segment_samples, predictor.audio.sample_rate)
    features = predictor.features(sounds)
    inputs = _inputs(predictor, features, sounds if front else None)
    write, run = WRITERS[format]
    path = out / formats.GRAPHS[format]
    write(path, model, {name: torch.from_numpy(value[:2]) for name, value in inputs.items()})
    parity = measure_parity(predictor.logits(features).numpy(), run(path, inputs))
    _hold(parity, path)
    fed: InputType = "waveform" if front else "features"
    config = export_metadata(predictor, format, fed, parity)
    return {**config, "why_features": why}


def _front(predictor: Predictor, input_type: str) -> tuple[FeatureFrontEnd | None, str]:
    """The features as a module, or why they stay outside."""
    if input_type == "features":
        return None, ""
    try:
        return FeatureFrontEnd(predictor.in_specs, predictor.normalizer).eval(), ""
    except UnsupportedInExport as error:
        if input_type == "waveform":
            raise GenrelabError(f"--input-type waveform: {error}; use --input-type features") from error
        return None, str(error)


def _inputs(predictor: Predictor, features: list[Tensor], sounds: np.ndarray | None) -> Arrays:
    if sounds is not None:
        return {"samples": sounds}
    return {spec.name: one.numpy() for spec, one in zip(predictor.in_specs, features, strict=True)}


def _hold(parity: Parity, path: Path) -> None:
    if not parity.within_tolerance:
        path.unlink()
        raise GenrelabError(
            f"{path.name}: its logits differ from the run's by {parity.share:.1e} of their range, over {TOLERANCE:g}; "
            "use --input-type features"
        )


def _weights(predictor: Predictor, format: str, out: Path, file: Path) -> dict[str, Any]:
    checkpoint = load_checkpoint(file)
    content: Mapping[str, Any] = {
        "genrelab": checkpoint["genrelab"],
        "calibration": predictor.calibration.to_dict(),
    }
    formats.write_safetensors(out / formats.WEIGHTS, checkpoint["state_dict"], content)
    config = export_metadata(predictor, format, "waveform", None)
    return {
        **config,
        "model": checkpoint["genrelab"]["model"],
        "preprocessing": checkpoint["genrelab"]["preprocessing"],
    }


def summary(folder: Path, config: Mapping[str, Any]) -> str:
    """What was written, for the terminal."""
    sizes = ", ".join(f"{path.name} {path.stat().st_size / 1e6:.1f} MB" for path in sorted(folder.glob("model.*")))
    lines = [f"wrote {shown(folder)}: {sizes}, config.json, README.md"]
    if config["format"] in WRITERS:
        lines.append(f"takes {config['input']} in{'; ' + config['why_features'] if config['why_features'] else ''}")
        parity = config["parity"]
        lines.append(
            f"logits differ from the run's by {parity['share']:.1e} of their range ({parity['windows']} windows)"
        )
    return "\n".join([*lines, *(f"note: {CAVEATS[mark]}" for mark in config["marks"])])
