"""`Predictor`: a trained run that listens to recordings, by the very preprocessing of its training.

Its interface, which app, export and explanations are built on:

    predictor.genres, .titles, .taxonomy          # classes in the order of the logits; their graph
    predictor.audio, .in_specs                    # AudioSpec, and a FeatureSpec for each input of the network
    predictor.model, .normalizer                  # torch modules in eval mode, on predictor.device
    predictor.predict(path_or_samples, sample_rate=None, hop=None, top=3) -> Prediction
    predictor.decode(path_or_samples, sample_rate=None) -> samples [T] float32 at predictor.audio.sample_rate
    predictor.windows(samples, hop=None) -> [Window(start, samples [n_samples])]
    predictor.features(samples [n_samples] or [S, n_samples]) -> [Tensor [S, *shape]], normalized as in training
    predictor.logits(features) -> Tensor [S, C];  predictor.embed(features) -> Tensor [S, D]   (no gradients)
    predictor.judge(samples, windows, logits [S, C], top, path) -> Prediction   # from logits that one has
    predictor.track_probabilities(logits [S, C]) -> [C];  predictor.segment_probabilities(logits) -> [S, C]
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from genrelab.audio import AudioSpec, trim_silence
from genrelab.audio.content_detection import TRIM_DB
from genrelab.audio.sample_buffer import release_memory
from genrelab.datamodules.normalizer import Normalizer
from genrelab.features import FeatureSpec, extract_segments, quantize
from genrelab.features.packed_waveform import pack
from genrelab.inference.calibration import Calibration
from genrelab.inference.ood import rejection_reason
from genrelab.inference.penultimate import penultimate
from genrelab.inference.prediction import ClassScore, Neighbor, Prediction, SegmentPrediction
from genrelab.inference.windowing import Window, cut_windows, read_recording
from genrelab.postprocessing import OutputType
from genrelab.runs.checkpoint import CAVEATS
from genrelab.taxonomy.taxonomy import Taxonomy
from genrelab.utils.errors import GenrelabError

BATCH = 32  # windows in the network at once
LONG, LONG_BATCH = 128, 4  # of recordings of more windows so few: of 32 a network's activations take 700 MB
NEIGHBOURS = 3

AudioContent = str | os.PathLike[str] | np.ndarray


class Predictor:
    """Names the genre of recordings. Made by `load_predictor`.

    Args:
        model: the network, with its weights.
        normalizer: fitted on the run's train part.
        taxonomy: of the run.
        audio: how recordings become segments.
        in_specs: features, in the order of the network's inputs.
        calibration: fitted on the run's val part.
        run_id: the run that trained it.
        path: of the checkpoint.
        device: that network and normalizer work on.
        caveats: what must be said of the run wherever it answers, see `caveats_of`.
        on_the_fly: features are made in torch of waveforms as the store keeps them, as with `data.on_the_fly`.

    Raises:
        GenrelabError: no such device.
    """

    def __init__(
        self,
        model: nn.Module,
        normalizer: Normalizer,
        taxonomy: Taxonomy,
        audio: AudioSpec,
        in_specs: Sequence[FeatureSpec],
        calibration: Calibration,
        run_id: str,
        path: Path,
        device: str = "cpu",
        caveats: Sequence[str] = (),
        on_the_fly: bool = False,
    ) -> None:
        try:
            self.device = torch.device(device)
            self.model = model.eval().to(self.device)
        except (RuntimeError, AssertionError) as error:
            raise GenrelabError(f"device {device}: {str(error).splitlines()[0]}; cpu always works") from error
        self.normalizer = normalizer.eval().to(self.device)
        self.taxonomy = taxonomy
        self.audio = audio
        self.in_specs = tuple(in_specs)
        self.calibration = calibration
        self.run_id = run_id
        self.path = path
        self.caveats = tuple(caveats)
        self.on_the_fly = on_the_fly

    @property
    def output_type(self) -> OutputType:
        """How its logits are read: one genre a track, or several."""
        return self.calibration.output_type

    @property
    def caveat_messages(self) -> tuple[str, ...]:
        """The marks as lines for users."""
        return tuple(CAVEATS.get(mark, mark) for mark in self.caveats)

    @property
    def genres(self) -> tuple[str, ...]:
        """Codes of the classes, in the order of the logits."""
        return self.taxonomy.genres

    @property
    def titles(self) -> tuple[str, ...]:
        """Names of the classes, in the same order."""
        return self.taxonomy.titles

    # ---- from sound to logits

    def decode(self, recording: AudioContent, sample_rate: int | None = None) -> np.ndarray:
        """A file or samples as `[T]` float32 mono at `audio.sample_rate`. Raises AudioError."""
        return read_recording(recording, sample_rate, self.audio.sample_rate)

    def windows(self, samples: np.ndarray, hop: float | None = None) -> list[Window]:
        """Training's segments of a recording, or windows every `hop` seconds; see `cut_windows`."""
        return cut_windows(samples, self.audio, hop)

    def features(self, samples: np.ndarray) -> list[Tensor]:
        """Features of windows as the network saw them in training: stored (rounded), then normalized.

        Args:
            samples: `[n_samples]` or `[S, n_samples]` float32.

        Returns:
            a float32 tensor `[S, *spec.shape]` on `device` for each of `in_specs`.

        Raises:
            FeatureError: samples of another length, or values that the store would refuse.
        """
        stored = [feature.to(self.device) for feature in self._stored(np.atleast_2d(samples))]
        with torch.no_grad():
            return list(self.normalizer(self._extract_on_device(stored) if self.on_the_fly else stored))

    def logits(self, features: Sequence[Tensor]) -> Tensor:
        """Logits `[S, C]` float32 of normalized features."""
        with torch.no_grad():
            found: Tensor = self.model(*features).float()
        return found

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """What the last linear layer reads, `[S, D]` float32.

        Raises:
            GenrelabError: a network without such a layer.
        """
        return penultimate(self.model, features, len(self.genres))

    def window_logits(self, windows: Sequence[Window]) -> np.ndarray:
        """Logits `[S, C]` of windows."""
        return np.concatenate([self.logits(features).cpu().numpy() for features in self.iter_feature_batches(windows)])

    def iter_feature_batches(self, windows: Sequence[Window]) -> Iterator[list[Tensor]]:
        """Features of windows, a few at a time, so that memory does not grow with the recording."""
        batch = LONG_BATCH if len(windows) > LONG and self.device.type == "cpu" else BATCH
        for at in range(0, len(windows), batch):
            yield self.features(np.stack([window.samples for window in windows[at : at + batch]]))
            release_memory(windows[at].samples)

    # ---- from logits to answers

    def track_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities `[C]` of a recording with windows' logits `[S, C]`."""
        return self._aggregate(logits)[1]

    def segment_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities `[S, C]` of windows."""
        return self.output_type.probabilities(logits, self.calibration.segment_temperature)

    def predict(
        self, recording: AudioContent, sample_rate: int | None = None, hop: float | None = None, top: int = 3
    ) -> Prediction:
        """Name the genre of a recording of any length.

        Args:
            recording: a file, or samples `[T]` or `[T, channels]`, float in [-1, 1] or integers of full scale.
            sample_rate: Hz of given samples; None: `audio.sample_rate`.
            hop: seconds from window to window; None lays them end to end, as in training.
            top: how many genres are named.

        Raises:
            AudioError: the file or the samples cannot be used.
        """
        samples = self.decode(recording, sample_rate)
        windows = self.windows(samples, hop)
        path = None if isinstance(recording, np.ndarray) else os.fspath(recording)
        return self.postprocess(samples, windows, self.window_logits(windows), top, path)

    def postprocess(
        self,
        samples: np.ndarray,
        windows: Sequence[Window],
        logits: np.ndarray,
        top: int = 3,
        path: str | None = None,
    ) -> Prediction:
        """The answer to a recording whose windows' logits `[S, C]` are known."""
        joined, probabilities = self._aggregate(logits)
        order = np.argsort(-probabilities, kind="stable")
        rate = self.audio.sample_rate
        of_windows, assigner = self.segment_probabilities(logits), self.calibration.label_assigner
        assigned = assigner.assign(joined, probabilities)
        timeline = tuple(
            SegmentPrediction(
                window.start / rate, min(len(window.samples), len(samples) - window.start) / rate, row, genres
            )
            for window, row, genres in zip(windows, of_windows, assigner.assign_segments(of_windows), strict=True)
        )
        return Prediction(
            path=path,
            seconds=len(samples) / rate,
            top=tuple(self._class_score(int(i), probabilities) for i in order[:top]),
            supergenre=assigned.supergenre,
            segments=timeline,
            neighbors=self.neighbors(int(order[0])),
            hedged=assigned.hedged,
            rejection_reason=self._unknown(samples, logits, probabilities),
            probabilities=probabilities,
            logits=logits,
            genres=assigned.genres,
            thresholds=assigned.thresholds,
        )

    def neighbors(self, genre: int, count: int = NEIGHBOURS) -> tuple[Neighbor, ...]:
        """The genres nearest to a genre (its place) on the graph; none where all lie equally far."""
        row = self.distances[genre]
        others = [i for i in np.argsort(row, kind="stable").tolist() if i != genre and np.isfinite(row[i])]
        if self.taxonomy.flat:
            return ()
        return tuple(Neighbor(self.genres[i], self.titles[i], float(row[i])) for i in others[:count])

    @cached_property
    def distances(self) -> np.ndarray:
        """`[C, C]` on the graph."""
        return self.taxonomy.distances()

    def _stored(self, samples: np.ndarray) -> list[Tensor]:
        """What the store of a run would hold of windows `[S, n_samples]`: features, or online the waveforms."""
        if self.on_the_fly:
            return [torch.from_numpy(np.stack([pack(one) for one in samples]).astype(np.int16))]
        rows = extract_segments(self.in_specs, list(samples))
        return [
            torch.from_numpy(np.stack([quantize(spec, row[place]) for row in rows]))
            for place, spec in enumerate(self.in_specs)
        ]

    @cached_property
    def _extract_on_device(self) -> Callable[[Sequence[Tensor]], Sequence[Tensor]]:
        from genrelab.datamodules import OnTheFlyFeatures

        step = OnTheFlyFeatures(self.in_specs)
        return lambda stored: step(tuple(stored))

    def _unknown(self, samples: np.ndarray, logits: np.ndarray, probabilities: np.ndarray) -> str | None:
        trimmed = trim_silence(samples, TRIM_DB)
        fitted = self.calibration
        return rejection_reason(
            trimmed,
            self.audio.sample_rate,
            logits,
            probabilities,
            fitted.ood_thresholds,
            self.output_type,
            fitted.content_thresholds,
        )

    def _aggregate(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        joined, _ = self.output_type.aggregate(logits, np.zeros(len(logits), np.int64))
        return joined, self.output_type.probabilities(joined, self.calibration.track_temperature)[0]

    def _class_score(self, genre: int, probabilities: np.ndarray) -> ClassScore:
        return ClassScore(self.genres[genre], self.titles[genre], float(probabilities[genre]))
