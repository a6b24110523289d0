"""docs/systems.md and docs/reproduction.md, from systems.yaml and docs/reproduction.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from genrelab.datasets.synthesis.feature_sets import SyntheticTracks
from genrelab.reproduction.jobs import result_key
from genrelab.reproduction.systems import PublishedSystem, Systems, Trial
from genrelab.utils.io import write_text

Results = Mapping[str, Mapping[str, Mapping[str, Any]]]
WRITTEN = "<!-- written by `genrelab tools reproduce`; its facts stand in src/genrelab/reproduction/systems.yaml -->"

STATUSES = ("full", "shortened", "synthetic", "cannot run")

SYSTEMS = """# The published systems

Five published projects are the starting point. Every row of theirs is a recipe, a command, an option with its test, or
a document here. `python train.py experiment=NAME` trains a recipe; `dataset=... dataset.root=...` gives it other music.
What came of those whose data could be had: [reproduction](reproduction.md).
"""

REPRODUCTION = """# Published numbers, and what came of them here

```bash
genrelab tools reproduce --data FOLDER           # all whose data lie in FOLDER; make reproduce GENRELAB_DATA=FOLDER
genrelab tools reproduce --data FOLDER --short   # shortened where full ones are long
genrelab tools reproduce --only A22,D            # some rows; what finished is kept, Ctrl-C loses an epoch at most
```

*Honest* protocols split by track: fault-filtered takes GTZAN's lists without doubles and faults (443, 197 and 290
clips; six artists still cross), *artists apart* lets no artist stand on two sides. *As published* ignores artists, and
UNSAFE puts segments of one track on both sides. Numbers are test accuracy of tracks with 95 % intervals over tracks,
the mean over seeds where there are several; *skill* is distance skill, 0 for the best constant answer and 1 for no
mistake. Seconds are of the quickest run, on two cores of a busy machine.

A number here and a published one are about the same network, seldom about the same music: only GTZAN could be had.
Shortened runs have fewer epochs, smaller pictures, narrower networks or fewer clips than their recipe: the first table
says which. *Synthetic* rows are made by genrelab in the format of data that could not be had: their scores show that a
recipe runs and learns, and say nothing about music.
Numbers *before the batch-norm fix* are of networks that were evaluated with running statistics behind dropout or short
epochs, and may be too low ([why](train.md#batch-norm)); the mark goes when a row is run again.
Seeded splits (artists apart, random tracks, folds) deal ties out otherwise since 2026-11-30: rows of before have other
members than the same split has today.
"""

BEST = """## The best fault-filtered score without outside weights

Recipes and the weights of the stack were chosen on train and val alone and committed before test was scored, once.
Accuracy with 95 % intervals over tracks; pictures and stack are the mean of three seeds.

| | train and val, cross-validated | test, n = 290 |
| --- | --- | --- |
| `experiment=gtzan_tables`: logistic regression on 57 features, SSD and RH | 62.9 %, n = 640 | 65.5 % [60.0, 71.4] |
| `experiment=gtzan_pictures`: four blocks of convolution | 56.6 % [51.7, 61.4], n = 389 | 63.4 % [58.3, 68.4] |
| both stacked | 65.8 %, n = 389 | **68.2 %** [63.0, 72.9] |

All three are refitted on train and val. In cross-validation the network was trained on three fifths of the clips, and
three of its five folds were run. The stack's log-probabilities are proportional to 0.626 times those of the pictures
plus 0.685 times those of the tables: the weights that fit the out-of-fold answers for the 389 clips best, each clip
answered by models that were not trained on it (65.8 % by weights of other clips' answers). The
seeds of the pictures have 65.2, 62.4 and 62.8 %, of the stack 69.3, 66.9 and 68.3 %. The goals set beforehand were 64 %
for pictures, missed by half a point, and 66 % for the stack.
Published for comparison: MFCC and SVM 53.4 %, VGGish and SVM 77.2 %, which heard millions of videos before.

```bash
python train.py experiment=gtzan_tables dataset.root=SETS join.gtzan_features.path=features_30_sec.csv
python train.py experiment=gtzan_pictures dataset.root=PICTURES seed=0,1,2 -m
```

```python
from genrelab.postprocessing.stacking import blend, fit_stacking_weights

weights = fit_stacking_weights(logs, target)  # [2, N, C] out-of-fold log-probabilities of train and val, [N]
answers = blend(weights, test_logs)  # [2, 290, C] of the refits -> [290, C]
```
"""


def write_pages(systems: Systems, results: Results, docs: Path) -> list[Path]:
    """Write both pages into the folder `docs`."""
    pages = {"systems.md": systems_page(systems), "reproduction.md": reproduction_page(systems, results)}
    for name, text in pages.items():
        write_text(docs / name, text)
    return [docs / name for name in pages]


def systems_page(systems: Systems) -> str:
    """Every row and where it is answered."""
    parts = [WRITTEN, SYSTEMS]
    for letter, title in systems.titles.items():
        rows = [row for row in systems.rows.values() if row.id[0] == letter]
        table = [(row.id, row.name, _answers(row)) for row in rows]
        parts += [f"## {letter}: {title}\n", f"Source: {systems.sources[letter]}.\n"]
        parts += [_table(("row", "what it is", "here"), table)]
    return "\n".join(parts)


def _answers(row: PublishedSystem, brief: bool = False) -> str:
    recipes = [f"[`experiment={name}`](../conf/experiment/{name}.yaml)" for name in row.recipes]
    command = [f"`{row.command}`"] if row.command else []
    answers = [*recipes, *command, *(_link(path) for path in row.files)]
    if brief:
        return answers[0]
    named = ", ".join(answers)
    return f"{named}. {row.note}" if row.note else named


def _link(path: str) -> str:
    if path.startswith("docs/"):
        return f"[{Path(path).stem}]({path.removeprefix('docs/')})"
    if path.startswith("conf/"):
        return f"[`{Path(path).parent.name}={Path(path).stem}`](../{path})"
    return f"[{Path(path).name}](../{path})"


def reproduction_page(systems: Systems, results: Results) -> str:
    """The status of every row, and the numbers of those that have one or are scored here."""
    parts = [WRITTEN, REPRODUCTION, *_statuses(systems, results)]
    head = ("row", "published", "what the claim was", "here, honest", "here, as published", "s", "command")
    for letter, title in systems.titles.items():
        rows = [row for row in systems.rows.values() if row.id[0] == letter and (row.trials or row.same)]
        table = [_reproduced(systems, row, results) for row in rows]
        parts += [f"## {letter}: {title}\n", _table(head, table)]
    return "\n".join([*parts, BEST, *_missing(systems)])


def row_status(systems: Systems, row: PublishedSystem, results: Results) -> str:
    """What came of a row: "full", "full: on what", "shortened: how", "synthetic: what" or "cannot run: needs what".

    Results say so where a row has trials; where it has none, the row itself does.
    """
    source = systems.rows[row.same] if row.same else row
    if not source.trials:
        return row.status
    found = [(trial, one) for trial in source.trials for one in _of(source, trial, results)]
    if not found:
        data = dict.fromkeys(trial.data for trial in source.trials if not systems.data[trial.data].stands_in_for)
        return "cannot run: needs " + " or ".join(f"[`{name}`](#data)" for name in data)
    real = [(trial, one) for trial, one in found if not one.get("synthetic")]
    if not real:
        return "synthetic: " + ", ".join(dict.fromkeys(f"`{trial.data}`" for trial, _ in found))
    how = [
        (trial.data, [*([f"`{' '.join(one['short'])}`"] if one.get("short") else []), systems.data[trial.data].part])
        for trial, one in real
    ]
    lines = [f"`{data}` with {' and '.join(filter(None, what))}" for data, what in how if any(what)]
    if lines:
        return "shortened: " + "; ".join(dict.fromkeys(lines))
    return "full: on " + ", ".join(dict.fromkeys(f"`{trial.data}`" for trial, _ in real))


def _statuses(systems: Systems, results: Results) -> list[str]:
    said = {row.id: row_status(systems, row, results).partition(": ") for row in systems.rows.values()}
    counts = Counter(word for word, _, _ in said.values())
    total = ", ".join(f"{counts[word]} {word}" for word in STATUSES)
    table = [
        (row.id, row.name, said[row.id][0], said[row.id][2] or _answers(row, brief=True))
        for row in systems.rows.values()
    ]
    return [
        "## Every row\n",
        f"{len(table)} rows: {total}. *Full* rows without a training of their own are\n"
        "answered by the command, option, test or document named first in [their list](systems.md).\n",
        _table(("row", "what it is", "status", "how, or what it needs"), table),
    ]


def _reproduced(systems: Systems, row: PublishedSystem, results: Results) -> tuple[str, ...]:
    source = systems.rows[row.same] if row.same else row
    known = results.get(source.id, {})
    pairs = [(protocol, trial) for trial in source.trials for protocol in trial.protocols]
    found = [(*pair, known[result_key(pair[1], pair[0])]) for pair in pairs if result_key(pair[1], pair[0]) in known]
    first = source.recipes[0]
    honest = [_cell(systems, first, *one) for one in found if systems.protocols[one[0]].honest]
    other = [_cell(systems, first, *one) for one in found if not systems.protocols[one[0]].honest]
    seconds = sorted({int(one[2]["seconds"]) for one in found})
    if not found:
        honest = ["not run"]
    span = "" if not seconds else str(seconds[0]) if len(seconds) == 1 else f"{seconds[0]}-{seconds[-1]}"
    short = " --short" if any(one[2].get("short") for one in found) else ""
    command = f"`genrelab tools reproduce --only {source.id}{short}`"
    truth = row.truth + (f" (trials of {source.id})" if row.same else "")
    name = f"**{row.id}** {row.name}"
    return name, row.published, truth, "<br>".join(honest), "<br>".join(other), span, command


def _cell(systems: Systems, first: str, protocol: str, trial: Trial, found: Mapping[str, Any]) -> str:
    value, low, high = (_percent(number) for number in found["accuracy"])
    seeds = len(found["each_seed"])
    count = (
        f"n = {found['scored']}" + (" segments" if found["unsafe"] else "") + (f", {seeds} seeds" if seeds > 1 else "")
    )
    skill = found["distance_skill"][0]
    more = [f"skill {skill:.2f}" if skill is not None else ""]
    if found.get("nmi") is not None:
        more += [f"ARI {found['ari']:.3f}", f"NMI {found['nmi']:.3f} ({found['nmi_by_chance']:.3f} by chance)"]
    more += ["shortened" if found.get("short") else ""]
    if found.get("synthetic"):
        more.append(f"synthetic, where the best rule has {_percent(SyntheticTracks().best_accuracy)} %")
    more += ["before the batch-norm fix" if found.get("before_batch_norm_fix") else ""]
    title = systems.protocols[protocol].title
    title += ", UNSAFE" if found["unsafe"] and "UNSAFE" not in title else ""
    recipe = "" if trial.recipe == first else f"{trial.recipe}, "
    text = f"{recipe}{title}, `{trial.data}`: **{value} %** [{low}, {high}]"
    return "; ".join([text, *filter(None, more), count])


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _of(row: PublishedSystem, trial: Trial, results: Results) -> Iterable[Mapping[str, Any]]:
    found = results.get(row.id, {})
    return [found[key] for key in (result_key(trial, protocol) for protocol in trial.protocols) if key in found]


def _missing(systems: Systems) -> list[str]:
    table = [
        (f"`{name}`", known.needs, " or ".join(f"`{at}`" for at in known.at)) for name, known in systems.data.items()
    ]
    return [
        "## Data\n",
        "What `--data FOLDER` is searched for:\n",
        _table(("name", "what it is", "below FOLDER"), table),
    ]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line.replace('|  |', '| |')} |" for line in lines) + "\n"
