# ruff: noqa: E402 - threads are fixed before anything imports them
"""Features: librosa against genrelab, in turns, one process, one thread each, processor time; the difference beside.

    python benchmarks/features.py               # per feature, sets, stages of what misses its target, the first call
    python benchmarks/features.py --store       # demo tracks as MP3 and FLAC through both backends, two workers each
    python benchmarks/features.py --markdown    # the table of docs/features.md

librosa's side is what its user writes: each feature from the samples, as the published system computes them. The
published HPSS pictures separate two signals and add them up again; what comes out is the spectrogram of half the
signal, which genrelab computes as that. So most of the gain of the published eight is that insight: the sets without
HPSS and with true HPSS are the ones to quote.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import librosa
import numpy as np
from feature_stages import stages
from harness import interleaved, make_parser

from genrelab.audio import AudioSpec
from genrelab.features import FeatureSpec, extract, make_spec
from genrelab.features.extraction import BACKENDS

RATE, SECONDS = 22_050, 15.0
Librosa = Callable[[np.ndarray], object]


def _hpss_picture(join: Callable[..., np.ndarray]) -> Librosa:
    def compute(y: np.ndarray) -> object:
        parts = librosa.effects.hpss(y)
        return librosa.amplitude_to_db(np.abs(librosa.stft(join(parts, axis=0))))

    return compute


def _true_hpss(y: np.ndarray) -> object:
    parts = librosa.decompose.hpss(np.abs(librosa.stft(y)))
    return [librosa.power_to_db(librosa.feature.melspectrogram(S=part**2, sr=RATE)) for part in parts]


def _mel_db(y: np.ndarray) -> object:
    return librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=RATE))


def _pcen(y: np.ndarray) -> object:
    return librosa.pcen(librosa.feature.melspectrogram(y=y, sr=RATE) * 2**31, sr=RATE)


def _reference(kind: str) -> Librosa:
    spec = [spec_of(kind)]
    return lambda y: BACKENDS["librosa"](spec, y)


def spec_of(kind: str) -> FeatureSpec:
    """The feature at its defaults, one column for each frame."""
    params = {} if kind in ("scalars", "tabular57") else {"frames": None}
    return make_spec(kind, {"kind": kind, **params}, AudioSpec(segment_duration=SECONDS))


SINGLES: dict[str, Librosa] = {
    "mel_db": _mel_db,
    "mel_pcen": _pcen,
    "mfcc": lambda y: librosa.feature.mfcc(y=y, sr=RATE, n_mfcc=32),
    "chroma_stft": lambda y: librosa.feature.chroma_stft(y=y, sr=RATE),
    "chroma_cqt": lambda y: librosa.feature.chroma_cqt(y=y, sr=RATE),
    "chroma_cens": lambda y: librosa.feature.chroma_cens(y=y, sr=RATE),
    "tonnetz": lambda y: librosa.feature.tonnetz(chroma=librosa.feature.chroma_cqt(y=y, sr=RATE)),
    "hpss_harmonic": _true_hpss,
    "hpss_mean": _hpss_picture(np.mean),
    "scalars": _reference("scalars"),
    "tabular57": _reference("tabular57"),
}
WITHOUT = ["mel_db", "mel_pcen", "mfcc", "chroma_stft", "chroma_cqt", "chroma_cens"]
SETS: dict[str, tuple[list[str], list[Librosa]]] = {
    "six without HPSS": (WITHOUT, [SINGLES[kind] for kind in WITHOUT]),
    "six with true HPSS": (
        [*WITHOUT, "hpss_harmonic", "hpss_percussive"],
        [*(SINGLES[kind] for kind in WITHOUT), _true_hpss],
    ),
    "the published eight": (
        [*WITHOUT, "hpss_mean", "hpss_median"],
        [*(SINGLES[kind] for kind in WITHOUT), _hpss_picture(np.mean), _hpss_picture(np.median)],
    ),
}
WANTED = {"six without HPSS": 15, "six with true HPSS": 22, "the published eight": 40, "chroma_cqt": 10, "mel_db": 3}
WANTED |= {"mel_pcen": 4}


def music(seconds: float) -> np.ndarray:
    """A piece of the built-in demo: real enough to have pitch, onsets and noise."""
    from genrelab.audio import load_audio
    from genrelab.datasets.synthesis.dataset import DemoSpec, build_demo

    with tempfile.TemporaryDirectory() as folder:
        spec = DemoSpec(("jam02", "jam04"), tracks_per_genre=2, artists_per_genre=2, seconds=seconds)
        build_demo(spec, Path(folder), 1, False)
        file = next(Path(folder).rglob("*.flac"), None) or next(Path(folder).rglob("*.wav"))
        samples = load_audio(file, RATE)
    wanted = round(seconds * RATE)
    return np.pad(samples[:wanted], (0, max(0, wanted - len(samples))))


def difference(kind: str, y: np.ndarray) -> float:
    """Largest difference between the backends: of the peak for pictures, relative for tables."""
    slow, fast = (BACKENDS[name]([spec_of(kind)], y)[0] for name in ("librosa", "numba"))
    if slow.ndim == 1:
        return float((np.abs(slow - fast) / np.maximum(np.abs(slow), 1e-6)).max())
    return float(np.abs(slow - fast).max() / np.abs(slow).max())


def measure(rounds: int, markdown: bool) -> None:
    """Print the table."""
    y = music(SECONDS)
    cases = {name: ([name], [one]) for name, one in SINGLES.items()} | SETS
    head, line = "{:20s} {:>11s} {:>11s} {:>7s} {:>7s} {:>11s}", "{:20s} {:8.1f} ms {:8.2f} ms {:6.1f}x {:>7s} {:>11s}"
    if markdown:
        head = line = ""
        print("| feature | librosa, ms | genrelab, ms | ratio | largest difference |\n|---|---|---|---|---|")
    else:
        print(head.format("15 s at 22,050 Hz", "librosa", "genrelab", "ratio", "wanted", "difference"))
    missed = {}
    for name, (kinds, theirs) in cases.items():
        specs = [spec_of(kind) for kind in kinds]
        sides = {
            "librosa": lambda theirs=theirs: [one(y) for one in theirs],
            "genrelab": lambda specs=specs: extract(specs, y),
        }
        more = 1 if any("hpss" in kind or "tabular" in kind for kind in kinds) else 4  # the short ones are noisier
        seconds = interleaved(sides, more * rounds, time.process_time)
        slow, fast = (min(seconds[side]) for side in sides)
        found = f"{max(difference(kind, y) for kind in kinds):.0e}"
        wanted = f"{WANTED[name]}x" if name in WANTED else ""
        if markdown:
            print(f"| {name} | {slow * 1e3:.1f} | {fast * 1e3:.1f} | {slow / fast:.1f} | {found} |")
        else:
            print(line.format(name, slow * 1e3, fast * 1e3, slow / fast, wanted, found), flush=True)
        if slow / fast < WANTED.get(name, 1):
            missed[name] = specs
    for name, specs in ({} if markdown else missed).items():
        found = stages(specs, y, 4 * rounds)
        parts = ", ".join(
            f"{stage} {spent:.1f}" for stage, spent in found.items() if spent > 0.04 * sum(found.values())
        )
        print(f"{name} misses its target: of {sum(found.values()):.1f} ms, {parts}", flush=True)


def first_call() -> None:
    """Print what the first segment costs: with kernels compiled before, and on a fresh machine."""
    code = (
        "import time, numpy as np; t = time.perf_counter()\n"
        "from genrelab.audio import AudioSpec\nfrom genrelab.features import extract, make_spec\n"
        "y = np.random.default_rng(0).normal(scale=.1, size=330750).astype('f4')\n"
        f"specs = [make_spec(k, {{'kind': k}}, AudioSpec()) for k in {SETS['six with true HPSS'][0]}]\n"
        "extract(specs, y, BACKEND); print(time.perf_counter() - t)"
    )

    def seconds(backend: str, cache: str | None) -> float:
        environment = {**os.environ, **({"NUMBA_CACHE_DIR": cache} if cache else {})}
        command = [sys.executable, "-c", code.replace("BACKEND", repr(backend))]
        return float(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)

    with tempfile.TemporaryDirectory() as cache:
        cold = seconds("numba", cache)
        warm = min(seconds("numba", cache) for _ in range(2))
    slow = min(seconds("librosa", None) for _ in range(2))
    print(
        f"first segment, imports included: librosa {slow:.1f} s; genrelab {warm:.1f} s, "
        f"and {cold:.1f} s once per machine, while its kernels are compiled"
    )


def store(tracks: int, rounds: int) -> None:
    """Print what preparing demo tracks costs by both backends, two workers each, decoding included, start-up not."""
    import soundfile

    from genrelab.datasets.registry import DATASETS
    from genrelab.datasets.synthesis.dataset import DemoSpec, build_demo
    from genrelab.features.cache import FeatureCache

    audio = AudioSpec(segment_duration=SECONDS)
    specs = [make_spec(kind, {"kind": kind}, audio) for kind in SETS["six with true HPSS"][0]]
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        genres = ("jam02", "jam04")
        build_demo(DemoSpec(genres, tracks // 2, min(8, tracks // 2), 30.0), root / "demo", None, False)
        found = sorted(path for path in (root / "demo").rglob("*") if path.suffix in (".flac", ".wav"))[:tracks]
        for number, file in enumerate(found):
            samples, rate = soundfile.read(file)
            out = root / "music" / f"genre {number % 2}" / f"{number}.{('mp3', 'flac')[number // 2 % 2]}"
            out.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(out, samples, rate)
        dataset_index = DATASETS.build("folder", {"root": str(root / "music")}, cache=root / "cache")
        seconds: dict[str, list[float]] = {"librosa": [], "numba": []}
        # The quick side before and after the slow one: a noisy machine disturbs both.
        for turn, backend in enumerate([*("numba", "librosa", "numba") * rounds]):
            one = FeatureCache(root / f"store-{turn}", audio, specs)
            report = one.prepare(dataset_index.tracks, backend=backend, workers=2, progress=False)
            spent = report.seconds - report.startup_seconds
            seconds[backend].append(spent)
            print(
                f"{backend}: {spent:.1f} s, {1e3 * spent / len(found):.0f} ms a track, "
                f"{report.audio_seconds / spent:.0f} x real time; start of workers: {report.startup_seconds:.0f} s",
                flush=True,
            )
        _by_stage(sorted(dataset_index.tracks["path"])[:20], specs, audio)
    slow, fast = (statistics.median(seconds[backend]) for backend in ("librosa", "numba"))
    print(
        f"{len(found)} tracks of 30 s, MP3 and FLAC, eight features, decoding included, two workers: "
        f"{slow / fast:.1f}x (wanted 12x)"
    )


def _by_stage(files: Sequence[str], specs: Sequence[FeatureSpec], audio: AudioSpec) -> None:
    """Print what one track costs one process, stage by stage: medians over some."""
    from genrelab.audio import cut_segments, load_audio
    from genrelab.features import extract_segments, quantize

    spent: dict[str, list[float]] = {}

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        made = work()
        spent.setdefault(stage, []).append(1e3 * (time.perf_counter() - begin))
        return made

    for file in files:
        samples, _ = timed(f"decode {Path(file).suffix[1:].upper()}", lambda file=file: load_audio(file, RATE))
        segments = timed("trim and cut", lambda samples=samples: cut_segments(samples, audio, "t"))
        sounds = [segment.samples for segment in segments]
        arrays = timed("features", lambda sounds=sounds: extract_segments(specs, sounds))
        timed("round", lambda arrays=arrays: [quantize(s, a) for of in arrays for s, a in zip(specs, of, strict=True)])
    shares = ", ".join(f"{stage} {statistics.median(each):.0f}" for stage, each in spent.items())
    print(f"ms a track in one process: {shares}")


def main() -> None:
    """Read the command line."""
    parser = make_parser(__doc__, rounds=5)
    parser.add_argument("--store", action="store_true", help="prepare demo tracks end to end")
    parser.add_argument("--tracks", type=int, default=24, help="of --store; the whole demo has 480")
    parser.add_argument("--markdown", action="store_true")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    if asked.store:
        store(asked.tracks, min(asked.rounds, 2))
        return
    measure(asked.rounds, asked.markdown)
    if not asked.markdown:
        first_call()


if __name__ == "__main__":
    main()
