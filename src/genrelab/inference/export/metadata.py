"""What is said about an exported run: `config.json`, as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from genrelab.inference import Predictor
from genrelab.inference.export.parity import Parity

InputType = Literal["waveform", "features"]


def export_metadata(predictor: Predictor, format: str, fed: InputType, parity: Parity | None) -> dict[str, Any]:
    """Everything that a program needs to use the file: inputs, outputs, genres, temperatures, thresholds.

    Args:
        predictor: the run.
        format: of the export.
        fed: what the model takes in.
        parity: measured on writing; None where the file holds weights alone.
    """
    from importlib.metadata import version

    taxonomy, calibration, audio = predictor.taxonomy, predictor.calibration, predictor.audio
    found: dict[str, Any] = {
        "format": format,
        "genrelab_version": version("genrelab"),
        "run_id": predictor.run_id,
        "marks": list(predictor.caveats),
        "input": fed,
        "sample_rate": audio.sample_rate,
        "n_samples": audio.segment_samples,
        "audio": audio.to_dict(),
        "outputs": {"logits": ["windows", len(taxonomy.genres)], "probabilities": ["windows", len(taxonomy.genres)]},
        "genres": list(taxonomy.genres),
        "titles": list(taxonomy.titles),
        "supergenres": [taxonomy.supergenres[code] for code in taxonomy.supergenre_of],
        "several": predictor.output_type.multilabel,
        "joining": predictor.output_type.aggregation_description,
        "temperature": {
            "track": calibration.track_temperature,
            "segment": calibration.segment_temperature,
            "fitted": calibration.fitted,
        },
        "inputs": _inputs(predictor, fed),
    }
    if thresholds := calibration.label_assigner.to_dict().get("thresholds"):
        found["thresholds"] = thresholds
    if parity:
        found["parity"] = {**asdict(parity), "share": parity.share}
    return found


def _inputs(predictor: Predictor, fed: InputType) -> dict[str, Any]:
    if fed == "waveform":
        return {"samples": {"shape": ["windows", predictor.audio.segment_samples], "dtype": "float32"}}
    return {
        spec.name: {"shape": ["windows", *spec.shape], "dtype": "float32", "feature": spec.to_dict()}
        for spec in predictor.in_specs
    }


def read_optional(path: Path) -> Mapping[str, Any]:
    """A JSON file's content; empty where there is none, or it is broken."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
