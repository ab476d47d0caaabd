"""The embeddings of a library for a comparison: the learnt ones, and baselines fitted on request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

import numpy as np

from songspace.encoders import encoder_class, encoder_names, load
from songspace.encoders.base import Encoder
from songspace.encoders.pretrained import Pretrained
from songspace.encoders.registry import BY_HAND, UNTRAINED
from songspace.errors import SongspaceError
from songspace.library import Library, Song
from songspace.library.cache import SpectrogramCache
from songspace.library.credits import taught_by, teachers
from songspace.library.learnt import (
    IMPORTED,
    SongVectors,
    all_learnt,
    demand_sound,
    in_brief,
    in_brief_each,
    kept_segments,
    learnt,
    song_vectors,
)
from songspace.library.listening import Listening
from songspace.space import Space

BASELINES = ("raw", "pca", UNTRAINED)
"""Encoders with hardly any training: they are fitted on request."""

CHEAP = 1000
"""The most songs for which controls are fitted without a request: one core encodes 25 songs a second."""


def of_library(library: Library, names: Sequence[str] | None = None) -> tuple[list[Song], dict[str, Space]]:
    """Return the spaces of several encoders over the same songs.

    The controls of a trained encoder, "NAME-untrained" and "NAME-no-network", are fitted to the same songs, with a
    random network and without a network. The control of an encoder that was trained elsewhere, "NAME-unmapped", has the
    encoder's own vectors without the map.

    Parameters
    ----------
    library : Library
    names : sequence of str, optional
        Encoders, or ``["all"]``: all that the library has learnt, with their controls, and :data:`BASELINES`. By
        default all that it has learnt, the one in use first and the hand-made one last. The controls of the one in use
        are added if the library has at most :data:`CHEAP` songs, all of them in the cache of spectrograms.

    Returns
    -------
    songs : list of Song
    spaces : dict of str to Space
        Spaces with these songs in this order, under their ids.

    Raises
    ------
    SongspaceError
        If an encoder would have to be trained first.
    """
    has = all_learnt(library.catalog)
    order = encoder_names()
    has.sort(key=lambda name: (name != library.encoder, name == BY_HAND, [*order, name].index(name)))
    controls = {name: _controls(library, name) for name in has}
    if names is None:
        first = list(controls[library.encoder]) if library.encoder in controls and _cheap(library) else []
        names = [has[0], *first, *has[1:]] if has else []
    elif list(names) == ["all"]:
        names = [each for name in has for each in (name, *controls[name])]
        names += [name for name in BASELINES if name not in has and IMPORTED not in has]
    possible = {control: make for some in controls.values() for control, make in some.items()}
    vectors = {}
    for name in dict.fromkeys(names):
        if name in has:  # also if its package is gone
            vectors[name] = song_vectors(library.home, library.catalog, name)
            continue
        if name in possible:
            vectors[name] = possible[name]()
            continue
        encoder_class(name)
        if IMPORTED in has:
            demand_sound(library.catalog, f"only they can be scored, and not {name}")
        if name in BASELINES:
            vectors[name] = _fitted(library, encoder_class(name)())
        else:
            raise SongspaceError(f"This library has not learnt {name}: run `songspace learn FOLDER --encoder {name}`.")
    common = set.intersection(*(set(known.songs.tolist()) for known in vectors.values()))
    songs = [song for song in library.songs() if song.id in common]
    return songs, {name: _space_of(songs, known) for name, known in vectors.items()}


def _cache(library: Library) -> SpectrogramCache:
    listening = Listening.of(library.catalog)
    shape = (listening.windows, *listening.frontend.shape)
    return SpectrogramCache(library.home.cache, library.catalog, shape=shape)


def _cheap(library: Library) -> bool:
    """Return True if controls take seconds to fit, and no song is missing in the cache."""
    songs, cache = library.catalog.count(), _cache(library)
    return songs <= CHEAP and len(cache) == songs and all(map(cache.is_whole, cache.songs()))


def _controls(library: Library, name: str) -> dict[str, Callable[[], SongVectors]]:
    """Return, for each control of a learnt encoder, a function that fits it to the encoder's songs and encodes them."""
    what = learnt(library.catalog, name)
    if what is None:
        return {}
    try:
        encoder = load(library.home.encoder(name, what.fingerprint), check_files=False)
    except SongspaceError:  # its package or its files are gone: its stored vectors can still be scored
        return {}
    if isinstance(encoder, Pretrained):
        own = partial(kept_segments, library.catalog, what.vectors)
        has_map = what.vectors != what.fingerprint
        return {f"{name}-unmapped": lambda: in_brief_each(library.catalog, own())} if has_map else {}
    if encoder.get_frontend() != Listening.of(library.catalog).frontend:
        return {}
    return {
        f"{name}-{control}": partial(_fitted, library, made, set(what.held_out), what.teacher)
        for control, made in encoder.controls().items()
    }


def _fitted(library: Library, encoder: Encoder, without: Collection[int] = (), teacher: str = "songs") -> SongVectors:
    """Fit an encoder to the cached spectrograms and average its vectors over each song's sounding segments."""
    cache = _cache(library)
    if not cache.identities():
        raise SongspaceError("The cache of spectrograms is gone: run `songspace learn FOLDER` to fill it again.")
    X, groups = cache.rows(without=set(without))
    ids = cache.songs()
    by_artists = encoder.takes_artists and teacher == "artists"
    artists = teachers(library.songs(), set(ids) - set(without)) if by_artists else {}
    encoder.fit(X, groups=groups, **taught_by(artists, (ids[group] for group in groups)))
    parts = []
    for song in ids:
        _, silent = library.catalog.segments(song)
        parts.append(in_brief(encoder.encode(cache.get(song)[~silent])))
    vectors, openings, endings = np.stack(parts, axis=1)
    return SongVectors(vectors, openings, endings, np.array(ids))


def _space_of(songs: Sequence[Song], known: SongVectors) -> Space:
    row = {int(id): number for number, id in enumerate(known.songs)}
    rows = [row[song.id] for song in songs]
    vectors, openings, endings = (array[rows] for array in (known.vectors, known.openings, known.endings))
    return Space.from_vectors(vectors, [song.id for song in songs], openings=openings, endings=endings)
