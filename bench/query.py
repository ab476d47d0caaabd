"""A question from a cold start: `songspace similar` on a library of 10,000 songs, as a whole process.

    python bench/query.py [--songs 10000] [--runs 15]

The library is made up (vectors drawn from a mixture of 40 Gaussians in 128 dimensions); the catalog and the space are
what `learn` would have written.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from machine import about, median, wall
from songspace import Space
from songspace.library import Catalog, Home
from songspace.library.learnt import Learnt, set_learnt
from songspace.library.scan import Found, Tags


def make_library(home: Home, songs: int) -> None:
    """A catalog of that many songs, and their space."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(40, 128))
    cloud = rng.integers(0, 40, songs)
    vectors = centers[cloud] + 0.5 * rng.normal(size=(songs, 128))
    home.folder.mkdir(exist_ok=True)
    with Catalog(home.catalog, write=True) as catalog:
        for number in range(songs):
            tags = Tags(
                title=f"Title {number}",
                artist=f"Artist {number // 10}",
                album=f"Album {number // 10}",
                genre=f"Genre {cloud[number]}",
                year=1960 + number % 60,
            )
            path = f"/music/Artist {number // 10}/{number:05d} Title.mp3"
            catalog.record_song(Found(path, 1, 1), number.to_bytes(16, "big"), tags, duration=200.0)
        set_learnt(catalog, "contrastive", Learnt("made-up", "made-up"))
        catalog.set_fact("encoder", "contrastive")
        ids = [song.id for song in catalog.songs()]
    Space.from_vectors(vectors.astype(np.float32), np.array(ids), encoder="made-up").save(home.space)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=15)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_library(Home(Path(folder)), wanted.songs)
        environment = os.environ | {"SONGSPACE_HOME": folder}
        print(about())
        program = [sys.executable, "-m", "songspace"]
        cases = {
            "similar ID --json": ["similar", "4321", "--json"],
            "similar NAME --json": ["similar", "artist 432 - title 4321", "--json"],
            "similar NAME, as a table": ["similar", "artist 432 - title 4321"],
            "playlist NAME --to NAME": ["playlist", "title 4321", "--to", "title 99", "--json"],
        }
        bare = [wall([sys.executable, "-c", "import numpy, typer"]) for _ in range(wanted.runs)]
        print(f"{'python, numpy and typer alone':32} {median(bare)} s")
        for name, arguments in cases.items():
            times = [wall([*program, *arguments], environment=environment) for _ in range(wanted.runs)]
            print(f"{name:32} {median(times)} s")


if __name__ == "__main__":
    main()
