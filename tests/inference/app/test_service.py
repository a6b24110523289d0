import html
import re
import shutil

import numpy as np
import pytest
import soundfile

from genrelab import load_predictor
from genrelab.audio.errors import CORRUPT, EMPTY_FILE, NO_SAMPLES, NOT_AUDIO, TEXT_FILE
from genrelab.audio.ffmpeg import NOT_ALLOWED
from genrelab.inference.app import views
from genrelab.inference.app.service import SHOWN, AppService, Limits
from genrelab.inference.app.similar import TrainingLibrary, embed_windows, train_library
from genrelab.taxonomy.registry import TAXONOMIES
from planted import SIBLING, watch_ffmpeg, write_reference_movie, write_texts
from streams import piped_flac


@pytest.fixture(scope="module")
def service(predictor, run):
    return AppService(predictor, Limits(max_minutes=0.6, max_megabytes=2), run)


def test_the_answer_is_the_predictor_s(service, predictor, song):
    answer, timeline, place, _ = service.predict(str(song))
    found = predictor.predict(song)
    names = [html.unescape(name) for name in re.findall(r'gl-name">([^<]+)<', answer)]
    assert names[:3] == [guess.title for guess in found.top]
    assert timeline.count("<rect") == len(found.segments) == timeline.count("<tr>") - 1
    assert found.top[0].title.split()[0] in place and "srcdoc" in place and f"&#34;{found.top[0].genre}&#34;" in place


def test_what_decided_is_a_picture_and_a_sound(service, predictor, song):
    shown, played = service.explain(str(song))
    rate, sound = played
    assert "data:image/png;base64," in shown and SHOWN.partition("{")[0] in shown
    assert rate == 8000 and sound.dtype == np.int16 and len(sound) == predictor.audio.segment_samples


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.wav", b"", EMPTY_FILE),
        ("text.mp3", b"just words, no music" * 50, TEXT_FILE),
        ("large.wav", b"RIFF" + bytes(2_100_000), "larger than 2 MB"),
    ],
)
def test_broken_files_are_told_in_a_line(service, tmp_path, name, content, told):
    path = tmp_path / name
    path.write_bytes(content)
    answer, *rest = service.predict(str(path))
    assert 'role="alert"' in answer and told in answer and str(tmp_path) not in answer
    assert rest == ["", "", ""] and service.explain(str(path)) == ("", None)


def uploads(service, paths):
    """(path, HTML of the answer, the salient sound) of each, by way of the page's own upload."""
    gradio = pytest.importorskip("gradio")
    from genrelab.inference.app.gradio_app import build_app

    recording = next(block for block in build_app(service).blocks.values() if block.elem_id == "recording")
    for path in paths:
        file = recording.preprocess(gradio.FileData(path=str(path)))
        yield path, service.predict(file), service.explain(file)


def test_an_upload_that_names_another_file_gets_no_answer_and_starts_no_program(service, tmp_path, monkeypatch):
    starts = watch_ffmpeg(tmp_path / "bin", monkeypatch)
    for path, (answer, *rest), explained in uploads(service, write_texts(tmp_path, absolute=True)):
        assert 'role="alert"' in answer and TEXT_FILE in answer and SIBLING not in answer, path
        assert rest == ["", "", ""] and explained == ("", None)
    assert starts() == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not here")
def test_ffmpeg_adds_nothing_of_another_file_to_an_upload(service, tmp_path, monkeypatch):
    monkeypatch.setattr("genrelab.audio.ffmpeg.is_text", lambda head: False)
    paths = [*write_texts(tmp_path), write_reference_movie(tmp_path / "song.m4a", "alis")]
    for path, (answer, *rest), explained in uploads(service, paths):
        assert (
            'role="alert"' in answer
            and any(reason in answer for reason in (NOT_AUDIO, CORRUPT, NO_SAMPLES, NOT_ALLOWED))
            and SIBLING not in answer
        ), path
        assert rest == ["", "", ""] and explained == ("", None)


def test_nothing_and_too_much_are_told(service, tmp_path):
    assert 'role="alert"' in service.predict(None)[0]
    path = tmp_path / "long.flac"
    soundfile.write(path, np.zeros(8000 * 60), 8000)
    assert re.search(r"\b1 minutes.*\b0\.6\b", service.predict(str(path))[0])
    path.write_bytes(piped_flac(np.zeros(8000 * 60), 8000))  # no header says it
    assert re.search(r"\b1 minutes.*\b0\.6\b", service.predict(str(path))[0])


def test_silence_is_unknown_and_gets_no_genres(service, tmp_path):
    path = tmp_path / "silent.wav"
    soundfile.write(path, np.zeros(8000 * 12), 8000)
    answer, timeline, place, similar = service.predict(str(path))
    assert "Unknown" in answer and "silent" in answer and "gl-bar" not in answer
    assert timeline == place == similar == "" and service.explain(str(path)) == ("", None)


def test_training_tracks_are_found_in_the_store(service, predictor, run, songs):
    service.library = train_library(predictor, run)
    track = service.library.tracks[0]
    path = songs / track if (songs / track).exists() else next(songs.rglob(f"{track}*"))
    windows = np.stack([window.samples for window in predictor.windows(predictor.decode(path))])
    nearest = service.library.nearest(embed_windows(predictor, windows))
    assert nearest[0].track == track and nearest[0].similarity == pytest.approx(1, abs=1e-3)
    assert nearest[0].title == predictor.predict(path).top[0].title
    assert track in service.predict(str(path))[3]


def test_without_a_store_there_are_none(predictor, tmp_path):
    assert train_library(predictor, None) is None and train_library(predictor, tmp_path) is None


def test_nearest_by_angle():
    library = TrainingLibrary(("a", "b"), np.array([[1.0, 0.0], [0.0, 1.0]]), ("A", "B"))
    first, second = library.nearest(np.array([3.0, 4.0]))
    assert (first.track, second.track) == ("b", "a") and first.similarity == pytest.approx(0.8)


def test_the_page_says_beforehand_what_it_knows(predictor):
    told = html.unescape(views.render_about(predictor.titles))
    assert all(title in told for title in predictor.titles)


def test_names_are_escaped(predictor, song):
    assert "<script>" not in views.render_alert("<script>alert(1)</script>")
    shown = views.render_similar(TrainingLibrary(("<b>",), np.array([[1.0]]), ("&",)).nearest(np.ones(1)))
    assert "<b>" not in shown and "&lt;b&gt;" in shown


def test_a_genre_in_sentences(predictor):
    lines = views.describe_genre(predictor.taxonomy, predictor.genres[0])
    assert any(re.search(r"\bgenre\b", line) for line in lines) and all(line.endswith(".") for line in lines)
    gtzan = TAXONOMIES.build("gtzan", {})
    assert views.describe_genre(gtzan, "metal")[0] == gtzan.descriptions["metal"]
    assert "Metal" in views.describe_genre(gtzan, "metal")[1]


def test_all_of_several_genres_are_answered_and_drawn(several, jamendo):
    service = AppService(load_predictor(several), Limits(), several)
    song = jamendo / "04" / "4.mp3"
    found = service.predictor.predict(song)
    answer, timeline, place, _ = service.predict(str(song))
    assert f"<h2>{'; '.join(guess.title for guess in found.genres)}</h2>" in answer and len(found.genres) > 1
    assert "100 %" in answer and "Supergenres" not in answer
    assert timeline.count("<rect") == sum(len(entry.genres) for entry in found.segments)
    assert f"of {len(found.segments)}</small>" in timeline and found.top[0].title in place
    assert SHOWN.partition("{")[0] in service.explain(str(song))[0]
