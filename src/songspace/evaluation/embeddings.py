"""The embeddings of a library side by side: what it has learnt, and baselines fitted then and there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songspace.encoders.base import REGISTRY, encoder_class
from songspace.errors import SongspaceError
from songspace.library import Library, Song
from songspace.library.cache import SpectrogramCache
from songspace.library.index import Listening
from songspace.library.learnt import learnt, song_vectors
from songspace.space import Space

BASELINES = ("raw", "pca", "random")
"""Encoders that need no training to speak of: they are fitted when they are asked for."""


def of_library(library: Library, names: Sequence[str] | None = None) -> tuple[list[Song], dict[str, np.ndarray]]:
    """Song vectors of several encoders over the same songs.

    Parameters
    ----------
    library : Library
    names : sequence of str, optional
        Encoders, or ``["all"]``; by default those that the library has learnt, the one in use first.

    Returns
    -------
    songs : list of Song
    vectors : dict of str to ndarray of shape (songs, d)
        Centred and of unit length, as in a :class:`songspace.Space`.

    Raises
    ------
    SongspaceError
        If an encoder would have to be trained first.
    """
    has = [name for name in REGISTRY if learnt(library.catalog, name)]
    has.sort(key=lambda name: name != library.encoder)
    if names is None:
        names = has
    elif list(names) == ["all"]:
        names = [*has, *(name for name in BASELINES if name not in has)]
    found = {}
    for name in dict.fromkeys(names):
        encoder_class(name)
        if name in has:
            found[name] = song_vectors(library.home, library.catalog, name)
        elif name in BASELINES:
            found[name] = _fitted(library, name)
        else:
            raise SongspaceError(f"This library has not learnt {name}: run `songspace learn FOLDER --encoder {name}`.")
    common = set.intersection(*(set(ids.tolist()) for _, ids in found.values()))
    songs = [song for song in library.songs() if song.id in common]
    return songs, {name: _rows_of(songs, *pair) for name, pair in found.items()}


def _fitted(library: Library, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Fit a baseline to the cached spectrograms and average its vectors over each song's sounding segments."""
    listening = Listening.of(library.catalog)
    shape = (listening.windows, *listening.frontend.shape)
    cache = SpectrogramCache(library.home.cache, library.catalog, shape=shape)
    if not cache.identities():
        raise SongspaceError("The cache of spectrograms is gone: run `songspace learn FOLDER` to fill it again.")
    X, groups = cache.rows()
    encoder = encoder_class(name)().fit(X, groups=groups)
    ids = cache.songs()
    means = []
    for song in ids:
        _, silent = library.catalog.segments(song)
        means.append(encoder.transform(cache.get(song)[~silent]).mean(axis=0))
    return np.stack(means), np.array(ids)


def _rows_of(songs: Sequence[Song], vectors: np.ndarray, ids: np.ndarray) -> np.ndarray:
    row = {int(id): number for number, id in enumerate(ids)}
    return np.asarray(Space.from_vectors(vectors[[row[song.id] for song in songs]]).vectors)
