"""Suggestions from several centres beside one: are the hidden songs of a taste, or of two tastes at once, among them?

    python bench/suggest.py HOME [HOME ...] [--top 50] [--least 6] [--rounds 20]

A taste is half of a list of songs, and the other half is hidden. Lists are

- the songs of an artist (of `--least` or more): single, and together with an artist whose centre is farther than most;
- neighbourhoods: the 20 songs (a tenth of a small library) nearest to a song in a space that does not choose the
  suggestions (hand-made for learnt, and the other way round), single and in pairs as above. These need no tags, and
  by these the share of what is common to all tastes was chosen.

Compared are one mean of all liked songs (Rocchio 1971), every liked song for itself (nearest to any of them), and
`songspace.playlists.taste`. No rule is in force: an artist filter would hide what is looked for. Shown is the share
of hidden songs among the first `--top`, for pairs also of the list that fares worse, and the difference of `taste` to
one mean with a 95 % interval (paired bootstrap over the lists).
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

from songspace import Library, Space
from songspace.evaluation import embeddings
from songspace.playlists import taste

DRAWS = 2000


def one_mean(space: Space, liked: np.ndarray, top: int) -> np.ndarray:
    return _best(space.vectors @ space.vectors[liked].mean(axis=0), liked, top)


def every_song(space: Space, liked: np.ndarray, top: int) -> np.ndarray:
    return _best((space.vectors @ space.vectors[liked].T).max(axis=1), liked, top)


def tastes(space: Space, liked: np.ndarray, top: int) -> np.ndarray:
    return np.array([found.row for found in taste.suggest(space, liked.tolist(), count=top)])


METHODS = {"one mean": one_mean, "every song": every_song, "tastes": tastes}


def _best(fit: np.ndarray, liked: np.ndarray, top: int) -> np.ndarray:
    fit = fit.copy()
    fit[liked] = -np.inf
    return np.argsort(-fit, kind="stable")[:top]


def by_artist(artists: list[str | None], least: int) -> list[np.ndarray]:
    rows = defaultdict(list)
    for row, artist in enumerate(artists):
        if artist:
            rows[artist].append(row)
    return [np.array(found) for found in rows.values() if len(found) >= least]


def neighbourhoods(space: Space, count: int = 60) -> list[np.ndarray]:
    size = min(20, len(space) // 10)
    hearts = np.random.default_rng(0).choice(len(space), min(count, len(space)), replace=False)
    return [np.argsort(space.distances(int(heart)), kind="stable")[:size] for heart in hearts]


def compare(space: Space, lists: list[np.ndarray], top: int, rounds: int) -> None:
    rng = np.random.default_rng(0)
    centers = np.stack([space.vectors[rows].mean(axis=0) for rows in lists])
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    apart = 1 - centers @ centers.T
    far = np.median(apart[np.triu_indices(len(lists), 1)])
    # What each list scored, by what and how: a round hides other halves and makes other pairs.
    scores: dict[tuple[str, str], list[list[float]]] = defaultdict(lambda: [[] for _ in lists])
    counts: dict[str, list[int]] = defaultdict(list)
    for _ in range(rounds):
        halves = [np.array_split(rng.permutation(rows), 2) for rows in lists]
        for number, (liked, hidden) in enumerate(halves):
            others = [
                other
                for other in np.flatnonzero(apart[number] > far).tolist()
                if not np.intersect1d(lists[number], lists[other]).size
            ]
            other = int(rng.choice(others)) if others else None
            counts["single"].append(len(taste.tastes(space, liked)))
            if other is not None:
                both = np.concatenate([liked, halves[other][0]])
                counts["mixed"].append(len(taste.tastes(space, both)))
            for name, method in METHODS.items():
                scores[name, "single"][number].append(np.isin(hidden, method(space, liked, top)).mean())
                if other is not None:
                    found = method(space, both, top)
                    shares = [np.isin(rows, found).mean() for rows in (hidden, halves[other][1])]
                    scores[name, "mixed"][number].append(float(np.mean(shares)))
                    scores[name, "mixed, worse"][number].append(min(shares))
    print(f"{'':14}{'':>14}" + "".join(f"{name:>12}" for name in METHODS) + "   tastes - one mean")
    for case in ("single", "mixed", "mixed, worse"):
        kept = [number for number, given in enumerate(scores["tastes", case]) if given]
        values = {name: np.array([np.mean(scores[name, case][number]) for number in kept]) for name in METHODS}
        difference = values["tastes"] - values["one mean"]
        drawn = difference[rng.integers(len(kept), size=(DRAWS, len(kept)))].mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        found = f"{np.mean(counts[case]):.1f} found" if case in counts else ""
        print(
            f"{case:14}{found:>14}"
            + "".join(f"{value.mean():12.3f}" for value in values.values())
            + f"   {difference.mean():+.3f} [{low:+.3f}, {high:+.3f}]",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("homes", nargs="+", metavar="HOME")
    parser.add_argument("--top", type=int, default=50)
    parser.add_argument("--least", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=20)
    wanted = parser.parse_args()
    for home in wanted.homes:
        songs, spaces = embeddings.of_library(Library(home))
        for name, space in spaces.items():
            other = next((spaces[rival] for rival in ("timbre", *spaces) if rival in spaces and rival != name), None)
            lists = {f"artists of {wanted.least} songs or more": by_artist([s.artist for s in songs], wanted.least)}
            if other is not None:
                lists["neighbourhoods of another space"] = neighbourhoods(other)
            for kind, found in lists.items():
                print(f"\n{len(songs)} songs, {name}: {len(found)} {kind}; first {wanted.top}")
                if len(found) > 2:
                    compare(space, found, wanted.top, wanted.rounds)


if __name__ == "__main__":
    main()
