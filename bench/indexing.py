"""Time and memory of listening to a folder: the whole program against decoding the same windows and nothing else.

    python bench/indexing.py FOLDER [--runs 3] [--workers 2] [--hours 3]

The floor decodes the same ten windows of each file in the same number of worker processes, as a whole program with its
start-up. Runs alternate, so that what else the machine does falls on both. With --hours a recording of that length,
rendered for the occasion, joins a copy of the folder, and memory is measured again.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from machine import about, median, peak_memory, wall

FLOOR = """
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from songspace.audio import read_windows
from songspace.errors import AudioError
from songspace.library.scan import scan

def decode(path):
    try:
        return len(read_windows(path, count=10).samples)
    except AudioError:
        return 0

if __name__ == "__main__":
    files = [found.path for found in scan(sys.argv[1]) if not found.problem]
    with ProcessPoolExecutor(int(sys.argv[2]), mp_context=get_context("spawn")) as pool:
        list(pool.map(decode, files))
"""


def learn(measure: Callable[[list[str]], float], folder: Path, workers: int) -> float:
    """``songspace learn --encoder timbre`` into a new home."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "songspace", "learn", str(folder), "--encoder", "timbre"]
        return measure([*command, "--workers", str(workers), "--home", home])


def floor(measure: Callable[[list[str]], float], folder: Path, workers: int) -> float:
    """Decoding alone."""
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "floor.py"
        script.write_text(FLOOR)
        return measure([sys.executable, str(script), str(folder), str(workers)])


def long_recording(path: Path, hours: float) -> None:
    """Noise that changes from minute to minute, written a minute at a time."""
    rate, rng = 44100, np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", rate, 2, format="MP3") as file:
        for _ in range(round(hours * 60)):
            tone = np.sin(2 * np.pi * rng.uniform(80, 2000) * np.arange(rate * 60) / rate)
            file.write(np.stack([tone, 0.5 * tone], axis=1) * 0.3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--hours", type=float)
    wanted = parser.parse_args()
    songs = sum(1 for path in wanted.folder.rglob("*") if path.suffix in {".mp3", ".ogg", ".flac", ".wav", ".m4a"})
    print(about())
    folder, workers = wanted.folder, wanted.workers
    floor(wall, folder, workers)  # the disk's cache is warm from here on
    pairs = [(floor(wall, folder, workers), learn(wall, folder, workers)) for _ in range(wanted.runs)]
    print(f"decoding alone      {median([pair[0] for pair in pairs])} s")
    learns = [pair[1] for pair in pairs]
    print(f"learn timbre        {median(learns)} s, {songs / statistics.median(learns):.1f} songs/s")
    print(f"ratio               {median([b / a for a, b in pairs])}")
    print(f"peak, decoding      {floor(peak_memory, folder, workers):.0f} MB")
    print(f"peak, learn timbre  {learn(peak_memory, folder, workers):.0f} MB")
    if wanted.hours:
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / "music"
            shutil.copytree(folder, copy)
            long_recording(copy / "long.mp3", wanted.hours)
            print(f"  with {wanted.hours:g} h in a file {learn(peak_memory, copy, workers):.0f} MB")


if __name__ == "__main__":
    main()
