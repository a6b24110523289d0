import numpy as np
import pandas as pd
import pytest
import soundfile

from genrelab.audio import AudioSpec
from genrelab.features import make_spec
from genrelab.features.cache import FeatureCache

RATE = 8_000


@pytest.fixture
def audio():
    return AudioSpec(sample_rate=RATE, segment_duration=1.0, trim_top_db=None)


@pytest.fixture
def make_tracks(tmp_path):
    """make_tracks(n): n files of 2.5 s of noise, as a dataset index's table."""

    def make(n, seconds=2.5, first=0):
        folder = tmp_path / "music"
        folder.mkdir(exist_ok=True)
        lines = []
        for number in range(first, first + n):
            path = folder / f"t{number:03d}.wav"
            noise = np.random.default_rng(number).uniform(-0.5, 0.5, int(seconds * RATE)).astype(np.float32)
            soundfile.write(path, noise, RATE)
            lines.append({"track_id": path.stem, "path": str(path)})
        return pd.DataFrame(lines)

    return make


@pytest.fixture
def specs(audio):
    config = {"frames": 16, "n_fft": 512, "hop_length": 256}
    return [
        make_spec("mel", {"kind": "mel_db", "n_mels": 16, **config}, audio),
        make_spec("mfcc", {"kind": "mfcc", "n_mels": 16, "n_mfcc": 8, **config}, audio),
    ]


@pytest.fixture
def open_store(tmp_path, audio, specs):
    def make(root="store", audio=audio, specs=specs):
        return FeatureCache(tmp_path / root, audio, specs)

    return make
