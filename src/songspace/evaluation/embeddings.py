"""The embeddings of a library side by side: those that it has learnt, and baselines fitted when needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

import numpy as np

from songspace.encoders import encoder_class, encoder_names, load
from songspace.encoders.base import Encoder
from songspace.encoders.pretrained import Pretrained
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

BASELINES = ("raw", "pca", "random")
"""Encoders that need hardly any training: they are fitted when they are requested."""

REFERENCES = ("timbre",)
"""References for a learnt encoder, beside its own controls: hand-made statistics."""

CHEAP = 1000
"""Up to this number of songs, controls are fitted without a request: one core encodes 25 songs a second."""


def of_library(library: Library, names: Sequence[str] | None = None) -> tuple[list[Song], dict[str, Space]]:
    """Return the spaces of several encoders over the same songs.

    A trained encoder stands beside its controls, "NAME-untrained" and "NAME-no-network": fitted to the same songs, with
    its network as it was drawn, and without it. One that was made elsewhere stands beside "NAME-unmapped", its own
    vectors.

    Parameters
    ----------
    library : Library
    names : sequence of str, optional
        Encoders, or ``["all"]``: all that the library has learnt, with their controls, and :data:`BASELINES`. By
        default those that it has learnt, the one in use first, its controls, and :data:`REFERENCES` last; controls are
        fitted for it if the library has no more than :data:`CHEAP` songs, all of them in the cache of spectrograms.

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
    has = all_learnt(library.catalog)
    order = encoder_names()
    has.sort(key=lambda name: (name != library.encoder, name in REFERENCES, [*order, name].index(name)))
    controls = {name: _controls(library, name) for name in has}
    if names is None:
        first = list(controls[library.encoder]) if library.encoder in controls and _cheap(library) else []
        names = [has[0], *first, *has[1:]] if has else []
    elif list(names) == ["all"]:
        names = [one for name in has for one in (name, *controls[name])]
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
    """Return whether a baseline takes seconds to fit, and costs no other encoder any song."""
    songs, cache = library.catalog.count(), _cache(library)
    return songs <= CHEAP and len(cache) == songs and all(map(cache.is_whole, cache.songs()))


def _controls(library: Library, name: str) -> dict[str, Callable[[], SongVectors]]:
    """Return, for each control of a learnt encoder, a function that fits it to the encoder's songs and encodes them."""
    what = learnt(library.catalog, name)
    if what is None:
        return {}
    try:
        encoder = load(library.home.encoder(name, what.fingerprint), check_files=False)
    except SongspaceError:  # its package is gone, or its files are: what it has encoded still counts
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
    who = teachers(library.songs(), set(ids) - set(without)) if by_artists else {}
    taught = taught_by(who, (ids[group] for group in groups))
    encoder.fit(X, groups=groups, **taught)
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
