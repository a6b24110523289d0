import re

import numpy as np
import pytest
import soundfile

from genrelab.audio import AudioError, AudioSpec
from genrelab.audio.errors import TEXT_FILE
from genrelab.features import make_spec
from genrelab.features.plot import plot_gallery
from genrelab.features.registry import FEATURES


def size(png):
    content = png.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


# Precomputed ones, the stored waveform, and vectors of encoders, whose weights are not here.
SKIPPED = {"given", "waveform", *(kind for kind in FEATURES.kinds() if FEATURES.marked(kind, "encoder"))}


def test_every_kind_is_drawn(tmp_path, samples):
    soundfile.write(tmp_path / "song.wav", samples, 22_050)
    audio = AudioSpec(segment_duration=2.0)
    specs = [make_spec(kind, {"kind": kind}, audio) for kind in FEATURES.kinds() if kind not in SKIPPED]
    out = plot_gallery(tmp_path / "song.wav", tmp_path / "pictures", specs)
    assert out == tmp_path / "pictures" / "song-features.png"
    width, height = size(out)
    assert width > 1500 and height > 2000


@pytest.mark.parametrize("seconds", [0.5, 3])
def test_silence_and_short_files_are_drawn(tmp_path, seconds):
    soundfile.write(tmp_path / "still.wav", np.zeros(int(seconds * 22_050)), 22_050)
    specs = [make_spec(kind, {"kind": kind}, AudioSpec(segment_duration=1.0)) for kind in ("mfcc", "chroma_stft")]
    assert size(plot_gallery(tmp_path / "still.wav", tmp_path / "a.png", specs))[0] > 1500


def test_a_file_that_is_no_audio(tmp_path):
    (tmp_path / "a.mp3").write_text("hello " * 99)
    with pytest.raises(AudioError, match=re.escape(f"a.mp3: {TEXT_FILE}")):
        plot_gallery(tmp_path / "a.mp3", tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_the_title_tells_the_seconds_of_the_file(tmp_path, monkeypatch):
    from genrelab.features import plot as gallery

    titles = []
    draw = gallery._draw
    monkeypatch.setattr(gallery, "_draw", lambda title, *rest: titles.append(title) or draw(title, *rest))
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * 22_050)
    soundfile.write(tmp_path / "late.wav", np.r_[np.zeros(2 * 22_050), noise], 22_050)
    soundfile.write(tmp_path / "short.wav", noise[:11_025], 22_050)
    specs = [make_spec("mfcc", {"kind": "mfcc"}, AudioSpec(segment_duration=1.0))]
    for name in ("late", "short"):
        plot_gallery(tmp_path / f"{name}.wav", tmp_path / "a.png", specs)
    # 2 s of silence are trimmed, but for a frame; of the three segments left the middle one begins a second later
    assert " of 5.0 " in titles[0]
    assert 2.9 < float(titles[0].split("seconds ")[1].split()[0]) <= 3.0
    assert re.search(r"\b0\.5 s\b.*\b1 s$", titles[1])
