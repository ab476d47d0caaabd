"""An ear that teaches: what it says of a sample of the library, for an encoder that learns to say the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import numpy as np

from songspace.encoders.base import Encoder, encoder_class
from songspace.errors import EncodingError, SongspaceError
from songspace.library.costs import decoding
from songspace.library.scan import Found
from songspace.pipeline.stages import HEARD, Run, ears, sounds


def ear_of(kind: type[Encoder]) -> Encoder:
    """The ear that teaches an encoder of some kind.

    Raises
    ------
    SongspaceError
        If its weights are not here, or are damaged.
    """
    ear: Encoder = encoder_class(kind.taught_by)().fit(None)
    return ear


def said(run: Run, ear: Encoder, songs: Sequence[int]) -> dict[int, np.ndarray]:
    """What an ear says of each segment of some songs (segments, d), in their order; those that it cannot hear left out.

    What it said before, of these or of all songs, is not asked again, and is kept, also if the run is stopped.

    Raises
    ------
    SongspaceError
        If it can hear none.
    """
    catalog, key = run.catalog, ear.kept_as_
    catalog.set_fact(f"{HEARD}{ear.name}", key)
    lacking = set(catalog.without_vectors(key)).intersection(songs)
    missing = [song for song in catalog.songs(sorted(lacking)) if song.away is None]
    own = ears(ear, run.listening)
    assert own is not None

    def cost(file: Found, count: int) -> tuple[str, float]:
        kind, seconds = decoding(file)
        return kind, seconds + count * ear.seconds_to_encode

    if missing:
        run.course.begin("hearing")
        with closing(sounds(run, missing, own, "hearing", cost)) as heard:
            for song, X in heard:
                try:
                    catalog.set_vectors(key, song.id, ear.keep_song(X))
                except EncodingError as error:
                    run.reporter.say(f"{song.path} could not be heard by {ear.name}: {error}")
    found = {song: catalog.encoded(key, song) for song in songs}
    told = {song: one[0] for song, one in found.items() if one is not None}
    if not told:
        raise SongspaceError(f"{ear.name} could hear none of the songs that it should teach from.")
    return told
