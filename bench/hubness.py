"""Corrections of hubness side by side: what they do to neighbours of the same label, to reach, and to a query's time.

    python bench/hubness.py HOME [HOME ...] [--labels genre|folder|FILE.csv ...] [--songs 10000 100000]

Every home is a library that has learnt something; --labels is one source for each home, or one for all. Beside what a
library has learnt stand PCA and a random network, fitted on its cached spectrograms.

Orders: by distance; mutual proximity as in `Space` (normal distributions of squared distances, moments from sums), of
plain distances, and empirical (Schnitzer et al., JMLR 2012); local scaling (Zelnik-Manor & Perona 2005), NICDM (Pohle
et al. 2009) and CSLS (Conneau et al. 2018), each over 10 neighbours. P@10 is artist-filtered, with its difference to
the order by distance and a 95 % interval (paired, over artists; those who answer stay); hubs are counted among all
songs. An asterisk marks the order that `Space` chooses by itself.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

from songspace import Library, Space
from songspace.categories import artist_codes, integers
from songspace.evaluation import embeddings, hubness, retrieval
from songspace.evaluation.labels import labels as read_labels
from songspace.intervals import Score, deletions

K = 10


def _near(d: np.ndarray) -> np.ndarray:
    """The distances to the ``K`` nearest of each song (its own comes first)."""
    return np.sort(d, axis=1)[:, 1 : K + 1]


def mutual_of_distances(d: np.ndarray) -> np.ndarray:
    off = d[~np.eye(len(d), dtype=bool)].reshape(len(d), -1)
    mean, deviation = off.mean(axis=1), off.std(axis=1)
    p, q = ndtr((d - mean[:, None]) / deviation[:, None]), ndtr((d - mean) / deviation)
    return p + q - p * q


def mutual_empirical(d: np.ndarray) -> np.ndarray:
    others = [np.sort(np.delete(line, row)) for row, line in enumerate(d)]
    p = np.stack([np.searchsorted(*pair) for pair in zip(others, d, strict=True)]) / (len(d) - 1)
    return p + p.T - p * p.T


def local_scaling(d: np.ndarray) -> np.ndarray:
    scale = _near(d)[:, -1]
    return d**2 / np.outer(scale, scale)


def nicdm(d: np.ndarray) -> np.ndarray:
    scale = _near(d).mean(axis=1)
    return d / np.sqrt(np.outer(scale, scale))


def csls(d: np.ndarray) -> np.ndarray:
    likeness = 1 - _near(d**2).mean(axis=1) / 2
    return d**2 + likeness[:, None] + likeness  # = 2 - (2 cos - r_x - r_y)


ORDERS: dict[str, Callable[[Space], np.ndarray]] = {
    "distance": lambda space: _distances(space),
    "mutual proximity (Space)": lambda space: space.remoteness(np.arange(len(space))),
    "  of distances": lambda space: mutual_of_distances(_distances(space)),
    "  empirical": lambda space: mutual_empirical(_distances(space)),
    "local scaling": lambda space: local_scaling(_distances(space)),
    "NICDM": lambda space: nicdm(_distances(space)),
    "CSLS": lambda space: csls(_distances(space)),
}


def _distances(space: Space) -> np.ndarray:
    rows = np.arange(len(space))
    d = space.pairwise(rows, rows)
    np.fill_diagonal(d, 0)
    return d


def lists(remote: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """The ``K`` nearest of each song by a matrix, but for those with its own number in ``apart``."""
    remote = np.where(apart[:, None] == apart, np.inf, remote)
    found = np.argsort(remote, axis=1, kind="stable")[:, :K]
    return np.where(np.isinf(np.take_along_axis(remote, found, axis=1)), -1, found)


def compare(home: str, source: str) -> None:
    library = Library(home)
    songs, spaces = embeddings.of_library(library, ["all"])
    labels = read_labels(songs, source)
    rows = np.flatnonzero([value is not None for value in labels.values])
    codes = integers(labels.values[row] for row in rows)
    people = artist_codes([labels.artists[row] for row in rows], len(rows))
    print(f"\n{len(rows)} songs by {people.max() + 1} artists, {codes.max() + 1} labels, k = {K}")
    print(f"{'encoder':12} {'order':25} {'P@10':>5}  {'difference':22} {'skewness':>8} {'unreached':>9} {'largest':>7}")
    for name, space in spaces.items():
        space = space.only(rows)
        plain: Score | None = None
        for order, measure in ORDERS.items():
            remote = measure(space)
            shares = retrieval.precision(lists(remote, people), codes)
            asked = ~np.isnan(shares)
            smaller = deletions(people[asked])
            without = [shares[asked][kept].mean() for kept in smaller.kept]
            score = Score(shares[asked].mean(), 0, smaller.scatter(without))
            plain = plain or score
            against = score.minus(plain)
            bounds = "[{:+.3f}, {:+.3f}]".format(*against["interval"]) if against["interval"] else ""
            hubs = hubness.of_lists(lists(remote, np.arange(len(rows))))
            chosen = "*" if order == ("mutual proximity (Space)" if space.mutual else "distance") else " "
            print(
                f"{name:12}{chosen}{order:25} {score.value:5.3f}  {against['value']:+.3f} {bounds:16}"
                f" {hubs['skewness']:8.2f} {hubs['antihubs']:9.1%} {hubs['largest_hub']:7}",
                flush=True,
            )


def timing(songs: int, queries: int = 200) -> None:
    """Build and ask a made-up space (40 Gaussians in 128 dimensions)."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(40, 128))
    vectors = (centers[rng.integers(0, 40, songs)] + 0.5 * rng.normal(size=(songs, 128))).astype(np.float32)
    began = time.perf_counter()
    space = Space.from_vectors(vectors)
    print(f"\n{songs} made-up songs: the space takes {time.perf_counter() - began:.2f} s to build; a query")
    for mutual in (False, True):
        times = []
        for row in rng.integers(0, songs, queries).tolist():
            began = time.perf_counter()
            space.neighbors(row, K, mutual=mutual)
            times.append(time.perf_counter() - began)
        print(f"  by {'mutual proximity' if mutual else 'distance':17} {1000 * np.median(times):6.2f} ms (median)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("homes", nargs="*", metavar="HOME")
    parser.add_argument("--labels", nargs="+", default=["genre"])
    parser.add_argument("--songs", type=int, nargs="*", default=[10_000, 100_000])
    wanted = parser.parse_args()
    sources = wanted.labels * len(wanted.homes) if len(wanted.labels) == 1 else wanted.labels
    for home, source in zip(wanted.homes, sources, strict=True):
        compare(home, source)
    for songs in wanted.songs:
        timing(songs)


if __name__ == "__main__":
    main()
