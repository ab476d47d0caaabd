"""Libraries whose songs were imported as vectors that another program made."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from songspace.errors import SongspaceError
from songspace.library.catalog import Catalog, Track
from songspace.library.cue import Part
from songspace.library.learnt import learnt_fact
from songspace.library.scan import Found
from songspace.library.tags import Tags

IMPORTED = "imported"
"""What stands in the place of an encoder's name, and the fact that tells where the vectors came from."""


class ImportedSong(NamedTuple):
    """A song of such a library.

    Attributes
    ----------
    identity : bytes
        16 bytes that tell it from all others, here of its name and not of its sound.
    path : str
        Of its file, whether or not that is there.
    tags : Tags
    vector : ndarray of shape (d,)
    duration : float
        Seconds; 0 if that is not known.
    number : int or None
        The number that it has in the catalog; None: any.
    """

    identity: bytes
    path: str
    tags: Tags
    vector: np.ndarray
    duration: float = 0.0
    number: int | None = None


def keep_imported(catalog: Catalog, songs: Iterable[ImportedSong], *, source: str, fingerprint: str) -> None:
    """Put songs in the place of all that the catalog holds, all at once; those that it had before keep their numbers.

    Each has one segment, which is the song.
    """
    tracks = (
        (
            Found(song.path),
            Track(song.identity, Part(tags=song.tags), song.duration, [0.0], [False], {fingerprint: song.vector[None]}),
            song.number,
        )
        for song in songs
    )
    facts = {IMPORTED: json.dumps({"from": source}), "encoder": IMPORTED} | learnt_fact(IMPORTED, fingerprint)
    catalog.replace_all(tracks, facts)


def imported_from(catalog: Catalog) -> str | None:
    """Return the file that the songs of a library were imported from; None if they were listened to."""
    return catalog.json_fact(IMPORTED, lambda said: str(said["from"]))


def demand_sound(catalog: Catalog, lacking: str) -> None:
    """Raise an error if the songs of a library were imported, and have no sound.

    Raises
    ------
    SongspaceError
        If they were: "The songs of this library were imported as vectors from FILE, so ``lacking``."
    """
    if (source := imported_from(catalog)) is not None:
        shown = source.encode("utf-8", "replace").decode("utf-8")
        raise SongspaceError(f"The songs of this library were imported as vectors from {shown}, so {lacking}.")
