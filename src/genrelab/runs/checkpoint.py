"""What a checkpoint holds: plain data only, so that loading a stranger's file runs nobody's code.

Under the key `genrelab` of every `.ckpt` file:

    format          int, CHECKPOINT_FORMAT
    genres          list of genre codes, in the order of the logits
    taxonomy        plain data of the run's taxonomy (`Taxonomy.to_dict`)
    taxonomy_hash   hash of the ordered genre codes
    model           {"kind": str, "params": {...}, "in_shapes": [[H, W] or [D], ...] of whole segments,
                     "crop_ratio": width of train crops as a share of a segment, which is evaluated by the mean of
                     windows of that width (absent: 1)}
    preprocessing   {"audio": {...AudioSpec}, "features": [{...FeatureSpec}, ...],
                     "normalize": [{"mean": [...], "std": [...]}, ...],
                     "online": bool, features made in the step of waveforms (absent: False)}
    split_hash      hash of the split it was trained on
    run_id          the run that wrote it
    marks           list of "stand_in" and "unsafe", what must be said wherever it answers (absent: as `run.json` says)
    sound           {"loudness": dB, "flatness": float, "speech": float}, beyond which a recording is silence, noise or
                    speech, fitted on val (absent: constants; `genrelab.audio.content_detection.ContentThresholds`)
    labels          values of each further label by name, where there are heads for them (else absent)

and under `state_dict` the network's weights, with the network's own names (no prefix);
`label_heads` holds those of further heads.
`last.ckpt` also carries what Lightning and the random generators need to resume, and under `ema` the weights as trained
where `state_dict` holds their moving average. `genrelab export --format safetensors`
writes the same into a `.safetensors` file: the weights as its tensors, the rest as JSON in its header.
"""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import is_one_line

CHECKPOINT_FORMAT = 1
BEST, REFIT = "best.ckpt", "refit.ckpt"  # in `checkpoints/`: of the best epoch on val; trained again on train and val
CAVEATS = {  # what is said of a run wherever it answers, see `caveats_of`
    "stand_in": "trained on a stand-in for music, made by genrelab; its answers for real music mean nothing",
    "unsafe": "trained on an UNSAFE split: its scores, and how sure it says it is, are no evidence",
}
CONTENT = {
    "format": int,
    "genres": list,
    "taxonomy": dict,
    "taxonomy_hash": str,
    "model": dict,
    "preprocessing": dict,
    "split_hash": str,
    "run_id": str,
}


def check_content(content: Mapping[str, Any]) -> None:
    """Raise ValueError where a checkpoint's `genrelab` part lacks something or is not plain data."""
    for key, kind in CONTENT.items():
        if not isinstance(content.get(key), kind):
            raise ValueError(f"{key!r} is {type(content.get(key)).__name__}, expected {kind.__name__}")
    if not is_one_line(content["run_id"]):
        raise ValueError(f"'run_id' is {content['run_id']!r}, not one line of text")
    if content["format"] != CHECKPOINT_FORMAT:
        raise ValueError(f"format {content['format']}, this genrelab reads {CHECKPOINT_FORMAT}")
    _check_plain(content, "genrelab")


def without_weights(params: Mapping[str, Any]) -> dict[str, Any]:
    """Set `weights` to None in a model's parameters and its parts': a checkpoint holds all weights itself."""
    return {name: None if name == "weights" else _without_weights(value) for name, value in params.items()}


def _without_weights(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_without_weights(one) for one in value]
    return without_weights(value) if isinstance(value, Mapping) else value


def caveats_of(record: Mapping[str, Any]) -> list[str]:
    """What a run's record says that must be said wherever the run answers; its checkpoint carries it along.

    Returns:
        keys of `CAVEATS`.
    """
    dataset, split = record.get("dataset") or {}, record.get("split") or {}
    return [mark for mark, holds in (("stand_in", dataset.get("stand_in")), ("unsafe", split.get("unsafe"))) if holds]


def run_checkpoint(run: Path) -> Path:
    """Return the file that a run answers from: the refitted checkpoint, or the best on val where there is none."""
    refit = run / "checkpoints" / REFIT
    return refit if refit.exists() else run / "checkpoints" / BEST


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a checkpoint on the CPU, refusing anything but plain data and tensors.

    Returns:
        the file's dictionary, with at least `genrelab` and `state_dict`.

    Raises:
        GenrelabError: missing, truncated, hostile (would run code), or not written by genrelab.
    """
    try:
        safe = Path(path).suffix == ".safetensors"
        checkpoint = _load_safe(path) if safe else torch.load(path, map_location="cpu", weights_only=True)
        check_content(checkpoint["genrelab"])
        if not isinstance(checkpoint["state_dict"], dict):
            raise ValueError("'state_dict' is missing")
    except FileNotFoundError as error:
        raise GenrelabError(f"{path}: no such checkpoint") from error
    except pickle.UnpicklingError as error:
        raise GenrelabError(f"{path}: refused, it holds more than plain data and tensors") from error
    except (RuntimeError, EOFError, zipfile.BadZipFile, OSError, IndexError) as error:
        reason = str(error).strip().partition("\n")[0] or "an empty or cut file"
        raise GenrelabError(f"{path}: damaged or not a checkpoint ({reason})") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise GenrelabError(f"{path}: not a checkpoint of genrelab ({error})") from error
    return dict(checkpoint)


def _load_safe(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise GenrelabError(f"{path}: needs safetensors; pip install 'genrelab[export]'") from error
    try:
        with safe_open(path, framework="pt") as file:
            header = {key: json.loads(text) for key, text in (file.metadata() or {}).items() if key != "format"}
            return {**header, "state_dict": {name: file.get_tensor(name) for name in file.keys()}}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _check_plain(value: Any, at: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_plain(inner, f"{at}.{key}")
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            _check_plain(inner, f"{at}[{position}]")
    elif type(value) not in (str, int, float, bool, type(None)):  # a numpy scalar is a float by isinstance
        raise ValueError(f"{at} is {type(value).__name__}, not plain data")
