"""The Lightning loggers that a configuration can choose."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch.loggers import Logger

from genrelab.errors import GenrelabError
from genrelab.registry import LOGGERS


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
    """A W&B run of the same id as the genrelab run, so that resuming continues it.

    Args:
        run_dir: files go into `<run>/wandb`.
        run_id: id and name of the W&B run.
        config: the whole configuration, plain.
        project: of the account.
        entity: team or user; None is the account's default.
        mode: auto is online where an account is set up (WANDB_API_KEY, or a login in ~/.netrc), else offline.
        group: groups runs in the dashboard; None groups the folds of a run.
        tags: of the run.
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
        print(f"W&B: offline, into {run_dir / 'wandb'}; `wandb sync` uploads it later", flush=True)
    fold = re.fullmatch(r"(.+)-fold-\d+", run_id)
    settings: dict[str, Any] = {
        "id": run_id, "name": run_id, "project": project, "entity": entity, "group": group or (fold and fold.group(1)),
        "tags": list(tags), "dir": str(run_dir), "config": dict(config), "resume": "allow",
        "job_type": "train", "settings": client.Settings(silent=True, console="off"),
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


def _has_account() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    netrc = Path("~/.netrc").expanduser()
    return netrc.exists() and "wandb" in netrc.read_text(errors="ignore")
