"""Do the seconds that `--explain` names mean anything? Asked, without labels, of a space that did not choose them.

    python bench/explain.py HOME [HOME ...] [--neighbors 5]

Every home is a library that has learnt an encoder beside the hand-made one (`timbre`). For each song and its nearest
ones in the space in use, the closest pair of segments is found there, and looked up in the other space: how much more
alike (cosine) are these two segments than two random segments of the same two songs? Differences are means over songs,
with 95 % intervals over artists. Beside the choice by cosine stands the choice by what `SegmentMatcher` judges
by, similarities in deviations from what either segment has with all others.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import numpy as np

from machine import about
from songspace import Library, Space
from songspace.categories import artist_codes
from songspace.intervals import deletions
from songspace.library.learnt import Segments
from songspace.playlists.explain.matching import Match, SegmentMatcher


def _placed(library: Library, encoder: str, ids: list[int]) -> dict[int, np.ndarray]:
    """The segments of all songs in the space of an encoder."""
    segments = library.segments_of(ids, encoder)
    space = Space.from_vectors([segments[id].vectors.mean(axis=0) for id in ids], mutual=False)
    return {id: space.place(segments[id].vectors) for id in ids}


def _gain(cells: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> float:
    """How far some cells of a pair of songs lie above all of them."""
    return float(cells[rows, columns].mean() - cells.mean())


def _inside(song: Segments, seconds: tuple[float, float]) -> np.ndarray:
    return np.flatnonzero((song.starts >= seconds[0]) & (song.ends <= seconds[1]))


def _cells(here: Segments, there: Segments, match: Match) -> tuple[np.ndarray, np.ndarray]:
    return _inside(here, match.here), _inside(there, match.there)


def _said(gains: dict[int, list[float]], artists: np.ndarray) -> str:
    """The mean over songs of the mean over their pairs, with its interval."""
    songs = np.array(sorted(gains))
    means = np.array([np.mean(gains[song]) for song in songs])
    smaller = deletions(artists[songs])
    found = smaller.scatter([means[kept].mean() for kept in smaller.kept]).around(float(means.mean()))
    sure = f" [{found[0]:+.3f}, {found[1]:+.3f}]" if found else " (too few artists for an interval)"
    return f"{means.mean():+.3f}{sure}  {sum(map(len, gains.values()))} pairs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("homes", nargs="+", metavar="HOME")
    parser.add_argument("--neighbors", type=int, default=5)
    wanted = parser.parse_args()
    print(about())
    for home in wanted.homes:
        library = Library(home)
        space = Space.open(library.home.space)
        ids = space.ids.tolist()
        independent = "timbre" if library.encoder != "timbre" else "contrastive"
        segments = library.segments_of(ids)
        own = {id: space.place(segments[id].vectors) for id in ids}
        other = _placed(library, independent, ids)
        everything = np.concatenate([own[id] for id in ids])
        usual = {id: ((own[id] @ everything.T).mean(axis=1), (own[id] @ everything.T).std(axis=1)) for id in ids}
        artists = artist_codes([song.artist for song in library.catalog.songs(ids)], len(ids))
        matcher = SegmentMatcher(space, library.segments_of, range(len(space)))
        rng = np.random.default_rng(0)
        gains: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        for row, id in enumerate(ids):
            near = space.neighbors(row, wanted.neighbors)[0].tolist()
            for kind, rows in ("neighbours", near), ("random songs", rng.choice(len(ids), len(near)).tolist()):
                for found in rows:
                    if found == row:
                        continue
                    theirs = ids[found]
                    cells, cosines = other[id] @ other[theirs].T, own[id] @ own[theirs].T
                    resemblance = matcher.match(row, found)
                    assert resemblance is not None
                    gain = _gain(cells, *_cells(segments[id], segments[theirs], resemblance.matches[0]))
                    gains[f"{kind}: the match"][row].append(gain)
                    gains[f"{kind}: said to resemble: {resemblance.kind}"][row].append(gain)
                    if kind == "neighbours":
                        (mean, deviation), (mean2, deviation2) = usual[id], usual[theirs]
                        strengths = (cosines - mean[:, None]) / deviation[:, None] + (cosines - mean2) / deviation2
                        both = [
                            _gain(cells, *map(np.atleast_1d, np.unravel_index(choice.argmax(), choice.shape)))
                            for choice in (cosines, strengths)
                        ]
                        gains["neighbours: the closest by cosine, less by deviations"][row].append(both[0] - both[1])
        print(f"\n{len(ids)} songs, matches by {library.encoder}, judged by {independent}")
        for name in sorted(gains):
            print(f"{name:55} {_said(gains[name], artists)}")
        began = time.perf_counter()
        near = space.neighbors(0, 20)[0].tolist()
        matcher = SegmentMatcher(space, library.segments_of, [0, *near])
        for found in near:
            matcher.match(0, found)
        print(f"a list of 20 songs is explained in {1000 * (time.perf_counter() - began):.0f} ms")


if __name__ == "__main__":
    main()
