"""What a trial costs beyond training: storage, locks, summary, and the configuration.

    python benchmarks/sweep.py [--rounds 100]

The objective costs nothing. Trials of the second half are measured: a study grows, and so does what is read of it.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from harness import make_parser

from genrelab.config import compose
from genrelab.tuning.compose import Composer
from genrelab.tuning.study_spec import StudySpec
from genrelab.tuning.study_storage import SharedStudy
from genrelab.tuning.summary import write_summary
from genrelab.tuning.worker import TrialResult, run_trial

LIMIT = 50.0  # ms


def milliseconds(function) -> float:
    started = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - started)


def overhead(storage: str, sampler: str, trials: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        spec = StudySpec(
            name="bench",
            folder=Path(folder),
            params={"beta": "interval(1.0,3.0)", "optimizer.lr": "tag(log,interval(1e-4,1e-2))"},
            objectives=("val/track/distance",),
            directions=("min",),
            sampler={"kind": sampler, "seed": 0},
            n_trials=trials,
            storage=storage,
        )
        study = SharedStudy(spec)

        def trial() -> None:
            asked = study.ask()
            run_trial(study, asked, lambda job: TrialResult((job.params["beta"],)))
            write_summary(study, lambda overrides, comments: "")

        return median([milliseconds(trial) for _ in range(trials)][trials // 2 :])


def main() -> None:
    trials = make_parser(__doc__, rounds=100).parse_args().rounds
    stdout, sys.stdout = sys.stdout, open("/dev/null", "w")  # noqa: PTH123, SIM115
    found = {
        (storage, sampler): overhead(storage, sampler, trials)
        for storage in ("journal", "sqlite")
        for sampler in ("random", "tpe")
    }
    composer = Composer(["search=beta"])
    once = milliseconds(lambda: composer.config(["beta=1.0"]))
    applied = median(milliseconds(lambda: composer.config(["beta=2.0", "optimizer.lr=0.01"])) for _ in range(20))
    composed = median(milliseconds(lambda: compose(["search=beta", "beta=2.0", "optimizer.lr=0.01"])) for _ in range(5))
    sys.stdout = stdout
    print("a trial beyond training and composition (storage, locks, summary.json, trials.csv):")
    for (storage, sampler), cost in found.items():
        print(f"  {storage:8s} {sampler:7s} {cost:6.1f} ms{'' if cost < LIMIT else f'  (above {LIMIT:g})'}")
    print("its configuration:")
    print(f"  composed by Hydra each time {composed:6.1f} ms; once a worker {once:.1f} ms")
    print(f"  applied to the composed tree {applied:5.1f} ms, {composed / applied:.0f} times as fast")


if __name__ == "__main__":
    main()
