"""The embeddings of a library side by side: what it has learnt, and baselines fitted then and there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songspace.encoders.base import REGISTRY, encoder_class
from songspace.errors import SongspaceError
from songspace.library import Library, Song
from songspace.library.cache import SpectrogramCache
from songspace.library.imported import IMPORTED, demand_sound
from songspace.library.index import Listening
from songspace.library.learnt import SongVectors, in_brief, learnt, song_vectors
from songspace.space import Space

BASELINES = ("raw", "pca", "random")
"""Encoders that need no training to speak of: they are fitted when they are asked for."""


REFERENCES = ("timbre", "random")
"""What a learnt encoder has to be better than: hand-made statistics, and a network that was never trained."""

CHEAP = 1000
"""Songs up to which an encoder that nobody asked for is fitted all the same: one core encodes 25 songs a second."""


def of_library(library: Library, names: Sequence[str] | None = None) -> tuple[list[Song], dict[str, Space]]:
    """The spaces of several encoders over the same songs.

    Parameters
    ----------
    library : Library
    names : sequence of str, optional
        Encoders, or ``["all"]``; by default those that the library has learnt, the one in use first and
        :data:`REFERENCES` last. A random network is fitted for it if the library has no more than :data:`CHEAP` songs,
        all of them in the cache of spectrograms.

    Returns
    -------
    songs : list of Song
    spaces : dict of str to Space
        The songs in one order; their ids are those of the songs.

    Raises
    ------
    SongspaceError
        If an encoder would have to be trained first.
    """
    has = [name for name in (*REGISTRY, IMPORTED) if learnt(library.catalog, name)]
    has.sort(key=lambda name: (name != library.encoder, name in REFERENCES))
    if names is None:
        names = [*has, *(name for name in REFERENCES if name not in has and _cheap(library))]
    elif list(names) == ["all"]:
        names = [*has, *(name for name in BASELINES if name not in has and IMPORTED not in has)]
    found = {}
    for name in dict.fromkeys(names):
        if name != IMPORTED:
            encoder_class(name)
        if name in has:
            found[name] = song_vectors(library.home, library.catalog, name)
        elif IMPORTED in has:
            demand_sound(library.catalog, f"only they can be scored, and not {name}")
        elif name in BASELINES:
            found[name] = _fitted(library, name)
        else:
            raise SongspaceError(f"This library has not learnt {name}: run `songspace learn FOLDER --encoder {name}`.")
    common = set.intersection(*(set(known.songs.tolist()) for known in found.values()))
    songs = [song for song in library.songs() if song.id in common]
    return songs, {name: _space_of(songs, known) for name, known in found.items()}


def _cache(library: Library) -> SpectrogramCache:
    listening = Listening.of(library.catalog)
    shape = (listening.windows, *listening.frontend.shape)
    return SpectrogramCache(library.home.cache, library.catalog, shape=shape)


def _cheap(library: Library) -> bool:
    """Whether a baseline takes seconds to fit, and costs no other encoder any song."""
    songs = library.catalog.count()
    return songs <= CHEAP and len(_cache(library)) == songs


def _fitted(library: Library, name: str) -> SongVectors:
    """Fit a baseline to the cached spectrograms and average its vectors over each song's sounding segments."""
    cache = _cache(library)
    if not cache.identities():
        raise SongspaceError("The cache of spectrograms is gone: run `songspace learn FOLDER` to fill it again.")
    X, groups = cache.rows()
    encoder = encoder_class(name)().fit(X, groups=groups)
    ids = cache.songs()
    found = []
    for song in ids:
        _, silent = library.catalog.segments(song)
        found.append(in_brief(encoder.transform(cache.get(song)[~silent])))
    vectors, openings, endings = np.stack(found, axis=1)
    return SongVectors(vectors, openings, endings, np.array(ids))


def _space_of(songs: Sequence[Song], known: SongVectors) -> Space:
    row = {int(id): number for number, id in enumerate(known.songs)}
    rows = [row[song.id] for song in songs]
    vectors, openings, endings = (array[rows] for array in (known.vectors, known.openings, known.endings))
    return Space.from_vectors(vectors, [song.id for song in songs], openings=openings, endings=endings)
