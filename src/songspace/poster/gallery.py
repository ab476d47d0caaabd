"""The pictures of the report: this module computes their data, and :mod:`songspace.poster.plots` draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from songspace import maps
from songspace.encoders import load
from songspace.encoders.base import spread
from songspace.evaluation.clustering import principal_coordinates
from songspace.maps.projection import FEWEST
from songspace.poster import plots
from songspace.poster.data import Data, rank
from songspace.poster.learning import Embedding
from songspace.poster.plots import Look, in_order
from songspace.poster.scores import LEAKY, Test, of_items, own_numbers, place, places
from songspace.poster.segments import DECIBELS
from songspace.poster.splits import BY_ARTIST, BY_SONG
from songspace.poster.store import Store, digest
from songspace.poster.write_up import too_few
from songspace.reporter import Reporter

PERPLEXITY, PERPLEXITY_OF_FEW = 28.0, 20.0
"""Perplexity of t-SNE, as on the poster: for all genres, and for some genres."""

TSNE: dict[str, Any] = {"learning_rate": 50.0, "max_iter": 1000, "init": "random"}
"""Other settings of scikit-learn's t-SNE: the first two as on the poster, the third the default in 2017."""

FAVOURED = ("ali_right", "linear")
"""Embeddings in pictures of two embeddings."""

RUNGS = ("ali_run", "ali_described", "ali_right")
STEPS = 7
"""Number of spectrograms on the way between two songs."""


@dataclass(frozen=True)
class Discography:
    """The albums of the artist with most different years.

    Attributes
    ----------
    artist : str
    songs : list of int
    albums : list of str
        The album of each song.
    years : dict of str to int
        The year of each album: the earliest year of its songs.
    """

    artist: str
    songs: list[int]
    albums: list[str]
    years: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return this discography as plain values for JSON."""
        return {"artist": self.artist, "songs": len(self.songs), "years": self.years}


def discography(data: Data) -> Discography | None:
    """Find the artist with albums of most different years, then with most albums and songs; None without two albums."""
    works: dict[str, list[int]] = {}
    for song, clip in enumerate(data.clips):
        if clip.artist and clip.album and clip.year:
            works.setdefault(clip.artist, []).append(song)
    discographies = []
    for artist, songs in sorted(works.items()):
        years: dict[str, int] = {}
        for song in songs:
            clip = data.clips[song]
            assert clip.album and clip.year
            years[clip.album] = min(clip.year, years.get(clip.album, clip.year))
        if len(years) > 1 and len(songs) > 2:
            discographies.append(Discography(artist, songs, [str(data.clips[song].album) for song in songs], years))
    return max(
        discographies, key=lambda each: (len(set(each.years.values())), len(each.years), len(each.songs)), default=None
    )


def draw(
    data: Data,
    sides: np.ndarray,
    tests: Sequence[Test],
    learnt: Mapping[str, Embedding],
    result: Mapping[str, Any],
    albums: Discography | None,
    store: Store,
    seed: int,
    reporter: Reporter,
) -> dict[str, bytes]:
    """Draw all pictures that have data; return them as PNG by their names."""
    look = Look(tuple(in_order(data.genres)))
    made = {}
    by_name = {test.name: test for test in tests}
    shown = [test.name for test in tests if test.level == "segments" and not test.subset and test.split != LEAKY][:1]
    shown += [f"{name}-subset" for name in shown if f"{name}-subset" in by_name]
    total = 2 + len(shown)

    made["scores"] = _scores(result)
    reporter.progress("drawing", 1, total)
    histories = [
        (learnt[key].kind.name, learnt[key].facts["history"])
        for key in RUNGS
        if key in learnt and learnt[key].facts.get("history", {}).get("step")
    ]
    if histories:
        made["training"] = plots.training(histories)
    for number, name in enumerate(shown, 2):
        test = by_name[name]
        laid = [(e.kind.name, _segments_map(e, data, test, store, seed)) for e in learnt.values()]
        made["subset" if test.subset else "genres"] = plots.maps(laid, test.labels, look)
        reporter.progress("drawing", number, total)
    if result["between"]:
        made |= _between(data, sides, learnt, tuple(result["between"]["triple"]), look, store, seed)
    if albums:
        test = of_items(data, "albums", "songs", np.array(albums.songs))
        laid = [
            (learnt[key].kind.name, maps.layout(place(learnt[key], data, test), method="pca"))
            for key in FAVOURED
            if key in learnt
        ]
        if laid:
            made["albums"] = plots.albums(laid, albums.albums, albums.years)
    made |= _decoded(data, sides, learnt, store, seed)
    reporter.progress("drawing", total, total)
    return made


def _scores(result: Mapping[str, Any]) -> bytes:
    """Draw the headline score of all embeddings in the tests of all genres."""
    titles = {}
    for name, test in result["tests"].items():
        if not test["subset"] and test["split"] != LEAKY:
            what = "single segments" if test["level"] == "segments" else "whole songs"
            titles[name] = f"{what}\nby {test['split']}, n = {test['items']}"
    rows = [
        (
            embedding["name"],
            {
                name: test["scores"][key]["kmeans_ami"]
                for name, test in result["tests"].items()
                if key in test["scores"]
            },
            not too_few(embedding),
        )
        for key, embedding in result["embeddings"].items()
        if "failed" not in embedding
    ]
    return plots.scores(rows, titles)


def tsne(vectors: np.ndarray, *, perplexity: float, seed: int) -> np.ndarray:
    """Compute a map as on the poster: scikit-learn's t-SNE of standardised numbers, with the poster's settings.

    With fewer than ten different items, the map is that of the two principal components, as in all maps here.
    """
    from sklearn import manifold

    mean, spread = vectors.mean(axis=0, dtype=np.float64), vectors.std(axis=0, dtype=np.float64)
    spread[spread == 0] = 1.0
    scaled = (vectors - mean.astype(vectors.dtype)) / spread.astype(vectors.dtype)
    if scaled.shape[1] > len(scaled):
        scaled = principal_coordinates(scaled)  # it keeps all distances
    if len(np.unique(scaled, axis=0)) < FEWEST:
        return maps.layout(scaled, method="pca")
    near = min(perplexity, (len(scaled) - 1) / 3)
    return np.asarray(manifold.TSNE(perplexity=near, random_state=seed, **TSNE).fit_transform(np.float32(scaled)))


def _segments_map(embedding: Embedding, data: Data, test: Test, store: Store, seed: int) -> np.ndarray:
    """Compute the map of the segments of a test."""

    def vectors() -> np.ndarray:
        # The vectors will be standardised. With the coordinates of `place`, one for each item, that would make all
        # items equally distant. PCA as coded then has fewer numbers than items, and takes long: there `places` does no
        # harm.
        scored = embedding.kind.fitted == "scored"
        return places(embedding, data, test, store) if scored else own_numbers(embedding, data, test)

    return _map(embedding, vectors, test, store, seed)


def _map(embedding: Embedding, vectors: Callable[[], np.ndarray], test: Test, store: Store, seed: int) -> np.ndarray:
    """Compute a map by t-SNE, or return the stored one."""
    perplexity = PERPLEXITY_OF_FEW if test.subset else PERPLEXITY
    name = f"maps/{embedding.kind.key}-{test.name}"
    key = digest(embedding.key, test.level, test.items.tolist(), perplexity, TSNE, seed, "own numbers")
    return store.arrays(name, key, lambda: {"xy": tsne(vectors(), perplexity=perplexity, seed=seed)})["xy"]


def _between(
    data: Data,
    sides: np.ndarray,
    learnt: Mapping[str, Embedding],
    triple: tuple[str, str, str],
    look: Look,
    store: Store,
    seed: int,
) -> dict[str, bytes]:
    # The space of all genres, like that of the answer.
    all_songs = of_items(data, "all", "songs", np.flatnonzero(np.isin(sides, (BY_SONG, BY_ARTIST))))
    three = all_songs.only(triple)
    rows = []
    for key in FAVOURED:
        if key in learnt:
            vectors = own_numbers(learnt[key], data, all_songs)[np.isin(all_songs.items, three.items)]
            xy = _map(learnt[key], lambda vectors=vectors: vectors, three, store, seed)  # type: ignore[misc]
            rows.append((learnt[key].kind.name, vectors, xy))
    return {"between": plots.between(rows, three.labels, triple, look)} if rows else {}


def _decoded(
    data: Data, sides: np.ndarray, learnt: Mapping[str, Embedding], store: Store, seed: int
) -> dict[str, bytes]:
    """Draw the outputs of ALI's decoders for held-out songs, for the prior, and for the way between two songs."""
    if "ali_right" not in learnt:
        return {}
    held_out = np.flatnonzero(sides == (BY_ARTIST if (sides == BY_ARTIST).any() else BY_SONG))
    songs = _one_of_each(data, held_out.tolist(), seed, most=5)
    rows = np.array([data.rows_of([song])[0] for song in songs])
    names = [data.clips[song].genre for song in songs]
    originals = np.asarray(data.spectrograms(DECIBELS, rows)[:])
    made = {key: _decodings(learnt[key], data, rows, store, seed) for key in reversed(RUNGS) if key in learnt}
    lines = [("the song", list(zip(names, originals, strict=True)))]
    lines += [(learnt[key].kind.name.removeprefix("ALI "), _untitled(made[key]["rebuilt"])) for key in made]
    right = made["ali_right"]
    drawn = {
        "rebuilt": plots.spectrograms(lines),
        "samples": plots.spectrograms([("samples", _untitled(right["samples"]))]),
    }
    if len(rows) > 1:
        way = [(names[0], originals[0]), *_untitled(right["way"]), (names[1], originals[1])]
        drawn["way"] = plots.spectrograms([("the way", way)])
    return drawn


def _untitled(spectrograms: np.ndarray) -> list[tuple[str, np.ndarray]]:
    return [("", spectrogram) for spectrogram in spectrograms]


def _one_of_each(data: Data, songs: Sequence[int], seed: int, *, most: int) -> list[int]:
    """Draw one song of each genre, from at most ``most`` genres spread over all."""
    first: dict[str, int] = {}
    for song in sorted(songs, key=lambda song: rank(seed, "decoded", data.clips[song].identity)):
        first.setdefault(data.clips[song].genre, song)
    genres = [genre for genre in data.genres if genre in first]
    return [first[genres[number]] for number in spread(len(genres), most)]


def _decodings(embedding: Embedding, data: Data, rows: np.ndarray, store: Store, seed: int) -> dict[str, np.ndarray]:
    """Decode songs from their codes, samples from the prior, and the straight way between the first two codes."""

    def decode() -> dict[str, np.ndarray]:
        ali: Any = load(store.folder / "encoders" / embedding.kind.key)
        frontend = ali.get_frontend()
        codes = ali.transform(data.spectrograms(frontend, rows))
        prior = np.random.default_rng(seed).standard_normal((8, ali.latent)).astype(np.float32)
        share = np.linspace(0, 1, STEPS)[:, None]
        way = (1 - share) * codes[0] + share * codes[min(1, len(codes) - 1)]
        made = {"rebuilt": codes, "samples": prior, "way": way}
        return {name: _decibels(ali.inverse_transform(z), frontend.log).astype(np.float16) for name, z in made.items()}

    return store.arrays(f"decoded-{embedding.kind.key}", digest(embedding.key, rows.tolist(), seed), decode)


def _decibels(spectrograms: np.ndarray, logarithmic: bool) -> np.ndarray:
    """Convert the output of a decoder to decibels; plain power is at least 1e-10."""
    if logarithmic:
        return spectrograms
    return 10 * np.log10(np.maximum(spectrograms, 1e-10))
