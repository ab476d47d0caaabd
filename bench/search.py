"""Questions to one saved space, in a process that has done nothing else: `bench/query.py` draws it and calls this.

    python bench/search.py FOLDER [--graphs] | --first

In FOLDER lie `space` and `artists.json`. What is printed are JSON lists of arguments of `machine.Figures.tell`.

Neighbours are asked of songs of the space, one question at a time, one thread for everybody (OMP_NUM_THREADS=1), the
ten nearest by Euclidean distance. How far faiss and usearch look is doubled until they find 99 % of them, and again
until they find all; building takes as many threads as there are cores. Rounds alternate, so that what else the machine
does falls on all. With --graphs, HNSW is built: of a million songs that takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from songspace import Space
from songspace.playlists.path import path
from songspace.playlists.radio import radio
from songspace.playlists.rules import Rules

NEAREST, LENGTH, GAP = 10, 25, 2
ROUNDS, ASKED = 5, 40  # questions in each round
LISTS = 4  # in each round
PATIENT = 24  # questions before a space makes its sketch: songspace.space.search
MOST = 1 << 14  # how far a graph or a table looks at most

Ask = Callable[[np.ndarray], np.ndarray]
"""What is nearest to a vector, itself among it: rows, nearest first."""
UNIT = "ms of a core"


@dataclass(frozen=True)
class Index:
    """What another program keeps of all vectors.

    Attributes
    ----------
    name : str
    built : float
        Seconds that it took to build.
    look : function
        Of how far it is to look, giving how it answers then.
    farthest : int
        As far as it can look; 0, if it looks at everything.
    """

    name: str
    built: float
    look: Callable[[int], Ask]
    farthest: int = MOST


def tell(*figure: object) -> None:
    print(json.dumps(figure), flush=True)


def typical(answer: Callable[[Any], object], asked: list[Any]) -> float:
    """The median of what a core works for an answer, in ms: on a quiet machine, what it takes."""
    times = []
    for what in asked:
        began = time.process_time()
        answer(what)
        times.append(1000 * (time.process_time() - began))
    return statistics.median(times)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def faiss_indexes(vectors: np.ndarray, graphs: bool) -> Iterator[Index]:
    import faiss

    n, d = vectors.shape

    def built(index: faiss.Index) -> float:
        faiss.omp_set_num_threads(os.cpu_count() or 1)
        took = seconds(lambda: (index.train(vectors), index.add(vectors)))
        faiss.omp_set_num_threads(1)
        return took

    def asks(index: faiss.Index) -> Ask:
        return lambda vector: index.search(vector[None], NEAREST + 1)[1][0]

    flat = faiss.IndexFlatL2(d)
    yield Index("faiss Flat", built(flat), lambda _: asks(flat), farthest=0)

    lists = max(1, min(round(2 * n**0.5), n // 39))
    table = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, lists, faiss.METRIC_L2)
    table.cp.niter, table.cp.max_points_per_centroid = 10, 64

    def look(lists: int) -> Ask:
        def ask(vector: np.ndarray) -> np.ndarray:
            table.nprobe = lists
            return table.search(vector[None], NEAREST + 1)[1][0]

        return ask

    yield Index("faiss IVF", built(table), look, farthest=lists)
    if not graphs:
        return
    graph = faiss.IndexHNSWFlat(d, 32)

    def walk(width: int) -> Ask:
        def ask(vector: np.ndarray) -> np.ndarray:
            graph.hnsw.efSearch = width
            return graph.search(vector[None], NEAREST + 1)[1][0]

        return ask

    yield Index("faiss HNSW32", built(graph), walk)


def usearch_indexes(vectors: np.ndarray, graphs: bool) -> Iterator[Index]:
    from usearch.index import Index as Graph

    if not graphs:
        return
    graph = Graph(ndim=vectors.shape[1], metric="l2sq", dtype="f32", connectivity=16)
    built = seconds(lambda: graph.add(np.arange(len(vectors)), vectors, threads=os.cpu_count() or 1))

    def walk(width: int) -> Ask:
        def ask(vector: np.ndarray) -> np.ndarray:
            graph.expansion_search = width
            return graph.search(vector, NEAREST + 1, threads=1).keys.astype(np.int64)

        return ask

    yield Index("usearch HNSW16", built, walk)


PEERS = {"faiss": faiss_indexes, "usearch": usearch_indexes}


def recall(ask: Ask, vectors: np.ndarray, rows: np.ndarray, nearest: np.ndarray) -> float:
    """The share of the nearest songs that are found."""
    found = 0
    for row, wanted in zip(rows, nearest, strict=True):
        answer = ask(vectors[row])
        found += len(np.intersect1d(answer[answer != row][:NEAREST], wanted))
    return found / nearest.size


def as_far_as(goal: float, index: Index, right: Callable[[Ask], float]) -> tuple[Ask, float, int]:
    """How an index answers that looks just far enough for a recall, or else as far as it can; its recall; how far."""
    width = min(16, index.farthest)
    while True:
        ask = index.look(width)
        found = right(ask)
        if found >= goal or width == index.farthest:
            return ask, found, width
        width = min(2 * width, index.farthest)


def neighbors(space: Space, graphs: bool) -> None:
    vectors, n = np.asarray(space.vectors), len(space)
    rows = np.random.default_rng(1).choice(n, ROUNDS * ASKED)
    question = f"Ten neighbours among {n:,} songs"
    early = typical(lambda row: space.neighbors(row, NEAREST, mutual=False), rows[:PATIENT].tolist())
    sketch = seconds(lambda: space.neighbors(int(rows[0]), NEAREST, mutual=False))
    nearest = np.array([space.neighbors(int(row), NEAREST, mutual=False)[0] for row in rows])
    note = f"recall 1; then it makes a sketch in {sketch:.2g} s"
    tell(question, f"songspace, the first {PATIENT}", [early], UNIT, note)

    def plain(row: int) -> np.ndarray:
        away = -(vectors @ vectors[row])
        away[row] = np.inf
        some = np.argpartition(away, NEAREST - 1)[:NEAREST]
        return some[np.argsort(away[some])]

    def exact(row: int) -> object:
        return space.neighbors(row, NEAREST, mutual=False)

    def mutual(row: int) -> object:
        return space.neighbors(row, NEAREST, mutual=True)

    askers: dict[str, tuple[Callable[[int], object], str]] = {
        "songspace, exact": (exact, "recall 1"),
        "songspace, by mutual proximity": (mutual, "what a space with hubs answers, exact as well"),
        "NumPy, a product and a partition": (plain, "recall 1"),
    }
    missing: dict[str, str] = {}
    for name, make in PEERS.items():
        try:
            indexes = list(make(vectors, graphs))
        except ImportError:
            missing[name] = "not installed"
            continue
        for index in indexes:
            for goal in (0.99, 1.0) if index.farthest else (1.0,):
                ask, found, width = as_far_as(goal, index, lambda ask: recall(ask, vectors, rows, nearest))
                how = (
                    f"recall {found:.4f}; " + (f"looks at {width}, " if width else "") + f"built in {index.built:.2g} s"
                )
                what = f"{index.name}, recall {goal:g}"
                if found >= goal:
                    askers[what] = (lambda row, ask=ask: ask(vectors[row]), how)  # type: ignore[misc]
                else:
                    missing[what] = f"not reached: {how}"
    if not graphs:
        missing["graphs of faiss and usearch"] = "not built: of so many songs it takes minutes (--graphs)"
    times: dict[str, list[float]] = {name: [] for name in askers}
    for some in rows.reshape(ROUNDS, ASKED).tolist():
        for name, (answer, _) in askers.items():
            times[name].append(typical(answer, some))
    for name, (_, note) in askers.items():
        tell(question, name, times[name], UNIT, note)
    for name, note in missing.items():
        tell(question, name, [], UNIT, note)


def lists(space: Space, artists: list[str]) -> None:
    n = len(space)
    question = f"Start-up and playlists, {n:,} songs"
    rules = Rules.of(n, artists=artists, artist_gap=GAP)
    pairs = np.random.default_rng(2).choice(n, (ROUNDS, LISTS, 2), replace=False).tolist()
    calls: dict[str, Callable[[list[int]], object]] = {
        f"a path of {LENGTH}": lambda pair: path(space, *pair, length=LENGTH, rules=rules),
        f"a radio of {LENGTH}": lambda pair: radio(space, pair[:1], length=LENGTH, rules=rules),
        "the artist gap, from names": lambda _: Rules.of(n, artists=artists, artist_gap=GAP),
    }
    for name, call in calls.items():
        call(pairs[0][0])
        tell(question, name, [typical(call, some) for some in pairs], UNIT, "")


def first(folder: Path) -> None:
    """The first answer of a process: the space is opened and asked."""

    def answer() -> None:
        space = Space.open(folder / "space")
        space.neighbors(len(space) // 2, NEAREST)

    print(seconds(answer))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--graphs", action="store_true")
    parser.add_argument("--first", action="store_true")
    wanted = parser.parse_args()
    if wanted.first:
        first(wanted.folder)
        return
    space = Space.open(wanted.folder / "space")
    neighbors(space, wanted.graphs)
    lists(space, json.loads((wanted.folder / "artists.json").read_text()))


if __name__ == "__main__":
    main()
