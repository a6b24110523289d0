"""What pruning saves and what it costs: one search's full curves, replayed with each pruner.

python benchmarks/pruning.py record --out FOLDER    trains a small search, and one setting over seeds: minutes
python benchmarks/pruning.py replay --out FOLDER    replays the pruners of conf/ over FOLDER/curves.json: seconds
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import yaml
from harness import make_parser

from genrelab.config import conf_dir
from genrelab.tuning.samplers import PRUNERS
from genrelab.utils.errors import Pruned

EPOCHS, TRIALS, SEEDS, ORDERS = 16, 16, 4, 200  # with --rounds fewer trials, and seeds
METRIC = "val/track/distance"
SETTING = [
    *("debug=short", "model=resnet18flex", "model.width=8", "features=pcen", "loss=graph_soft", "callbacks=none"),
    *("demo.genres=6", "demo.tracks_per_genre=20", "demo.artists_per_genre=10"),
    *(f"trainer.max_epochs={EPOCHS}", f"trainer.monitor={METRIC}", "trainer.enable_progress_bar=false"),
]
Curves = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Replayed:
    """What a search with a pruner would have come to.

    Args:
        saved: share of all epochs.
        lost: how much worse the best complete trial is than the best of all.
        pruned: trials.
    """

    saved: float
    lost: float
    pruned: int


def replay(curves: Curves, pruner: optuna.pruners.BasePruner, direction: str = "minimize") -> Replayed:
    """Run recorded curves through a pruner, one trial after the other in the order given.

    A trial's value is its best epoch's, as the best checkpoint's is. A pruned trial cannot win.
    """
    best = min if direction == "minimize" else max
    study = optuna.create_study(direction=direction, pruner=pruner, study_name="replay")
    epochs, values = 0, []
    for curve in curves:
        trial = study.ask()
        for epoch, value in enumerate(curve):
            trial.report(value, epoch)
            epochs += 1
            if trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            values.append(best(curve))
            study.tell(trial, values[-1])
    reached = best(values) if values else best(curve[0] for curve in curves)
    lost = abs(reached - best(best(curve) for curve in curves))
    return Replayed(1 - epochs / sum(map(len, curves)), lost, len(curves) - len(values))


def shuffled(curves: Curves, orders: int, seed: int = 0) -> list[Curves]:
    """The curves in random orders."""
    draw = random.Random(seed)
    return [draw.sample(list(curves), len(curves)) for _ in range(orders)]


def shipped() -> dict[str, dict[str, Any]]:
    """Each pruner of conf/ with its parameters."""
    found = {}
    for path in sorted((conf_dir() / "hydra/sweeper/pruner").glob("*.yaml")):
        found[path.stem] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def build(option: Mapping[str, Any]) -> optuna.pruners.BasePruner:
    given = dict(option)
    return PRUNERS.build(given.pop("kind"), given)


def curve_of(overrides: Sequence[str], folder: Path) -> list[float]:
    """Train once; the metric of every epoch. Ends as a pruned trial does: neither test nor report is needed."""
    from genrelab.config import compose
    from genrelab.engine import run
    from genrelab.training.trial_context import TrialReporter, report_to_trial

    curve: list[float] = []

    def report(value: float, epoch: int) -> bool:
        curve.append(value)
        return epoch + 1 == EPOCHS

    try:
        with report_to_trial(TrialReporter(report, METRIC)):
            run.train(compose([*SETTING, *overrides]), folder, [*SETTING, *overrides])
    except Pruned:
        pass
    return curve


def record(out: Path, extra: Sequence[str], count: int) -> None:
    draw = random.Random(0)
    trials = [
        {
            "optimizer.lr": 10 ** draw.uniform(-4, -2),
            "optimizer.weight_decay": 10 ** draw.uniform(-6, -2),
            "model.dropout": draw.uniform(0, 0.5),
            "beta": draw.uniform(0.5, 5),
        }
        for _ in range(count)
    ]
    runs = [(trial, 0) for trial in trials] + [({}, seed) for seed in range(1, max(2, min(SEEDS, count)) + 1)]
    found: dict[str, Any] = {"metric": METRIC, "setting": SETTING, "trials": [], "seeds": []}
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as runs_folder:
        for number, (params, seed) in enumerate(runs):
            overrides = [f"{key}={value:.6g}" for key, value in params.items()]
            curve = curve_of([*overrides, f"seed={seed}", *extra], Path(runs_folder) / str(number))
            found["trials" if params else "seeds"].append({"overrides": overrides, "seed": seed, "curve": curve})
            (out / "curves.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


def show(out: Path) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = json.loads((out / "curves.json").read_text(encoding="utf-8"))
    curves = [trial["curve"] for trial in found["trials"]]
    ends = [min(seed["curve"]) for seed in found["seeds"]]
    spread = statistics.stdev(ends)
    print(f"{len(curves)} trials of {len(curves[0])} epochs, {found['metric']} {min(map(min, curves)):.3f} the best")
    print(f"seed spread (standard deviation of {len(ends)} seeds of one setting): {spread:.3f}")
    print(f"{'':20s} epochs saved  lost   | {ORDERS} random orders: saved, lost (median, mean)")
    for name, option in shipped().items():
        here = replay(curves, build(option))
        others = [replay(order, build(option)) for order in shuffled(curves, ORDERS)]
        saved = statistics.median(one.saved for one in others)
        lost = [one.lost for one in others]
        good = saved >= 1 / 3 and statistics.median(lost) < spread
        print(
            f"{name:20s} {here.saved:11.0%}  {here.lost:.3f}  | {saved:18.0%}  "
            f"{statistics.median(lost):.3f}, {statistics.mean(lost):.3f}"
            f"{'  a third for less than a seed' if good else ''}"
        )


def main() -> None:
    parser = make_parser(__doc__, rounds=TRIALS)
    parser.add_argument("what", choices=["record", "replay"], nargs="?", default="record")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "pruning", help="of curves.json")
    parser.add_argument("overrides", nargs="*", help="of every run, such as paths.feature_cache_dir=FOLDER")
    given = parser.parse_intermixed_args()
    if given.what == "record":
        record(given.out, given.overrides, given.rounds)
    show(given.out)


if __name__ == "__main__":
    main()
