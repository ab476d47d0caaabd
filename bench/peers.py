"""Others listen to a folder, each as a program of its own, in as many worker processes as songspace has.

    python bench/peers.py decoding|librosa|bliss-audio|essentia FOLDER [--workers 2] [--warm CLIP]

`decoding` is no other program but the floor under songspace: the same windows decoded and nothing else. The rest
listen to whole files and give a vector for each: librosa's MFCCs (mean and standard deviation), bliss-audio's song,
essentia's MusicExtractor. What is not installed is not measured: `pip install --target DIR bliss-audio essentia`, and
`PYTHONPATH=DIR`.

Prints how many files were read, and the seconds in which the workers did so, taken together. With --warm they
listen to another clip before that: what is loaded or compiled at the first song then counts for nobody.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path

from songspace.errors import AudioError
from songspace.library.scan import scan


def decoding(path: str, *, seconds: float = 5.0, count: int = 10, rate: int = 22_050) -> bool:
    """The windows that songspace listens to."""
    from songspace.audio import read_windows

    try:
        return len(read_windows(path, seconds=seconds, count=count, rate=rate).samples) > 0
    except AudioError:
        return False


def librosa(path: str) -> bool:
    """The whole file at 22,050 Hz, twenty MFCCs, their mean and standard deviation: a tutorial's first lines."""
    import audioread
    import numpy as np
    import soundfile
    from librosa import feature, load

    try:
        sound, rate = load(path, sr=22_050, mono=True)
    except (audioread.DecodeError, soundfile.LibsndfileError):
        return False
    coefficients = feature.mfcc(y=sound, sr=rate, n_mfcc=20)
    return len(np.concatenate([coefficients.mean(axis=1), coefficients.std(axis=1)])) == 40


def bliss_audio(path: str) -> bool:
    """The song as bliss sees it. (The run ends at a file that it cannot read: it panics.)"""
    from bliss_audio import Song

    return len(Song(path).analysis) > 0


def essentia(path: str) -> bool:
    """Everything that MusicExtractor finds by default."""
    import essentia
    from essentia.standard import MusicExtractor

    essentia.log.infoActive = False
    try:
        found, _ = MusicExtractor()(path)
    except RuntimeError:
        return False
    return len(found.descriptorNames()) > 0


FLOOR = "decoding"
PEERS: dict[str, Callable[[str], bool]] = {"librosa": librosa, "bliss-audio": bliss_audio, "essentia": essentia}


def installed(name: str) -> str | None:
    """The version of a peer, if it is there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def timed(work: Callable[[str], bool], path: str) -> tuple[bool, float]:
    """Whether a file was read, and the seconds that it took."""
    began = time.perf_counter()
    return work(path), time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[FLOOR, *PEERS])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--warm", type=Path)
    parser.add_argument("--windows", type=json.loads, default={}, help="the floor's: count, seconds and rate")
    wanted = parser.parse_args()
    work = partial(decoding, **wanted.windows) if wanted.name == FLOOR else PEERS[wanted.name]
    files = [found.path for found in scan(wanted.folder) if not found.problem]
    warming = (work, str(wanted.warm)) if wanted.warm else (str, "")
    with ProcessPoolExecutor(
        wanted.workers, mp_context=get_context("spawn"), initializer=warming[0], initargs=warming[1:]
    ) as pool:
        done = list(pool.map(partial(timed, work), files))
    # Shared out evenly, so that nobody pays for the last song, at which one worker sits and another one waits.
    seconds = sum(seconds for read, seconds in done if read) / wanted.workers
    print(json.dumps({"read": sum(read for read, _ in done), "seconds": seconds}))


if __name__ == "__main__":
    main()
