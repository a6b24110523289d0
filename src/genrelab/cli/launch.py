"""From a command line to a run: composes, checks, trains."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrelab.config.composition import LAUNCH_ID, SEARCH_PATH, launch_id, search_path_override
from genrelab.utils.errors import ConfigError, GenrelabError
from genrelab.utils.exit_codes import HydraBypass, exit_on_error
from genrelab.utils.io import shown
from genrelab.utils.trust import TRUST_FLAG, TRUSTED, is_trusted

if TYPE_CHECKING:
    from omegaconf import DictConfig

ASKS_HYDRA = {
    "--help",
    "-h",
    "--hydra-help",
    "--version",
    "--cfg",
    "-c",
    "--info",
    "-i",
    "--resolve",
    "--package",
    "-p",
}
HYDRAS_FLAGS = {*ASKS_HYDRA, "-m", "--multirun", "-r", "--run", "-sc", "--shell-completion"}
BEFORE_DATA = {".lock", "config.yaml", "overrides.txt", "run.json", "changes.diff"}
JOBS = "GENRELAB_JOBS"  # how many a multirun has, for "job 2 of 6"; its launcher may start processes
_trained: list[Path] = []  # folders of the jobs that ended well in this process


def train(arguments: Sequence[str]) -> None:
    """Run `train.py` with these command line arguments; leaves by SystemExit where something is wrong."""
    # Torch's threads wait by spinning; where other processes want the cores, that can make a step ten times as slow.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    before = {name: os.environ.get(name) for name in (LAUNCH_ID, JOBS, TRUSTED)}
    try:
        with exit_on_error():
            _train(arguments)
    finally:  # the next launch of this process is another one
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _train(arguments: Sequence[str]) -> None:
    from genrelab.config import normalize_overrides

    if "--auto" in arguments:
        from genrelab.engine.auto.command import DEFAULT_BUDGET, start_race

        start_race(None, normalize_overrides([text for text in arguments if text != "--auto"]), DEFAULT_BUDGET)
        return
    # argparse wants flags before overrides; people write `experiment=quickstart -m beta=1,2` too.
    flags = [text for text in arguments if text in ("-m", "--multirun")]
    arguments = normalize_overrides([*flags, *recipe_flags([text for text in arguments if text not in flags])])
    if resumed := [text.partition("=")[2] for text in arguments if text.startswith("resume=")]:
        return _resume(resumed[-1], [text for text in arguments if not text.startswith("resume=")])
    asked = ASKS_HYDRA & {text.split("=")[0] for text in arguments}
    if not asked:
        preflight(arguments)
    elif flags:
        raise ConfigError(
            [f"{sorted(asked)[0]}: shows one configuration (leave out {flags[0]}, and name one value each)"]
        )
    if any(text.startswith("hydra/launcher=") for text in arguments):
        return _launched(arguments)
    _trained.clear()
    _with_hydra(_train_job, arguments)
    if len(_trained) > 1:
        _compare(_trained)


def recipe_flags(arguments: Sequence[str]) -> list[str]:
    """Arguments with `--config-dir FOLDER` as an override that has the folder's recipes checked.

    `--trust-config` allows them everything that Hydra does. Hydra's other flags that name configurations are refused,
    since they would be loaded unchecked.

    Raises:
        ConfigError: a folder that is not there, a flag that train.py does not take.
    """
    folders, rest, problems = [], [], []
    trusted = TRUST_FLAG in arguments or is_trusted()
    left = iter([text for text in arguments if text != TRUST_FLAG])
    for text in left:
        flag, equals, value = text.partition("=")
        if flag in ("--config-dir", "-cd"):
            folders.append(value if equals else next(left, ""))
            if not Path(folders[-1] or "-").is_dir():
                problems.append(f"--config-dir {folders[-1]}: no such folder")
        elif text.startswith("-") and flag not in HYDRAS_FLAGS:
            problems.append(f"{text}: no such flag (--help lists them; options in a folder of your own: --config-dir)")
        elif text.startswith(SEARCH_PATH) and not trusted:
            problems.append(f"{text}: not checked (use --config-dir FOLDER, or allow it with {TRUST_FLAG})")
        else:
            rest.append(text)
    if problems:
        raise ConfigError(problems)
    if trusted:
        os.environ[TRUSTED] = "1"
    return [*rest, search_path_override(folders)] if folders else rest


def _compare(folders: Sequence[Path]) -> None:
    """Show a multirun's jobs side by side."""
    from genrelab.evaluation.comparison import compare, print_comparison

    print(f"\n{len(folders)} jobs in {shown(folders[0].parent)}", flush=True)
    try:
        print_comparison(compare(folders))
    except GenrelabError as error:  # jobs on different data, say
        print(f"not comparable: {error}", file=sys.stderr)
    print(f"more: genrelab compare {shown(folders[0].parent)} --out FOLDER", flush=True)


def _launched(arguments: Sequence[str]) -> None:
    """Have a launcher's processes run the jobs, wherever: they are told the folder, since not all inherit LAUNCH_ID."""
    named = any(text.startswith("hydra.sweep.dir=") for text in arguments)
    folder = [] if named else [f"hydra.sweep.dir=${{paths.sweeps_dir}}/{launch_id()}"]
    try:
        _with_hydra(_train_job, [*arguments, *folder])
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("joblib", "submitit"):
            raise
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise GenrelabError(f"the launcher lost a job: {reason}") from error


def preflight(arguments: Sequence[str]) -> None:
    """Compose and check everything that these arguments ask for, all jobs of a multirun included.

    Raises:
        ConfigError: something does not fit.
    """
    from hydra._internal.utils import get_args_parser

    from genrelab.config import compose, count_jobs, expand_sweep
    from genrelab.engine.validate_config import check

    asked = get_args_parser().parse_args(list(arguments))
    jobs = expand_sweep(asked.overrides) if asked.multirun else [list(asked.overrides)]
    launcher = next((text for text in reversed(asked.overrides) if text.startswith("hydra/launcher=")), None)
    problems: list[str] = []
    if launcher and not asked.multirun:
        problems.append(f"{launcher}: it starts the jobs of a multirun; add -m")
    if launcher and any(text.startswith(("search=", "hydra/sweeper=")) for text in asked.overrides):
        problems.append(f"{launcher}: a search runs its trials itself; python sweep.py workers=N runs several at once")
    if launcher and launcher.endswith("slurm") and not shutil.which("srun"):
        problems.append(f"{launcher}: this machine has no srun; start it on a SLURM cluster, or use joblib here")
    for job in jobs:
        try:
            config = compose(job)
            check(config, job)
            several = config["accelerator"]["devices"] > 1 or config["accelerator"]["strategy"] != "auto"
            if asked.multirun and several:
                problems.append(
                    "accelerator: every process of several would start the whole --multirun; run the jobs one by one"
                )
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    if asked.multirun and not any(text.startswith("hydra/sweeper=") for text in asked.overrides):
        os.environ[JOBS] = str(count_jobs(asked.overrides))
        if launcher:
            named = [text.partition("=")[2] for text in asked.overrides if text.startswith("hydra.sweep.dir=")]
            folder = Path(named[-1] if named else config["paths"]["sweeps_dir"]) / ("" if named else launch_id())
            print(f"{os.environ[JOBS]} jobs with {launcher}, each in a folder of {shown(folder)}", flush=True)


def _with_hydra(job: Callable[[DictConfig], Any], arguments: Sequence[str]) -> None:
    import hydra

    from genrelab.config import conf_dir

    os.environ["HYDRA_FULL_ERROR"] = "1"  # let exceptions through to `exit_on_error`
    old, sys.argv = sys.argv, [sys.argv[0], *arguments]
    try:
        hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(job)()
    finally:
        sys.argv = old


def _train_job(config: DictConfig) -> float:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    from genrelab.engine import run

    launched = HydraConfig.get()
    folder = Path(launched.runtime.output_dir)
    plain: Any = OmegaConf.to_container(config, resolve=True)
    overrides = list(launched.overrides.task)
    if launched.mode == RunMode.MULTIRUN:
        count = f" of {os.environ[JOBS]}" if JOBS in os.environ else ""
        print(f"\njob {launched.job.num + 1}{count}: {' '.join(overrides)}", flush=True)
    try:
        record = run.resume(folder) if _queued_again(folder, overrides) else run.train(plain, folder, overrides)
    except (GenrelabError, OSError) as error:
        if launched.mode == RunMode.RUN:
            _forget(folder)
            raise HydraBypass(error) from error
        raise  # a multirun must see it, to stop or to go on as its sweeper says
    _trained.append(folder)
    if launched.mode == RunMode.RUN:
        _say_next(folder)
    return float(record["objective"])


def _say_next(folder: Path) -> None:
    """How a run is put to use, if it listens to recordings."""
    from genrelab.runs.checkpoint import load_checkpoint, run_checkpoint

    file = run_checkpoint(folder)
    if file.exists() and load_checkpoint(file)["genrelab"]["preprocessing"].get("audio"):
        print(f"next: genrelab predict {shown(folder)} SONG, or genrelab app {shown(folder)}", flush=True)


def _queued_again(folder: Path, overrides: Sequence[str]) -> bool:
    """Whether this is a cluster's job that began before: its time was over, or another's work came first."""
    if "SUBMITIT_EXECUTOR" not in os.environ or not (folder / "run.json").exists():
        return False
    return (folder / "overrides.txt").read_text(encoding="utf-8").splitlines() == list(overrides)


def _forget(folder: Path) -> None:
    """Remove the folder of a run that ended before its data were ready: it holds nothing but its configuration."""
    if folder.is_dir() and {path.name for path in folder.iterdir()} <= BEFORE_DATA:
        shutil.rmtree(folder, ignore_errors=True)


def _resume(folder: str, overrides: Sequence[str]) -> None:
    if not folder:
        raise ConfigError(["resume=: name the folder of a run, such as outputs/runs/20260101-120000-ab12cd"])
    from genrelab.engine import run

    run.resume(Path(folder), overrides, trusted=is_trusted())
