"""Decoding of every format and encoder at hand: offset, length and cost.

    python benchmarks/decoding.py

Ten seconds of noise bursts are encoded by libsndfile, ffmpeg, lame, oggenc, opusenc, flac and wavpack, where they are
installed. Offset and length are in samples at the source's rate, against the source: an offset of 1,105 is the delay of
LAME and of the decoder, which no stream states. Files as streams, pipes and crashes leave them are made from these.

Then the processor time of ordinary MP3s, 30 s to 22,050 Hz mono, against the same by soundfile, numpy and soxr alone.
Wanted: at most 1.05.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from harness import interleaved, make_parser, ratio

from genrelab.audio import AudioError, load_audio

RATE, SECONDS = 44_100, 10.0
SOUNDFILE = {  # form, subtype, options
    "wav, 16 bits": ("WAV", "PCM_16", {}),
    "wav, 24 bits": ("WAV", "PCM_24", {}),
    "wav, float": ("WAV", "FLOAT", {}),
    "rf64": ("RF64", "PCM_16", {}),
    "w64": ("W64", "PCM_16", {}),
    "aiff": ("AIFF", "PCM_16", {}),
    "au": ("AU", "PCM_16", {}),
    "caf": ("CAF", "PCM_16", {}),
    "flac": ("FLAC", "PCM_16", {}),
    "ogg vorbis": ("OGG", "VORBIS", {}),
    "ogg opus": ("OGG", "OPUS", {}),
    "mp3 vbr": ("MP3", None, {"bitrate_mode": "VARIABLE", "compression_level": 0.5}),
    "mp3 abr": ("MP3", None, {"bitrate_mode": "AVERAGE", "compression_level": 0.5}),
    "mp3 cbr": ("MP3", None, {"bitrate_mode": "CONSTANT", "compression_level": 0.5}),
}
COMMANDS = {  # ending and command; {i} is a WAV, {o} the file
    "lame -V2": ("mp3", "lame --quiet -V2 {i} {o}"),
    "lame -V2 -t (no Xing frame)": ("mp3", "lame --quiet -V2 -t {i} {o}"),
    "lame --abr 128 -t": ("mp3", "lame --quiet --abr 128 -t {i} {o}"),
    "lame -b 128": ("mp3", "lame --quiet -b 128 {i} {o}"),
    "oggenc": ("ogg", "oggenc -Q {i} -o {o}"),
    "opusenc": ("opus", "opusenc --quiet {i} {o}"),
    "flac": ("flac", "flac --silent -f {i} -o {o}"),
    "flac --ogg": ("oga", "flac --silent --ogg -f {i} -o {o}"),
    "wavpack": ("wv", "wavpack -q -y {i} -o {o}"),
    "twolame": ("mp2", "twolame --quiet {i} {o}"),
}
FFMPEG = {  # ending and arguments
    "ffmpeg mp3": ("mp3", "-b:a 192k"),
    "ffmpeg mp3, no Xing frame": ("mp3", "-q:a 2 -write_xing 0"),
    "ffmpeg mp2": ("mp2", ""),
    "ffmpeg vorbis": ("ogg", ""),
    "ffmpeg opus": ("opus", ""),
    "ffmpeg speex": ("spx", "-c:a libspeex -ar 32000"),
    "ffmpeg ogg flac": ("oga", "-c:a flac"),
    "ffmpeg flac": ("flac", ""),
    "ffmpeg m4a": ("m4a", ""),
    "ffmpeg m4a, index in front": ("m4a", "-movflags faststart"),
    "ffmpeg m4a in fragments": ("m4a", "-movflags frag_keyframe+empty_moov"),
    "ffmpeg alac": ("m4a", "-c:a alac"),
    "ffmpeg caf, alac": ("caf", "-c:a alac"),
    "ffmpeg aac (adts)": ("aac", ""),
    "ffmpeg wma": ("wma", ""),
    "ffmpeg webm": ("webm", "-c:a libopus"),
    "ffmpeg mka, aac": ("mka", "-c:a aac"),
    "ffmpeg tta": ("tta", ""),
    "ffmpeg wavpack": ("wv", ""),
    "ffmpeg ac3": ("ac3", ""),
    "ffmpeg dts": ("dts", "-strict -2"),
}


def bursts(seconds: float = SECONDS) -> np.ndarray:
    """`[T, 2]` float32: noise of four octaves, switched on and off at chance moments."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.normal(size=round(seconds * RATE)))
    hertz = np.fft.rfftfreq(round(seconds * RATE), 1 / RATE)
    noise = np.fft.irfft(spectrum * ((hertz > 300) & (hertz < 4800)), round(seconds * RATE))
    gate = np.repeat(rng.uniform(0.02, 1, round(seconds * 8) + 1), RATE // 8)[: len(noise)]
    left = 0.5 * noise * gate / np.abs(noise).max()
    return np.stack([left, 0.8 * left], axis=1).astype(np.float32)


def encoded(folder: Path, samples: np.ndarray) -> Iterator[tuple[str, Path]]:
    """Names and files by every encoder that is there."""
    import soundfile

    for name, (form, subtype, options) in SOUNDFILE.items():
        path = folder / f"{name.replace(' ', '-')}.{form.lower()}"
        sound, rate = (samples, RATE) if subtype != "OPUS" else (resampled(samples, 48_000), 48_000)
        with soundfile.SoundFile(path, "w", rate, 2, subtype, format=form, **options) as file:
            for at in range(0, len(sound), 65_536):  # one long write of OGG overflows libsndfile's stack
                file.write(sound[at : at + 65_536])
        yield f"libsndfile {name}", path
    source = folder / "source.wav"
    soundfile.write(source, samples, RATE)
    lines = {name: (ending, line.split()) for name, (ending, line) in COMMANDS.items()}
    for name, (ending, arguments) in FFMPEG.items():
        lines[name] = (ending, ["ffmpeg", "-v", "error", "-y", "-i", "{i}", *arguments.split(), "{o}"])
    for number, (name, (ending, words)) in enumerate(lines.items()):
        path = folder / f"{number}.{ending}"
        command = [word.format(i=source, o=path) for word in words]
        if shutil.which(command[0]) and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            yield name, path


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """By soxr, as the decoder does."""
    import soxr

    return np.asarray(soxr.resample(samples, RATE, rate, quality="HQ"))


def damaged(folder: Path, made: dict[str, Path]) -> Iterator[tuple[str, Path, int]]:
    """Names, files and how often the source is in them, of files as streams, pipes and crashes leave them."""

    def write(name: str, content: bytes) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    read = {name: path.read_bytes() for name, path in made.items()}
    vbr, ogg = read["libsndfile mp3 vbr"], read["libsndfile ogg vorbis"]
    tag = max(vbr.find(b"Xing"), vbr.find(b"Info"))
    stream = vbr[vbr.index(vbr[:2], tag) :]
    frame = stream[:4].ljust(36, b"\0") + b"VBRI"
    yield "mp3 vbr without its Xing frame", write("stream.mp3", stream), 1
    yield "mp3 vbr behind a VBRI frame", write("vbri.mp3", frame.ljust(stream.index(stream[:2], 4), b"\0") + stream), 1
    yield "two mp3s, joined", write("joined.mp3", vbr + vbr), 2
    yield "two Oggs, chained", write("chain.ogg", ogg + ogg), 2
    flac = bytearray(read["libsndfile flac"])
    flac[18:26] = (int.from_bytes(flac[18:26], "big") >> 36 << 36).to_bytes(8, "big")
    yield "flac from a pipe (total samples 0)", write("pipe.flac", bytes(flac)), 1
    wav = bytearray(read["libsndfile wav, 16 bits"])
    at = wav.index(b"data") + 4
    wav[at : at + 4] = wav[4:8] = bytes(4)
    yield "wav, never finished (size 0)", write("crash.wav", bytes(wav)), 1


def offset(found: np.ndarray, source: np.ndarray) -> int:
    """By how many samples `found` lags, by cross-correlation of the first seconds."""
    n = min(len(found), len(source), 6 * RATE)
    spectra = np.fft.rfft(found[:n], 2 * n) * np.conj(np.fft.rfft(source[:n], 2 * n))
    place = int(np.fft.irfft(spectra).argmax())
    return place if place < n else place - 2 * n


def table(folder: Path) -> None:
    """Print offset and length of each file."""
    samples = bursts()
    mono = samples.mean(axis=1)
    made = dict(encoded(folder, samples))
    rows = [(name, path, 1) for name, path in made.items()]
    print("| file | offset | length |\n|---|---:|---:|")
    for name, path, times in [*rows, *damaged(folder, made)]:
        try:
            found = load_audio(path, RATE)
        except AudioError as error:
            print(f"| {name} | {error.reason} | |")
        else:
            print(f"| {name} | {offset(found, mono)} | {len(found) - times * len(mono):+} |", flush=True)


def alone(path: Path, rate: int) -> np.ndarray:
    """The same without genrelab, by blocks of the same size."""
    import soundfile
    import soxr

    with soundfile.SoundFile(path) as file:
        buffer = np.empty((65_536, file.channels), np.float32)
        blocks = []
        while len(block := file.read(out=buffer)):
            mono = block[:, 0].copy()
            for channel in range(1, block.shape[1]):
                mono += block[:, channel]
            blocks.append(mono / np.float32(block.shape[1]))
        own = file.samplerate
    return np.asarray(soxr.resample(np.concatenate(blocks), own, rate, quality="HQ"))


def cost(folder: Path, rounds: int) -> None:
    """Print the processor time against soundfile alone."""
    import soundfile

    samples = bursts(30)
    print("processor time of 30 s, 44,100 Hz stereo to 22,050 Hz mono (wanted: at most 1.05)")
    for name in ("mp3 vbr", "mp3 cbr", "ogg vorbis", "flac", "wav, 16 bits"):
        form, subtype, options = SOUNDFILE[name]
        path = folder / f"cost-{name.replace(' ', '-')}"
        with soundfile.SoundFile(path, "w", RATE, 2, subtype, format=form, **options) as file:
            for at in range(0, len(samples), 65_536):
                file.write(samples[at : at + 65_536])
        sides: dict[str, Callable[[], object]] = {
            "soundfile": lambda path=path: alone(path, 22_050),
            "genrelab": lambda path=path: load_audio(path, 22_050),
        }
        seconds = interleaved(sides, rounds, time.process_time)
        times = ", ".join(f"{side} {min(values) * 1e3:.1f} ms" for side, values in seconds.items())
        print(f"  {name}: {times}, {ratio(seconds, 'soundfile', 'genrelab'):.3f}", flush=True)


def main() -> None:
    """Read the command line."""
    rounds = make_parser(__doc__, rounds=21).parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        table(Path(folder))
        cost(Path(folder), rounds)


if __name__ == "__main__":
    main()
