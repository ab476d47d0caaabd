"""A map, and one that goes on from it: what both take, and how far old songs move when new ones find their places.

    python bench/maps.py [--songs 10000] [--new 1000] [--seed 0] [--without-anew] [--json]

The songs are made up (vectors drawn from a mixture of 40 Gaussians in 128 dimensions). A map is drawn of the first
ones; the new ones are then placed in it, once all of kinds that were there and once all of a kind that was not. Beside
it stands a map of all songs drawn anew, laid over the old one as well as it can be; with --without-anew none does, for
one of 100,000 songs takes long. Movement is a share of the old map's longer side; recall is how many of a new song's
ten nearest songs in space are among its ten nearest in the plane.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from machine import Figures, about
from songspace import maps

KINDS, DIMENSIONS, NEIGHBORS = 40, 128, 10


def timed(make: Callable[[], np.ndarray | None]) -> tuple[float, np.ndarray]:
    began = time.perf_counter()
    made = make()
    assert made is not None
    return time.perf_counter() - began, made


def draw_songs(songs: int, new: int, another_kind: bool, seed: int) -> np.ndarray:
    """Songs of 40 kinds, and behind them new ones: of the same kinds, or all of another."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(KINDS + 1, DIMENSIONS))
    kinds = rng.integers(0, KINDS, songs + new)
    noise = 0.5 * rng.normal(size=(songs + new, DIMENSIONS))
    if another_kind:
        kinds[songs:] = KINDS
    vectors: np.ndarray = (centers[kinds] + noise).astype(np.float32)
    return vectors


def neighbors(points: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The nearest others of some points."""
    half = (points * points).sum(axis=1) / 2
    found = []
    for some in np.array_split(rows, 1 + len(rows) * len(points) // 2**25):
        away = half - points[some] @ points.T
        away[np.arange(len(some)), some] = np.inf
        found.append(np.argpartition(away, NEIGHBORS, axis=1)[:, :NEIGHBORS])
    return np.concatenate(found)


def recall(vectors: np.ndarray, points: np.ndarray, rows: np.ndarray) -> float:
    wanted, found = neighbors(vectors, rows), neighbors(points.astype(np.float64), rows)
    return float(np.mean([len(np.intersect1d(*pair)) / NEIGHBORS for pair in zip(wanted, found, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=10_000)
    parser.add_argument("--new", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without-anew", action="store_true", help="do not compare with maps drawn anew")
    parser.add_argument("--json", action="store_true", help="a JSON line a figure, for bench/table.py")
    options = parser.parse_args()
    songs, new = options.songs, options.new
    figures = Figures("maps", options.json)
    figures.say(about())
    seconds, old = timed(lambda: maps.layout(draw_songs(songs, new, False, options.seed)[:songs], seed=options.seed))
    figures.tell(f"A map of {songs:,} songs", "drawn by t-SNE", [seconds], "s")
    width = float(np.ptp(old, axis=0).max())
    before = np.concatenate([old, np.full((new, 2), np.nan, dtype=np.float32)])
    added = np.arange(songs, songs + new)
    for kind in ("of old kinds", "of a new kind"):
        vectors = draw_songs(songs, new, kind == "of a new kind", options.seed)
        makers: dict[str, Callable[[], np.ndarray | None]] = {
            "beside the nearest": lambda: maps.beside(vectors, before),  # noqa: B023
            "going on": lambda: maps.extend(vectors, before, seed=options.seed),  # noqa: B023
        }
        if not options.without_anew:
            makers["drawn anew"] = lambda: maps.layout(vectors, seed=options.seed)  # noqa: B023
        question = f"{new:,} new songs {kind} in a map of {songs:,}"
        for name, make in makers.items():
            seconds, points = timed(make)
            points = maps.align(points, before)[0]
            moved = np.linalg.norm(points[:songs] - old, axis=1) / width
            median, most = np.percentile(moved, [50, 95])
            kept = recall(vectors, points, added)
            figures.tell(question, name, [seconds], "s", f"moved {median:.1%} (95 %: {most:.1%}), recall {kept:.2f}")


if __name__ == "__main__":
    main()
