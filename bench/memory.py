"""The most memory that `learn` and `update` take, by the number of songs and with a recording of hours among them.

    python bench/memory.py [--songs 100 1000 10000] [--hours 10] [--steps 30] [--encoder contrastive] [--workers 2]

Songs of six seconds are rendered: ten segments of each are kept as of any other. For each size a tenth of them is set
aside, `learn` listens to the others in a new home, and `update` takes in the rest with the encoder that was learnt.
Then a recording of `--hours` joins the smallest library.

What is weighed is the whole process tree, ten times a second, by proportional set size: a page that processes share
counts once. Anonymous memory stands beside it: what only ending a process or swapping gives back. The difference are
pages of files, most of them of programs and of the mapped cache of spectrograms, which the system takes back for
nothing whenever somebody wants the room. A stage lasts until the next tells of itself: "listening" ends with the first
step of training, and "encoding" with the run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import soundfile

from machine import Figures, about
from songspace.library import Catalog, Home
from songspace.library.learnt import learnt

RATE = 22_050


@dataclass
class Peak:
    """The most MB that a run took: anonymous memory, and together with the pages of files."""

    anonymous: float = 0.0
    total: float = 0.0

    def rise(self, anonymous: float, total: float) -> None:
        self.anonymous, self.total = max(self.anonymous, anonymous), max(self.total, total)


def weigh(command: str, home: Home, *arguments: str) -> dict[str, Peak]:
    """The peaks of a command of songspace by stage, as it writes it into the home; that of the whole run is ``""``."""
    line = [sys.executable, "-m", "songspace", command, *arguments, "--home", str(home.folder)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=said)
        family, peaks, stage = psutil.Process(process.pid), {"": Peak()}, "start"
        while process.poll() is None:
            anonymous, total = weight(family)
            stage = stage_of(home) or stage
            for name in ("", stage):
                peaks.setdefault(name, Peak()).rise(anonymous, total)
            time.sleep(0.1)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(line)} failed:\n{said.read().decode()}")
    return peaks


def weight(family: psutil.Process) -> tuple[float, float]:
    """MB of a process and its children: anonymous, and in all."""
    anonymous = total = 0
    try:
        for process in (family, *family.children(recursive=True)):
            with open(f"/proc/{process.pid}/smaps_rollup") as file:
                sizes = {words[0]: int(words[1]) for line in file if len(words := line.split()) == 3}
            anonymous, total = anonymous + sizes["Pss_Anon:"], total + sizes["Pss:"]
    except (psutil.NoSuchProcess, OSError, KeyError):
        pass  # it ended between two looks
    return anonymous * 1024 / 1e6, total * 1024 / 1e6


def stage_of(home: Home) -> str:
    """What the run that works on a home is at."""
    try:
        return str(json.loads(home.progress.read_text())["stage"])
    except (OSError, ValueError, KeyError):
        return ""


def render(folder: Path, numbers: range) -> None:
    """Six seconds of three tones and a little noise for each number."""
    t = np.arange(6 * RATE, dtype=np.float32) / RATE
    for number in numbers:
        rng = np.random.default_rng(number)
        waves = [np.sin(np.float32(2 * np.pi * pitch) * t) for pitch in rng.uniform(80, 4000, 3)]
        samples = 0.2 * np.sum(waves, axis=0) * (1 - t / 12)
        samples += np.float32(0.003) * rng.standard_normal(len(t), dtype=np.float32)
        soundfile.write(folder / f"{number:05}.flac", samples, RATE, format="FLAC", subtype="PCM_16")


def render_long(path: Path, hours: float) -> None:
    """An MP3 of one voice, a tone for each minute, written a minute at a time."""
    rng, t = np.random.default_rng(0), np.arange(60 * RATE, dtype=np.float32) / RATE
    with soundfile.SoundFile(path, "w", RATE, 1, format="MP3") as file:
        for _ in range(round(60 * hours)):
            file.write(0.3 * np.sin(np.float32(2 * np.pi * rng.uniform(80, 2000)) * t))


def vectors(home: Home, encoder: str) -> float:
    """MB of the segments' vectors in a catalog: the descriptors and those of the encoder learnt."""
    with Catalog(home.catalog) as catalog:
        keys = {what.vectors for name in ("timbre", encoder) if (what := learnt(catalog, name))}
        return sum(segments.nbytes for key in keys for _, segments, _ in catalog.vectors(key)) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--encoder", default="contrastive")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="a JSON line a figure, for bench/table.py")
    wanted = parser.parse_args()
    figures = Figures("memory", wanted.json)
    figures.say(about())
    question = f"Most memory, {wanted.encoder}, {wanted.workers} workers"
    more = ["--workers", str(wanted.workers)]
    learning = ["--encoder", wanted.encoder, "--steps", str(wanted.steps), *more]

    def tell(what: str, peaks: dict[str, Peak], note: str = "") -> None:
        stages = ", ".join(f"{stage} {peak.anonymous:.0f}" for stage, peak in peaks.items() if stage)
        figures.say(f"({what}: anonymous by stage {stages})")
        figures.tell(question, what, [peaks[""].total], "MB", f"{peaks[''].anonymous:.0f} of it anonymous{note}")

    with tempfile.TemporaryDirectory() as scratch:
        music, aside, few = (Path(scratch) / name for name in ("music", "aside", "few"))
        for folder in (music, aside, few):
            folder.mkdir()
        rendered, smallest = 0, None
        for songs in sorted(wanted.songs):
            render(music, range(rendered, songs))
            rendered = songs
            late = sorted(music.iterdir())[::10]
            for path in late:
                path.rename(aside / path.name)
            home = Home(Path(scratch) / f"home{songs}")
            peaks, held = weigh("learn", home, str(music), *learning), vectors(home, wanted.encoder)
            smallest = smallest or (peaks[""].anonymous, held)
            grown = f", {peaks[''].anonymous - smallest[0]:+.0f} for {held - smallest[1]:.0f} more of vectors"
            tell(f"learn, {songs:,} songs", peaks, grown if songs > min(wanted.songs) else "")
            for path in late:
                (aside / path.name).rename(path)
            tell(f"update by a tenth, {songs:,} songs", weigh("update", home, *more))
        if wanted.hours:
            for path in sorted(music.iterdir())[: min(wanted.songs)]:
                path.rename(few / path.name)
            render_long(few / "long.mp3", wanted.hours)
            peaks = weigh("learn", Home(Path(scratch) / "home-long"), str(few), *learning)
            tell(f"learn, {min(wanted.songs):,} songs and one of {wanted.hours:g} hours", peaks)


if __name__ == "__main__":
    main()
