"""How near versions of a song lie to each other, and other songs: what CLOSE and SAME were chosen by, without labels.

    python bench/versions.py --home DIR [--encoder NAME] [--songs 40] [--seed 0] [--workers 2]

Printed are quantiles of distances in the space of the encoder in use (or of `--encoder`), as shares of its reach, and
how many are within CLOSE and SAME: of the two halves of each song, of different songs of one artist, and of some songs
and altered copies of them, made as `bench/robustness.py` makes them. Last, the versions that were found, to look at.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from machine import about
from robustness import ALTERATIONS, alter
from songspace import Library
from songspace.library.learnt import load_learnt, song_vectors
from songspace.library.listening import Heard, Listening, hear
from songspace.library.scan import Found
from songspace.library.workers import FileFailure
from songspace.space import Space
from songspace.space.versions import CLOSE, SAME, reach, versions

QUANTILES = (0, 0.01, 0.05, 0.5, 0.95, 1)


def show(what: str, distances: list[float] | np.ndarray) -> None:
    found = np.asarray(distances)
    if len(found):
        shown = " ".join(f"{quantile:6.3f}" for quantile in np.quantile(found, QUANTILES))
        print(f"{what:28} {len(found):6d} {shown} {np.mean(found <= CLOSE):8.1%} {np.mean(found <= SAME):8.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--encoder")
    parser.add_argument(
        "--songs", type=int, default=40, help="altered copies of so many, drawn at random [default: 40]"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    wanted = parser.parse_args()
    library = Library(wanted.home)
    name = wanted.encoder or library.encoder
    vectors, _, _, ids = song_vectors(library.home, library.catalog, name)
    space = Space.from_vectors(vectors, ids)
    by_id = {song.id: song for song in library.songs()}
    songs = [by_id[id] for id in space.ids.tolist()]
    numbers = versions(songs, space)
    print(about())
    unit = reach(space)
    print(f"{len(songs)} songs, encoder {name}, reach {unit:.3f}, seed {wanted.seed}\n")
    print(f"{'quantiles of distances':28} {'pairs':>6} " + " ".join(f"{q:6.0%}" for q in QUANTILES), end=" ")
    print(f"{f'<= {CLOSE}':>8} {f'<= {SAME}':>8}")

    segments, song_of, _ = library.segments(name)
    halves = []
    for id in by_id:
        own = segments[song_of == id]
        if len(own) > 3:
            a, b = space.place(np.stack([half.mean(axis=0) for half in (own[: len(own) // 2], own[-len(own) // 2 :])]))
            halves.append(float(np.linalg.norm(a - b)))
    show("halves of a song", np.array(halves) / unit)

    of_artist = defaultdict(list)
    for row, song in enumerate(songs):
        if song.artist:
            of_artist[song.artist].append(row)
    pairs = [(a, b) for rows in of_artist.values() for a in rows for b in rows if a < b and numbers[a] != numbers[b]]
    show("other songs of the artist", [space.distance(a, b) / unit for a, b in pairs])

    drawn = np.random.default_rng(wanted.seed).choice(len(songs), min(wanted.songs, len(songs)), replace=False)
    encoder, listening = load_learnt(library.home, library.catalog, name), Listening.of(library.catalog)
    copies: dict[str, list[float]] = {how: [] for how in ALTERATIONS}
    with tempfile.TemporaryDirectory() as folder:
        of = {}
        for row in sorted(drawn.tolist()):
            made = alter(songs[row].path, Path(folder), row, wanted.seed)
            of |= {path: (how, row) for how, path in zip(ALTERATIONS, made, strict=True)}
        for file, outcome in hear([Found(path) for path in of], listening, workers=wanted.workers):
            for heard in () if isinstance(outcome, FileFailure) else outcome:
                assert isinstance(heard, Heard)
                how, row = of[file.path]
                copy = space.place(encoder.transform(heard.codes[~heard.silent]).mean(axis=0))
                copies[how].append(space.distance(row, copy) / unit)
    for how, distances in copies.items():
        show(how, distances)

    print()
    for number in sorted(set(numbers[numbers != np.arange(len(songs))].tolist())):
        print(" = ".join(songs[row].name for row in np.flatnonzero(numbers == number)))


if __name__ == "__main__":
    main()
