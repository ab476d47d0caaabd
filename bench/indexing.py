"""How fast songs are listened to, from the file to the space, with an encoder learnt before: against decoding alone,
and against what others do.

    python bench/indexing.py FOLDER [--runs 3] [--workers 2] [--keep DIR] [--stages] [--json]

`songspace update` takes a whole folder of new files into a library that has learnt its encoder, the hand-made one
(timbre), the one that answers at once (linear) or the network (contrastive, the default), on eight other songs. The
floor (`bench/peers.py`) decodes the same windows in as many worker processes, and nothing else. It is done for the
folder and for rendered songs of four minutes in five formats (`bench/four_minutes.py`; --keep keeps them for the next
time).

Everybody takes a turn in each run, so that what else the machine does falls on all, and ratios are taken within a
run. Songs a second "without start-up" are what a whole folder takes longer than a fifth of it. For the peers, which
are slow, a few songs do: what their workers load and compile before the first one is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import four_minutes
import peers
import stages
from machine import Figures, about, wall
from songspace.demo import render
from songspace.library import Home
from songspace.library.catalog import Catalog
from songspace.library.listening import Listening
from songspace.library.scan import scan

ENCODERS = ("timbre", "linear", "contrastive")
WHO = {peers.FLOOR: "decoding alone"} | {encoder: f"update, {encoder}" for encoder in ENCODERS}
FEWER = 5
"""The smaller of two sizes is such a part of the files."""

CLIPS = 20
"""Files of the folder that a peer is given in a run."""


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock, and of the processors."""

    wall: float
    cpu: float

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.wall - other.wall, self.cpu - other.cpu)


@dataclass(frozen=True)
class Pair:
    """What a fifth of some files and all of them cost."""

    few: Cost
    many: Cost

    @property
    def slope(self) -> Cost:
        """What the files cost that are not in the fifth: start-up is not in it."""
        return self.many - self.few


@dataclass(frozen=True)
class Folder:
    """Files to listen to, and a fifth of them in a folder of its own."""

    many: Path
    few: Path
    files: int
    fewer: int

    @classmethod
    def of(cls, many: Path, files: Sequence[Path], few: Path) -> Folder:
        some = files[::FEWER]
        return cls(many, linked(some, few), len(files), len(some))

    @property
    def more(self) -> int:
        return self.files - self.fewer


def linked(files: Sequence[Path], folder: Path) -> Path:
    """A folder with links to some files: scanning follows them."""
    folder.mkdir()
    for number, file in enumerate(files):
        (folder / f"{number:04}{file.suffix}").symlink_to(file.resolve())
    return folder


class Bench:
    """Who is measured, and how."""

    def __init__(self, scratch: Path, workers: int, figures: Figures) -> None:
        self.scratch, self.workers, self.figures = scratch, workers, figures
        self.homes = {encoder: self._learnt(encoder) for encoder in ENCODERS}
        self.clip = next((scratch / "other").rglob("*.mp3"))
        frontend = Listening().frontend
        self.windows = {"count": Listening().windows, "seconds": frontend.seconds, "rate": frontend.rate}

    def _learnt(self, encoder: str) -> Path:
        """A home whose encoder was learnt on other songs: so few that none are held out to judge it by."""
        home = self.scratch / encoder
        render(self.scratch / "other", songs=8, seconds=10)
        command = ["learn", str(self.scratch / "other"), "--encoder", encoder, "--home", str(home)]
        self._songspace(*command, *(["--steps", "20"] if encoder == "contrastive" else []))
        with Catalog(Home(home).catalog) as catalog:
            assert catalog.fact("encoder") == encoder
        return home

    def _songspace(self, *command: str) -> Cost:
        return cost([sys.executable, "-m", "songspace", *command, "--workers", str(self.workers)])

    def update(self, encoder: str, folder: Path, files: int) -> Cost:
        """``songspace update``, in a copy of the library."""
        home = Home(self.scratch / "home")
        shutil.copytree(self.homes[encoder], home.folder)
        with Catalog(home.catalog) as catalog:
            before = catalog.count()
        spent = self._songspace("update", str(folder), "--home", str(home.folder))
        with Catalog(home.catalog) as catalog:
            read = catalog.count() - before
        if read < files:  # in a folder of somebody's own; the floor has to do with them, too
            self.figures.say(f"{files - read} of {files} files in {folder} are no songs, or copies.")
        shutil.rmtree(home.folder)
        return spent

    def decoding(self, folder: Path) -> Cost:
        """The floor, as a whole program."""
        return cost(self._peer(peers.FLOOR, folder, "--windows", json.dumps(self.windows)))

    def round(self, folder: Folder) -> dict[str, Pair]:
        """Everybody's turn at a folder."""
        found = {peers.FLOOR: Pair(self.decoding(folder.few), self.decoding(folder.many))}
        for encoder in ENCODERS:
            few = self.update(encoder, folder.few, folder.fewer)
            found[encoder] = Pair(few, self.update(encoder, folder.many, folder.files))
        return found

    def peer(self, name: str, files: Sequence[Path]) -> tuple[float, int]:
        """Songs a second of a peer, and how many of the files it could read."""
        folder = linked(files, self.scratch / "links")
        try:
            # One thread each: there are as many workers as cores.
            one = os.environ | {"OMP_NUM_THREADS": "1"}
            told = subprocess.run(
                self._peer(name, folder, "--warm", str(self.clip)), env=one, check=True, capture_output=True, text=True
            )
        finally:
            shutil.rmtree(folder)
        found = json.loads(told.stdout.splitlines()[-1])
        return found["read"] / found["seconds"], found["read"]

    def _peer(self, name: str, folder: Path, *more: str) -> list[str]:
        return [sys.executable, peers.__file__, name, str(folder), "--workers", str(self.workers), *more]


def total(costs: Iterable[Cost]) -> Cost:
    """Of one after the other."""
    costs = list(costs)
    return Cost(sum(each.wall for each in costs), sum(each.cpu for each in costs))


def cost(command: list[str]) -> Cost:
    """What a whole command and its workers take."""
    before = os.times()
    seconds = wall(command)
    after = os.times()
    children = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    return Cost(seconds, children)


def tell_whole(figures: Figures, question: str, folder: Folder, rounds: Sequence[dict[str, Pair]]) -> None:
    """Whole commands, with their start-up."""
    for who, label in WHO.items():
        figures.tell(question, label, [folder.files / found[who].many.wall for found in rounds], "songs/s")
    for encoder in ENCODERS:
        times = [found[encoder].many.wall / found[peers.FLOOR].many.wall for found in rounds]
        figures.tell(question, f"{encoder} : decoding", times, "times", "as long as decoding alone")
    for who, label in WHO.items():
        starts = [found[who].few.wall - found[who].slope.wall * folder.fewer / folder.more for found in rounds]
        figures.tell(question, f"{label}: start-up", starts, "s")


def tell_slope(
    figures: Figures, question: str, name: str, files: int, rounds: Sequence[dict[str, Cost]]
) -> dict[str, list[float]]:
    """Songs a second without start-up, of so many files, and how many times as long as the floor it takes."""
    rates = {who: [files / found[who].wall for found in rounds] for who in WHO}
    for who, label in WHO.items():
        figures.tell(question, f"{name}{label}", rates[who], "songs/s")
    for encoder in ENCODERS:
        times = [found[encoder].wall / found[peers.FLOOR].wall for found in rounds]
        work = [found[encoder].cpu / found[peers.FLOOR].cpu for found in rounds]
        figures.tell(question, f"{name}{encoder} : decoding", times, "times", "as long as decoding alone")
        figures.tell(question, f"{name}{encoder} : decoding, work", work, "times", "its processor time")
    return rates


def tell_peers(
    figures: Figures,
    question: str,
    files: int,
    ours: dict[str, list[float]],
    theirs: dict[str, list[tuple[float, int]] | str],
) -> None:
    """The peers, and how many times as fast songspace is."""
    for name, found in theirs.items():
        if isinstance(found, str):
            figures.tell(question, name, [], "songs/s", found)
            continue
        least = min(read for _, read in found)
        some = f"read {least} of {files} files a run" if least < files else f"{files} files a run"
        figures.tell(question, name, [rate for rate, _ in found], "songs/s", f"{peers.installed(name)}, {some}")
        for encoder in ENCODERS:
            times = [our / their for our, (their, _) in zip(ours[encoder], found, strict=True)]
            figures.tell(question, f"{encoder} : {name}", times, "times", f"as fast as {name}")


class Peers:
    """What the peers gave, a rate a run, or why there is none."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.found: dict[str, list[tuple[float, int]] | str] = {
            name: [] if peers.installed(name) else "not installed" for name in peers.PEERS
        }

    def turn(self, files: Sequence[Path]) -> None:
        """Everybody's turn at some files."""
        for name, found in self.found.items():
            if isinstance(found, list):
                try:
                    found.append(self.bench.peer(name, files))
                except subprocess.CalledProcessError as error:
                    self.found[name] = f"failed: {error.stderr.strip().splitlines()[-1]}"


def listen_to(bench: Bench, figures: Figures, many: Path, runs: int) -> None:
    """Somebody's folder."""
    files = [Path(found.path) for found in scan(many) if not found.problem]
    folder = Folder.of(many, files, bench.scratch / "few")
    theirs, rounds = Peers(bench), []
    some = files[:: max(1, len(files) // CLIPS)][:CLIPS]
    bench.decoding(many)  # the disk's cache is warm from here on
    for _ in range(runs):
        rounds.append(bench.round(folder))
        theirs.turn(some)
    question = f"Listening to {many.name} ({folder.files} files), {bench.workers} workers"
    tell_whole(figures, question, folder, rounds)
    question += ", without start-up"
    slopes = [{who: pair.slope for who, pair in found.items()} for found in rounds]
    ours = tell_slope(figures, question, "", folder.more, slopes)
    tell_peers(figures, question, len(some), ours, theirs.found)


def listen_to_songs(bench: Bench, figures: Figures, songs: dict[str, list[Path]], runs: int) -> None:
    """Songs of four minutes: each format for itself, and one of each for the peers."""
    folders = {
        kind: Folder.of(linked(files, bench.scratch / kind), files, bench.scratch / f"few {kind}")
        for kind, files in songs.items()
    }
    theirs, rounds = Peers(bench), []
    for run in range(runs):
        rounds.append({kind: bench.round(folder) for kind, folder in folders.items()})
        theirs.turn([files[run] for files in songs.values()])
    question = f"Songs of four minutes, {bench.workers} workers, without start-up"
    for kind, folder in folders.items():
        slopes = [{who: found[kind][who].slope for who in WHO} for found in rounds]
        tell_slope(figures, question, f"{kind}: ", folder.more, slopes)
    together = [{who: total(pairs[who].slope for pairs in found.values()) for who in WHO} for found in rounds]
    ours = tell_slope(figures, question, "all: ", sum(folder.more for folder in folders.values()), together)
    tell_peers(figures, question, len(songs), ours, theirs.found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--songs", type=int, default=12, help="rendered songs of four minutes")
    parser.add_argument("--keep", type=Path, help="where they are, or will be")
    parser.add_argument("--stages", action="store_true", help="also what each stage takes of one core")
    parser.add_argument("--json", action="store_true", help="a JSON line a figure, for bench/table.py")
    wanted = parser.parse_args()
    figures = Figures("indexing", wanted.json)
    figures.say(about())
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        songs = four_minutes.render(wanted.keep or scratch / "songs", songs=wanted.songs)
        bench = Bench(scratch, wanted.workers, figures)
        listen_to(bench, figures, wanted.folder, wanted.runs)
        listen_to_songs(bench, figures, songs, wanted.runs)
        if wanted.stages:
            files = [Path(found.path) for found in scan(wanted.folder) if not found.problem][:100]
            learnt = {encoder: home for encoder, home in bench.homes.items() if encoder != "timbre"}
            stages.tell(figures, wanted.folder.name, files, learnt)
            stages.tell(figures, "songs of four minutes", list(chain(*songs.values())), learnt)


if __name__ == "__main__":
    main()
