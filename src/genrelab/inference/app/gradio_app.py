"""The app itself: Gradio around `AppService`. It asks no network but its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrelab.inference import find_checkpoint, load_predictor
from genrelab.inference.app import views
from genrelab.inference.app.service import AppService, Limits
from genrelab.utils.errors import GenrelabError

if TYPE_CHECKING:
    from gradio import Blocks

OFFLINE = {"HF_HUB_OFFLINE": "1"}


def build_app(service: AppService) -> Blocks:
    """The page and what its buttons do.

    Raises:
        GenrelabError: Gradio is not installed.
    """
    gradio = _gradio()
    limits = service.limits
    with gradio.Blocks(title="genrelab: what genre is this?", analytics_enabled=False) as blocks:
        asked = "Any" if service.predictor.output_type.multilabel else "One"
        count = len(service.predictor.genres)
        gradio.Markdown(
            f"# What genre is this?\n{asked} of {count} genres, by ear of a network. Upload a recording or record one, "
            f"up to {limits.max_minutes:g} minutes and {limits.max_megabytes} MB."
        )
        gradio.HTML(views.render_about(service.predictor.titles), elem_id="about")
        sound = gradio.Audio(
            sources=["upload", "microphone"],
            type="filepath",
            label="Recording",
            editable=False,
            buttons=[],
            elem_id="recording",
        )
        button = gradio.Button("Name the genre", variant="primary", elem_id="go")
        answer, timeline = gradio.HTML(elem_id="answer"), gradio.HTML(elem_id="timeline")
        place = gradio.HTML(elem_id="place")
        decided = gradio.HTML(elem_id="decided")
        label = "The part that decided, the rest faded"
        salient = gradio.Audio(label=label, buttons=["download"], visible=False, elem_id="salient")
        similar = gradio.HTML(elem_id="similar")

        def explained(file: str | None) -> tuple[str, Any]:
            html, played = service.explain(file)
            return html, gradio.Audio(value=played, visible=played is not None)

        one_queue: dict[str, Any] = {
            "concurrency_limit": limits.concurrency,
            "concurrency_id": "listen",
            "api_name": False,
        }
        heard = gradio.on(
            [button.click, sound.upload, sound.stop_recording],
            lambda file: (*service.predict(file), "", gradio.Audio(value=None, visible=False)),
            [sound],
            [answer, timeline, place, similar, decided, salient],
            **one_queue,
        )
        heard.then(explained, [sound], [decided, salient], show_progress="minimal", **one_queue)
    return blocks.queue(max_size=limits.queue_size)  # type: ignore[no-any-return]


def serve(run: Path, limits: Limits, host: str, port: int, browser: bool, wait: bool = True) -> tuple[Blocks, str]:
    """Load a run, start the app, and stay until Ctrl-C.

    Args:
        run: folder of a run, or a checkpoint, or an exported folder.
        limits: see `Limits`.
        host: address to listen at; 127.0.0.1 is this machine alone.
        port: likewise.
        browser: open one.
        wait: until Ctrl-C; False returns at once.

    Returns:
        the app and its address.

    Raises:
        GenrelabError: the run cannot be used, Gradio is not installed, or the port is taken.
    """
    os.environ.update(OFFLINE)
    gradio = _gradio()
    _, folder = find_checkpoint(Path(run).expanduser())
    service = AppService(load_predictor(run), limits, folder)
    service.warm_up()
    fonts = ["system-ui", "sans-serif"]
    theme = gradio.themes.Default(font=fonts, font_mono=["ui-monospace", "monospace"])
    blocks = build_app(service)
    try:
        _, address, _ = blocks.launch(
            server_name=host,
            server_port=port,
            inbrowser=browser,
            share=False,
            quiet=True,
            ssr_mode=False,
            footer_links=[],
            max_file_size=f"{limits.max_megabytes}mb",
            theme=theme,
            css=Path(__file__).with_name("style.css").read_text(encoding="utf-8"),
            prevent_thread_lock=True,
        )
    except OSError as error:
        raise GenrelabError(f"port {port}: cannot be used ({error}); choose another with --port") from error
    service.read_library()
    if wait:
        print(f"genrelab app at {address} - Ctrl-C ends it")
        blocks.block_thread()
    return blocks, address


def _gradio() -> Any:
    try:
        import gradio
    except ImportError as error:
        raise GenrelabError("gradio is not installed; pip install 'genrelab[app]'") from error
    return gradio
