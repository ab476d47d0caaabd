"""Lines drawn over a map: what it costs to stay near them, and what it costs to draw at all; without a label.

    python bench/line.py [--home HOME] [--lines 20] [--length 25] [--weights 0.3 1 2 3 10 1000] [--seed 0]

Random curves are drawn over the home's map, and lists along them are made with different weights of being near. Of each
are told: how far its songs lie from the line (the map goes from -1 to 1), its mean and its largest step as shares of
the space's typical distance, how many of its steps go back along the line, and how long it took. With a very large
weight it is the songs nearest to the line, whatever they sound like. Then follows how long a mix of regions takes, and
what the space says of each song.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from songspace import Library
from songspace.answers import traits
from songspace.answers.request import Ruling
from songspace.answers.view import View
from songspace.playlists import line as lines
from songspace.playlists.mixes import mix_within
from songspace.playlists.steps import smoothness
from songspace.server.maps import draw, place_of, read


def curve(rng: np.random.Generator) -> np.ndarray:
    """A bow through three random points."""
    begin, bend, end = rng.uniform(-0.7, 0.7, (3, 2))
    at = np.linspace(0, 1, 40)[:, None]
    bow: np.ndarray = (1 - at) ** 2 * begin + 2 * at * (1 - at) * bend + at**2 * end
    return bow


def timed(make: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    made = make()
    return time.perf_counter() - began, made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--lines", type=int, default=20)
    parser.add_argument("--length", type=int, default=25)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.3, 1, 2, 3, 10, 1000])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    view = View(Library(options.home))
    space, songs = view.space, view.songs
    kept = read(place_of(view.library.home, "tsne", str(space.checksum)))
    points = (kept or draw(space, "pca")).points
    rules = Ruling(2).rules(view, songs, space)
    rng = np.random.default_rng(options.seed)
    drawn = [curve(rng) for _ in range(options.lines)]
    print(f"{len(space):,} songs, {options.lines} lines, {options.length} songs along each")
    print("| weight | from the line | mean step | largest | backwards | s |\n|---|---|---|---|---|---|")
    for weight in options.weights:
        lines._NEARNESS = weight
        rows: list[list[float]] = []
        for bow in drawn:
            seconds, found = timed(lambda: lines.line(space, points, bow, length=options.length, rules=rules))  # noqa: B023
            off, foot = cKDTree(bow).query(points[found])
            smooth = smoothness(space, found)
            back = float(np.mean(np.diff(foot) < 0))
            rows.append([float(off.mean()), smooth.mean_share, smooth.largest_share, back, seconds])
        off, mean, largest, back, seconds = np.array(rows).mean(axis=0)
        print(f"| {weight:g} | {off:.4f} | {mean:.3f} | {largest:.3f} | {back:.2f} | {seconds:.2f} |")
    for size in (1000, 20_000):
        some = rng.permutation(len(space))[:size]
        taken = [timed(lambda: mix_within(space, some, length=options.length, rules=rules))[0] for _ in range(3)]  # noqa: B023
        print(f"a mix of {len(some):,} songs: {statistics.median(taken):.2f} s")
    for name, make in (("groups", lambda: traits.groups(view)), ("isolation", lambda: traits.isolation(space)),
                       ("hubness", lambda: traits.hubness(space))):  # fmt: skip
        print(f"{name}: {timed(make)[0]:.1f} s")


if __name__ == "__main__":
    main()
