"""`docs/graph_study.md` from scored studies: every number and every verdict is written by code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genrelab.evaluation.comparison.groups import FLAGS
from genrelab.reproduction.graph_study.score import DECISIONS, TESTED, AdjustedTest, Condition, Key, StudyScores
from genrelab.utils.io import write_text

TITLES = {
    "accuracy": "top-1 %",
    "top3": "top-3 %",
    "distance": "distance",
    "distance_skill": "distance skill",
    "hub_share": "commonest answer %",
    "effective_classes": "genres in use",
    "ece": "ECE",
    "ece_scaled": "ECE at T",
}
DIGITS = {"accuracy": 1, "top3": 1, "distance": 2, "hub_share": 1, "effective_classes": 1}
PER_CENT = {"accuracy", "top3", "hub_share"}
SAID = {"distance_skill": "distance skill", "accuracy": "top-1"}
HEAD = """\
# Does knowing the graph make a better classifier?

{losses} losses, {seeds} seeds each, on {datasets} datasets; every run's answers decided by argmax and by least expected
distance (CRM, at a temperature fitted on val). The control is **cross-entropy with CRM**, which knows the graph and
needs no training for it. `genrelab tools loss-study` writes this page from the runs; no number and no verdict is typed
by hand.

```bash
GENRELAB_DATA=DATA python sweep.py search=graph_study    # resumable; DATA holds gtzan_images and audioset_genre
genrelab tools loss-study outputs/sweeps/graph_study_* --notes docs/graph_study_notes.md
```

![distance skill and top-1 of every loss, by both decisions]({picture})
"""
METHOD = """
## How to read it

- Scores are of tracks, on test, as means over seeds. Intervals are 95 % bootstraps that draw tracks and, as blocks,
  seeds. "ECE at T" is after a temperature fitted on val, which CRM has by itself.
- Tests are paired: the same tracks are drawn for both. p is adjusted by Holm's method over all comparisons of a
  dataset, a control and a metric. **better** and **worse** are said below 0.05; "no difference shown" does not mean
  that there is none.
- All losses share optimizer, learning rate, schedule and epochs; of each run the epoch with the least distance on val
  is kept. Nothing was tuned for any loss, and another rate or strength might suit some better.
- CRM may trade top-1 for distance: where it gains one and loses the other, what a mistake costs decides.
"""


def render_page(studies: Sequence[StudyScores], figure: str = "images/graph_study.png", notes: str = "") -> str:
    """The page as Markdown.

    Args:
        studies: of each dataset.
        figure: its address.
        notes: what a reader must know of how the study came about, in the words of who ran it.
    """
    losses = max(len({one.loss for one in study.conditions}) for study in studies)
    seeds = "/".join(str(n) for n in sorted({n for study in studies for n in study.facts["seeds"]}))
    parts = [HEAD.format(losses=losses, seeds=seeds, datasets=len(studies), picture=figure)]
    parts += ["## What the evidence says", "", *conclusion(studies), "", _budget(studies)]
    for study in studies:
        parts += [f"\n## {study.title}\n", _about(study), "", _scores(study), ""]
        parts += [_against_crm(study), "", _against_blind(study)]
    told = f"\n## How this one was run\n\n{notes.strip()}\n" if notes.strip() else ""
    return "\n".join([*parts, METHOD]) + told


def write_page(studies: Sequence[StudyScores], folder: Path, notes: str = "") -> list[Path]:
    """Write `graph_study.md` and `images/graph_study.png` below a folder; returns their paths."""
    from genrelab.reproduction.graph_study.figure import plot_study

    page, picture = folder / "graph_study.md", folder / "images" / "graph_study.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    plot_study(studies, picture)
    write_text(page, render_page(studies, notes=notes))
    return [page, picture]


# ---- the conclusion


def conclusion(studies: Sequence[StudyScores]) -> list[str]:
    """The lines that follow from the tests: what each dataset shows, and which loss to choose."""
    lines = []
    for study in studies:
        stand_in = " (a stand-in, composed by rules)" if study.facts["stand_in"] else ""
        lines.append(f"- **{study.title}**{stand_in}. {_of_crm(study)}")
        lines += [f"  - Against {_told(control)}: {_found(study, control)}" for control in study.controls]
    return [*lines, f"- **Which loss to choose.** {recommendation(studies)}"]


def recommendation(studies: Sequence[StudyScores]) -> str:
    """Cross-entropy, unless something is shown better than it with CRM, and nowhere worse.

    "Better" counts in distance skill, on recorded music and no UNSAFE split; "worse" on any dataset, in distance skill
    and in top-1.
    """
    control = studies[0].controls[0]
    verdicts: dict[Key, list[tuple[bool, str, str]]] = {}
    for study in studies:
        for one in study.conditions_tested(control):
            for metric in TESTED:
                mute = study.facts["stand_in"] or study.facts["unsafe"]
                found = (mute, metric, one.tests[control][metric].verdict)
                verdicts.setdefault((one.loss, one.decision), []).append(found)
    better = [key for key, found in verdicts.items() if _recommends(found, len(studies))]
    if not better:
        return (
            f"None is shown better than {_told(control)} in distance skill on recorded music without being shown worse "
            f"in something: at this size the choice is `{control[0]}`, by argmax where top-1 counts, with "
            "`decision=crm` where distance does."
        )
    best = max(better, key=lambda key: sum(study.get(*key).scores["distance_skill"][0] for study in studies))
    told = ", ".join(map(_told, better))
    return f"Shown better than {_told(control)} and nowhere worse: {told}; the best on average is {_told(best)}."


def _recommends(found: Sequence[tuple[bool, str, str]], studies: int) -> bool:
    everywhere = len(found) == studies * len(TESTED)
    helps = any(not mute and (metric, verdict) == ("distance_skill", "better") for mute, metric, verdict in found)
    return everywhere and helps and all(verdict != "worse" for _, _, verdict in found)


def _of_crm(study: StudyScores) -> str:
    loss = study.controls[0][0]
    plain, crm = (study.get(loss, decision).scores for decision in DECISIONS)
    return (
        f"CRM moves `{loss}` from distance skill {plain['distance_skill'][0]:.3f} to {crm['distance_skill'][0]:.3f}, "
        f"from top-1 {100 * plain['accuracy'][0]:.1f} % to {100 * crm['accuracy'][0]:.1f} %, "
        f"and the genres in use from {plain['effective_classes'][0]:.1f} to {crm['effective_classes'][0]:.1f}."
    )


def _found(study: StudyScores, control: Key) -> str:
    """What is shown better and worse than a control, in one sentence a metric."""
    tested, sentences = study.conditions_tested(control), []
    for metric in TESTED:
        told = []
        for verdict in ("better", "worse"):
            keys = [(one.loss, one.decision) for one in tested if one.tests[control][metric].verdict == verdict]
            if keys:
                told.append(f"{verdict}: {_listed(keys, [(one.loss, one.decision) for one in tested])}")
        sentences.append(
            f"in {SAID[metric]} {', '.join(told) or f'no difference is shown in {len(tested)} comparisons'}"
        )
    return f"{'; '.join(sentences)}."


def _listed(keys: Sequence[Key], tested: Sequence[Key]) -> str:
    """Names, or "every loss by argmax" where all of a decision are among them."""
    told = []
    for decision in DECISIONS:
        here, all_of = ([key for key in some if key[1] == decision] for some in (keys, tested))
        if len(here) > 2 and len(here) == len(all_of):
            told.append(f"every loss {'with CRM' if decision == 'crm' else 'by argmax'}")
        else:
            told += [_told(key) for key in here]
    return ", ".join(told)


def _told(key: Key) -> str:
    return f"`{key[0]}` {'with CRM' if key[1] == 'crm' else 'by argmax'}"


# ---- tables


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows))


def _budget(studies: Sequence[StudyScores]) -> str:
    heads = [
        "dataset",
        "genres",
        "train, val, test tracks",
        "network",
        "parameters",
        "MFLOP a segment",
        "epochs",
        "runs",
    ]
    rows = []
    for study in studies:
        facts = study.facts
        tracks = ", ".join(str(facts["tracks"].get(part, 0)) for part in ("train", "val", "test"))
        flop = "" if facts["flop"] is None else f"{facts['flop'] / 1e6:.2g}"
        parameters = "" if facts["parameters"] is None else f"{facts['parameters']:,}"
        cells = [
            study.title,
            facts["genres"],
            tracks,
            f"`{facts['model']}`",
            parameters,
            flop,
            facts["epochs"],
            facts["runs"],
        ]
        rows.append([*map(str, cells), f"{facts['seconds']:.0f}"])
    minutes = sum(study.facts["seconds"] for study in studies) / 60
    told = f"{minutes:.0f} minutes of runs in all, on one thread each."
    return "\n".join(["## Budget", "", _table([*heads, "seconds"], rows), "", told])


def _about(study: StudyScores) -> str:
    facts = study.facts
    told = [f"{facts['genres']} genres, split `{facts['split']}`, scored on {facts['part']}."]
    if facts["unsafe"]:
        told.append(f"{FLAGS['unsafe']}.")
    if facts["artist_leak"]:
        told.append("Artists stand on both sides of the lists: scores are too high for new artists.")
    if facts["stand_in"]:
        told.append("The music is a stand-in: scores say nothing about recorded music.")
    return " ".join(told)


def _scores(study: StudyScores) -> str:
    rows = []
    for one in study.conditions:
        skip = {"ece_scaled"} if one.decision == "crm" else set()
        rows.append([one.loss, one.decision, *("" if name in skip else _score(one, name) for name in TITLES)])
    return _table(["loss", "decision", *TITLES.values()], rows)


def _score(one: Condition, name: str) -> str:
    value, low, high = ((100 if name in PER_CENT else 1) * number for number in one.scores[name])
    digits = DIGITS.get(name, 3)
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _against_crm(study: StudyScores) -> str:
    control = study.controls[0]
    rows = []
    for one in sorted(study.conditions_tested(control), key=lambda one: DECISIONS.index(one.decision)):
        cells = []
        for name, test in one.tests[control].items():
            cells += [
                _difference(name, test),
                f"{test.p:.3f}",
                f"**{test.verdict}**" if test.p < 0.05 else test.verdict,
            ]
        rows.append([one.loss, one.decision, *cells])
    heads = ["loss", "decision", "distance skill", "p", "", "top-1, points", "p", ""]
    return f"Against {_told(control)}:\n\n{_table(heads, rows)}"


def _against_blind(study: StudyScores) -> str:
    """By argmax against what knows no graph, side by side."""
    controls = study.controls[1:]
    rows = []
    for loss in dict.fromkeys(one.loss for one in study.conditions):
        tests = [study.get(loss).tests.get(control, {}) for control in controls]
        cells = [_marked(name, found[name]) if found else "" for found in tests for name in TESTED]
        rows.append([loss, *cells])
    heads = [f"{title} minus `{loss}`" for loss, _ in controls for title in ("distance skill", "top-1 points")]
    told = "By argmax alone, against losses that know no graph; bold where Holm's p is below 0.05:"
    return f"{told}\n\n{_table(['loss', *heads], rows)}"


def _marked(name: str, test: AdjustedTest) -> str:
    return f"**{_difference(name, test)}**" if test.p < 0.05 else _difference(name, test)


def _difference(name: str, test: AdjustedTest) -> str:
    scale, digits = (100, 1) if name in PER_CENT else (1, 3)
    value, low, high = (scale * number for number in (test.value, test.low, test.high))
    return f"{value:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"
