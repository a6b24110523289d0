"""What the app does with a recording: limits, answer, explanation. It knows nothing of Gradio."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genrelab.audio.errors import AudioError
from genrelab.audio.io import probe
from genrelab.inference import Predictor
from genrelab.inference.app import views
from genrelab.inference.app.similar import TrainingLibrary, embed_windows, train_library
from genrelab.inference.console import format_duration
from genrelab.inference.explain import Explanation, explain
from genrelab.inference.explain.plots import plot_explanation
from genrelab.inference.explain.sonification import sonify_saliency
from genrelab.taxonomy.export_figures import page_text
from genrelab.utils.errors import GenrelabError

CELLS = 8  # an answer is waited for
SHOWN = "Lit: parts that spoke for {title} between {start} and {end}; without them it would be less likely."


@dataclass(frozen=True)
class Limits:
    """What the app accepts.

    Args:
        max_minutes: of a recording.
        max_megabytes: of a file.
        concurrency: recordings that are worked on at the same time.
        queue_size: recordings that may wait for their turn.
    """

    max_minutes: float = 15.0
    max_megabytes: int = 60
    concurrency: int = 1
    queue_size: int = 8


class AppService:
    """A predictor behind limits.

    Args:
        predictor: the run.
        limits: see `Limits`.
        run: its folder, whose store may hold the training tracks' features.
    """

    def __init__(self, predictor: Predictor, limits: Limits, run: Path | None = None) -> None:
        self.predictor = predictor
        self.limits = limits
        self.library: TrainingLibrary | None = None
        self.run = run
        taxonomy = predictor.taxonomy
        self.graph = None if taxonomy.flat else page_text(taxonomy)

    def warm_up(self) -> None:
        """Hear a window of silence, so that the first visitor does not wait for what is made once."""
        self.predictor.predict(np.zeros(self.predictor.audio.segment_samples, np.float32))

    def read_library(self) -> None:
        """Read the training tracks' vectors in the background; until then none is shown."""

        def read() -> None:
            self.library = train_library(self.predictor, self.run)

        threading.Thread(target=read, daemon=True).start()

    def decode(self, file: str | None) -> np.ndarray:
        """A file's samples.

        Raises:
            GenrelabError: no file, too long, too large, or not audio; the line is for people.
        """
        if not file:
            raise GenrelabError("Choose a file or record something first.")
        if Path(file).stat().st_size > self.limits.max_megabytes * 1e6:
            raise GenrelabError(f"The file is larger than {self.limits.max_megabytes} MB. Choose a shorter part of it.")
        try:
            self._check_length(probe(file).duration)
            samples = self.predictor.decode(file)
            self._check_length(len(samples) / self.predictor.audio.sample_rate)  # where no header says
            return samples
        except AudioError as error:
            raise GenrelabError(f"This file cannot be read as audio: {error.reason}.") from error

    def _check_length(self, seconds: float) -> None:
        if seconds > 60 * self.limits.max_minutes:
            minutes = f"{seconds / 60:.0f} minutes, over the {self.limits.max_minutes:g}"
            raise GenrelabError(f"The recording lasts {minutes} that are allowed. Choose a shorter part of it.")

    def predict(self, file: str | None) -> tuple[str, str, str, str]:
        """HTML of answer, timeline, place on the graph, and similar tracks; a line instead where it fails."""
        try:
            samples = self.decode(file)
            prediction = self.predictor.predict(samples)
        except GenrelabError as error:
            return views.render_alert(str(error)), "", "", ""
        return (
            views.render_prediction(prediction, self.predictor),
            ""
            if prediction.rejection_reason in views.WHY
            else views.render_timeline(prediction, self.predictor, samples),
            "" if prediction.rejection_reason else views.render_graph(prediction, self.predictor, self.graph),
            "" if prediction.rejection_reason else self._similar(samples),
        )

    def explain(self, file: str | None) -> tuple[str, tuple[int, np.ndarray] | None]:
        """HTML of the spectrograms with what decided, and the salient part (Hz, samples); nothing where it fails."""
        try:
            found = explain(self.predictor, self.decode(file), cells=CELLS)
        except GenrelabError:
            return "", None  # `answer` has said why
        if found.prediction.rejection_reason:
            return "", None
        figure = plot_explanation(found, self.predictor.in_specs, "")
        sound = sonify_saliency(found.window.samples, self.predictor.in_specs, found.saliency_maps)
        return views.render_figure(figure, self._label(found)), (self.predictor.audio.sample_rate, _int16(sound))

    def _label(self, found: Explanation) -> str:
        rate = self.predictor.audio.sample_rate
        start = found.window.start / rate
        end = start + len(found.window.samples) / rate
        return SHOWN.format(title=found.title, start=format_duration(start), end=format_duration(end))

    def _similar(self, samples: np.ndarray) -> str:
        if self.library is None:
            return ""
        windows = np.stack([window.samples for window in self.predictor.windows(samples)])
        return views.render_similar(self.library.nearest(embed_windows(self.predictor, windows)))


def _int16(samples: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(samples, -1, 1) * 32767, np.int16)
