"""Reads what W&B wrote offline: a log of protobuf records in LevelDB's framing."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BLOCK = 32768
HEADER = 7  # of the file, and of each piece: crc32, length, kind (whole, first, middle, last)


@dataclass
class Offline:
    """One run as its offline file tells it; later values win, as on the server."""

    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    history: dict[str, list[Any]] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    artifacts: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    exit_code: int | None = None


def read_offline(folder: Path) -> Offline:
    """The run of an `offline-run-*` folder, once W&B's own process has written its end, 20 s at most."""
    end = time.monotonic() + 20
    while (found := _read(folder)).exit_code is None and time.monotonic() < end:
        time.sleep(0.1)
    return found


def _read(folder: Path) -> Offline:
    from wandb.proto.wandb_internal_pb2 import Record

    found = Offline()
    for data in _records(next(folder.glob("*.wandb")).read_bytes()):
        record = Record()
        record.ParseFromString(data)
        _take(found, record, record.WhichOneof("record_type"))
    return found


def _take(found: Offline, record: Any, kind: str) -> None:
    if kind == "run":
        found.run = record.run
        found.config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
    elif kind == "config":
        found.config |= {item.key: json.loads(item.value_json) for item in record.config.update if item.key}
    elif kind == "history":
        for item in record.history.item:
            found.history.setdefault(_key(item), []).append(json.loads(item.value_json))
            found.summary[_key(item)] = json.loads(item.value_json)
    elif kind == "summary":
        found.summary |= {_key(item): json.loads(item.value_json) for item in record.summary.update}
    elif kind == "exit":
        found.exit_code = record.exit.exit_code
    elif kind == "request" and record.request.WhichOneof("request_type") == "log_artifact":
        artifact = record.request.log_artifact.artifact
        found.artifacts.append((artifact.name, tuple(artifact.aliases)))
    elif kind == "artifact":
        found.artifacts.append((record.artifact.name, tuple(record.artifact.aliases)))


def _key(item: Any) -> str:
    return item.key or ".".join(item.nested_key)


def _records(data: bytes) -> list[bytes]:
    assert data[:4] == b":W&B"
    records, part, at = [], b"", HEADER
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:  # no piece begins so near a block's end
            at += BLOCK - at % BLOCK
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        part += data[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (1, 4):
            records.append(part)
            part = b""
    return records
