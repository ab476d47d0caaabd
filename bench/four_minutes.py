"""Songs of four minutes in the formats that people have, rendered for the measurements that want whole songs.

A demo song of fifty seconds is cut into sections, which come again in an order of their own in each song, as verses and
choruses do. Encoding takes most of the time, so each file is there several times, with a title of its own: songspace
tells songs apart by all that is in a file, and has to listen to each.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

import av
import mutagen
import numpy as np
import soundfile

from songspace.demo import plan

RATE, SECONDS, SECTION = 44_100, 240, 8
COPIES = 10


def song(number: int) -> np.ndarray:
    """``(samples, 2)`` float32: sections of a demo song, some louder than others."""
    sketch, rng = plan()[number].samples(seconds=50).T, np.random.default_rng(number)
    sections = sketch[: len(sketch) // (SECTION * RATE) * SECTION * RATE].reshape(-1, SECTION * RATE, 2)
    fade = np.minimum(1, np.arange(SECTION * RATE) / (0.005 * RATE))
    order = rng.integers(len(sections), size=SECONDS // SECTION)
    loudness = rng.uniform(0.5, 1, size=(len(order), 1, 1))
    return (sections[order] * loudness * (fade * fade[::-1])[:, None]).reshape(-1, 2).astype(np.float32)


def by_libsndfile(path: Path, samples: np.ndarray, *, format: str, subtype: str) -> None:
    with soundfile.SoundFile(path, "w", RATE, 2, subtype, format=format) as file:
        for start in range(0, len(samples), RATE // 2):  # its Vorbis encoder puts a whole write on the stack
            file.write(samples[start : start + RATE // 2])


def by_ffmpeg(path: Path, samples: np.ndarray, *, codec: str, kilobits: int, rate: int = RATE, **options: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo", options=options)
        stream.bit_rate = 1000 * kilobits
        convert = av.AudioResampler(stream.codec_context.format, "stereo", rate)
        for start in chain(range(0, len(samples), RATE), [None]):
            frame = None
            if start is not None:
                block = np.ascontiguousarray(samples[start : start + RATE].T)
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
                frame.sample_rate, frame.pts = RATE, start
            for part in convert.resample(frame):
                container.mux(stream.encode(part))
        container.mux(stream.encode(None))


# Encoders at their quick settings where they have some: what a file costs to decode hardly depends on them.
WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {
    "mp3": partial(by_ffmpeg, codec="libmp3lame", kilobits=192, compression_level="7"),
    "flac": partial(by_libsndfile, format="FLAC", subtype="PCM_16"),
    "ogg": partial(by_libsndfile, format="OGG", subtype="VORBIS"),
    "m4a": partial(by_ffmpeg, codec="aac", kilobits=160, aac_coder="fast"),
    "opus": partial(by_ffmpeg, codec="libopus", kilobits=128, rate=48_000, compression_level="5"),
}


def write(folder: Path, number: int) -> None:
    """One song in every format, so many times, unless it is there already."""
    missing = [kind for kind in WRITERS if not (folder / kind / f"{number:02} {COPIES - 1}.{kind}").exists()]
    samples = song(number) if missing else None
    for kind in missing:
        beside = folder / kind / f"{number:02}.new.{kind}"
        WRITERS[kind](beside, samples)
        for copy in range(COPIES):
            named = folder / kind / f"{number:02} {copy}.new.{kind}"
            shutil.copy(beside, named)
            tagged = mutagen.File(named, easy=True)
            if tagged.tags is None:
                tagged.add_tags()
            tagged.update({"title": [f"Song {number}, {copy}"], "artist": [f"Artist {number}"]})
            tagged.save()
            named.replace(folder / kind / f"{number:02} {copy}.{kind}")
        beside.unlink()


def render(folder: Path, *, songs: int) -> dict[str, list[Path]]:
    """The files by their format, made if they are not there; a song comes again after all others."""
    for kind in WRITERS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(write, folder), range(songs)))
    return {
        kind: [folder / kind / f"{number:02} {copy}.{kind}" for copy in range(COPIES) for number in range(songs)]
        for kind in WRITERS
    }
