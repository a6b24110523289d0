"""Further labels beside the genre: from columns of a CSV to heads, scores and the report."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from genrelab.config import compose
from genrelab.engine import run
from genrelab.engine.validate_config import check
from genrelab.evaluation.report import print_summary
from genrelab.inference import load_predictor
from genrelab.models.auxiliary_heads import AuxiliaryHeads, last_linear
from genrelab.runs.checkpoint import load_checkpoint
from genrelab.training.task import GenreTask
from genrelab.utils.errors import ConfigError, GenrelabError


@pytest.fixture(scope="module")
def table(music, tmp_path_factory):
    """The made-up music as a table: `beat` is heard (as the genre is), `mood` belongs to nothing; some are unknown."""
    rows = []
    for genre in ("Slow", "Even", "Fast"):
        for number, path in enumerate(sorted((music / genre).rglob("*.wav"))):
            mood = ("glad", "sad", "")[number % 3]
            rows.append((path, genre, path.parent.name, "steady" if genre == "Fast" else "loose", mood))
    path = tmp_path_factory.mktemp("labels") / "tracks.csv"
    pd.DataFrame(rows, columns=["path", "genre", "artist", "beat", "mood"]).to_csv(path, index=False)
    return path


def words(small, table, *more):
    kept = [word for word in small if not word.startswith("dataset")]
    return ["dataset=csv", f"dataset.path={table}", "dataset.labels=[beat,mood]", *kept, *more]


@pytest.fixture(scope="module")
def finished(music, table, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    overrides = words(short(), table, "callbacks=swa", "callbacks.swa.start_epoch=2", f"paths.output_dir={out}")
    run.train(compose(overrides), out / "run", overrides)
    return out / "run"


def short():
    return [
        "taxonomy=flat", "split.ratios=[0.6,0.2,0.2]", "audio.sample_rate=8000", "audio.segment_duration=2.0",
        "augment=none", "features=mel_db", "features.mel_db.n_fft=512", "features.mel_db.hop_length=256",
        "features.mel_db.n_mels=32", "features.mel_db.frames=32", "model=cnn", "data.batch_size=8",
        "trainer.max_epochs=6", "trainer.estimate=false", "accelerator=cpu", "data.mixup_alpha=0.2",
    ]  # fmt: skip


def test_each_label_is_scored_on_the_tracks_that_have_one(finished, capsys):
    labels = json.loads((finished / "metrics.json").read_text())["labels"]
    rows = pd.read_parquet(finished / "labels.parquet")
    test = rows[(rows["split"] == "test") & (rows["label"] == "mood")]
    assert list(labels) == ["beat", "mood"]
    assert (
        labels["mood"]["tracks"] == test.loc[test["truth"].notna(), "track_id"].nunique() < test["track_id"].nunique()
    )
    for one in labels.values():
        assert one["accuracy"]["low"] <= one["accuracy"]["value"] <= one["accuracy"]["high"]
    assert labels["beat"]["answer"] == "loose" and labels["beat"]["majority"] == pytest.approx(2 / 3)
    capsys.readouterr()
    print_summary(finished)
    printed = capsys.readouterr().out
    assert "beat" in printed and "further label" in printed
    assert 'id="labels"' in (finished / "report" / "index.html").read_text()


def test_a_tracks_answer_joins_its_segments(finished):
    labels = json.loads((finished / "metrics.json").read_text())["labels"]
    rows = pd.read_parquet(finished / "labels.parquet").query("split == 'test' and label == 'beat'")
    hits = []
    for _, of_track in rows.groupby("track_id"):
        joined = np.log(np.stack(of_track["probabilities"].to_list())).mean(axis=0)
        hits.append(labels["beat"]["classes"][int(joined.argmax())] == of_track["truth"].iloc[0])
    assert labels["beat"]["accuracy"]["value"] == pytest.approx(np.mean(hits))
    assert np.allclose([max(p) for p in rows["probabilities"]], rows["probability"])


@pytest.mark.slow
def test_folds_of_a_table_are_scored_together_each_value_by_those_who_know_it(tmp_path):
    generator = np.random.default_rng(0)
    genre = np.repeat(["a", "b", "c"], 12)
    beat = np.where(np.arange(36) % 2, "odd", "even")
    numbers = np.eye(3)[np.arange(36) // 12] * 4 + generator.normal(size=(36, 3))
    data = pd.DataFrame({"genre": genre, "beat": beat, "x": numbers[:, 0], "y": numbers[:, 1], "z": numbers[:, 2]})
    data["beat_is"] = (beat == "odd") * 4.0 + generator.normal(size=36)
    data.loc[5, "beat"] = "once"  # of one track alone: the fold that tests it cannot know it
    data.to_csv(tmp_path / "t.csv", index=False)
    overrides = [
        "dataset=table", f"dataset.path={tmp_path / 't.csv'}", "dataset.labels=[beat]", "split=stratified",
        "split.folds=3", "trainer.max_epochs=30", "trainer.estimate=false", "trainer.baselines=false",
        "accelerator=cpu", "data.batch_size=8", "optimizer.lr=0.01", "data.aux_loss_weight=3",
    ]  # fmt: skip
    record = run.train(compose(overrides), tmp_path / "run", overrides)
    rows = pd.read_parquet(tmp_path / "run" / "labels.parquet").query("split == 'test'")
    assert sorted(rows["track_id"]) == [f"row-{i:06d}" for i in range(36)]
    assert record["labels"]["beat"]["classes"] == ["even", "odd", "once"]
    assert record["labels"]["beat"]["train_targets"][2] >= 1
    of_folds = [len(json.loads((tmp_path / "run" / f"fold-{k}" / "run.json").read_text())["labels"]["beat"]["classes"])
                for k in range(3)]  # fmt: skip
    assert min(of_folds) == 2, "one fold tests the only track of a value"
    assert {len(shares) for shares in rows["probabilities"]} == {3}
    assert all(abs(sum(shares) - 1) < 1e-5 for shares in rows["probabilities"])
    known = rows[rows["truth"].notna()]
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text())["labels"]["beat"]
    assert scores["tracks"] == len(known) == 35
    assert scores["accuracy"]["value"] == pytest.approx((known["answer"] == known["truth"]).mean())
    assert scores["accuracy"]["value"] > 0.7
    assert 'id="labels"' in (tmp_path / "run" / "report" / "index.html").read_text()


def test_the_checkpoint_predicts_genres_as_without_labels(finished):
    checkpoint = load_checkpoint(finished / "checkpoints" / "best.ckpt")
    assert checkpoint["genrelab"]["labels"] == {"beat": ["loose", "steady"], "mood": ["glad", "sad"]}
    assert {key.split(".")[0] for key in checkpoint["label_heads"]} == {"heads"}
    assert load_predictor(finished).genres == ("Even", "Fast", "Slow")


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_result(small, table, tmp_path):
    overrides = words(small, table, "trainer.report=false", "trainer.baselines=false")
    run.train(compose(overrides), tmp_path / "whole", overrides)

    class Stop(Exception):
        """What interrupts."""

    steps = GenreTask.on_train_epoch_start
    with pytest.MonkeyPatch.context() as patch:

        def stop(task):
            if task.current_epoch == 2:
                raise Stop
            steps(task)

        patch.setattr(GenreTask, "on_train_epoch_start", stop)
        with pytest.raises(Stop):
            run.train(compose(overrides), tmp_path / "cut", overrides)
    run.resume(tmp_path / "cut")
    a, b = (load_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt") for name in ("whole", "cut"))
    for part in ("state_dict", "label_heads"):
        assert all(torch.equal(a[part][key], b[part][key]) for key in a[part])
    a, b = (pd.read_parquet(tmp_path / name / "labels.parquet") for name in ("whole", "cut"))
    assert (a["probability"] == b["probability"]).all()


# ---- the heads themselves


@pytest.fixture
def heads():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
    truth = torch.tensor([[0, 2], [1, -1], [-1, 0]])
    return net, AuxiliaryHeads(last_linear(net, [(4,)], 3), (2, 3), truth, 0.5)


def test_the_loss_is_cross_entropy_over_known_labels(heads):
    net, of_labels = heads
    net(torch.randn(3, 4))
    logits = of_labels(3)
    track = torch.tensor([2, 0, 1])
    first = nn.functional.cross_entropy(logits[1:, :2], torch.tensor([0, 1]))
    second = nn.functional.cross_entropy(logits[:2, 2:], torch.tensor([0, 2]))
    assert of_labels.loss(logits, track).item() == pytest.approx(0.5 * (first + second).item())


def test_gradients_reach_the_trunk_but_not_the_genres_layer(heads):
    net, of_labels = heads
    net(torch.randn(3, 4))
    of_labels.loss(of_labels(3), torch.arange(3)).backward()
    assert net[0].weight.grad.abs().sum() > 0 and net[2].weight.grad is None


def test_a_batch_without_labels_teaches_nothing(heads):
    net, of_labels = heads
    of_labels.truth.fill_(-1)
    net(torch.randn(3, 4))
    loss = of_labels.loss(of_labels(3), torch.arange(3))
    loss.backward()
    assert loss == 0 and net[0].weight.grad.abs().sum() == 0


def test_a_network_without_linear_layer_has_no_place():
    with pytest.raises(GenrelabError, match="linear"):
        last_linear(nn.Sequential(nn.Conv1d(1, 3, 4), nn.Flatten()), [(1, 4)], 3)


# ---- refusals


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["model=knn"], "'knn'"),
        (["target=multi_label", "loss=binary_cross_entropy"], r"dataset\.labels: "),
        (["data.aux_loss_weight=-1"], r"data\.aux_loss_weight: -1"),
    ],
)
def test_what_does_not_go_together_is_refused_before_data(small, table, more, told):
    with pytest.raises(ConfigError, match=told):
        check(compose(words(small, table, *more)))


def test_a_network_without_last_linear_layer_is_refused_before_data(small, table, monkeypatch):
    monkeypatch.setattr("genrelab.models.auxiliary_heads.genre_layers", lambda net, classes: [])
    with pytest.raises(ConfigError, match=r"'cnn' .*linear"):
        check(compose(words(small, table)))


def test_a_missing_column_is_named_in_one_line(small, table, tmp_path):
    overrides = words(small, table, "dataset.labels=[moood]")
    with pytest.raises(GenrelabError, match=r"'moood'.*mood") as caught:
        run.train(compose(overrides), tmp_path / "run", overrides)
    assert "\n" not in str(caught.value)


def test_a_label_of_one_value_is_refused_and_a_strange_value_noted(music, tmp_path, small):
    rows = [(p, p.parts[-3], p.parent.name, "one") for p in sorted(music.rglob("*.wav"))]
    frame = pd.DataFrame(rows, columns=["path", "genre", "artist", "voice"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    overrides = words(small, tmp_path / "t.csv", "dataset.labels=[voice]")
    with pytest.raises(GenrelabError, match=r"'voice': .*'one'"):
        run.train(compose(overrides), tmp_path / "run", overrides)
    from genrelab.datamodules.auxiliary_targets import read_auxiliary_targets
    from genrelab.engine import build

    frame["voice"] = [("none", "sung")[i % 2] for i in range(len(frame))]
    frame.to_csv(tmp_path / "t.csv", index=False)
    config = compose(overrides)
    split = build.make_split(config, build.read_dataset(config).index)
    strange = str(split.tracks("test")[0])
    frame.loc[frame["path"].astype(str) == strange, "voice"] = "hummed"
    frame.to_csv(tmp_path / "t.csv", index=False)
    labels = read_auxiliary_targets(build.read_dataset(config).index, split)
    assert labels.classes == {"voice": ("none", "sung")}
    assert labels.truth[labels.track_ids.index(strange), 0] == -1
    assert re.search(r"'hummed' .*\b1 val", labels.notes[0])
