"""Paths from one song to another, side by side with what other programs do; and how they do in a large library.

    python bench/playlists.py [--home HOME] [--pairs 200] [--lengths 10 25] [--seed 0]
    python bench/playlists.py [--home HOME] --transitions 0 0.1 0.2 0.4 0.7 1
    python bench/playlists.py [--home HOME] --varieties 0 0.2 0.4 0.7 1
    python bench/playlists.py [--home HOME] --scale 100000

The home's library must have learnt `linear` and `timbre`; without one, the rendered library is made and learnt.
Paths between the same random pairs of songs are chosen in one of these two spaces and measured in the other, which did
not choose them, and then in their own. Rivals (`rivals.py`) stand there as they are used, and again with the artist gap
that songspace keeps imposed on them. Figures are means over pairs; steps are shares of the typical distance of the
space that measures. Differences are paired, songspace minus the best of all others, with 95 % intervals over
artists: one after the other is left out, with all pairs that have a song of theirs at either end.

With --transitions, paths are chosen with these weights of ends and beginnings in a step, and how far each song's end is
from the next one's beginning is measured as well, in the space that did not choose: in the library as it is, and with
every two of its songs spliced to one that ends otherwise than it begins. With --varieties, every pair has another seed.

With --scale, a mixture of Gaussians is fitted to the home's linear space, and a library of that many songs by a
tenth as many artists is drawn from it. A fresh process, which has only opened its space, makes 20 paths and radios of
25 songs and orders 100. Memory is what that process takes at most, beyond what it took with everything imported and
the space still unread: the vectors, which are mapped, are part of it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.mixture import GaussianMixture

from machine import about
from rivals import RIVALS, Task, graph
from songspace import Library, Space
from songspace.categories import artist_codes
from songspace.errors import SongspaceError
from songspace.evaluation import embeddings, playlists
from songspace.intervals import Smaller, deletions
from songspace.playlists.order import order
from songspace.playlists.path import path
from songspace.playlists.radio import radio
from songspace.playlists.rules import Rules

OURS, KEPT, GAP = "songspace", ", gap kept", 2
SPACES = ("linear", "timbre")
COLUMNS = {
    "largest": "{:8.3f}",
    "mean": "{:7.3f}",
    "evenness": "{:9.3f}",
    "progress": "{:9.3f}",
    "detour": "{:7.2f}",
    "astray": "{:7.3f}",
    "artists": "{:8.1f}",
    "broken": "{:7.2f}",
    "most_repeated": "{:14d}",
    "hubs": "{:6.1%}",
}
BEST = {"largest": min, "mean": min, "progress": max}  # steps between random songs are even, but large

AT_SCALE = 25  # songs in a list
CALLS = 20
SONGS_OF_ARTIST = 10
DRAWN_AT_ONCE = 1 << 16
OF_ARTISTS = 0.5  # the share of a Gaussian's variance that lies between artists, not between songs of one

Lists = list[list[int] | None]


def keeping(space: Space, artists: Sequence[str | None]) -> dict[str, Any]:
    """The rule as `path`, `radio` and `order` take it."""
    return {"rules": Rules.of(len(space), artists=artists, artist_gap=GAP)}


def ours(space: Space, start: int, end: int, length: int, artists: list[str]) -> list[int]:
    return path(space, start, end, length=length, **keeping(space, artists))


def rendered(folder: str) -> str:
    """The home of the rendered library, learnt as `make demo` does."""
    home, music = f"{folder}/home", f"{folder}/music"
    program = [sys.executable, "-m", "songspace", "--home", home]
    for command in (
        ["demo"],
        ["learn", "--encoder", "timbre"],
        ["learn", "--encoder", "linear"],
    ):
        subprocess.run([*program, *command, music], check=True, stdout=sys.stderr)
    return home


def choose(
    space: Space, pairs: list[tuple[int, int]], length: int, artists: list[str]
) -> tuple[dict[str, Lists], dict[str, float]]:
    """The lists of every method, None where there is no answer, and the median of its seconds."""
    codes = artist_codes(artists, len(space))
    graph(space)  # is there before anybody asks, as the space is
    methods: dict[str, Callable[[int, int], list[int]]] = {OURS: lambda *ends: ours(space, *ends, length, artists)}
    for (name, rival), gap in product(RIVALS.items(), (0, GAP)):
        title = name + KEPT if gap else name
        methods[title] = lambda *ends, rival=rival, gap=gap: rival(Task(space, *ends, length, codes, gap))
    lists: dict[str, Lists] = {name: [] for name in methods}
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for ends in pairs:
        for name, method in methods.items():
            began = time.perf_counter()
            try:
                lists[name].append(method(*ends))
            except SongspaceError as error:
                print(f"{name}, from {ends[0]} to {ends[1]}: {error}")
                lists[name].append(None)
            seconds[name].append(time.perf_counter() - began)
    return lists, {name: statistics.median(times) for name, times in seconds.items()}


def measure(space: Space, lists: Lists, artists: list[str]) -> dict[str, Any]:
    """What `evaluate` says, with NaN for pairs without an answer."""
    answered = [rows is not None for rows in lists]
    found = playlists.evaluate(space, [rows for rows in lists if rows is not None], artists=artists, artist_gap=GAP)
    for name, values in found.items():
        if isinstance(values, np.ndarray):
            found[name] = np.full(len(lists), np.nan)
            found[name][answered] = values
    return found


def difference(apart: np.ndarray, ends: np.ndarray, smaller: Smaller) -> str:
    """The mean of paired differences and its interval."""
    known = ~np.isnan(apart)
    without = [apart[known][kept[ends[known]].all(axis=1)].mean() for kept in smaller.kept]
    bounds = smaller.scatter(without).around(float(apart[known].mean()))
    return f"{apart[known].mean():+.3f} " + ("[{:+.3f}, {:+.3f}]".format(*bounds) if bounds else "(too few artists)")


def report(
    space: Space, lists: dict[str, Lists], seconds: dict[str, float], pairs: list[tuple[int, int]], artists: list[str]
) -> None:
    """A line for every method, the differences to the best of the others, and what was aimed at."""
    heads = [f"{name.replace('_', ' '):>{len(form.format(0))}}" for name, form in COLUMNS.items()]
    print(f"{'':27}{''.join(heads)}  seconds")
    measured = {name: measure(space, rows, artists) for name, rows in lists.items()}
    for name, found in measured.items():
        means = {key: np.nanmean(found[key]) if isinstance(found[key], np.ndarray) else found[key] for key in COLUMNS}
        print(f"{name:27}{''.join(form.format(means[key]) for key, form in COLUMNS.items())} {seconds[name]:8.4f}")
    smaller, ends = deletions(artist_codes(artists, len(space))), np.array(pairs)
    for key, better in BEST.items():
        means = {name: float(np.nanmean(found[key])) for name, found in measured.items() if name != OURS}
        for whose, some in (("", means), (" under the rule", [name for name in means if KEPT in name])):
            best = better(some, key=means.__getitem__)
            apart = difference(measured[OURS][key] - measured[best][key], ends, smaller)
            print(f"  {key:8} {apart} to the best other{whose}, {best}")
    answered, broken = sum(rows is not None for rows in lists[OURS]), int(np.nansum(measured[OURS]["broken"]))
    print(f"  {answered} of {len(pairs)} pairs answered, {broken} rules broken")


def compare(home: str, count: int, lengths: list[int], seed: int) -> None:
    songs, spaces = embeddings.of_library(Library(home), SPACES)
    artists = [song.artist or f"unknown {song.id}" for song in songs]
    rng = np.random.default_rng(seed)
    pairs = [tuple(rng.choice(len(songs), 2, replace=False).tolist()) for _ in range(count)]
    print(f"{len(songs)} songs by {len(set(artists))} artists, {count} pairs, seed {seed}")
    print("Target, in the space that did not choose: the best largest step and progress, no rule broken, all answered")
    for length, chose in product(lengths, SPACES):
        lists, seconds = choose(spaces[chose], pairs, length, artists)
        for judge in sorted(SPACES, key=lambda name: name == chose):
            whose = "itself" if judge == chose else f"{judge}, which did not choose"
            print(f"\n{length} songs, chosen by {chose}, measured by {whose}")
            report(spaces[judge], lists, seconds, pairs, artists)


def spliced(space: Space, seed: int) -> Space:
    """Half as many songs, each of which begins as one of the space does and ends as another."""
    first, second = np.random.default_rng(seed).permutation(len(space))[: len(space) // 2 * 2].reshape(2, -1)
    whole = space.vectors[first] + space.vectors[second]
    return Space.from_vectors(whole, openings=space.openings(first), endings=space.endings(second))


def vary(home: str, count: int, lengths: list[int], seed: int, name: str, values: list[float]) -> None:
    """Paths with other values of one argument of `path`."""
    songs, spaces = embeddings.of_library(Library(home), SPACES)
    rng = np.random.default_rng(seed)
    cases = {"songs": spaces}
    if name == "transition":
        cases["spliced songs"] = {name: spliced(space, seed) for name, space in spaces.items()}
    print("All measured in the space that did not choose, as shares of its typical distance")
    for (what, made), length, chose in product(cases.items(), lengths, SPACES):
        space, judge = made[chose], made[SPACES[chose == SPACES[0]]]
        pairs = [rng.choice(len(space), 2, replace=False).tolist() for _ in range(count)]
        artists = [song.artist or f"unknown {song.id}" for song in songs] if what == "songs" else [None] * len(space)
        print(f"\n{length} of {len(space)} {what}, chosen by {chose}, {count} pairs, seed {seed}")
        print(f"{name:>12}  largest   mean  progress  from end to beginning: largest   mean  most repeated")
        for value in values:
            rule = keeping(space, artists)
            lists = [
                path(space, *ends, length=length, seed=number, **{name: value}, **rule)
                for number, ends in enumerate(pairs)
            ]
            found = playlists.evaluate(judge, lists)
            over = [np.diagonal(judge.transitions(rows[:-1], rows[1:])) / found["typical"] for rows in lists]
            flow = (float(np.mean([step.max() for step in over])), float(np.mean([step.mean() for step in over])))
            means = [float(found[key].mean()) for key in BEST]
            line = "{:12.2f}{:9.3f}{:7.3f}{:10.3f}{:32.3f}{:7.3f}{:15d}"
            print(line.format(value, *means, *flow, found["most_repeated"]), flush=True)


def drawn_library(space: Space, songs: int, seed: int) -> tuple[Space, list[str]]:
    """Many songs as those of a space are, and who plays them."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.svd(space.vectors.astype(np.float64), full_matrices=False)[2]  # where they hardly go together
    mixture = GaussianMixture(max(1, len(space) // 25), covariance_type="diag", reg_covar=1e-4, random_state=seed)
    mixture.fit(space.vectors @ axes.T)
    who = rng.permutation(songs) // SONGS_OF_ARTIST
    component = rng.choice(mixture.n_components, who.max() + 1, p=mixture.weights_)
    shift = rng.normal(size=(who.max() + 1, len(axes))).astype(np.float32)
    blocks = [slice(begin, begin + DRAWN_AT_ONCE) for begin in range(0, songs, DRAWN_AT_ONCE)]
    vectors = np.empty((songs, axes.shape[1]), np.float32)
    for block in blocks:  # a million songs in float64 would take gigabytes
        their = component[who[block]]
        drawn = np.sqrt(OF_ARTISTS) * shift[who[block]]
        drawn = drawn + np.sqrt(1 - OF_ARTISTS) * rng.normal(size=drawn.shape)
        vectors[block] = (mixture.means_[their] + np.sqrt(mixture.covariances_[their]) * drawn) @ axes
    # Beginnings and endings lie about a tenth of a song's own length from it.
    ends = [vectors.copy() for _ in range(2)]
    for some in ends:
        for block in blocks:
            some[block] += rng.normal(size=some[block].shape).astype(np.float32) / 10 / len(axes) ** 0.5
    space = Space.from_vectors(vectors, openings=ends[0], endings=ends[1])
    return space, [f"Artist {number}" for number in who.tolist()]


def memory(field: str) -> int:
    """A size in bytes of this process, as Linux keeps it: `VmRSS`, what it takes, or `VmHWM`, the most that it took."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return 1024 * int(line.split()[1])


def ask(folder: Path) -> None:
    """Make lists from a saved space, in a process that has done nothing else, and print what they took as JSON."""
    artists = json.loads((folder / "artists.json").read_text())
    space = Space.open(folder / "space")
    rows = np.random.default_rng(1).choice(len(space), (CALLS, 2), replace=False).tolist()
    some = np.random.default_rng(2).choice(len(space), 100, replace=False).tolist()
    calls: dict[str, Callable[[int], list[int]]] = {
        f"path of {AT_SCALE}": lambda i: ours(space, *rows[i], AT_SCALE, artists),
        f"radio of {AT_SCALE}": lambda i: radio(space, rows[i][:1], length=AT_SCALE, **keeping(space, artists)),
        "order of 100": lambda _: order(space, some, **keeping(space, artists)),
    }
    before, found = memory("VmRSS"), {}
    for name, call in calls.items():
        wall, core = [], []
        for i in range(CALLS):
            began, worked = time.perf_counter(), time.process_time()
            call(i)
            wall.append(time.perf_counter() - began)
            core.append(time.process_time() - worked)
        seconds = {"first": wall[0], "median": statistics.median(wall), "core": statistics.median(core)}
        found[name] = seconds | {"process": memory("VmHWM") - before}
    for name, call in calls.items():
        tracemalloc.start()
        call(0)
        found[name]["arrays"] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    print(json.dumps(found))


def scale(home: str, songs: int, seed: int) -> None:
    space, artists = drawn_library(embeddings.of_library(Library(home), SPACES[:1])[1][SPACES[0]], songs, seed)
    size = space.vectors.nbytes
    print(f"{songs} songs drawn from a mixture, {space.vectors.shape[1]} dimensions: vectors of {size / 1e6:.0f} MB")
    print(f"{'':12}  first call    median  of a core  allocated at once  process with the vectors, so far")
    with tempfile.TemporaryDirectory() as folder:
        space.save(Path(folder) / "space")
        (Path(folder) / "artists.json").write_text(json.dumps(artists))
        answer = subprocess.run([sys.executable, __file__, "--ask", folder], check=True, capture_output=True, text=True)
    for name, found in json.loads(answer.stdout).items():
        print(
            f"{name:12} {found['first']:10.3f} s {found['median']:7.3f} s {found['core']:8.3f} s"
            f" {found['arrays'] / 1e6:9.0f} MB = {found['arrays'] / size:4.2f}"
            f" {found['process'] / 1e6:8.0f} MB = {found['process'] / size:4.2f} times the vectors"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--lengths", type=int, nargs="+", default=[10, 25])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--transitions", type=float, nargs="+", metavar="WEIGHT")
    parser.add_argument("--varieties", type=float, nargs="+", metavar="VARIETY")
    parser.add_argument("--scale", type=int, metavar="SONGS")
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.ask:
        ask(wanted.ask)
        return
    print(about(), flush=True)
    with nullcontext() if wanted.home else tempfile.TemporaryDirectory() as scratch:
        home = wanted.home or rendered(scratch)
        if wanted.scale:
            scale(home, wanted.scale, wanted.seed)
        elif wanted.transitions:
            vary(home, wanted.pairs, wanted.lengths, wanted.seed, "transition", wanted.transitions)
        elif wanted.varieties:
            vary(home, wanted.pairs, wanted.lengths, wanted.seed, "variety", wanted.varieties)
        else:
            compare(home, wanted.pairs, wanted.lengths, wanted.seed)


if __name__ == "__main__":
    main()
