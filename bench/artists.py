"""Similar artists: does one half of an artist's songs find the other half among all artists?

    python bench/artists.py HOME [HOME ...] [--least 4] [--rounds 10]

The songs of each artist with at least `--least` songs are split at random, into halves, or into one song and the rest;
all other artists are there as well. For each part, all sets of songs are ranked by their distance to it, and the mean
reciprocal rank of the artist's other part is shown, with a 95 % interval (bootstrap over artists).

- energy: the energy distance with shrunk means within sets (`songspace.geometry.sets`), which songspace uses
- average: the mean distance of all pairs of songs (average linkage): energy without the means within
- chamfer: the mean distance to the nearest song of the other set, both ways
- nearest: the distance of the nearest pair
- centres: the distance of the centres
- chance: a random order

The space is the one in use. An encoder that learnt from artists knows them already; the hand-made one (`timbre`) does not.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from songspace import Library, Space
from songspace.answers.view import View
from songspace.geometry.sets import Sets

DRAWS = 2000


def energy(space: Space, parts: list[np.ndarray]) -> np.ndarray:
    names: list[list[str]] = [[] for _ in range(len(space))]
    for number, rows in enumerate(parts):
        for row in rows:
            names[row].append(str(number))
    sets, apart = Sets(space, names), np.full((len(parts), len(parts)), np.inf)
    for number in range(len(parts)):
        for place, (other, _) in enumerate(sets.near(str(number), len(parts))):
            apart[number, int(other)] = place
    return apart


def over_pairs(reduce: Callable[[np.ndarray], float]) -> Callable[[Space, list[np.ndarray]], np.ndarray]:
    def measure(space: Space, parts: list[np.ndarray]) -> np.ndarray:
        whole = space.pairwise(range(len(space)), range(len(space)))
        return np.array([[reduce(whole[np.ix_(a, b)]) for b in parts] for a in parts])

    return measure


def centres(space: Space, parts: list[np.ndarray]) -> np.ndarray:
    means = np.array([space.vectors[rows].mean(axis=0) for rows in parts])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return -means @ means.T


def chance(space: Space, parts: list[np.ndarray]) -> np.ndarray:
    return np.random.default_rng(0).random((len(parts), len(parts)))


METHODS = {
    "energy": energy,
    "average": over_pairs(lambda apart: float(apart.mean())),
    "chamfer": over_pairs(lambda apart: float(apart.min(axis=0).mean() + apart.min(axis=1).mean())),
    "nearest": over_pairs(lambda apart: float(apart.min())),
    "centres": centres,
    "chance": chance,
}


def split(rows: list[int], rng: np.random.Generator, single: bool) -> tuple[np.ndarray, np.ndarray]:
    mixed = rng.permutation(rows)
    at = 1 if single else len(mixed) // 2
    return mixed[:at], mixed[at:]


def ranks(apart: np.ndarray, pairs: int) -> np.ndarray:
    """The mean reciprocal rank of the other part, for each artist that was split; its parts are 2 i and 2 i + 1."""
    scores = np.zeros(pairs)
    for number in range(pairs):
        for one, other in ((2 * number, 2 * number + 1), (2 * number + 1, 2 * number)):
            others = np.delete(apart[one], one)
            scores[number] += 0.5 / (1 + (others < apart[one, other]).sum())
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("homes", nargs="+", metavar="HOME")
    parser.add_argument("--least", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    for home in given.homes:
        view = View(Library(home))
        by_artist: dict[str, list[int]] = defaultdict(list)
        for row, song in enumerate(view.songs):
            if artist := view.credits.main(song):
                by_artist[artist].append(row)
        whole = [rows for rows in by_artist.values() if len(rows) >= given.least]
        rest = [np.array(rows) for rows in by_artist.values() if len(rows) < given.least]
        print(f"{home}: {len(whole)} artists split, {len(rest)} others, {view.library.encoder} space")
        for single in (False, True):
            rng = np.random.default_rng(0)
            scores: dict[str, list[np.ndarray]] = {name: [] for name in METHODS}
            for _ in range(given.rounds):
                parts = [part for rows in whole for part in split(rows, rng, single)] + rest
                for name, measure in METHODS.items():
                    scores[name].append(ranks(measure(view.space, parts), len(whole)))
            print("  one song and the rest" if single else "  halves")
            for name, rounds in scores.items():
                each = np.mean(rounds, axis=0)
                drawn = np.random.default_rng(1).choice(each, (DRAWS, len(each))).mean(axis=1)
                low, high = np.percentile(drawn, [2.5, 97.5])
                print(f"    {name:8} {each.mean():.3f} [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
