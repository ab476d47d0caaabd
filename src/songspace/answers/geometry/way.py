"""What lies between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from songspace.answers.facts import song_facts
from songspace.answers.geometry.labelled import Labelled
from songspace.answers.geometry.numbers import rounded
from songspace.library import Song

if TYPE_CHECKING:
    from songspace.geometry import Way

Along = Sequence[tuple[Song, float, float]]
"""Songs along a line, each with its position and how far off it lies."""


def find_way(asked: Labelled, a: str, b: str, *, most: int) -> tuple[Way, Along]:
    """What lies between two regions, and the songs along the line."""
    from songspace import geometry as rooms

    found = rooms.way(asked.space, asked.labels, a, b, asked.units, most=most, what=asked.kind.one)
    rows, positions, offsets = rooms.songs_between(asked.space, found)
    along = [(asked.songs[row], float(p), float(o)) for row, p, o in zip(rows, positions, offsets, strict=True)]
    return found, along


def way_facts(found: Way, along: Along) -> dict[str, Any]:
    """What lies between, as JSON knows it."""
    return {
        "from": {"name": found.a, "songs": found.sizes[0]},
        "to": {"name": found.b, "songs": found.sizes[1]},
        "length": round(found.length, 4),
        "between": [
            {
                "name": one.name,
                "songs": one.size,
                "position": rounded(one.position.as_dict()),
                "offset": rounded(one.offset.as_dict()),
                "margin": one.margin and rounded(one.margin.as_dict()),
                "step": rounded(one.step.as_dict()),
                "between": one.verdict,
            }
            for one in found.between
        ],
        "songs": [
            song_facts(song) | {"position": round(position, 4), "offset": round(offset, 4)}
            for song, position, offset in along
        ],
    }
