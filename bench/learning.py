"""What learning is worth on artists that nothing was learnt from: the protocol by which ways of learning are chosen.

    python bench/learning.py FOLDER [--labels folder|genre|FILE.csv] [--splits 6] [--network] [--training-seeds 3]
                             [--steps N ...] [--teaching N] [--home DIR] [--kept FILE.jsonl]

FOLDER holds music whose artists are known. In each split half of the artists, drawn at random, teach, and the songs
of the other half are scored:

- *artist*: how early the other songs of a song's artist are found (mean average precision; other albums, where there
  are several). Choices are made by this, which needs no label.
- *AMI, P@10, mAP*: agreement with the labels, as `songspace evaluate` measures it. These only score.
- *spread*: the mean distance between two songs of an artist over that between any two, of the artists that taught
  over that of the others. 1 is right; a map that has learnt its artists by heart has much less.

A last table asks what the songs of the other half are for a library that learnt without them: they have been added by
`update`, and ask among all songs; beside it, what they are once all artists have taught.

Every row is the mean over the splits, with half of the mean 95 % interval (over artists). Below stand differences to
the hand-made space, and to the linear map. With --network, the contrastive network is trained for each split and
seed, once for each number of --steps, which takes long: --kept keeps what was found, so that a run that was stopped
goes on. It is trained once for two rows: beside the hand-made numbers, and alone; the seconds of the second are
without training. --steps 0 is the network's start, which has learnt from rendered sound only.

--teaching N lets no more artists teach than have about N songs: what learning is worth in a small library.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from machine import about
from songspace.categories import artist_codes, integers
from songspace.encoders import Contrastive, Encoder, Linear, Timbre
from songspace.encoders.contrastive import Untrained
from songspace.encoders.convnet import start_from
from songspace.evaluation import clustering, retrieval
from songspace.evaluation.labels import labels as read_labels
from songspace.evaluation.neighbors import nearest
from songspace.library.cache import SpectrogramCache
from songspace.library.catalog import Catalog
from songspace.library.credits import Credits
from songspace.library.home import Home
from songspace.library.listening import Listening
from songspace.library.records import Song
from songspace.pipeline import learn
from songspace.space import Space

Maker = Callable[[int], Encoder]
"""Makes an encoder for a training seed."""

PLAIN: Mapping[str, Maker] = {
    "hand-made": lambda seed: Timbre(),
    "linear, from songs": lambda seed: Linear(),
    "linear": lambda seed: Linear(),
    "untrained network and linear": lambda seed: Untrained(random_state=seed, device="cpu"),
    "untrained network alone": lambda seed: Untrained(statistics=False, random_state=seed, device="cpu"),
}
"""Each is taught by artists but the one whose name says that it is not."""


class Alone(Contrastive):
    """The network that another encoder has trained, without the hand-made numbers beside it."""

    @classmethod
    def of(cls, trained: Contrastive) -> Alone:
        """Of an encoder that was fitted to the same spectrograms."""
        alone = cls(**{**trained.get_params(deep=False), "statistics": False})
        alone.trained = trained.network_
        return alone

    def _learn(self, *_: Any, **__: Any) -> Any:
        return self.trained


class Started(Untrained):
    """The network as it begins, before any step on music."""

    def _learn(self, *args: Any, **kept: Any) -> Any:
        network = super()._learn(*args, **kept)
        start_from(network)
        return network


def networks(steps: int) -> dict[str, Maker]:
    """The makers of two rows that share a training."""
    trained: dict[int, Contrastive] = {}

    def train(seed: int) -> Encoder:
        kind = Contrastive if steps else Started
        trained[seed] = kind(steps=max(steps, 1), random_state=seed, device="cpu")
        return trained[seed]

    def alone(seed: int) -> Encoder:
        if seed not in trained:  # the first row was kept by an earlier run
            kind = Contrastive if steps else Started
            return kind(statistics=False, steps=max(steps, 1), random_state=seed, device="cpu")
        return Alone.of(trained.pop(seed))

    return {f"network of {steps:,} steps and linear": train, f"network of {steps:,} steps alone": alone}


METRICS = ("artist", "kmeans_ami", "precision", "average_precision")
AGAINST = ("hand-made", "linear")


class Collection:
    """The songs of a folder, as they were heard once."""

    def __init__(self, folder: str, labels: str, home: Home) -> None:
        learn(home, folder, encoder="timbre")
        with Catalog(home.catalog) as catalog:
            listening = Listening.of(catalog)
            shape = (listening.windows, *listening.frontend.shape)
            cache = SpectrogramCache(home.cache, catalog, shape=shape)
            self.songs: list[Song] = catalog.songs(cache.songs())
            heard = {song.id: cache.get(song.id)[~catalog.segments(song.id)[1]] for song in self.songs}
        self.X = np.concatenate([heard[song.id] for song in self.songs])
        self.groups = np.repeat(np.arange(len(self.songs)), [len(heard[song.id]) for song in self.songs])
        credits = Credits(self.songs)
        self.artists = [credits.main(song) for song in self.songs]
        self.labels = read_labels(self.songs, labels).values

    def vectors(self, encoder: Encoder, learnt: np.ndarray, *, artists: bool) -> np.ndarray:
        """The mean of each song's segments, by an encoder that learns from some of the songs."""
        rows = learnt[self.groups]
        taught = {}
        if artists and encoder.takes_artists:
            taught = {"artists": [self.artists[song] for song in self.groups[rows]]}
        encoder.fit(self.X[rows], groups=self.groups[rows], **taught)
        encoded = encoder.encode(self.X)
        sums = np.zeros((len(self.songs), encoded.shape[1]))
        np.add.at(sums, self.groups, encoded)
        return np.asarray(sums / np.bincount(self.groups)[:, None])

    def splits(self, count: int, teaching: int | None) -> list[np.ndarray]:
        """Which songs teach, in each split: those of half of the artists, and none of unknown artists.

        Of no more artists than have as many songs as are ``teaching``, where that is given.
        """
        names = [artist or "" for artist in self.artists]
        people, counts = np.unique([name for name in names if name], return_counts=True)
        found = []
        for seed in range(count):
            order = np.random.default_rng(seed).permutation(len(people))[: len(people) // 2]
            if teaching is not None:
                order = order[: np.searchsorted(np.cumsum(counts[order]), teaching) + 1]
            found.append(np.isin(names, people[order]))
        return found


def scored(collection: Collection, vectors: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    """What some songs score."""
    space = Space.from_vectors(vectors[rows])
    artists = [collection.artists[row] for row in rows]
    albums = [collection.songs[row].album for row in rows]
    found, _ = retrieval.same_artist_scores(space, artists, albums=albums)
    named = [place for place, row in enumerate(rows) if collection.labels[row] is not None]
    labels, people = [collection.labels[rows[place]] for place in named], [artists[place] for place in named]
    points = space.only(named)
    scores = {
        "artist": found["average_precision"],
        **clustering.scores(points.vectors, labels, artists=people, seeds=5, methods=("kmeans",)),
        **retrieval.scores(points, labels, artists=people, k=10),
    }
    return {name: scores[name] for name in METRICS} | {"spread": spread(space.vectors, artists)}


def spread(vectors: np.ndarray, artists: list[str | None]) -> float:
    """The mean distance between two songs of one artist, as a part of that between any two songs."""
    apart = np.sqrt(np.maximum(2 - 2 * vectors @ vectors.T, 0))
    numbers = np.unique([artist or f"{place}" for place, artist in enumerate(artists)], return_inverse=True)[1]
    above = np.triu(np.ones_like(apart, bool), 1)
    own = [
        apart[np.ix_(rows, rows)][np.triu_indices(len(rows), 1)].mean()
        for rows in (np.flatnonzero(numbers == artist) for artist in range(numbers.max() + 1))
        if len(rows) > 1
    ]
    return float(np.mean(own) / apart[above].mean())


def one(collection: Collection, encoder: Encoder, learnt: np.ndarray, *, artists: bool) -> dict[str, Any]:
    """An encoder's scores in one split: on artists it was not learnt from, and on those that it was."""
    began = time.process_time()
    vectors = collection.vectors(encoder, learnt, artists=artists)
    seconds = time.process_time() - began
    others, own = (scored(collection, vectors, np.flatnonzero(rows)) for rows in (~learnt, learnt))
    return {"others": others, "own": own, "spread": own["spread"] / others["spread"], "seconds": seconds}


def arrived(collection: Collection, vectors: np.ndarray, new: np.ndarray) -> list[float]:
    """What new songs score that ask among all songs: *artist* and P@10."""
    space = Space.from_vectors(vectors)
    own = [artist if is_new else None for artist, is_new in zip(collection.artists, new, strict=True)]
    found, _ = retrieval.same_artist_scores(space, own, albums=[song.album for song in collection.songs])
    labels = integers(collection.labels)
    rows = np.array([row for row in np.flatnonzero(new) if collection.labels[row] is not None])
    near = nearest(space, 10, apart=artist_codes(collection.artists, len(new)), rows=rows)
    return [found["average_precision"].value, float(np.nanmean(retrieval.precision(near, labels, labels[rows])))]


def new_songs(collection: Collection, splits: list[np.ndarray]) -> None:
    """Print what `update` adds, before and after learning again."""
    everyone = np.ones(len(collection.songs), bool)
    print("\n| new songs among all | artist (mAP) | P@10 |\n|---|---|---|")
    again = collection.vectors(Linear(), everyone, artists=True)
    plain = collection.vectors(Timbre(), everyone, artists=True)
    rows = {
        "hand-made": [arrived(collection, plain, ~learnt) for learnt in splits],
        "linear, learnt without them": [
            arrived(collection, collection.vectors(Linear(), learnt, artists=True), ~learnt) for learnt in splits
        ],
        "linear, learnt again with them": [arrived(collection, again, ~learnt) for learnt in splits],
    }
    for name, found in rows.items():
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in np.mean(found, axis=0))} |")


def told(scores: Mapping[str, Any], first: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Scores and differences to some rows, in what JSON knows."""
    plain: dict[str, Any] = {side: {m: scores[side][m].as_dict() for m in METRICS} for side in ("others", "own")}
    plain["minus"] = {
        name: {m: scores["others"][m].minus(theirs["others"][m]) for m in METRICS} for name, theirs in first.items()
    }
    return plain | {"spread": scores["spread"], "seconds": scores["seconds"]}


def cell(scores: list[dict[str, Any]]) -> str:
    value = np.mean([score["value"] for score in scores])
    halves = [np.ptp(score["interval"]) / 2 for score in scores if score["interval"]]
    return f"{value:.3f}" + (f" ±{np.mean(halves):.3f}" if halves else "")


def apart(differences: list[dict[str, Any]]) -> str:
    value = np.mean([one["value"] for one in differences])
    halves = [np.ptp(one["interval"]) / 2 for one in differences if one["interval"]]
    half = np.mean(halves) if halves else np.nan
    return f"{value:+.3f} [{value - half:+.3f}, {value + half:+.3f}]"


def report(found: Mapping[str, list[dict[str, Any]]], against: Sequence[str] = AGAINST) -> None:
    """The tables; ``against`` names the rows that others are compared with."""
    head = "artist (mAP) | k-means AMI | P@10 | mAP"
    print(f"\n| not learnt from | {head} | spread | seconds to learn and encode |\n|---|---|---|---|---|---|---|")
    for name, rows in found.items():
        cells = [cell([row["others"][metric] for row in rows]) for metric in METRICS]
        ratio, seconds = (np.mean([row[figure] for row in rows]) for figure in ("spread", "seconds"))
        print(f"| {name} | {' | '.join(cells)} | {ratio:.2f} | {seconds:.1f} |")
    print(f"\n| learnt from | {head} |\n|---|---|---|---|---|")
    for name, rows in found.items():
        print(f"| {name} | {' | '.join(cell([row['own'][metric] for row in rows]) for metric in METRICS)} |")
    for other in against:
        print(f"\n| minus {other} | {head} |\n|---|---|---|---|---|")
        for name, rows in found.items():
            if name != other and other in rows[0]["minus"]:
                cells = [apart([row["minus"][other][metric] for row in rows]) for metric in METRICS]
                print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--labels", default="folder")
    parser.add_argument("--splits", type=int, default=6)
    parser.add_argument("--network", action="store_true")
    parser.add_argument("--training-seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, nargs="+", default=[500])
    parser.add_argument("--teaching", type=int)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--kept", type=Path)
    wanted = parser.parse_args()
    print(about(), flush=True)
    kept: dict[str, dict[str, Any]] = {}
    if wanted.kept and wanted.kept.exists():
        kept = dict(json.loads(line) for line in wanted.kept.read_text().splitlines())
    rows = dict(PLAIN)
    for steps in wanted.steps if wanted.network else ():
        rows |= networks(steps)
    with tempfile.TemporaryDirectory() as scratch:
        collection = Collection(wanted.folder, wanted.labels, Home(wanted.home or Path(scratch) / "home"))
    known = [artist for artist in collection.artists if artist]
    print(f"{len(collection.songs)} songs by {len(set(known))} artists, {wanted.splits} splits", flush=True)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in rows}
    splits = collection.splits(wanted.splits, wanted.teaching)
    for number, learnt in enumerate(splits):
        first: dict[str, dict[str, Any]] = {}
        for name, make in rows.items():
            seeded = "network" in name
            for seed in range(wanted.training_seeds if seeded else 1):
                few = f" {wanted.teaching}" if wanted.teaching else ""
                key = f"{os.path.basename(wanted.folder)}{few} {name} {number} {seed}"
                if key not in kept:
                    scores = one(collection, make(seed), learnt, artists="from songs" not in name)
                    first |= {name: scores} if name in AGAINST else {}
                    compared = {other: theirs for other, theirs in first.items() if other != name}
                    kept[key] = told(scores, compared)
                    if wanted.kept:
                        with wanted.kept.open("a") as file:
                            file.write(json.dumps([key, kept[key]]) + "\n")
                elif name in AGAINST:  # others are compared with it
                    first[name] = one(collection, make(seed), learnt, artists=True)
                found[name].append(kept[key])
        print(f"split {number}: {int(learnt.sum())} songs teach", flush=True)
    report(found)
    new_songs(collection, splits)


if __name__ == "__main__":
    main()
