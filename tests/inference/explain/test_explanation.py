import numpy as np
import pytest
import soundfile
from PIL import Image
from typer.testing import CliRunner

from genrelab.audio.spec import AudioSpec
from genrelab.cli import app
from genrelab.features import make_spec
from genrelab.inference.explain import explain
from genrelab.inference.explain.plots import feature_maps, plot_layers
from genrelab.inference.explain.sonification import frequency_axis, sonify_saliency
from genrelab.utils.errors import GenrelabError


def test_the_window_that_speaks_most_is_shown(predictor, song):
    samples = predictor.decode(song)
    found = explain(predictor, samples)
    windows = predictor.windows(samples)
    shares = predictor.segment_probabilities(predictor.window_logits(windows))[:, found.genre]
    assert found.title == found.prediction.top[0].title
    assert found.window.start == windows[int(shares.argmax())].start
    assert found.probability == pytest.approx(float(shares.max()))
    assert [one.shape for one in found.saliency_maps] == [spec.shape for spec in predictor.in_specs]


def test_a_genre_and_a_second_can_be_asked_for(predictor, song):
    samples = predictor.decode(song)
    found = explain(predictor, samples, genre="slow", offset=2.5, method="gradcam")
    assert found.title == "Slow" and found.window.start == 16_000
    with pytest.raises(GenrelabError, match="--offset 9"):
        explain(predictor, samples, offset=9)
    with pytest.raises(GenrelabError, match=r"--genre: .*'Slwo'.*'Slow'"):
        explain(predictor, samples, genre="Slwo")
    with pytest.raises(GenrelabError, match=r"--genre: .*'Zydeco'.*(Even|Fast|Slow), "):
        explain(predictor, samples, genre="Zydeco")


def test_the_salient_sound_keeps_the_band_and_the_time_that_count():
    rate = 8000
    spec = make_spec("mel_db", {"kind": "mel_db", "n_mels": 64, "frames": 40}, AudioSpec(rate, 2.0))
    time = np.arange(2 * rate) / rate
    samples = (0.3 * np.sin(2 * np.pi * 440 * time) + 0.3 * np.sin(2 * np.pi * 2500 * time)).astype(np.float32)
    salient = np.zeros(spec.shape, np.float32)
    hertz = frequency_axis(spec).hertz
    salient[np.abs(hertz - 2500) < 400, :20] = 1
    found = sonify_saliency(samples, [spec], [salient])
    assert found.shape == samples.shape and found.dtype == np.float32
    spectra = [np.abs(np.fft.rfft(part * np.hanning(len(part)))) for part in (found[1000:7000], found[9000:15000])]

    def level(spectrum, pitch):
        return spectrum[round(pitch * 6000 / rate)]

    assert level(spectra[0], 2500) > 20 * level(spectra[0], 440)
    assert level(spectra[0], 2500) > 20 * level(spectra[1], 2500)


def test_pictures_without_frequencies_weigh_time_alone():
    spec = make_spec("mfcc", {"kind": "mfcc", "frames": 40}, AudioSpec(8000, 2.0))
    assert frequency_axis(spec).hertz is None
    noise = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
    salient = np.zeros(spec.shape, np.float32)
    salient[:, 20:] = 1
    found = sonify_saliency(noise, [spec], [salient])
    assert found[12_000:].std() > 0.9 * noise.std() and found[:4_000].std() < 0.05 * noise.std()


def test_layers_are_drawn_from_first_to_last(predictor, song):
    features = predictor.features(predictor.decode(song)[:16_000])
    found = feature_maps(predictor.model, features)
    assert len(found) > 20 and all(one.ndim == 3 for one in found)
    titles = [panel.get_title("left") for panel in plot_layers(predictor.model, features, "song").axes]
    first, *_, last = [title for title in titles if title]
    size = "{} maps, {} x {}"
    assert first == f"convolution 1 of {len(found)}: {size.format(*found[0].shape)}"
    assert last == f"convolution {len(found)} of {len(found)}: {size.format(*found[-1].shape)}"


def test_the_command_writes_pictures_and_sound(run, song, tmp_path):
    done = CliRunner().invoke(app, ["explain", str(run), str(song), "--layers", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "likeliest" in done.output and "shown: " in done.output
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{song.stem}-{what}" for what in ("explained.png", "salient.wav", "layers.png")}
    picture = np.asarray(Image.open(tmp_path / f"{song.stem}-explained.png").convert("RGB"))
    assert picture.std() > 20
    sound, rate = soundfile.read(tmp_path / f"{song.stem}-salient.wav")
    assert rate == 8000 and len(sound) == 16_000 and 0 < np.abs(sound).max() <= 1
