"""Does a song come back as its own nearest neighbour when it is re-encoded, equalised, made quieter or cut?

    python bench/robustness.py FOLDER --home DIR [--songs N] [--seed 0] [--workers 2]

FOLDER holds songs that the library in DIR has learnt. Altered copies of them are made in a temporary folder and encoded
by the encoder in use, as `songspace similar FILE` encodes a file from outside; the candidates are all songs of the
library. The target is 98 % for every alteration. The first row, copies that were not altered, must say 100 %.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr
from scipy.interpolate import PchipInterpolator
from scipy.signal import firwin2, oaconvolve

from machine import about
from songspace import Library
from songspace.evaluation import robustness
from songspace.library.learnt import load_learnt
from songspace.library.listening import Heard, Listening, hear
from songspace.library.scan import Found
from songspace.library.workers import FileFailure
from songspace.space import Space

TARGET = 0.98
CURVES = 4
_AT_A_TIME = 32

Sound = tuple[np.ndarray, int]


def read(path: Path) -> Sound:
    """All samples (n, channels) of a file and their rate."""
    try:
        return soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        with av.open(str(path)) as file:
            stream = file.streams.audio[0]
            resampler = av.AudioResampler("fltp", stream.layout, stream.rate)
            frames = [part for frame in file.decode(stream) for part in resampler.resample(frame)]
            return np.concatenate([frame.to_ndarray() for frame in frames], axis=1).T, stream.rate


def write_compressed(path: Path, sound: Sound, codec: str, bits: int) -> None:
    samples, rate = sound
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = bits
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, :2].T), format="fltp", layout=layout)
        frame.sample_rate = rate
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def write(path: Path, sound: Sound) -> None:
    """As floats, so that nothing is clipped."""
    soundfile.write(path, sound[0], sound[1], subtype="FLOAT")


def resampled(sound: Sound, rate: int) -> Sound:
    return soxr.resample(sound[0], sound[1], rate), rate


def equalised(sound: Sound, number: int, seed: int) -> Sound:
    """Through one of a few smooth curves between -6 and +6 dB, which both occur in each."""
    samples, rate = sound
    rng = np.random.default_rng([seed, number % CURVES])
    octaves = np.linspace(np.log2(30), np.log2(20_000), 8)
    gains = rng.uniform(-6, 6, len(octaves))
    gains = 12 * (gains - gains.min()) / np.ptp(gains) - 6
    frequencies = np.linspace(0, rate / 2, 1025)
    curve = PchipInterpolator(octaves, gains)(np.clip(np.log2(np.maximum(frequencies, 1)), octaves[0], octaves[-1]))
    taps = firwin2(2049, frequencies, 10 ** (curve / 20), fs=rate)
    return oaconvolve(samples, taps[:, None].astype(np.float32), mode="same", axes=0), rate


def _opus(path: Path, sound: Sound, number: int, seed: int) -> None:
    write_compressed(path, resampled(sound, 48_000), "libopus", 48_000)


ALTERATIONS: dict[str, tuple[str, Callable[[Path, Sound, int, int], None]]] = {
    "not altered": (".wav", lambda path, sound, *_: write(path, sound)),
    "MP3, 64 kbit/s": (".mp3", lambda path, sound, *_: write_compressed(path, sound, "libmp3lame", 64_000)),
    "Opus, 48 kbit/s": (".opus", _opus),
    "resampled to 22.05 kHz": (".wav", lambda path, sound, *_: write(path, resampled(sound, 22_050))),
    "equalised by +-6 dB": (".wav", lambda path, sound, *at: write(path, equalised(sound, *at))),
    "12 dB quieter": (".wav", lambda path, sound, *_: write(path, (sound[0] * 10 ** (-12 / 20), sound[1]))),
    "without the first 1.5 s": (".wav", lambda path, sound, *_: write(path, (sound[0][3 * sound[1] // 2 :], sound[1]))),
}


def alter(path: str, folder: Path, number: int, seed: int) -> list[str]:
    """Write every alteration of a song into a folder: their paths, in the order of ``ALTERATIONS``."""
    sound = read(Path(path))
    made = []
    for kind, (suffix, alteration) in enumerate(ALTERATIONS.values()):
        made.append(folder / f"{number}-{kind}{suffix}")
        alteration(made[-1], sound, number, seed)
    return [str(path) for path in made]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--songs", type=int, help="so many, drawn at random [default: all]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    wanted = parser.parse_args()
    library, folder = Library(wanted.home), Path(os.path.abspath(wanted.folder))
    space = Space.open(library.home.space)
    songs = [song for song in library.songs() if Path(song.path).is_relative_to(folder)]
    if wanted.songs is not None and wanted.songs < len(songs):
        drawn = np.random.default_rng(wanted.seed).choice(len(songs), wanted.songs, replace=False)
        songs = [songs[number] for number in sorted(drawn)]
    if not songs:
        parser.exit(1, f"None of the library's songs lies in {folder}.\n")
    encoder = load_learnt(library.home, library.catalog, library.encoder)
    listening = Listening.of(library.catalog)
    vectors: dict[str, list[np.ndarray]] = {name: [] for name in ALTERATIONS}
    originals: dict[str, list[int]] = {name: [] for name in ALTERATIONS}
    failed = 0
    context = get_context("spawn")
    for start in range(0, len(songs), _AT_A_TIME):
        with tempfile.TemporaryDirectory() as scratch, ProcessPoolExecutor(wanted.workers, context) as pool:
            some = range(start, min(start + _AT_A_TIME, len(songs)))
            jobs = [pool.submit(alter, songs[number].path, Path(scratch), number, wanted.seed) for number in some]
            of = {
                path: (name, space.row(songs[number].id))
                for number, job in zip(some, jobs, strict=True)
                for name, path in zip(ALTERATIONS, job.result(), strict=True)
            }
            for file, outcome in hear([Found(path) for path in of], listening, workers=wanted.workers):
                if isinstance(outcome, FileFailure):
                    failed += 1
                    continue
                [heard] = outcome
                assert isinstance(heard, Heard)
                name, row = of[file.path]
                # As pipeline.encode_file makes the vector of one file.
                vectors[name].append(encoder.transform(heard.codes[~heard.silent]).mean(axis=0))
                originals[name].append(row)
        print(f"{some.stop}/{len(songs)}", file=sys.stderr, flush=True)
    print(about())
    print(
        f"{len(songs)} songs among {len(space)}, encoder {library.encoder}, seed {wanted.seed}; {failed} copies failed"
    )
    print(f"\n{'alteration':25} {'is its own nearest':>30}  {'mean reciprocal rank':>20}  target {TARGET:.0%}")
    artist = {song.id: song.artist for song in library.songs()}
    artists = [artist.get(int(id)) for id in space.ids]
    for name in ALTERATIONS:
        if not vectors[name]:
            continue
        copies = space.place(np.stack(vectors[name]))
        found = robustness.evaluate(space.vectors, copies, originals[name], artists=artists)
        top = found["top1"]
        bounds = "({:.1%} to {:.1%})".format(*top["interval"]) if top["interval"] else ""
        reached = "reached" if top["value"] >= TARGET else "missed"
        print(f"{name:25} {top['value']:9.1%} {bounds:>20}  {found['reciprocal_rank']['value']:20.3f}  {reached}")


if __name__ == "__main__":
    main()
