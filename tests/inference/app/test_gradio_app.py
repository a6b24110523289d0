"""The app in a browser: upload, read, look; as wide as a desk and as a phone."""

import io
import shutil

import pytest

from genrelab.audio.errors import CORRUPT
from genrelab.inference.app.service import Limits
from genrelab.utils.errors import GenrelabError

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


def test_gradio_that_lacks_is_told(run, monkeypatch):
    import sys

    from genrelab.inference.app.gradio_app import serve

    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(GenrelabError, match=r"pip install 'genrelab\[app\]'"):
        serve(run, Limits(), "127.0.0.1", 0, browser=False, wait=False)


@pytest.fixture(scope="module")
def address(run):
    pytest.importorskip("gradio")
    from genrelab.inference.app.gradio_app import serve

    blocks, address = serve(run, Limits(max_megabytes=2), "127.0.0.1", None, browser=False, wait=False)
    yield address
    blocks.close()


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    if BROWSER is None:
        pytest.skip("no Chromium here")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(chromium, address, width, height):
    page = chromium.new_page(viewport={"width": width, "height": height})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_selector("#recording input[type=file]", state="attached", timeout=60_000)
    return page, asked


def drawn(page) -> bool:
    """Whether a picture of the whole page, as prints are, has colors where the graph is."""
    from PIL import Image

    box = page.locator("iframe.gl-graph").bounding_box()
    shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    at = shot.crop([int(one) for one in (box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"])])
    return len(at.getcolors(maxcolors=1 << 24)) > 200


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_a_song_gets_its_answer(address, chromium, predictor, song, tmp_path, width, height):
    page, asked = opened(chromium, address, width, height)
    page.set_input_files("#recording input[type=file]", str(song))
    page.wait_for_selector("#answer h2", timeout=60_000)
    found = predictor.predict(song)
    assert found.label in page.inner_text("#answer") or found.rejection_reason
    assert page.locator("#timeline rect").count() == len(found.segments)
    page.wait_for_selector("#decided img", timeout=90_000)
    head = page.frame_locator("iframe.gl-graph").locator("#panel h2")
    head.wait_for()
    assert head.inner_text() == found.top[0].title
    assert drawn(page), "the graph is blank where nobody has scrolled to it"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert (tmp_path / "page.png").stat().st_size > 20_000
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == [], "asks the network"


@pytest.mark.slow
def test_a_broken_file_and_the_keyboard(address, chromium, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF\xff\x00\x00\x00WAVEfmt \x10")
    page, _ = opened(chromium, address, 390, 844)
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel || ''"))
    assert any("genre" in text for text in reached), reached
    page.set_input_files("#recording input[type=file]", str(broken))
    page.wait_for_selector("#answer [role=alert]", timeout=60_000)
    assert CORRUPT in page.inner_text("#answer")
