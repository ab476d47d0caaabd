"""An ear that teaches: what it says of a sample of the library, for an encoder that learns to say the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from sklearn.metrics.pairwise import paired_cosine_distances

from songspace.encoders.base import Encoder, encoder_class
from songspace.encoders.pretrained import Pretrained
from songspace.library.credits import taught_by, teachers
from songspace.library.learnt import kept_segments
from songspace.library.listening import ears
from songspace.pipeline.stages import HEARD, Run, hear_and_keep

EXAMINED = 50
"""Songs, at most, of which a student is asked what it has not been taught."""

_ROUGH = 0.5
"""A cosine with the ear below which what a student says is far from what it was taught."""


def ear_of(kind: type[Encoder]) -> Encoder:
    """Return the ear that teaches an encoder of some kind.

    Raises
    ------
    SongspaceError
        If its weights are not here, or are damaged.
    """
    ear: Encoder = encoder_class(kind.taught_by)().fit(None)
    return ear


def said(run: Run, ear: Encoder, songs: Sequence[int]) -> dict[int, np.ndarray]:
    """Return an ear's vectors of the segments of some songs; those that it cannot hear are left out.

    What it said before, of these or of all songs, is not asked again, and is kept, also if the run is stopped.
    """
    catalog, key = run.catalog, ear.kept_as_
    catalog.set_fact(f"{HEARD}{ear.name}", key)
    own = ears(ear, run.listening)
    assert own is not None
    note = f"The {ear.name} ear listens to {{}} songs, to teach what it hears."
    hear_and_keep(
        run, ear, own, sorted(set(catalog.without_vectors(key)).intersection(songs)), stage="hearing", note=note
    )
    stored = {song: catalog.encoded(key, song) for song in songs}
    return {song: one[0] for song, one in stored.items() if one is not None}


def examination(run: Run, student: Encoder, told: Mapping[int, np.ndarray], middle: np.ndarray) -> str:
    """Return a sentence on how near a student comes to its ear on songs that it was not taught.

    Parameters
    ----------
    run : Run
    student : Encoder
    told : mapping of int to ndarray of shape (segments, d)
        What the ear says of these songs.
    middle : ndarray of shape (d,)
        The mean of what it said of those that it taught: both are looked at from there.
    """
    pairs = ((student.encode(run.cache.get(song)) - middle, own - middle) for song, own in told.items())
    cosine = float(np.concatenate([1 - paired_cosine_distances(a, b) for a, b in pairs]).mean())
    return (
        f"Of {len(told)} songs that it was not taught, the {student.name} says what the ear says with a cosine of "
        f"{cosine:.2f} (1 is the same, 0 is chance)."
        + (" That is far from it: its words will be rough, and more steps may help." if cosine < _ROUGH else "")
    )


Kept = Mapping[int, np.ndarray]
"""An encoder's own vectors of the segments of each song, by the song's id."""


def kept(run: Run, encoder: Pretrained) -> Kept:
    """Return the vectors that a library has stored of an encoder, by song."""
    return dict(kept_segments(run.catalog, encoder.kept_as_))


def find_map(run: Run, encoder: Pretrained, songs: Kept, teacher: str) -> str:
    """Let songs, and who made them, teach an encoder its map; returns which of the two taught."""
    who = teachers(run.songs(), songs) if teacher == "artists" else {}
    owners = np.repeat(list(songs), [len(X) for X in songs.values()])
    encoder.fit_map(np.concatenate(list(songs.values())), owners, **taught_by(who, owners.tolist()))
    return "artists" if who else "songs"


def found_without(
    run: Run, encoder: Pretrained, songs: Kept, apart: Collection[int], teacher: str
) -> dict[str, dict[int, np.ndarray]]:
    """Place songs in a map that was learnt without them ("learnt"), and in the encoder's own space ("unmapped")."""
    other = encoder.without_map()
    find_map(run, other, {id: X for id, X in songs.items() if id not in apart}, teacher)
    own = {id: songs[id] for id in sorted(apart)}
    return {"learnt": {id: other.placed(X) for id, X in own.items()}, "unmapped": own}
