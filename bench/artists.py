"""Similar artists: which measure of two sets of songs makes no set near to all others, and finds an artist again?

    python bench/artists.py HOME [HOME ...] [--least 4] [--rounds 10]

The measure was chosen by the first two columns, which need no labels beyond who made which song:

- hubs: the skewness of how often an artist is among the five nearest of others (0: all alike; above 1.4 there are hubs)
- size: how much more often the artists of one number of songs are among the nearest than those of another, at most, if
  there is nothing but the number of songs to tell them apart: 60 sets of 1 to 24 songs, all drawn from one distribution

The others only score. The songs of each artist with at least `--least` songs are split at random, into halves, or into
one song and the rest; all other artists are there as well. For each part, all sets of songs are ranked, and the mean
reciprocal rank of the artist's other part is shown, with a 95 % interval (bootstrap over artists).

- sets: what songspace uses (`songspace.geometry.sets`): mean distance to the nearest song of the other set, both ways,
  ranked by mutual proximity
- nearest: the same, ranked by distance
- average: the mean distance of all pairs of songs
- energy: the energy distance (U-statistic; of a set of one song, with the mean of the others within)
- centres: the distance of the centres
- chance: a random order

The space is the one in use. An encoder that learnt from artists knows them already; the hand-made `timbre` does not.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable

import numpy as np
from scipy.stats import skew

from songspace import Library, Space
from songspace.answers.view import View
from songspace.geometry.sets import Sets

DRAWS = 2000
SIZES = np.array([1, 2, 3, 6, 12, 24] * 10)

Measure = Callable[[Space, list[np.ndarray]], np.ndarray]
"""A function of a space and the rows of each set, giving distances or ranks, (sets, sets)."""


def sets(space: Space, parts: list[np.ndarray]) -> np.ndarray:
    names: list[list[str]] = [[] for _ in range(len(space))]
    for number, rows in enumerate(parts):
        for row in rows:
            names[row].append(str(number))
    of_parts, apart = Sets(space, names), np.full((len(parts), len(parts)), np.inf)
    for number in range(len(parts)):
        for place, (other, *_) in enumerate(of_parts.near(str(number), len(parts))):
            apart[number, int(other)] = place
    return apart


def over_pairs(reduce: Callable[[np.ndarray], float]) -> Measure:
    def measure(space: Space, parts: list[np.ndarray]) -> np.ndarray:
        whole = space.pairwise(range(len(space)), range(len(space)))
        return np.array([[reduce(whole[np.ix_(a, b)]) for b in parts] for a in parts])

    return measure


average = over_pairs(lambda apart: float(apart.mean()))


def energy(space: Space, parts: list[np.ndarray]) -> np.ndarray:
    within = np.array([space.pairwise(rows, rows).sum() / max(len(rows) * (len(rows) - 1), 1) for rows in parts])
    single = np.array([len(rows) == 1 for rows in parts])
    within[single] = within[~single].mean()
    return 2 * average(space, parts) - within[:, None] - within


def centres(space: Space, parts: list[np.ndarray]) -> np.ndarray:
    means = np.array([space.vectors[rows].mean(axis=0) for rows in parts])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return -means @ means.T


def chance(space: Space, parts: list[np.ndarray]) -> np.ndarray:
    return np.random.default_rng(0).random((len(parts), len(parts)))


METHODS: dict[str, Measure] = {
    "sets": sets,
    "nearest": over_pairs(lambda apart: float(apart.min(axis=0).mean() + apart.min(axis=1).mean())),
    "average": average,
    "energy": energy,
    "centres": centres,
    "chance": chance,
}


def occurrences(apart: np.ndarray) -> np.ndarray:
    """How often each set is among the five nearest of others."""
    apart = apart.astype(float)
    np.fill_diagonal(apart, np.inf)
    return np.bincount(np.argsort(apart, axis=1, kind="stable")[:, :5].ravel(), minlength=len(apart))


def by_size(measure: Measure) -> float:
    """The largest ratio of the mean occurrences of sets of two sizes, in a space that has nothing but sizes."""
    rng, ends = np.random.default_rng(0), np.cumsum(SIZES)
    space = Space.from_vectors(np.eye(8)[0] * 4 + rng.normal(size=(ends[-1], 8)))
    found = occurrences(measure(space, np.split(np.arange(ends[-1]), ends[:-1])))
    means = [found[size == SIZES].mean() for size in np.unique(SIZES)]
    return max(means) / max(min(means), 0.1)


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


def score(measure: Measure, space: Space, whole: list[list[int]], rest: list[np.ndarray], rounds: int) -> list[str]:
    """The mean reciprocal rank for halves, and for one song and the rest, each with its interval."""
    told = []
    for single in (False, True):
        rng, found = np.random.default_rng(0), []
        for _ in range(rounds):
            parts = [part for rows in whole for part in split(rows, rng, single)] + rest
            found.append(ranks(measure(space, parts), len(whole)))
        each = np.mean(found, axis=0)
        drawn = np.random.default_rng(1).choice(each, (DRAWS, len(each))).mean(axis=1)
        low, high = np.percentile(drawn, [2.5, 97.5])
        told.append(f"{each.mean():.3f} [{low:.3f}, {high:.3f}]")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("homes", nargs="+", metavar="HOME")
    parser.add_argument("--least", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    sizes = {name: by_size(measure) for name, measure in METHODS.items()}
    for home in given.homes:
        view = View(Library(home))
        by_artist: dict[str, list[int]] = defaultdict(list)
        for row, song in enumerate(view.songs):
            if artist := view.credits.main(song):
                by_artist[artist].append(row)
        everyone = [np.array(rows) for rows in by_artist.values()]
        whole = [rows for rows in by_artist.values() if len(rows) >= given.least]
        rest = [np.array(rows) for rows in by_artist.values() if len(rows) < given.least]
        print(f"{home}: {len(whole)} artists split, {len(rest)} others, {view.library.encoder} space")
        print(f"    {'':8}  hubs  size  {'halves':20}  one song and the rest")
        for name, measure in METHODS.items():
            hubs = float(skew(occurrences(measure(view.space, everyone))))
            halves, one = score(measure, view.space, whole, rest, given.rounds)
            print(f"    {name:8} {hubs:5.2f} {sizes[name]:5.1f}  {halves:20}  {one}")


if __name__ == "__main__":
    main()
