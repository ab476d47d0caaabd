"""What it costs to look at a library again: nothing has changed, all dates have, all tags have.

    python bench/updating.py FOLDER [--files 5000] [--runs 3] [--json]

Copies of the folder's songs, each with one byte of sound changed so that it is a song of its own, are learnt by the
hand-made encoder; then whole `update` commands are timed. Beside them stands reading every byte of the files once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import mutagen
import xxhash

from machine import Figures, about
from songspace.library.scan import scan


def copies(folder: Path, music: Path, files: int) -> list[Path]:
    """So many songs, a hundred in a folder."""
    found = [Path(file.path) for file in scan(folder) if not file.problem]
    made = []
    for number, source in enumerate(islice(cycle(found), files)):
        content = bytearray(source.read_bytes())
        content[len(content) // 2 + number // len(found)] ^= 1 + number % 255
        path = music / f"{number // 100:03d}" / f"{number:05d}{source.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        made.append(path)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    figures = Figures(wanted.json)
    figures.say(about())
    with tempfile.TemporaryDirectory() as name:
        music, home = Path(name) / "music", Path(name) / "home"
        files = copies(wanted.folder, music, wanted.files)
        size = sum(path.stat().st_size for path in files)
        question = f"Looking again at {wanted.files:,} files, {size / 1e9:.1f} GB"

        def command(*arguments: object) -> float:
            began = time.perf_counter()
            given = [sys.executable, "-m", "songspace", *map(str, arguments), "--home", str(home)]
            subprocess.run(given, check=True, capture_output=True)
            return time.perf_counter() - began

        figures.tell(question, "learn, hand-made", [command("learn", music, "--encoder", "timbre")], "s")
        figures.tell(question, "every byte read once", [read(files) for _ in range(wanted.runs)], "s")
        figures.tell(question, "nothing has changed", [command("update") for _ in range(wanted.runs)], "s")
        changes = {"all dates have": touched, "all tags have": tagged}
        for what, change in changes.items():
            took = []
            for run in range(wanted.runs):
                change(files, run)
                took.append(command("update"))
            figures.tell(question, what, took, "s")


def read(files: list[Path]) -> float:
    began = time.perf_counter()
    for path in files:
        xxhash.xxh3_128(path.read_bytes()).digest()
    return time.perf_counter() - began


def touched(files: list[Path], run: int) -> None:
    for path in files:
        os.utime(path, (1e9 + run, 1e9 + run))


def tagged(files: list[Path], run: int) -> None:
    for number, path in enumerate(files):
        file = mutagen.File(path, easy=True)
        if file.tags is None:
            file.add_tags()
        file["title"] = [f"Title {number} {run}"]
        file.save()


if __name__ == "__main__":
    main()
