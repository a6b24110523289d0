"""The pass that finds copies of a recording: its cost beyond decoding, and how many of 30 copies it finds.

    python benchmarks/duplicates.py --data GTZAN/genres_original

Wanted: at most 15 ms of a processor for 30 s beyond decoding; of 100 clips and 30 copies of them (other codecs and
rates, 3 dB more or less, half a second of offset) 29 found among 8,385 pairs, and at most one other pair that the
cross-correlation of the waveforms does not confirm.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr
from harness import interleaved, make_parser, ratio

from genrelab.audio import AudioSpec, load_audio
from genrelab.datasets.audio_folder import list_audio
from genrelab.datasets.duplicates import find_copies
from genrelab.datasets.recordings import scan_recordings

CLIPS, COPIES, TIMED = 100, 30, 10
CODECS = (
    ("mp3", "MPEG_LAYER_III", 44_100),
    ("mp3", "MPEG_LAYER_III", 22_050),
    ("ogg", "VORBIS", 44_100),
    ("ogg", "VORBIS", 16_000),
    ("opus", "OPUS", 48_000),
    ("opus", "OPUS", 16_000),
    ("flac", "PCM_16", 32_000),
    ("wav", "PCM_U8", 11_025),
)
FORMATS = {"opus": "OGG"}
LOSSY = 0.9  # libsndfile's compression level: small files
CONFIRMED = 0.3  # normalized cross-correlation, above which two waveforms are one recording; others have 0.1


def write_copy(source: Path, folder: Path, number: int) -> Path:
    """Encode a clip again: another codec and rate, 3 dB more or less, half a second later or cut."""
    samples, rate = soundfile.read(source, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1) * 10 ** ((3 if number % 2 else -3) / 20)
    half = rate // 2
    mono = mono[half:] if number % 3 else np.r_[np.zeros(half, np.float32), mono]
    kind, subtype, new_rate = CODECS[number % len(CODECS)]
    path = folder / f"{number:02d}.{kind}"
    with soundfile.SoundFile(
        path, "w", new_rate, 1, subtype, format=FORMATS.get(kind, kind.upper()),
        compression_level=LOSSY if kind in ("mp3", "ogg", "opus") else None,
    ) as file:  # fmt: skip
        clipped = np.clip(soxr.resample(mono, rate, new_rate), -1, 1)
        for at in range(0, len(clipped), 65_536):  # one long write of Ogg overflows libsndfile's stack
            file.write(clipped[at : at + 65_536])
    return path


def correlation(a: Path, b: Path) -> float:
    """Largest normalized cross-correlation of two waveforms, at 5.5 kHz."""
    x, y = (load_audio(path, 5_500) for path in (a, b))
    size = len(x) + len(y)
    product = np.fft.irfft(np.fft.rfft(x, size) * np.conj(np.fft.rfft(y, size)), size)
    return float(np.abs(product).max() / (np.linalg.norm(x) * np.linalg.norm(y) + 1e-12))


def show_cost(name: str, paths: list[Path], audio: AudioSpec, rounds: int) -> None:
    """Print what the pass takes beyond decoding."""
    sides = {
        "decoding": lambda: [load_audio(path, audio.sample_rate) for path in paths],
        "pass": lambda: scan_recordings(list(map(str, paths)), audio, workers=1, progress=False),
    }
    seconds = interleaved(sides, rounds, time.process_time)
    decoding, whole = (1e3 * min(seconds[side]) / len(paths) for side in sides)
    times = 1 / ratio(seconds, "pass", "decoding")
    print(
        f"{name:12s} decoding {decoding:6.1f} ms  pass {whole:6.1f} ms  {times:5.2f}x  "
        f"{whole - decoding:5.1f} ms beyond decoding (wanted: 15)",
        flush=True,
    )


def show_found(clips: list[Path], copies: list[Path], sources: list[int], audio: AudioSpec) -> None:
    """Print how many copies are found, and which other pairs."""
    files = [*clips, *copies]
    recordings = scan_recordings(list(map(str, files)), audio, progress=False)
    started = time.perf_counter()
    found = {(copy.first, copy.second) for copy in find_copies(recordings)}
    seconds = time.perf_counter() - started
    true = {(source, len(clips) + number) for number, source in enumerate(sources)}
    print(
        f"{len(found & true)} of {len(true)} copies found among {len(files) * (len(files) - 1) // 2} pairs "
        f"in {seconds:.2f} s (wanted: {len(true) - 1})"
    )
    others = {pair: correlation(*(files[place] for place in pair)) for pair in sorted(found - true)}
    for (first, second), value in others.items():
        print(f"also {files[first].name} = {files[second].name}: cross-correlation {value:.2f}")
    wrong = sum(value < CONFIRMED for value in others.values())
    print(f"{wrong} other pairs that the cross-correlation does not confirm (wanted: at most 1)")


def main() -> None:
    parser = make_parser(__doc__ or "", rounds=7)
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "gtzan_mini"
    parser.add_argument("--data", type=Path, default=beside, help="folder of 100 clips or more of 30 s")
    asked = parser.parse_args()
    clips = list_audio(asked.data).files[:CLIPS] if asked.data.is_dir() else []
    if len(clips) < CLIPS:
        print(f"skipped: {asked.data}: {len(clips)} clips, {CLIPS} are wanted (name their folder by --data)")
        return
    audio = AudioSpec()
    sources = sorted(np.random.default_rng(0).permutation(CLIPS)[:COPIES].tolist())
    with tempfile.TemporaryDirectory() as folder:
        copies = [write_copy(clips[source], Path(folder), number) for number, source in enumerate(sources)]
        show_cost("clips", clips[:: CLIPS // TIMED], audio, asked.rounds)
        show_cost("MP3", [path for path in copies if path.suffix == ".mp3"], audio, asked.rounds)
        show_found(clips, copies, sources, audio)


if __name__ == "__main__":
    main()
