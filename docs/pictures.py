"""Make the pictures of the guides: `python docs/pictures.py RUN SONG LIBRARY` (needs playwright and a Chromium).

The app as it answers SONG, what spoke for that answer, and the map of LIBRARY; `docs/images` gets them.
"""

import io
import shutil
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).parent / "images"


def keep(picture: Image.Image, name: str, width: int) -> None:
    """Write a picture as WebP, no wider than `width` pixels."""
    picture.thumbnail((width, 10_000))
    path = IMAGES / f"{name}.webp"
    picture.convert("RGB").save(path, quality=80, method=6)
    print(f"wrote {path}: {path.stat().st_size / 1000:.0f} kB")


def shoot(run: Path, song: Path) -> None:
    """The app as it answers, all of the page."""
    from playwright.sync_api import sync_playwright

    from genrelab.inference.app.gradio_app import serve
    from genrelab.inference.app.service import Limits

    blocks, address = serve(run, Limits(), "127.0.0.1", None, browser=False, wait=False)
    time.sleep(20)  # until the training tracks' vectors are read
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.set_input_files("#recording input[type=file]", str(song))
        page.wait_for_selector("#decided img", timeout=120_000)
        page.frame_locator("iframe.gl-graph").locator("#panel h2").wait_for()
        page.wait_for_timeout(1000)
        keep(Image.open(io.BytesIO(page.screenshot(full_page=True))), "app", 900)
        browser.close()
    blocks.close()


def main(run: Path, song: Path, library: Path) -> None:
    """All of them."""
    from genrelab.inference.embeddings.command import EmbedOptions, embed_command
    from genrelab.inference.explain.command import explain_file

    with tempfile.TemporaryDirectory() as folder:
        _, (explained, *_) = explain_file(run, song, Path(folder))
        keep(Image.open(explained), "explained", 1100)
        embed_command(run, [library], EmbedOptions(out=Path(folder) / "embeddings.parquet", map="tsne"))
        keep(Image.open(Path(folder) / "embeddings-tsne.png"), "embeddings", 900)
    shoot(run, song)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
