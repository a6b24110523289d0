"""Decoding, augmentation and median filters against librosa and scipy; two workers against one.

    python benchmarks/audio.py

Wanted: 30 s of any format to 22,050 Hz mono in 60 ms or less on one core, pitch shift 10x librosa, the median filters
of HPSS 50x, two processes on two cores 1.8x one. Half of the time of a pitch shift is soxr's, which librosa uses too;
most of the rest is that of the FFTs.

There is no thread that decodes beside the one that computes: `genrelab prepare` runs as many workers as there are
cores, each with one thread, and every core is busy all the time (decoding is arithmetic; reading a 1 MB file takes
1 ms of a disk). A second thread could only take from its own worker what it gives.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from harness import interleaved, make_parser, ratio

from genrelab.audio import AudioSpec, Gain, PinkNoise, load_audio

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
RATE, SECONDS = 22_050, 15.0
FORMATS = ("wav", "flac", "mp3", "ogg")


def music(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    """Struck tones over noise, [T, 2] float32."""
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * rate)) / rate
    struck = np.exp(-((2 * at) % 1) * 4)
    sides = [sum(np.sin(2 * np.pi * f * k * at) for k in (1, 2.52, 4, 12)) * struck / 6 for f in (110, 111)]
    return np.clip(np.stack(sides, axis=1) + 0.05 * rng.normal(size=(len(at), 2)), -1, 1).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate: int) -> None:
    """A file in the format of its name; block by block, since one long write of OGG overflows libsndfile's stack."""
    import soundfile

    with soundfile.SoundFile(path, "w", rate, samples.shape[1]) as file:
        for start in range(0, len(samples), 65_536):
            file.write(samples[start : start + 65_536])


def show(name: str, sides: dict[str, Callable[[], object]], rounds: int, wanted: str = "") -> None:
    """Print one comparison: the least of each side, and the median of the ratios."""
    seconds = interleaved(sides, rounds)
    slow, fast = sides
    times = " ".join(f"{side} {min(seconds[side]) * 1e3:7.2f} ms" for side in sides)
    print(f"{name:32s} {times}  {ratio(seconds, fast, slow):6.1f}x {wanted}", flush=True)


def decoding(folder: Path, rounds: int) -> None:
    """30 s stereo at 44,100 Hz to 22,050 Hz mono."""
    import librosa

    print("30 s, 44,100 Hz stereo to 22,050 Hz mono (wanted: 60 ms)")
    samples = music(30, 44_100)
    for suffix in FORMATS:
        path = folder / f"music.{suffix}"
        write(path, samples, 44_100)
        sides = {
            "librosa": lambda path=path: librosa.load(path, sr=RATE),
            "genrelab": lambda path=path: load_audio(path, RATE),
        }
        show(f"  {suffix}, {path.stat().st_size >> 10} KB", sides, rounds)


def augmentation(rounds: int) -> None:
    """15 s at 22,050 Hz."""
    import librosa

    from genrelab.audio.phase_vocoder import pitch_shift, time_stretch

    y = music(SECONDS, RATE)[:, 0].copy()
    rng = np.random.default_rng(0)
    print("15 s at 22,050 Hz")
    cases: list[tuple[str, Callable[[], object], Callable[[], object], str]] = [
        (
            f"pitch shift {semitones:+g}",
            lambda semitones=semitones: librosa.effects.pitch_shift(y, sr=RATE, n_steps=semitones),
            lambda semitones=semitones: pitch_shift(y, RATE, semitones),
            "(wanted 10x)",
        )
        for semitones in (1.0, -3.5)
    ]
    cases += [
        (
            f"time stretch {rate:g}",
            lambda rate=rate: librosa.effects.time_stretch(y, rate=rate),
            lambda rate=rate: time_stretch(y, rate),
            "",
        )
        for rate in (0.8, 1.25)
    ]
    for name, theirs, ours, wanted in cases:
        show(f"  {name}", {"librosa": theirs, "genrelab": ours}, rounds, wanted)
    noise, gain = PinkNoise(), Gain()
    pink = {"by FFT": lambda: y + 0.005 * by_fft(len(y), rng), "genrelab": lambda: noise.apply(y, RATE, rng)}
    show("  pink noise", pink, rounds)
    level = {"numpy": lambda: (y * 1.4).astype(np.float32), "genrelab": lambda: gain.apply(y, RATE, rng)}
    show("  gain", level, rounds)


def by_fft(n: int, rng: np.random.Generator) -> np.ndarray:
    """Pink noise as one writes it: white noise shaped in the frequency domain."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, n)
    return noise / np.sqrt(np.mean(noise**2))


def medians(rounds: int) -> None:
    """The two filters of HPSS on 15 s, and other lengths."""
    import librosa
    from scipy.ndimage import median_filter as scipys

    from genrelab.features.backends.numba_backend.median_filter import hpss, median_filter

    y = music(SECONDS, RATE)[:, 0].copy()
    magnitude = np.abs(librosa.stft(y))  # frames contiguous, as the backend has it
    print(f"median filters of a spectrogram {magnitude.shape[0]} x {magnitude.shape[1]}, both axes")
    for size in (2, 3, 7, 17, 31, 32, 101):
        sides = {
            "scipy": lambda size=size: [scipys(magnitude, shape, mode="reflect") for shape in ((1, size), (size, 1))],
            "genrelab": lambda size=size: [median_filter(magnitude, size, axis) for axis in (1, 0)],
        }
        show(f"  length {size}", sides, min(rounds, 3), "(wanted 50x)" if size == 31 else "")
    sides = {"librosa": lambda: librosa.decompose.hpss(magnitude), "genrelab": lambda: hpss(magnitude)}
    show("  decompose.hpss", sides, min(rounds, 3))


def serve(pipe: Connection, folder: str) -> None:
    """A worker: at every message, all files once; answers with its seconds of processor time."""
    from genrelab.features import make_spec
    from genrelab.features.cache.worker import TrackJob, WorkerConfig, process_track

    audio = AudioSpec()
    specs = tuple(make_spec(kind, {"kind": kind}, audio) for kind in ("mel_pcen", "mfcc", "chroma_cqt"))
    plan = WorkerConfig(audio, specs, backend="numba")
    paths = sorted(Path(folder).iterdir())
    pipe.send(0.0)
    while pipe.recv():
        started = time.process_time()
        for path in paths:
            process_track(plan, TrackJob(path.name, str(path), path.name, (("none", (0, 1, 2)),)))
        pipe.send(time.process_time() - started)


def two_workers(folder: Path, rounds: int) -> None:
    """Decoding and features of the same files: one process, then two at once, in turns."""
    files = folder / "files"
    files.mkdir()
    for number in range(8):
        write(files / f"{number}.{FORMATS[number % 4]}", music(30, 44_100, number), 44_100)
    os.environ.update(dict.fromkeys(THREADS, "1"))  # as `genrelab prepare` starts its workers
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(2)]
    processes = [context.Process(target=serve, args=(far, str(files)), daemon=True) for _, far in pairs]
    for process in processes:
        process.start()
    pipes = [near for near, _ in pairs]
    for pipe in pipes:
        pipe.recv()
    used: dict[int, list[float]] = {1: [], 2: []}

    def go(count: int) -> None:
        for pipe in pipes[:count]:
            pipe.send(True)
        used[count].append(statistics.mean(pipe.recv() for pipe in pipes[:count]))

    seconds = interleaved({"one": lambda: go(1), "two": lambda: go(2)}, rounds)
    for pipe in pipes:
        pipe.send(False)
    for process in processes:
        process.join(5)
    one, two = (min(seconds[side]) for side in ("one", "two"))
    print(f"8 files of 30 s, three features: one process {one * 1e3:.0f} ms; two, each as many, {two * 1e3:.0f} ms")
    print(f"  two processes {2 * ratio(seconds, 'two', 'one'):.2f}x one (wanted 1.8x; needs two cores that are free)")
    share = min(used[1]) / min(used[2])
    print(f"  by processor time alone, whatever else the cores do: {2 * share:.2f}x")


def main() -> None:
    """Read the command line."""
    rounds = make_parser(__doc__, rounds=7).parse_args().rounds
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as folder:
        decoding(Path(folder), rounds)
        augmentation(rounds)
        medians(rounds)
        two_workers(Path(folder), rounds)


if __name__ == "__main__":
    main()
