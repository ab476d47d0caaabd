"""What a trained ear is worth on artists that nothing was learnt from, by the protocol of bench/learning.py.

    python bench/ears.py FOLDER [--ear musicnn | --model FILE.onnx] [--student] [--labels folder|genre|FILE.csv]
                         [--splits 6] [--home DIR]

Half of the artists teach, and the songs of the others are scored: by *artist* (how early an artist's other songs are
found), which needs no label, and by the labels. The ear is asked as it is; under the map that the library's artists
teach; and beside the hand-made numbers, under such a map. Then what fewer segments of each song are worth; and what a
song costs the ear. With --student the ear teaches a small network on the songs of the artists who teach; that is asked
about the songs of the others, which neither it nor its teacher has heard; it takes some minutes for each split. Beside
it stands a linear regression from the hand-made numbers to what the ear says.
With --model any network is asked instead that was made elsewhere (docs/encoders.md); it teaches nobody.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.metrics.pairwise import paired_cosine_distances
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import learning
from machine import about
from songspace.encoders import Linear, Timbre, discriminants
from songspace.encoders.base import load
from songspace.encoders.checks import teacher_codes
from songspace.encoders.ears import EARS
from songspace.encoders.linear import hand_made
from songspace.encoders.student import Student
from songspace.library.catalog import Catalog
from songspace.library.home import Home
from songspace.library.learnt import kept_segments, learnt
from songspace.pipeline import learn

PATCHES = (1, 2, 3, 5)
"""Segments of a song that are asked, of all that there are."""


class Ears:
    """What an ear said of a collection's segments, beside their hand-made numbers."""

    def __init__(
        self, collection: learning.Collection, folder: str, home: Home, name: str, model: Path | None = None
    ) -> None:
        learn(home, folder, encoder=name, model=model)
        with Catalog(home.catalog) as catalog:
            what = learnt(catalog, name)
            assert what is not None
            kept = dict(kept_segments(catalog, what.vectors))
        self.encoder = load(home.encoder(name, what.fingerprint))
        self.collection = collection
        self.cosines: dict[str, list[float]] = {}
        self.own = np.concatenate([kept[song.id] for song in collection.songs])
        frontend = Linear().get_frontend()
        parts = np.array_split(np.arange(len(collection.X)), range(100, len(collection.X), 100))
        described = [hand_made(frontend.dequantize(collection.X[rows]), frontend) for rows in parts]
        self.by_hand = [np.concatenate(block) for block in zip(*described, strict=True)]

    def means(self, vectors: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        """The mean of each song's segments, or of those that are chosen."""
        groups = self.collection.groups
        rows = np.arange(len(groups)) if chosen is None else chosen
        sums = np.zeros((len(self.collection.songs), vectors.shape[1]))
        np.add.at(sums, groups[rows], vectors[rows])
        found: np.ndarray = sums / np.bincount(groups[rows])[:, None]
        return found

    def mapped(self, blocks: list[np.ndarray], taught: np.ndarray) -> np.ndarray:
        """Segments under a map that some songs and their artists teach."""
        groups, artists = self.collection.groups, self.collection.artists
        rows = np.flatnonzero(taught[groups])
        songs = np.unique(groups[rows], return_inverse=True)[1]
        who = teacher_codes([artists[song] for song in groups[rows]], songs)
        found = discriminants.fit([block[rows] for block in blocks], songs, 128, artists=who)
        parts = np.array_split(np.arange(len(groups)), range(500, len(groups), 500))
        return np.concatenate([found(np.concatenate([block[part] for block in blocks], axis=1)) for part in parts])

    def some(self, count: int) -> np.ndarray:
        """Rows of so many segments of each song, evenly spread."""
        found = []
        for song in range(len(self.collection.songs)):
            rows = np.flatnonzero(self.collection.groups == song)
            found.append(rows[np.unique(np.linspace(0, len(rows) - 1, count + 2)[1:-1].round().astype(int))])
        return np.concatenate(found)

    def taught(self, learnt: np.ndarray) -> np.ndarray:
        """Segments as a student hears them whom the ear has taught on some songs."""
        artists = [str(self.collection.artists[song]) for song in self.collection.groups]
        groups = np.unique(artists, return_inverse=True)[1]
        rows = learnt[self.collection.groups]
        plan = Student.plan
        assert plan is not None
        student = Student(steps=plan.steps(int(learnt.sum())), device="cpu")
        return student.fit(self.collection.X[rows], self.own[rows], groups=groups[rows]).encode(self.collection.X)

    def regressed(self, learnt: np.ndarray) -> np.ndarray:
        """The simplest student: the ear's vectors by linear regression from the hand-made numbers of some songs."""
        rows = learnt[self.collection.groups]
        numbers = np.concatenate(self.by_hand, axis=1)
        model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(1, 5, 9)))
        return np.asarray(model.fit(numbers[rows], self.own[rows]).predict(numbers))

    def agree(self, name: str, said: np.ndarray, learnt: np.ndarray) -> None:
        """Note the mean cosine with what the ear says of songs by others, both seen from the mean of what it taught."""
        rows = learnt[self.collection.groups]
        middle = self.own[rows].mean(axis=0)
        apart = paired_cosine_distances(said[~rows] - middle, self.own[~rows] - middle)
        self.cosines.setdefault(name, []).append(float(1 - apart.mean()))

    def rows(self, name: str, taught: np.ndarray, *, student: bool) -> Mapping[str, np.ndarray]:
        """Songs as each row of the table sees them."""
        collection = self.collection
        found = {
            "hand-made": collection.vectors(Timbre(), taught, artists=False),
            "linear": collection.vectors(Linear(), taught, artists=True),
            name: self.means(self.own),
            f"{name}, mapped": self.means(self.mapped([self.own], taught)),
            f"{name} beside hand-made, mapped": self.means(self.mapped([self.own, *self.by_hand], taught)),
        }
        found |= {f"{name}, {count} segments": self.means(self.own, self.some(count)) for count in PATCHES}
        if student:
            guessed, heard = self.regressed(taught), self.taught(taught)
            self.agree("regression", guessed, taught)
            self.agree("student", heard, taught)
            found["ear by regression from hand-made numbers"] = self.means(guessed)
            found["student"] = self.means(heard)
            found["student beside hand-made, mapped"] = self.means(self.mapped([heard, *self.by_hand], taught))
        return found


def cost(ears: Ears, name: str) -> None:
    """Print what one song costs, on one thread, beside the same network as torch convolves it."""
    import torch

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import ear_files

    torch.set_num_threads(1)
    frontend, weights = ears.encoder.get_frontend(), EARS[name].open()
    X = np.random.default_rng(0).random((10, *frontend.shape)).astype(np.float32)
    each = {
        "songspace": lambda: ears.encoder.keep_song(X),
        "torch": lambda: [ear_files.layers(weights, x[None].transpose(0, 2, 1)) for x in X],
    }
    taken: dict[str, list[float]] = {who: [] for who in each}
    with torch.inference_mode():
        for _ in range(9):
            for who, work in each.items():
                began = time.process_time()
                work()
                taken[who].append(time.process_time() - began)
    for who, seconds in taken.items():
        low, middle, high = (1000 * value for value in (min(seconds), float(np.median(seconds)), max(seconds)))
        print(f"Ten segments cost {who} {middle:.0f} ms of a core ({low:.0f} to {high:.0f}, 9 times).")
    ratio = np.median(np.array(taken["torch"]) / np.array(taken["songspace"]))
    print(f"torch : songspace {ratio:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--ear", default="musicnn")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--student", action="store_true")
    parser.add_argument("--labels", default="folder")
    parser.add_argument("--splits", type=int, default=6)
    parser.add_argument("--home", type=Path)
    wanted = parser.parse_args()
    name = "onnx" if wanted.model else wanted.ear
    print(about(), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        home = Home(wanted.home or Path(scratch) / "home")
        collection = learning.Collection(wanted.folder, wanted.labels, home)
        ears = Ears(collection, wanted.folder, home, name, wanted.model)
    found: dict[str, list[dict[str, Any]]] = {}
    for taught in collection.splits(wanted.splits, None):
        first: dict[str, dict[str, Any]] = {}
        for row, vectors in ears.rows(name, taught, student=wanted.student and not wanted.model).items():
            others, own = (learning.scored(collection, vectors, np.flatnonzero(rows)) for rows in (~taught, taught))
            scores = {"others": others, "own": own, "spread": own["spread"] / others["spread"], "seconds": 0.0}
            found.setdefault(row, []).append(learning.told(scores, first))
            if row in ("hand-made", "linear", name):
                first[row] = scores
        print(".", end="", flush=True)
    print()
    learning.report(found, against=("hand-made", "linear", name))
    for who, cosines in ears.cosines.items():
        print(f"{who}: cosine with what the ear says of songs by others {np.mean(cosines):.3f}")
    if not wanted.model:
        cost(ears, name)


if __name__ == "__main__":
    main()
