"""Questions: a whole command from a cold start; neighbours, paths and radios as libraries grow; and other programs.

    python bench/query.py [--home HOME] [--songs 1000 10000 100000 1000000] [--graphs 100000] [--runs 15] [--json]

The commands are asked of a made-up library of 10,000 songs (vectors drawn from a mixture of 40 Gaussians in 128
dimensions); the catalog and the space are what `learn` would have written.

The libraries that grow are drawn from a mixture fitted to the home's linear space; without a home, the rendered
library is made and learnt (`bench/playlists.py` does both). Each is asked in a process of its own: `bench/search.py`,
which also asks faiss and usearch where they are installed. Their graphs are built for libraries up to --graphs songs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from machine import Figures, about, wall
from playlists import SPACES, drawn_library, rendered
from songspace import Library, Space
from songspace.evaluation import embeddings
from songspace.library import Catalog, Home
from songspace.library.cue import Part
from songspace.library.learnt import Learnt, set_learnt
from songspace.library.records import Track
from songspace.library.scan import Found
from songspace.library.tags import Tags
from table import number

CATALOG = 10_000


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
            track = Track(number.to_bytes(16, "big"), Part(tags=tags), 200.0, [0.0], [False])
            catalog.record(Found(path, 1, 1), [track])
        set_learnt(catalog, "linear", Learnt("made-up", "made-up"))
        catalog.set_fact("encoder", "linear")
        ids = [song.id for song in catalog.songs()]
    Space.from_vectors(vectors.astype(np.float32), np.array(ids), encoder="made-up").save(home.space)


def whole_commands(figures: Figures, runs: int) -> None:
    """Commands from a cold start, one after the other in turns."""
    program = [sys.executable, "-m", "songspace"]
    cases = {
        "Python, NumPy and Typer alone": [sys.executable, "-c", "import numpy, typer"],
        "similar ID --json": [*program, "similar", "4321", "--json"],
        "similar NAME --json": [*program, "similar", "artist 432 - title 4321", "--json"],
        "similar NAME, as a table": [*program, "similar", "artist 432 - title 4321"],
        "playlist NAME --to NAME": [*program, "playlist", "title 4321", "--to", "title 99", "--json"],
    }
    with tempfile.TemporaryDirectory() as folder:
        make_library(Home(Path(folder)), CATALOG)
        environment = os.environ | {"SONGSPACE_HOME": folder}
        times = [[wall(command, environment=environment) for command in cases.values()] for _ in range(runs)]
    for name, took in zip(cases, zip(*times, strict=True), strict=True):
        figures.tell(f"A whole command, on {CATALOG:,} songs", name, took, "s")


def as_it_grows(figures: Figures, home: str, sizes: list[int], graphs: int) -> None:
    """Libraries of several sizes, and how what they cost grows."""
    learnt = embeddings.of_library(Library(home), SPACES[:1])[1][SPACES[0]]
    costs: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    script = [sys.executable, str(Path(__file__).with_name("search.py"))]

    def asked(*arguments: str) -> list[str]:
        done = subprocess.run([*script, *arguments], check=True, stdout=subprocess.PIPE, text=True, env=environment)
        return done.stdout.splitlines()

    for songs in sizes:
        with tempfile.TemporaryDirectory() as folder:
            space, artists = drawn_library(learnt, songs, seed=0)
            space.save(Path(folder) / "space")
            (Path(folder) / "artists.json").write_text(json.dumps(artists))
            del space, artists
            first = [1000 * float(asked(folder, "--first")[0]) for _ in range(5)]
            found = [json.loads(line) for line in asked(folder, *["--graphs"] * (songs <= graphs))]
        started = [f"Start-up and playlists, {songs:,} songs", "opened and asked once, a new process", first, "ms", ""]
        place = next(at for at, (question, *_) in enumerate(found) if question == started[0])
        found.insert(place, started)
        for question, what, values, unit, note in found:
            figures.tell(question, what, values, unit, note)
            if values:
                costs[what, unit][songs] = float(np.median(values))
    for (what, unit), by_size in costs.items():
        if len(by_size) < 2:
            continue
        *_, before, last = by_size
        power = float(np.log(by_size[last] / by_size[before]) / np.log(last / before))
        note = f"from {before:,} to {last:,} songs; {unit}: "
        note += ", ".join(f"{number(cost)} of {songs:,}" for songs, cost in by_size.items())
        figures.tell("How costs grow: as which power of the number of songs", what, [power], "", note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home")
    parser.add_argument("--songs", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--graphs", type=int, default=100_000, help="the most songs that graphs are built for")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="a JSON line a figure, for bench/table.py")
    wanted = parser.parse_args()
    figures = Figures("query", wanted.json)
    figures.say(about())
    whole_commands(figures, wanted.runs)
    with nullcontext() if wanted.home else tempfile.TemporaryDirectory() as scratch:
        as_it_grows(figures, wanted.home or rendered(scratch), wanted.songs, wanted.graphs)


if __name__ == "__main__":
    main()
