"""Mixes: are they coherent in spaces that did not choose them, and what does another seed change?

    python bench/mixes.py HOME [HOME ...] [--seeds 10] [--count N] [--songs 100000]

For every space of a library in turn the mixes are made there, and measured in all of them: the mean distance of two
songs of a mix, as a share of the mean distance of two songs of the library (1: as good as chance; a space that shares
nothing with the one that chose would give that). Beside it: the largest share of one artist, how often a song of the
mixes is among the ten nearest of others against the library's mean (1: no more hubs than elsewhere), how alike the
cuts of two seeds are (share of songs in common, over all mixes), and the spread of coherence over seeds. `--songs`
times a made-up library.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import numpy as np

from songspace import Library, Space
from songspace.evaluation import embeddings
from songspace.library import Song
from songspace.playlists.mixes import Mix, mixes
from songspace.playlists.rules import Rules


def coherence(space: Space, lists: list[list[int]]) -> float:
    everyone = np.arange(len(space))
    whole = space.pairwise(everyone, everyone)
    inside = [whole[np.ix_(rows, rows)][np.triu_indices(len(rows), 1)].mean() for rows in lists if len(rows) > 1]
    return float(np.mean(inside) / whole[np.triu_indices(len(space), 1)].mean())


def largest_artist(made: list[Mix], songs: list[Song]) -> float:
    counts = [Counter(songs[row].artist or row for row in mix.rows).most_common(1)[0][1] for mix in made]
    return max(count / len(mix.rows) for count, mix in zip(counts, made, strict=True))


def hubs(space: Space, made: list[Mix]) -> float:
    nearest = [space.neighbors(row, min(10, len(space) - 1))[0] for row in range(len(space))]
    occurrence = np.bincount(np.concatenate(nearest), minlength=len(space))
    return float(occurrence[[row for mix in made for row in mix.rows]].mean() / occurrence.mean())


def _cut(rows: np.ndarray, sizes: list[int]) -> list[list[int]]:
    """Lists of these sizes, one after the other."""
    return [part.tolist() for part in np.split(rows[: sum(sizes)], np.cumsum(sizes)[:-1])]


def measure(home: str, seeds: int, count: int | None) -> None:
    songs, spaces = embeddings.of_library(Library(home))
    for name, space in spaces.items():
        rules = Rules.of(len(space), artists=[song.artist for song in songs])
        cuts = [mixes(space, count=count, rules=rules, seed=seed) for seed in range(seeds)]
        rng = np.random.default_rng(0)
        rows = [[mix.rows for mix in made] for made in cuts]
        drawn = [_cut(rng.permutation(len(space)), [len(one) for one in of]) for of in rows]
        sizes = "+".join(str(len(mix.rows)) for mix in cuts[0])
        print(f"\n{len(songs)} songs, mixes made in {name}: {sizes} songs of regions of", end=" ")
        print("+".join(str(mix.region) for mix in cuts[0]))
        for measured, other in spaces.items():
            values = np.array([coherence(other, of) for of in rows])
            chance = np.mean([coherence(other, of) for of in drawn])
            own = " (its own)" if measured == name else ""
            print(
                f"  coherence in {measured + own:24} {values[0]:.3f}; over {seeds} seeds {values.mean():.3f} "
                f"({values.min():.3f} to {values.max():.3f}); random lists {chance:.3f}"
            )
        sets = [{row for one in of for row in one} for of in rows]
        common = np.mean([len(a & b) / len(a | b) for i, a in enumerate(sets) for b in sets[:i]]) if seeds > 1 else 1.0
        always, ever = (len(of(*sets)) / len(space) for of in (set.intersection, set.union))
        steps = np.mean([mix.smoothness.mean_share for mix in cuts[0]])
        print(
            f"  largest share of an artist {largest_artist(cuts[0], songs):.2f}; hubs {hubs(space, cuts[0]):.2f}; "
            f"mean step {steps:.2f}; in common to two seeds {common:.2f}, in all {always:.1%}, in any {ever:.0%}",
            flush=True,
        )


def timing(songs: int) -> None:
    """Cut a made-up space (40 Gaussians in 128 dimensions)."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(40, 128))
    vectors = (centers[rng.integers(0, 40, songs)] + 0.5 * rng.normal(size=(songs, 128))).astype(np.float32)
    space = Space.from_vectors(vectors)
    rules = Rules.of(songs, artists=[f"artist {row // 10}" for row in range(songs)])
    began = time.perf_counter()
    made = mixes(space, rules=rules)
    print(f"\n{songs} made-up songs: {len(made)} mixes in {time.perf_counter() - began:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("homes", nargs="*", metavar="HOME")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--count", type=int)
    parser.add_argument("--songs", type=int, nargs="*", default=[])
    wanted = parser.parse_args()
    for home in wanted.homes:
        measure(home, wanted.seeds, wanted.count)
    for songs in wanted.songs:
        timing(songs)


if __name__ == "__main__":
    main()
