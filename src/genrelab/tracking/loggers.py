"""The Lightning loggers that a configuration can choose."""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch.loggers import Logger

from genrelab.datasets.splits import UNSAFE
from genrelab.datasets.splits.registry import SPLITS
from genrelab.tracking.registry import LOGGERS
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import write_text

TAG = 64  # characters that W&B takes


@LOGGERS.register("tensorboard")
def tensorboard(run_dir: Path) -> Logger:
    """Event files in `<run>/tensorboard`; `tensorboard --logdir outputs/runs` shows them.

    Raises:
        GenrelabError: TensorBoard is not installed.
    """
    try:
        import tensorboard  # noqa: F401  (Lightning's own message names another package)
    except ImportError as error:
        raise GenrelabError("logger=tensorboard: not installed; pip install 'genrelab[tensorboard]'") from error
    from lightning.pytorch.loggers import TensorBoardLogger

    return TensorBoardLogger(run_dir, name="", version="tensorboard", default_hp_metric=False)


@LOGGERS.register("wandb")
def wandb(
    run_dir: Path,
    run_id: str,
    config: Mapping[str, Any],
    project: str = "genrelab",
    entity: str | None = None,
    mode: Literal["auto", "online", "offline"] = "auto",
    group: str | None = None,
    tags: Sequence[str] = (),
    log_model: bool = True,
) -> Logger:
    """A W&B run that keeps its id, so that resuming continues it; model, features, loss and dataset are its tags.

    Args:
        run_dir: files go into `<run>/wandb`.
        run_id: name of the W&B run, and the beginning of its id.
        config: the whole configuration, plain.
        project: of the account.
        entity: team or user; None is the account's default.
        mode: auto is online where an account is set up (WANDB_API_KEY, or a login in ~/.netrc), else offline.
        group: None groups the jobs of a multirun by its launch, trials by their study, folds by their run.
        tags: further ones.
        log_model: upload the best and the last checkpoint as an artifact.

    Raises:
        GenrelabError: wandb is not installed, or mode is online and W&B does not answer.
    """
    try:
        import wandb as client
    except ImportError as error:
        raise GenrelabError("logger=wandb: not installed; pip install 'genrelab[wandb]'") from error
    from lightning.pytorch.loggers import WandbLogger

    offline = mode == "offline" or (mode == "auto" and not _has_account())
    if offline:
        print(f"W&B: offline, into {run_dir / 'wandb'}; `genrelab tools wandb-sync` uploads it later", flush=True)
    names = short_names(config)
    outer, job_type = _place(run_dir, run_id)
    settings: dict[str, Any] = {
        "id": _wandb_id(run_dir, run_id), "name": run_id, "project": project, "entity": entity,
        "group": group or outer, "job_type": job_type, "tags": [*dict.fromkeys([*tags, *_tags(names)])],
        "dir": str(run_dir), "config": {**config, **names}, "resume": "allow",
        "settings": client.Settings(silent=True, console="off"),
    }  # fmt: skip
    try:
        experiment = client.init(mode="offline" if offline else "online", **settings)
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        if mode == "online":
            raise GenrelabError(f"logger.wandb: {reason}; use logger.wandb.mode=offline to go on without it") from error
        print(
            f"warning: W&B cannot be reached ({reason}); offline, into {run_dir / 'wandb'}", file=sys.stderr, flush=True
        )
        experiment = client.init(mode="offline", **settings)
    return WandbLogger(experiment=experiment, log_model=False, save_dir=str(run_dir))


def short_names(config: Mapping[str, Any]) -> dict[str, Any]:
    """What one groups runs by, each as one word: W&B groups by no key that holds several; and whether it is UNSAFE."""
    kinds = {f"{noun}_name": str((config.get(noun) or {}).get("kind")) for noun in ("model", "loss", "dataset")}
    unsafe = SPLITS.marked(str((config.get("split") or {}).get("kind")), UNSAFE)
    return {**kinds, "features_name": "+".join(config.get("features") or {}), "unsafe": unsafe}


def _place(run_dir: Path, run_id: str) -> tuple[str | None, str]:
    """The group that a run belongs to, and its type of job: "fold", "sweep" (of a multirun or study) or "train"."""
    if not re.fullmatch(r"\d+|fold-\d+", run_dir.name):
        return None, "train"
    return run_id.removesuffix(f"-{run_dir.name}"), "fold" if run_dir.name.startswith("fold") else "sweep"


def _tags(names: Mapping[str, Any]) -> list[str]:
    words = [names["model_name"], *names["features_name"].split("+"), names["loss_name"], names["dataset_name"]]
    return ["UNSAFE"] * names["unsafe"] + [word[:TAG] for word in words if word]


def _wandb_id(run_dir: Path, run_id: str) -> str:
    """A W&B id that stays with the folder; a study's second life must not write into the first one's runs."""
    path = run_dir / "wandb" / "id.txt"
    if not path.exists():
        write_text(path, run_id if re.search(r"\d{8}-\d{6}", run_id) else f"{run_id}-{secrets.token_hex(3)}")
    return path.read_text(encoding="utf-8").strip()


def _has_account() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    netrc = Path("~/.netrc").expanduser()
    return netrc.exists() and "wandb" in netrc.read_text(errors="ignore")
