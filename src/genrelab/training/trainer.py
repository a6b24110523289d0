"""Lightning's Trainer as genrelab uses it."""

from __future__ import annotations

import ctypes
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genrelab.config.schema import AcceleratorSpec, TrainerSpec, read_fields
from genrelab.utils.errors import GenrelabError
from genrelab.utils.processes import default_workers


def make_trainer(
    spec: TrainerSpec, accelerator: Mapping[str, Any], folder: Path, loggers: list[Any], callbacks: list[Any]
) -> Any:
    """Lightning's Trainer, without what genrelab does itself (progress, checkpoints, samplers, sanity check).

    Raises:
        GenrelabError: the machine has no such device.
    """
    import lightning.pytorch as pl
    import torch
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    hardware = read_fields(AcceleratorSpec, accelerator, "accelerator")
    device = hardware.accelerator
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    torch.set_num_threads(hardware.num_threads or _num_threads(hardware.devices if device == "cpu" else 1))
    if device == "cpu":
        _keep_freed_memory()
    precision = hardware.precision
    if precision == "auto":
        bf16 = device == "cuda" and torch.cuda.is_bf16_supported()
        precision = ("bf16-mixed" if bf16 else "16-mixed") if device == "cuda" else "32-true"
    try:
        return pl.Trainer(
            accelerator=device,
            devices=hardware.devices,
            strategy=hardware.strategy,
            precision=precision,
            max_epochs=spec.max_epochs,
            gradient_clip_val=spec.gradient_clip_val,
            accumulate_grad_batches=spec.accumulate_grad_batches,
            limit_train_batches=spec.limit_train_batches or 1.0,
            profiler=spec.profiler,
            deterministic=hardware.deterministic,
            logger=loggers or False,
            callbacks=callbacks,
            default_root_dir=folder,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=1_000_000,
        )
    except (MisconfigurationException, ValueError) as error:
        raise GenrelabError(
            f"accelerator: {str(error).splitlines()[0]}; accelerator=auto takes what there is"
        ) from error


def _num_threads(processes: int) -> int:
    """What OMP_NUM_THREADS says (launchers of several jobs on one machine set it), else a share of the cores."""
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(told) if told.isdigit() and int(told) else max(1, default_workers() // processes)


def _keep_freed_memory() -> None:
    """Have glibc keep large buffers between steps, not fetch and clear them anew: a CNN trains twice as fast.

    The process then holds its peak memory until it ends. Elsewhere than on glibc nothing happens.
    """
    m_trim_threshold, m_mmap_max = -1, -4  # malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, 2**31 - 1)


@contextmanager
def raise_interrupts(trainer: Any) -> Iterator[None]:
    """Raise KeyboardInterrupt at Ctrl-C, as Python does: Lightning turns it into `exit(1)`."""
    try:
        yield
    except SystemExit as stop:
        if stop.code == 1 and trainer.interrupted:  # a cluster that queues a job again has codes of its own
            raise KeyboardInterrupt from stop
        raise


def quiet_lightning() -> None:
    """Silence what Lightning says about itself."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*before.*optimizer.step.*")
