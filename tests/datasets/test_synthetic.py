"""The demo as a dataset index: artists apart, known durations, said to be a stand-in."""

import numpy as np
import pytest
import soundfile

from genrelab.datasets.registry import DATASETS

SMALL = {"tracks_per_genre": 4, "artists_per_genre": 4, "genres": 2, "seconds": 1.0}


def test_the_table(tmp_path):
    dataset_index = DATASETS.build("demo", SMALL, cache=tmp_path)
    tracks = dataset_index.tracks
    assert dataset_index.name == "demo" and dataset_index.stand_in and dataset_index.artists == "all"
    assert len(dataset_index.notes) == 1 and "stand-in" in dataset_index.notes[0]
    assert len(tracks) == 8 and dataset_index.genres == ("jaz03", "jaz06")
    assert (tracks.groupby("artist_id")["genre"].nunique() == 1).all()
    assert tracks.groupby("genre")["artist_id"].nunique().eq(4).all()
    assert tracks["duration"].eq(1.0).all()
    assert tracks["track_id"].str.fullmatch(r"demo-\d{6}").all()
    assert soundfile.info(tracks["path"].iloc[0]).duration == 1.0


def test_genres_by_code(tmp_path):
    dataset_index = DATASETS.build("demo", {**SMALL, "genres": ["tec01", "hou01"]}, cache=tmp_path)
    assert dataset_index.genres == ("hou01", "tec01")


@pytest.mark.slow
def test_timbre_alone_is_clearly_worse_than_a_look_at_the_rhythm(tmp_path):
    """Eight genres; a logistic regression on mean MFCCs against one on the rhythm's spectrum, artists apart."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    wanted = {"tracks_per_genre": 24, "genres": 8, "seconds": 20.0}
    tracks = DATASETS.build("demo", wanted, cache=tmp_path).tracks
    timbre, rhythm = zip(*(_timbre_and_rhythm(path) for path in tracks["path"]), strict=True)

    def score(features):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2_000))
        folds = GroupKFold(4)
        return cross_val_score(model, np.array(features), tracks["genre"], groups=tracks["artist_id"], cv=folds).mean()

    assert score(timbre) < 0.55
    assert score(rhythm) > score(timbre) + 0.1


def _timbre_and_rhythm(path):
    """Mean MFCCs; and how strongly eight bands pulse at up to eight times a second."""
    import librosa

    samples, rate = soundfile.read(path, dtype="float32")
    mel = librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=rate))
    bands = mel.reshape(8, 16, -1).mean(axis=1)
    onsets = np.maximum(np.diff(bands, axis=1), 0)
    pulses = np.abs(np.fft.rfft(onsets - onsets.mean(axis=1, keepdims=True), n=1024, axis=1))[:, :192]
    pulses /= np.linalg.norm(pulses, axis=1, keepdims=True)
    return librosa.feature.mfcc(S=mel, n_mfcc=20).mean(axis=1), pulses.reshape(8, 48, 4).mean(axis=2).ravel()
