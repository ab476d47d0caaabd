"""The map of an encoder that was made elsewhere: found from what a library keeps of its songs, without hearing any."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from songspace.encoders.pretrained import Pretrained
from songspace.library.credits import taught_by, teachers
from songspace.library.learnt import kept_segments
from songspace.pipeline.stages import Run

Kept = Mapping[int, np.ndarray]
"""An encoder's own vectors of the segments of each song, by the song's id."""


def kept(run: Run, encoder: Pretrained) -> Kept:
    """All that a library keeps of what an encoder said, by the songs' identities."""
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
    """Some songs in a map that was found without them ("learnt"), and as the encoder itself sees them ("unmapped")."""
    other = encoder.without_map()
    find_map(run, other, {id: X for id, X in songs.items() if id not in apart}, teacher)
    own = {id: songs[id] for id in sorted(apart)}
    return {"learnt": {id: other.placed(X) for id, X in own.items()}, "unmapped": own}
